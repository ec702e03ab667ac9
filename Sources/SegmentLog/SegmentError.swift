// SPDX-License-Identifier: Apache-2.0
package import Platform

/// What went wrong with the segment log, where, and what to do about it.
package struct SegmentError: Error, Sendable, CustomStringConvertible {
    /// A low-cardinality name for the kind of error.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The name, usable as a metric label.
        package let description: String

        /// The writer was closed.
        package static let closed = Code(description: "segment_closed")
        /// A record is longer than the limit.
        package static let recordTooLarge = Code(description: "segment_record_too_large")
        /// A record is empty or holds a newline before its end.
        package static let recordInvalid = Code(description: "segment_record_invalid")
        /// The disk does not take batches and memory for them is used up.
        package static let backlogFull = Code(description: "segment_backlog_full")
        /// The file system is full; the batches are kept for the next try.
        package static let noSpace = Code(description: "segment_no_space")
        /// A write or an open failed; the batches are kept for the next try.
        package static let writeFailed = Code(description: "segment_write_failed")
        /// A sync failed; what was not synced is kept for the next try.
        package static let syncFailed = Code(description: "segment_sync_failed")
        /// A segment cannot be read at all.
        package static let readFailed = Code(description: "segment_read_failed")
        /// There is no record at this place.
        package static let recordNotFound = Code(description: "segment_record_not_found")
        /// The directory cannot be listed or created.
        package static let directoryUnusable = Code(description: "segment_directory_unusable")
        /// The file of keys cannot be read or holds none.
        package static let keyFileUnusable = Code(description: "segment_key_file_unusable")
        /// A batch cannot be encrypted.
        package static let encryptionFailed = Code(description: "segment_encryption_failed")
        /// A batch is encrypted with a key that is not at hand.
        package static let keyMissing = Code(description: "segment_key_missing")
        /// A sealed file is not what was to be written.
        package static let sealFailed = Code(description: "segment_seal_failed")
        /// A manifest cannot be read.
        package static let manifestInvalid = Code(description: "segment_manifest_invalid")
        /// A segment may not be changed or removed: it is held.
        package static let held = Code(description: "segment_held")
        /// The compressor refused.
        package static let compressionFailed = Code(description: "segment_compression_failed")
    }

    /// The kind of error.
    package let code: Code
    /// What happened and what to do.
    package let message: String
    /// The segment's name or the directory; empty where neither is known.
    package let segment: String
    /// The byte in the segment; 0 where it does not matter.
    package let offset: Int64
    /// What the operating system said.
    package let cause: PlatformError?

    /// An error from its parts.
    package init(_ code: Code, _ message: String, segment: String = "", offset: Int64 = 0, cause: PlatformError? = nil) {
        self.code = code
        self.message = message
        self.segment = segment
        self.offset = offset
        self.cause = cause
    }

    /// Code, place, message and cause in one line.
    package var description: String {
        let place = segment.isEmpty ? "" : " \(segment)@\(offset)"
        let reason = cause.map { " Cause: \($0.message)" } ?? ""
        return "\(code)\(place): \(message)\(reason)"
    }
}
