// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto

/// A key of Amazon's, as SigV4 uses it.
package struct FakeAWSKey: Sendable, Equatable {
    /// The public half.
    package var accessKeyID: String
    /// The secret half.
    package var secretAccessKey: String
    /// The token of a temporary key; nil for a lasting one.
    package var sessionToken: String?

    /// A key from its parts.
    ///
    /// - Parameters:
    ///   - accessKeyID: the public half.
    ///   - secretAccessKey: the secret half.
    ///   - sessionToken: of a temporary key.
    package init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
    }
}

/// Computes a request's SigV4 signature anew from the bytes that came and compares.
///
/// Follows the specification: the path is encoded once more segment by segment (every service but S3), header values are
/// trimmed, runs of spaces become one, the query is sorted. The date is not compared with a clock, only with its scope.
struct SignatureCheck {
    static let algorithm = "AWS4-HMAC-SHA256"

    let request: SeenRequest
    let body: [UInt8]
    let key: FakeAWSKey

    /// Why a request is refused: Amazon's name for it and what it says.
    struct Refusal: Error, Equatable {
        let type: String
        let message: String

        static let missing = Refusal(type: "MissingAuthenticationTokenException", message: "Missing Authentication Token")
        static let unknownKey = Refusal(
            type: "UnrecognizedClientException", message: "The security token included in the request is invalid.")
        static func mismatch(_ detail: String) -> Refusal {
            Refusal(
                type: "InvalidSignatureException",
                message:
                    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. (\(detail))"
            )
        }
    }

    private struct Claim {
        var accessKeyID: String
        var scope: [String]
        var signedHeaders: [String]
        var signature: String
    }

    /// Checks the signature.
    func check() throws(Refusal) {
        let claim = try claim()
        guard claim.accessKeyID == key.accessKeyID else { throw .unknownKey }
        guard request.header("x-amz-security-token") == key.sessionToken else { throw .unknownKey }
        guard let date = request.header("x-amz-date"), date.hasPrefix(claim.scope[0] + "T") else {
            throw .mismatch("x-amz-date is absent or not of the credential's day")
        }
        for name in ["host", "x-amz-date", "x-amz-security-token"]
        where !claim.signedHeaders.contains(name) && request.header(name) != nil {
            throw .mismatch("\(name) is not signed")
        }
        let hash = Hex.encode(SHA256.hash(data: body))
        if let told = request.header("x-amz-content-sha256"), told != hash {
            throw .mismatch("x-amz-content-sha256 is not the hash of the body that came")
        }
        let canonical = canonicalRequest(claim.signedHeaders, bodyHash: hash)
        let scope = claim.scope.joined(separator: "/")
        let text = [Self.algorithm, date, scope, Hex.encode(SHA256.hash(data: Array(canonical.utf8)))].joined(separator: "\n")
        guard Hex.encode(sign(text, claim.scope)) == claim.signature else {
            throw .mismatch("canonical request hash \(Hex.encode(SHA256.hash(data: Array(canonical.utf8))))")
        }
    }

    private func claim() throws(Refusal) -> Claim {
        guard let header = request.header("authorization"), header.hasPrefix(Self.algorithm + " ") else { throw .missing }
        var fields: [String: String] = [:]
        for item in header.dropFirst(Self.algorithm.count + 1).split(separator: ",") {
            let pair = item.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
            if pair.count == 2 { fields[String(pair[0])] = String(pair[1]) }
        }
        let credential = (fields["Credential"] ?? "").split(separator: "/").map(String.init)
        guard credential.count == 5, credential[4] == "aws4_request", let signature = fields["Signature"],
            let names = fields["SignedHeaders"]
        else { throw .mismatch("the Authorization header is incomplete") }
        return Claim(
            accessKeyID: credential[0], scope: Array(credential[1...]),
            signedHeaders: names.split(separator: ";").map(String.init), signature: signature)
    }

    func canonicalRequest(_ signedHeaders: [String], bodyHash: String) -> String {
        let parts = request.target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let query = parts.count > 1 ? parts[1] : ""
        var lines = [request.method, Self.canonicalPath(String(parts.first ?? "/")), Self.canonicalQuery(String(query))]
        for name in signedHeaders {
            let values = request.headers.filter { $0.name.lowercased() == name }.map { Self.folded($0.value) }
            lines.append(name + ":" + values.joined(separator: ","))
        }
        lines += ["", signedHeaders.joined(separator: ";"), bodyHash]
        return lines.joined(separator: "\n")
    }

    /// Dot segments and empty segments removed, every byte but the unreserved ones encoded (again).
    static func canonicalPath(_ path: String) -> String {
        var kept: [Substring] = []
        for segment in path.split(separator: "/") where segment != "." {
            if segment == ".." { _ = kept.popLast() } else { kept.append(segment) }
        }
        let isClosed = path.hasSuffix("/") && !kept.isEmpty
        return "/" + kept.map { encoded($0.utf8) }.joined(separator: "/") + (isClosed ? "/" : "")
    }

    private static func encoded(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                text.append(byte)
            default: text += Array("%\(Hex.encode([byte]).uppercased())".utf8)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func canonicalQuery(_ query: String) -> String {
        let pairs = query.split(separator: "&").map { item -> (name: String, value: String) in
            let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return (pair[0], pair.count > 1 ? pair[1] : "")
        }
        return pairs.sorted { ($0.name, $0.value) < ($1.name, $1.value) }.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }

    private static func folded(_ value: String) -> String {
        value.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " ")
    }

    private func sign(_ text: String, _ scope: [String]) -> [UInt8] {
        var key = Array("AWS4\(self.key.secretAccessKey)".utf8)
        for step in scope + [text] {
            key = Array(HMAC<SHA256>.authenticationCode(for: Array(step.utf8), using: SymmetricKey(data: key)))
        }
        return key
    }
}
