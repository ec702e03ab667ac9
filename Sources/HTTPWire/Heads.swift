// SPDX-License-Identifier: Apache-2.0

/// How a message's body is delimited (RFC 9112 section 6.3).
package enum BodyFraming: Equatable, Sendable {
    case none
    case length(Int)
    case chunked
    /// Answers only: the body ends where the connection does.
    case untilClose
}

/// A request's start line and headers.
package struct RequestHead: Sendable {
    /// The head's bytes and lines.
    package let block: HeaderBlock
    let methodEnd: Int
    let targetStart: Int
    let targetEnd: Int
    /// 1 for HTTP/1.1, 0 for HTTP/1.0.
    package let minorVersion: UInt8
    /// How the body is delimited.
    package let framing: BodyFraming

    /// The method as it was written.
    package var method: ArraySlice<UInt8> { block.bytes[0..<methodEnd] }
    /// The request target as it was written.
    package var target: ArraySlice<UInt8> { block.bytes[targetStart..<targetEnd] }
    /// The target up to its question mark.
    package var path: ArraySlice<UInt8> {
        let target = target
        return target[..<(target.firstIndex(of: UInt8(ascii: "?")) ?? target.endIndex)]
    }
    /// What follows the question mark, or nil.
    package var query: ArraySlice<UInt8>? {
        let target = target
        guard let mark = target.firstIndex(of: UInt8(ascii: "?")) else { return nil }
        return target[(mark + 1)...]
    }
    /// Whether the method is HEAD, whose answer has no body.
    package var isHead: Bool { method.elementsEqual("HEAD".utf8) }
    /// Whether the connection may serve another request afterwards (RFC 9112 section 9.3).
    package var keepsAlive: Bool {
        if block.connection.contains(.close) { return false }
        return minorVersion >= 1 || block.connection.contains(.keepAlive)
    }
    /// Whether the caller asks to speak WebSocket from here on (RFC 6455 section 4.1).
    ///
    /// Other upgrades are not passed on, which RFC 9110 section 7.8 lets a proxy do.
    package var wantsWebSocket: Bool {
        guard block.connection.contains(.upgrade), minorVersion >= 1, framing == .none, method.elementsEqual("GET".utf8),
            let protocols = block.first(.upgrade)
        else { return false }
        return ASCII.equalsIgnoringCase(protocols, "websocket")
    }
}

/// An answer's start line and headers.
package struct ResponseHead: Sendable {
    /// The head's bytes and lines.
    package let block: HeaderBlock
    /// The status code.
    package let status: Int
    let reasonStart: Int
    let reasonEnd: Int
    /// 1 for HTTP/1.1, 0 for HTTP/1.0.
    package let minorVersion: UInt8
    /// How the body is delimited.
    package let framing: BodyFraming

    /// Whether the connection speaks another protocol from here on; its bytes run until it closes.
    package var isUpgrade: Bool { status == 101 }
    /// The reason phrase as it was written; may be empty.
    package var reason: ArraySlice<UInt8> { block.bytes[reasonStart..<reasonEnd] }
    /// Whether another head follows this one on the same exchange (100, 103).
    package var isInterim: Bool { status < 200 && status != 101 }
    /// Whether the connection may be used again afterwards.
    package var keepsAlive: Bool {
        if framing == .untilClose || block.connection.contains(.close) { return false }
        return minorVersion >= 1 || block.connection.contains(.keepAlive)
    }
}
