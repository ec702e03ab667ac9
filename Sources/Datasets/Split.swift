// SPDX-License-Identifier: Apache-2.0
import Crypto
import ExchangeModel

/// The two sides of a data set.
package enum DatasetSide: String, CaseIterable, Sendable {
    case eval, train
}

/// Decides sides and row order by salted hashes: the same for the same records, whatever their order and whatever else is there.
struct Split {
    private let salt: [UInt8]
    private let evalPPM: UInt64

    init(recipe: DatasetRecipe) {
        salt = Array(recipe.salt.utf8)
        evalPPM = UInt64(clamping: recipe.eval.sharePPM)
    }

    /// The side of a group: eval where the top 64 bits of `SHA256(salt || 0x00 || id)`, read as a fraction of 2^64, lie below the eval fraction.
    ///
    /// - Parameter group: the smallest record id of the group.
    /// - Returns: the side of all its rows.
    func side(ofGroup group: ExchangeID) -> DatasetSide {
        let u = Digest128(SHA256.hash(data: salt + [0] + group.textBytes)).high
        // floor(u * 10^6 / 2^64) < ppm says the same as u / 2^64 < ppm / 10^6.
        return u.multipliedFullWidth(by: 1_000_000).high < evalPPM ? .eval : .train
    }

    /// Where a row stands in its file: rows are sorted by this, then by id.
    func order(ofRecord id: ExchangeID) -> Digest128 {
        Digest128(HMAC<SHA256>.authenticationCode(for: id.textBytes, using: SymmetricKey(data: salt)))
    }
}

extension Digest128: Comparable {
    /// By value, most significant bits first.
    package static func < (a: Digest128, b: Digest128) -> Bool { (a.high, a.low) < (b.high, b.low) }
}
