// SPDX-License-Identifier: Apache-2.0

/// The bounds of this room, with units.
struct ContentCodingLimits {
    /// Codings in one list.
    static let codings = 4
    /// Bytes taken from a library at once.
    static let scratchBytes = 64 << 10
    /// Largest zstd window, as a power of two: 8 MiB, the bound of RFC 9659 for this coding.
    static let zstdWindowLog: Int32 = 23
    /// What the codings between may exceed the limit of the whole by, bytes.
    static let betweenSlackBytes = 64 << 10
}
