// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// The seek table that closes a sealed segment: where each frame lies, as zstd's `contrib/seekable_format` says it.
///
/// A batch has two entries, its header (which decompresses to nothing) and its frame.
struct SeekTable: Equatable {
    /// The frames in order: bytes in the file, bytes decompressed.
    private(set) var entries: [Entry] = []
    private static let entryBytes = 8
    /// Of the skippable frame's header and of the footer.
    private static let fixedBytes = 8 + 9
    /// More entries than this are not read: about half a million batches.
    private static let entryLimit = 1 << 20

    struct Entry: Equatable {
        let compressed: UInt32
        let raw: UInt32
    }

    /// Adds a batch.
    mutating func add(_ header: SegmentBatchHeader) {
        add(compressed: header.compressedLength, raw: header.kind == .records ? header.rawLength : 0)
    }

    /// Adds what a reader found.
    mutating func note(_ step: SegmentStep) {
        switch step {
        case .batch(let batch): add(batch.header)
        case .gap(let gap): add(compressed: UInt32(clamping: gap.next - gap.offset - Int64(SegmentFormat.headerBytes)), raw: 0)
        case .locked(let offset, let next, _):
            add(compressed: UInt32(clamping: next - offset - Int64(SegmentFormat.headerBytes)), raw: 0)
        case .damage, .incomplete, .end: break
        }
    }

    private mutating func add(compressed: UInt32, raw: UInt32) {
        entries.append(Entry(compressed: UInt32(SegmentFormat.headerBytes), raw: 0))
        entries.append(Entry(compressed: compressed, raw: raw))
    }

    /// The skippable frame.
    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(entries.count * SeekTable.entryBytes + SeekTable.fixedBytes)
        FixedInts.append(SegmentFormat.seekTableMagic, to: &bytes)
        FixedInts.append(UInt32(entries.count * SeekTable.entryBytes + SeekTable.fixedBytes - 8), to: &bytes)
        for entry in entries {
            FixedInts.append(entry.compressed, to: &bytes)
            FixedInts.append(entry.raw, to: &bytes)
        }
        FixedInts.append(UInt32(entries.count), to: &bytes)
        bytes.append(0)
        FixedInts.append(SegmentFormat.seekTableFooter, to: &bytes)
        return bytes
    }

    /// Whether a seek table lies from one offset to the end of the file, and its frames fill what is before it.
    static func fills(from start: Int64, to size: Int64, _ reader: SegmentReader) throws(SegmentError) -> Bool {
        let length = size - start
        guard length >= fixedBytes, length <= fixedBytes + entryBytes * entryLimit else { return false }
        let bytes = try reader.read(at: start, count: Int(length))
        func int(_ offset: Int) -> UInt32? { FixedInts.read(UInt32.self, from: bytes, at: offset) }
        guard bytes.count == length, int(0) == SegmentFormat.seekTableMagic, int(4) == UInt32(length - 8),
            let count = int(bytes.count - 9), Int(count) * entryBytes + fixedBytes == bytes.count,
            bytes[bytes.count - 5] == 0, int(bytes.count - 4) == SegmentFormat.seekTableFooter
        else { return false }
        var sum: Int64 = 0
        for i in 0..<Int(count) { sum += Int64(int(8 + i * entryBytes) ?? 0) }
        return sum == start
    }
}
