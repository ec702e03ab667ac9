// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto
import HTTPWire

/// AWS Signature Version 4 for services other than S3, as AWS's General Reference describes it.
///
/// Pure: the time and the hash of the body come from outside.
package enum SigV4 {
    /// One header, name as it is sent.
    package typealias Header = (name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)

    /// The SHA-256 of no bytes.
    package static let emptyBodySHA256: [UInt8] = BodyHash().finish()

    /// Signs a request.
    ///
    /// The path is encoded once more than it is sent, which is what every service but S3 expects: `%3A` signs as `%253A`,
    /// a bare `:` as `%3A`.
    /// - Parameters:
    ///   - method: as sent.
    ///   - path: as sent, percent-encoding kept.
    ///   - query: as sent, without the question mark, or nil.
    ///   - headers: those to sign, `Host` among them; dates and tokens are added here.
    ///   - bodySHA256: of the payload, without any transfer coding; 32 bytes.
    ///   - unixSeconds: the time of signing; AWS accepts five minutes to either side.
    ///   - credentials: key and scope.
    /// - Returns: the headers to add, `Authorization` last.
    package static func sign(
        method: ArraySlice<UInt8>, path: ArraySlice<UInt8>, query: ArraySlice<UInt8>?, headers: [Header], bodySHA256: [UInt8],
        unixSeconds: Int64, credentials: AWSSigning
    ) -> [(name: String, value: [UInt8])] {
        let time = BasicTime(unixSeconds: unixSeconds)
        var added: [(name: String, value: [UInt8])] = [("X-Amz-Date", Array(time.text.utf8))]
        if let token = credentials.sessionToken { added.append(("X-Amz-Security-Token", Array(token.utf8))) }
        let all = headers + added.map { (Array($0.name.utf8)[...], $0.value[...]) }
        let canonicalHeaders = SigV4Canonical.headers(all)
        var request = Array(method)
        request.append(0x0A)
        request += SigV4Canonical.path(path)
        request.append(0x0A)
        request += SigV4Canonical.query(query)
        request.append(0x0A)
        request += canonicalHeaders.block
        request.append(0x0A)
        request += canonicalHeaders.names
        request.append(0x0A)
        request += Hex.encode(bodySHA256).utf8
        let scope = "\(time.day)/\(credentials.region)/\(credentials.service)/aws4_request"
        var toSign = Array("AWS4-HMAC-SHA256\n\(time.text)\n\(scope)\n".utf8)
        toSign += Hex.encode(SHA256.hash(data: request)).utf8
        let signature = hmac(toSign, key: signingKey(credentials, day: time.day))
        var value = Array("AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope), SignedHeaders=".utf8)
        value += canonicalHeaders.names
        value += ", Signature=".utf8
        value += Hex.encode(signature).utf8
        added.append(("Authorization", value))
        return added
    }

    /// Whether a header belongs to a signature, so that one made anew takes its place.
    static func isOwnHeader(_ name: ArraySlice<UInt8>) -> Bool {
        ASCII.equalsIgnoringCase(name, "x-amz-date") || ASCII.equalsIgnoringCase(name, "x-amz-security-token")
            || ASCII.equalsIgnoringCase(name, "x-amz-content-sha256")
    }

    /// Whether a header is part of what is signed, `Host` aside.
    static func isSigned(_ name: ArraySlice<UInt8>) -> Bool {
        ASCII.hasPrefixIgnoringCase(name, "x-amz-") || ASCII.equalsIgnoringCase(name, "content-type")
    }

    private static func signingKey(_ credentials: AWSSigning, day: String) -> [UInt8] {
        var key = Array("AWS4".utf8) + Array(credentials.secretAccessKey.utf8)
        for part in [day, credentials.region, credentials.service, "aws4_request"] { key = hmac(Array(part.utf8), key: key) }
        return key
    }

    private static func hmac(_ bytes: [UInt8], key: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: bytes, using: SymmetricKey(data: key)))
    }
}

/// The SHA-256 of a body that comes in pieces, for `SigV4`.
package struct BodyHash {
    private var hasher = SHA256()

    /// A hash over nothing yet.
    package init() {}

    /// Takes payload bytes, transfer coding undone.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) { unsafe hasher.update(bufferPointer: bytes) }

    /// The hash of everything so far, 32 bytes.
    package func finish() -> [UInt8] { Array(hasher.finalize()) }
}

/// `20150830T123600Z` and `20150830`.
struct BasicTime {
    let text: String
    let day: String

    init(unixSeconds: Int64) {
        // Outside the years that four digits can name, the nearest that they can.
        let seconds = min(max(unixSeconds, -62_135_596_800), 253_402_300_799)
        let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        let rest = seconds - days * 86_400
        let (year, month, date) = BasicTime.civil(days)
        day = BasicTime.padded(year, 4) + BasicTime.padded(month, 2) + BasicTime.padded(date, 2)
        let clock = BasicTime.padded(rest / 3_600, 2) + BasicTime.padded(rest / 60 % 60, 2) + BasicTime.padded(rest % 60, 2)
        text = "\(day)T\(clock)Z"
    }

    /// The proleptic Gregorian date of a day since 1970-01-01, by Howard Hinnant's method.
    private static func civil(_ days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
