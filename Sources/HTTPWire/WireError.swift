// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not the HTTP/1.1 that this room accepts.
package struct WireError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The broken rule.
    package enum Code: String, Sendable {
        case badStartLine, badMethod, badTarget, absoluteTarget, unsupportedVersion, badStatus
        case badHeaderName, badHeaderValue, foldedHeader, bareLineFeed, bareCarriageReturn
        case headTooLarge, tooManyHeaders
        case badContentLength, conflictingLengths, unsupportedTransferCoding, missingHost, badHost
        case badChunkSize, badChunkEnd, chunkLineTooLarge, trailersTooLarge, badTrailer
    }

    /// The broken rule.
    package let code: Code

    /// The limit that was passed, where it is one.
    package let limit: Int?

    /// Names a broken rule.
    package init(_ code: Code, limit: Int? = nil) {
        self.code = code
        self.limit = limit
    }

    /// Whether the message was refused for its size alone.
    package var isTooLarge: Bool { code == .headTooLarge || code == .tooManyHeaders }

    /// What is wrong, in words that hold none of the bytes.
    package var description: String {
        switch code {
        case .headTooLarge: "the header section is larger than \(limit ?? WireLimits.headBytes) bytes"
        case .tooManyHeaders: "there are more than \(WireLimits.headerFields) header fields"
        case .conflictingLengths: "the message states its length twice (Content-Length repeated, or beside Transfer-Encoding)"
        case .unsupportedTransferCoding: "the only transfer coding accepted is chunked, once, on HTTP/1.1"
        case .absoluteTarget:
            "the request target is a whole URL, as a proxy gets it; Weir is no proxy: point the SDK's base URL at it, and take it out of HTTP_PROXY"
        case .missingHost: "an HTTP/1.1 request needs exactly one Host header"
        case .foldedHeader: "a header line is folded; send each header on one line"
        case .bareLineFeed, .bareCarriageReturn: "lines end in CR LF; a lone CR or LF was found"
        default: "malformed HTTP/1.1 (\(code.rawValue))"
        }
    }
}

/// Limits of the codec.
package enum WireLimits {
    /// Bytes of a whole head, start line included.
    package static let headBytes = 65_536
    /// Header fields of one head.
    package static let headerFields = 256
    /// Bytes of one chunk-size line, extensions included.
    package static let chunkLineBytes = 1_024
    /// Bytes of a trailer section.
    package static let trailerBytes = 16_384
}
