// SPDX-License-Identifier: Apache-2.0
import NIOHPACK

/// Why an HTTP/2 request cannot be written as HTTP/1.1: the stream is reset with PROTOCOL_ERROR.
struct HTTP2Malformed: Error {}

/// The head of an HTTP/2 request, written as the head of an HTTP/1.1 request.
///
/// Pure. The strict HTTP/1.1 parser reads what is written here; no byte is written that could end a line or a head before its time.
struct HTTP2Request {
    /// How the body of the stream becomes the body of an HTTP/1.1 request.
    enum Body: Equatable {
        case none
        /// As it comes, this many bytes.
        case length(Int)
        /// In chunks, for its length was not stated.
        case chunked
    }

    private(set) var bytes: [UInt8] = []
    private(set) var body = Body.none
    private(set) var isHead = false

    /// Writes a head.
    ///
    /// - Parameters:
    ///   - headers: pseudo-headers and headers as they were decoded.
    ///   - endsStream: whether no body follows.
    /// - Throws: where the request is malformed (RFC 9113 section 8.1.1).
    init(_ headers: HPACKHeaders, endsStream: Bool) throws(HTTP2Malformed) {
        let pseudo = try Pseudo(headers)
        isHead = pseudo.method == "HEAD"
        bytes.reserveCapacity(256 + headers.count * 48)
        bytes += pseudo.method.utf8
        bytes.append(UInt8(ascii: " "))
        bytes += pseudo.path.utf8
        bytes += " HTTP/1.1\r\n".utf8
        if let authority = pseudo.authority { try append("host", authority) }
        let length = try appendFields(headers, authority: pseudo.authority)
        switch length {
        case let length? where endsStream:
            guard length == 0 else { throw HTTP2Malformed() }
        case let length?:
            body = .length(length)
        case nil where !endsStream:
            body = .chunked
            bytes += "transfer-encoding: chunked\r\n".utf8
        case nil:
            break
        }
        bytes += "\r\n".utf8
    }

    /// The fields in their order, cookie crumbs joined at the place of the first (RFC 9113 section 8.2.3).
    ///
    /// - Returns: the stated length of the body.
    private mutating func appendFields(_ headers: HPACKHeaders, authority: String?) throws(HTTP2Malformed) -> Int? {
        var length: Int?
        var hasCookie = false
        for (name, value, _) in headers where !name.hasPrefix(":") {
            switch name {
            case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
                throw HTTP2Malformed()
            case "te":
                guard value == "trailers" else { throw HTTP2Malformed() }
            case "host":
                guard authority == nil || authority == value else { throw HTTP2Malformed() }
                if authority == nil { try append(name, value) }
            case "content-length":
                guard length == nil, let stated = HTTP2Request.length(value) else { throw HTTP2Malformed() }
                length = stated
                try append(name, value)
            case "cookie":
                guard !hasCookie else { continue }
                hasCookie = true
                try append(name, headers["cookie"].joined(separator: "; "))
            default:
                try append(name, value)
            }
        }
        return length
    }

    private mutating func append(_ name: String, _ value: String) throws(HTTP2Malformed) {
        guard HTTP2Request.isName(name), HTTP2Request.isValue(value) else { throw HTTP2Malformed() }
        bytes += name.utf8
        bytes += ": ".utf8
        bytes += value.utf8
        bytes += "\r\n".utf8
    }

    /// The closing chunk with trailers; a trailer that HTTP/1.1 has no place for ends the stream.
    static func ending(_ trailers: HPACKHeaders?) throws(HTTP2Malformed) -> [UInt8] {
        var bytes = Array("0\r\n".utf8)
        for (name, value, _) in trailers ?? HPACKHeaders() {
            guard isName(name), isValue(value) else { throw HTTP2Malformed() }
            bytes += "\(name): \(value)\r\n".utf8
        }
        return bytes + "\r\n".utf8
    }

    private static func length(_ text: String) -> Int? {
        guard (1...15).contains(text.utf8.count), text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return Int(text)
    }

    /// A token without upper case (RFC 9113 section 8.2.1).
    private static func isName(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x61...0x7A: true
                case 0x21, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C, 0x7E: true
                default: false
                }
            }
    }

    /// Anything but controls; a tab is allowed.
    private static func isValue(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    }

    /// The pseudo-headers of a request, each at most once and before all others.
    private struct Pseudo {
        var method = ""
        var path = ""
        var authority: String?

        init(_ headers: HPACKHeaders) throws(HTTP2Malformed) {
            var seen: Set<String> = []
            var isOver = false
            for (name, value, _) in headers {
                guard name.hasPrefix(":") else {
                    isOver = true
                    continue
                }
                guard !isOver, seen.insert(name).inserted else { throw HTTP2Malformed() }
                switch name {
                case ":method": method = value
                case ":path": path = value
                case ":authority": authority = value.isEmpty ? nil : value
                case ":scheme": break
                default: throw HTTP2Malformed()
                }
            }
            guard seen.contains(":scheme"), HTTP2Request.isVisible(method), HTTP2Request.isVisible(path),
                authority.map(HTTP2Request.isVisible) ?? true
            else { throw HTTP2Malformed() }
        }
    }

    /// Printable ASCII without blanks, and not nothing: what may stand in a request line.
    private static func isVisible(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }
}
