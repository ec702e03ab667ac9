// SPDX-License-Identifier: Apache-2.0
package import ByteCoding

/// Where head and tail meet in a body that is kept as `head_tail` (`notebooks-docs/capture.md`).
///
/// No key of the record tells it: head and tail are cut so that it follows from the stored bytes alone. The tail is the last 64 KiB
/// of them, or the latter half where they are fewer than 128 KiB; in text it begins with the character that holds that byte.
package enum BodyJoint {
    /// Bytes of a tail where there is room for it; in text up to three more.
    package static let tailBytes = 64 << 10

    /// The first byte of the tail in stored bytes, characters aside.
    ///
    /// - Parameter count: of the stored bytes.
    /// - Returns: its offset.
    package static func place(in count: Int) -> Int { count - min(tailBytes, (count + 1) / 2) }

    /// The first byte of the tail in stored bytes.
    ///
    /// - Parameters:
    ///   - stored: head and tail.
    ///   - isText: whether they are UTF-8, as the body's encoding says.
    /// - Returns: its offset.
    package static func offset(in stored: ByteRun, isText: Bool) -> Int {
        let place = place(in: stored.count)
        return isText ? characterStart(in: stored, at: place) : place
    }

    /// Where the character begins that holds a byte; the byte itself where that is none.
    package static func characterStart(in run: ByteRun, at place: Int) -> Int {
        var start = place
        while start > 0, place - start < 3, start < run.count, isContinuation(run, start) { start -= 1 }
        return start < run.count && isContinuation(run, start) ? place : start
    }

    /// Whether a byte goes on with a character.
    package static func isContinuation(_ run: ByteRun, _ at: Int) -> Bool {
        run.base.load(fromByteOffset: at, as: UInt8.self) & 0xC0 == 0x80
    }
}

extension RecordedBody {
    /// The first byte of the tail in `content`, where the body is kept as head and tail.
    ///
    /// Nil for any other body, also for one whose end never came or could not be kept: it has a head alone, and no SHA-256.
    package var joint: Int? {
        guard kept == .headTail, sha256 != nil, let content else { return nil }
        let isText = encoding == "utf8"
        return content.withUnsafeBytes { BodyJoint.offset(in: ByteRun($0), isText: isText) }
    }
}
