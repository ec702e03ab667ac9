// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto
import ExchangeModel

/// Gives each conversation a fate: a number by keyed hash, the same for all its exchanges, in any order, after any restart.
///
/// World: thread. What one conversation is, is said by `OpeningText`; an exchange without an opening stands for itself.
struct ConversationSampler {
    private let secret: SymmetricKey
    /// Bytes of a body with a content coding that are decoded.
    private static let decodedBytes = 1 << 20

    /// A sampler.
    ///
    /// - Parameter secret: of the node, at least 16 bytes; with another one the fates are others.
    init(secret: [UInt8]) {
        // A key of its own: nothing else that is derived from the secret tells a fate.
        let derived = HMAC<SHA256>.authenticationCode(
            for: Array("weir capture sampling".utf8), using: SymmetricKey(data: secret))
        self.secret = SymmetricKey(data: Array(derived))
    }

    /// Whether an exchange is of the sample.
    ///
    /// A larger sample holds every smaller one.
    func isIn(_ view: ExchangeView, coding: ByteRun?, millionths: Int) -> Bool {
        guard millionths > 0 else { return false }
        guard millionths < CaptureTerms.all else { return true }
        let share = UInt64.max / UInt64(CaptureTerms.all)
        return fate(of: view, coding: coding) < share * UInt64(millionths)
    }

    /// The number of a conversation, evenly spread.
    func fate(of view: ExchangeView, coding: ByteRun?) -> UInt64 {
        let digest = digest(of: view, coding: coding)
        let code = HMAC<SHA256>.authenticationCode(for: digest, using: secret)
        return code.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    private func digest(of view: ExchangeView, coding: ByteRun?) -> [UInt8] {
        guard let coding, !coding.isEmpty, !coding.equalsIgnoringCase("identity") else {
            return ConversationSampler.digest(view.requestBody) ?? ConversationSampler.digest(of: view)
        }
        var none = ArrivalLog()
        let decoded = BodyDecoding(
            view.requestBody.array, coding: coding.text.lowercased(), limit: ConversationSampler.decodedBytes, arrivals: &none)
        guard let decoded else { return ConversationSampler.digest(of: view) }
        return unsafe decoded.bytes.withUnsafeBytes { unsafe ConversationSampler.digest(ByteRun($0)) }
            ?? ConversationSampler.digest(of: view)
    }

    private static func digest(_ body: ByteRun) -> [UInt8]? {
        var hash = SHA256()
        let isFound = OpeningText.read(body) { text in
            // The length parts one text from the next.
            unsafe withUnsafeBytes(of: UInt64(text.count).littleEndian) { unsafe hash.update(bufferPointer: $0) }
            unsafe hash.update(bufferPointer: UnsafeRawBufferPointer(start: text.base, count: text.count))
        }
        return isFound ? Array(hash.finalize()) : nil
    }

    private static func digest(of view: ExchangeView) -> [UInt8] { view.id.textBytes }
}
