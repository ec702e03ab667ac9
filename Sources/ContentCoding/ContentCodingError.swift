// SPDX-License-Identifier: Apache-2.0

/// Why a body could not be decoded to its end.
package struct ContentCodingError: Error, Sendable, Equatable {
    /// A low-cardinality name for the reason.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The name, usable as a metric label.
        package let description: String

        /// The bytes are not of this coding, or a checksum does not fit.
        package static let damaged = Code(description: "damaged")
        /// The decoded body is longer than the limit.
        package static let limitReached = Code(description: "limit_reached")
        /// The stream ended properly and more bytes follow; they are ignored.
        package static let trailingBytes = Code(description: "trailing_bytes")
        /// The library has no memory for a decoder.
        package static let noMemory = Code(description: "no_memory")
    }

    /// The reason.
    package let code: Code
    /// The coding that failed, as `gzip`.
    package let coding: String

    /// What happened and what it means for the body, in one line.
    package var message: String {
        switch code {
        case .limitReached: "\(coding): the decoded body is longer than the limit; what fits is kept."
        case .trailingBytes: "\(coding): bytes follow the end of the stream; they are ignored."
        case .noMemory: "\(coding): no memory for a decoder; keep the body as it came."
        default: "\(coding): the bytes are damaged or of another coding; what was decoded before is kept."
        }
    }
}
