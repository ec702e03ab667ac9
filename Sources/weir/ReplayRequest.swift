// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Gateway
import Outbound
import Redaction

/// A captured request as it is sent again.
struct ReplayRequest: Equatable {
    let method: String
    let url: String
    let headers: [OutboundHeader]
    let body: [UInt8]?
}

/// Makes requests out of records, for one address.
///
/// Method, path, query and body are those of the record. Captured credentials are redacted, so none is sent: the one key the user
/// named stands where the caller's stood. Headers of the connection go, and so do those of codings: the body was recorded with its
/// coding undone, and an answer is asked for that can be read.
struct ReplayRequestMaker: Sendable {
    let base: BaseURL
    /// The key to send; nil sends none.
    let key: String?
    /// The address is a Weir: control headers and path prefixes are kept.
    let isThroughWeir: Bool

    private static let left: Set<String> = [
        "host", "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect",
        "content-length", "content-encoding", "accept-encoding",
    ]
    private static let keyHeaders: Set<String> = ["authorization", "x-api-key", "x-goog-api-key", "api-key"]

    func request(for record: ExchangeRecord) -> ReplayRequest {
        let query = query(record.head.query)
        var headers: [OutboundHeader] = []
        var isKeyPlaced = query.isKeyPlaced
        for pair in record.requestHeaders {
            let name = pair.name.lowercased()
            if ReplayRequestMaker.left.contains(name) { continue }
            if !isThroughWeir, name.hasPrefix("x-inference-") { continue }
            if CredentialRules.isCredentialHeader(name) {
                guard let key, !isKeyPlaced, ReplayRequestMaker.keyHeaders.contains(name) else { continue }
                headers.append(OutboundHeader(pair.name, name == "authorization" ? "Bearer \(key)" : key))
                isKeyPlaced = true
            } else if !pair.value.contains(CredentialRules.mark) {
                headers.append(OutboundHeader(pair.name, pair.value))
            }
        }
        if let key, !isKeyPlaced { headers.append(ReplayRequestMaker.keyHeader(key, api: record.head.api)) }
        if isThroughWeir {
            headers.append(OutboundHeader("x-inference-metadata-replay-of", record.head.id.description))
        }
        let target = query.text.isEmpty ? url(record.head.path) : url(record.head.path) + "?" + query.text
        return ReplayRequest(method: record.head.method, url: target, headers: headers, body: body(record))
    }

    /// The address of a captured path, without its query.
    func url(_ path: String) -> String {
        if isThroughWeir { return base.origin + base.path + path }
        let joined = base.join(Array(CapturedPath.withoutPrefix(path).utf8)[...])
        return base.origin + String(decoding: joined, as: UTF8.self)
    }

    /// No body where none was sent: an empty one would add a header.
    private func body(_ record: ExchangeRecord) -> [UInt8]? {
        let content = record.requestBody.content ?? []
        if !content.isEmpty { return content }
        return ["GET", "HEAD", "DELETE", "OPTIONS"].contains(record.head.method) ? nil : []
    }

    /// The query with the key in place of the first redacted one; other redacted parameters go.
    private func query(_ query: String) -> (text: String, isKeyPlaced: Bool) {
        guard query.contains(CredentialRules.mark) else { return (query, false) }
        var isKeyPlaced = false
        var parts: [Substring] = []
        for part in query.split(separator: "&", omittingEmptySubsequences: false) {
            guard part.contains(CredentialRules.mark) else {
                parts.append(part)
                continue
            }
            guard let key, !isKeyPlaced, part.hasPrefix("key=") else { continue }
            parts.append("key=" + ReplayRequestMaker.encoded(key))
            isKeyPlaced = true
        }
        return (parts.joined(separator: "&"), isKeyPlaced)
    }

    private static func encoded(_ key: String) -> Substring {
        let digits = Array("0123456789ABCDEF")
        var out = ""
        for byte in key.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: out.unicodeScalars.append(Unicode.Scalar(byte))
            default: out += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
        return out[...]
    }

    /// Where a key goes in a request that had none.
    private static func keyHeader(_ key: String, api: APIFamily?) -> OutboundHeader {
        let family = api?.rawValue ?? ""
        if family.hasPrefix("anthropic") { return OutboundHeader("x-api-key", key) }
        if family.hasPrefix("gemini") { return OutboundHeader("x-goog-api-key", key) }
        return OutboundHeader("authorization", "Bearer \(key)")
    }
}

/// Refuses addresses where a replay may cost money, unless the user says so.
enum ReplaySafety {
    /// - Parameters:
    ///   - base: where requests are to be sent.
    ///   - recordedHosts: where they were sent when they were recorded.
    ///   - isThroughWeir: a gateway stands there.
    /// - Throws: `VerbFailure`, usage.
    static func check(_ base: BaseURL, recordedHosts: Set<String>, isThroughWeir: Bool) throws(VerbFailure) {
        var host = base.host
        while host.last == "." { host.removeLast() }
        let advice = "say --yes-spend-money if that is meant, or give the address of a test server"
        if let owner = ProviderCatalogue().owner(ofHost: host) {
            throw VerbFailure.usage("\(host) belongs to \(owner.name), which charges for every request; \(advice)")
        }
        if isThroughWeir {
            throw VerbFailure.usage("a gateway passes requests on to providers that charge for them; \(advice)")
        }
        if recordedHosts.contains(host), !isLoopback(host) {
            throw VerbFailure.usage("\(host) is where these requests went when they were recorded; \(advice)")
        }
    }

    static func isLoopback(_ host: String) -> Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
}
