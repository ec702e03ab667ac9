// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Crypto

/// The constants of `notebooks-docs/formats/segment.md`, version 1.
package enum SegmentFormat {
    /// Magic of the skippable zstd frame that carries a batch header.
    package static let skippableMagic: UInt32 = 0x184D_2A51
    /// `WEIR`, little-endian.
    package static let magic: UInt32 = 0x5249_4557
    /// The version of a batch of plain records, which every reader knows.
    package static let version: UInt16 = 1
    /// The version of a batch of another kind.
    package static let kindVersion: UInt16 = 2
    /// Bytes of a batch header before its two checksums.
    static let authenticatedBytes = 80
    /// Magic of the skippable zstd frame that carries what stock tools must not take for records.
    package static let payloadMagic: UInt32 = 0x184D_2A53
    /// Bytes of that frame's own header.
    package static let payloadHeaderBytes = 8
    /// Longest JSON of a gap, bytes.
    package static let gapBytesLimit = 64 << 10
    /// Bytes of a batch header, its skippable frame header included.
    package static let headerBytes = 88
    /// Largest raw length a reader accepts, bytes: the longest record and its newline.
    package static let rawBytesLimit = 256 << 20 | 1
    /// Largest factor by which a zstd frame can grow (a run block of 4 bytes makes 128 KiB).
    package static let expansionLimit = 32_768
    /// Window of the frames of a sealed segment: a decoder needs as much memory, 16 MiB.
    static let sealedWindowLog: Int32 = 24
    /// Extension of a segment that may be torn or still grow.
    package static let hotExtension = ".hot"
    /// Extension of the records of a sealed segment, behind the generation.
    package static let recordsExtension = ".records.ndjson.zst"
    /// Extension of its facts.
    package static let factsExtension = ".facts.ndjson.zst"
    /// Extension of its manifest.
    package static let manifestExtension = ".manifest.json"
    /// Extension of the mark that keeps a segment from being removed or rewritten.
    package static let holdExtension = ".hold"
    /// Extension of a file that is being written and means nothing yet.
    static let temporaryExtension = ".tmp"
    /// Extension of the mark on a segment whose sync failed.
    package static let suspectExtension = ".suspect"
    /// Magic of the skippable frame of a seek table (zstd's `contrib/seekable_format`).
    static let seekTableMagic: UInt32 = 0x184D_2A5E
    /// The last bytes of a seek table.
    static let seekTableFooter: UInt32 = 0x8F92_EAB1
    /// Folder beside the segments for copies of damaged ranges.
    package static let damagedFolder = "damaged"
    /// Longest node name in a file name, bytes.
    package static let nodeNameBytes = 64

    static let prefix: [UInt8] = {
        var bytes: [UInt8] = []
        FixedInts.append(skippableMagic, to: &bytes)
        FixedInts.append(UInt32(headerBytes - 8), to: &bytes)
        FixedInts.append(magic, to: &bytes)
        return bytes
    }()

    /// The node's name as file names carry it: lower case, every byte outside `[a-z0-9_-]` an underscore, never empty.
    package static func nodeName(_ node: String) -> String {
        let bytes = node.utf8.prefix(nodeNameBytes).map { byte -> UInt8 in
            switch byte {
            case 0x61...0x7A, 0x30...0x39, 0x5F, 0x2D: byte
            case 0x41...0x5A: byte + 32
            default: 0x5F
            }
        }
        return bytes.isEmpty ? "_" : String(decoding: bytes, as: UTF8.self)
    }

    /// The node's number in headers: the first 8 bytes of the SHA-256 of its name as file names carry it.
    package static func nodeNumber(_ nodeName: String) -> UInt64 {
        SHA256.hash(data: Array(nodeName.utf8)).prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// What a batch holds.
package enum SegmentBatchKind: UInt16, Sendable {
    /// Records in a zstd frame.
    case records = 0
    /// Records in a zstd frame that is encrypted.
    case encrypted = 1
    /// A gap: what was lost here, why and when.
    case gap = 2
}

/// The header of a batch; its fields are the page's table.
package struct SegmentBatchHeader: Sendable, Equatable {
    /// Number of the writing node.
    package var node: UInt64
    /// Start of the writer, microseconds since the Unix epoch, made unique.
    package var epoch: UInt64
    /// Number of the batch within the epoch.
    package var batchSequence: UInt64
    /// Number of the batch's first record within the epoch.
    package var firstRecord: UInt64
    /// Records in the batch.
    package var recordCount: UInt32
    /// Smallest `started_at_us`.
    package var minStartedAtUs: Int64
    /// Largest `started_at_us`.
    package var maxStartedAtUs: Int64
    /// Bytes of the lines.
    package var rawLength: UInt32
    /// Bytes of the zstd frame.
    package var compressedLength: UInt32
    /// CRC-32C of the zstd frame, or of the skippable frame that stands in its place.
    package var frameChecksum: UInt32
    /// What the batch holds.
    package var kind = SegmentBatchKind.records
    /// The key it is encrypted with; 0 without encryption.
    package var keyID: UInt32 = 0

    /// Header and frame together, bytes.
    package var batchLength: Int64 { Int64(SegmentFormat.headerBytes) + Int64(compressedLength) }

    /// The 88 bytes, closing checksum included.
    package func encoded() -> [UInt8] {
        var bytes = SegmentFormat.prefix
        bytes.reserveCapacity(SegmentFormat.headerBytes)
        FixedInts.append(kind == .records ? SegmentFormat.version : SegmentFormat.kindVersion, to: &bytes)
        FixedInts.append(kind.rawValue, to: &bytes)
        for field in [node, epoch, batchSequence, firstRecord] { FixedInts.append(field, to: &bytes) }
        FixedInts.append(recordCount, to: &bytes)
        FixedInts.append(keyID, to: &bytes)
        FixedInts.append(UInt64(bitPattern: minStartedAtUs), to: &bytes)
        FixedInts.append(UInt64(bitPattern: maxStartedAtUs), to: &bytes)
        for field in [rawLength, compressedLength, frameChecksum] { FixedInts.append(field, to: &bytes) }
        FixedInts.append(CRC32C.checksum(bytes[...]), to: &bytes)
        return bytes
    }

    /// What 88 bytes at an offset say.
    enum Reading: Equatable {
        /// A header whose checksum fits.
        case header(SegmentBatchHeader)
        /// Sound by its checksum, of a version this reader does not know; with the length of its batch.
        case unsupported(batchLength: Int64)
        /// Not a header.
        case none
    }

    static func read(_ bytes: [UInt8], at offset: Int) -> Reading {
        guard offset >= 0, bytes.count - offset >= SegmentFormat.headerBytes else { return .none }
        let prefix = SegmentFormat.prefix
        guard bytes[offset] == prefix[0], bytes[offset..<(offset + prefix.count)].elementsEqual(prefix) else { return .none }
        guard CRC32C.checksum(bytes[offset..<(offset + 84)]) == int(UInt32.self, bytes, offset + 84) else { return .none }
        var header = SegmentBatchHeader(
            node: int(UInt64.self, bytes, offset + 16),
            epoch: int(UInt64.self, bytes, offset + 24),
            batchSequence: int(UInt64.self, bytes, offset + 32),
            firstRecord: int(UInt64.self, bytes, offset + 40),
            recordCount: int(UInt32.self, bytes, offset + 48),
            minStartedAtUs: Int64(bitPattern: int(UInt64.self, bytes, offset + 56)),
            maxStartedAtUs: Int64(bitPattern: int(UInt64.self, bytes, offset + 64)),
            rawLength: int(UInt32.self, bytes, offset + 72),
            compressedLength: int(UInt32.self, bytes, offset + 76),
            frameChecksum: int(UInt32.self, bytes, offset + 80))
        switch int(UInt16.self, bytes, offset + 12) {
        case SegmentFormat.version: return .header(header)
        case SegmentFormat.kindVersion:
            guard let kind = SegmentBatchKind(rawValue: int(UInt16.self, bytes, offset + 14)) else { break }
            header.kind = kind
            header.keyID = int(UInt32.self, bytes, offset + 52)
            return .header(header)
        default: break
        }
        return .unsupported(batchLength: header.batchLength)
    }

    private static func int<T: FixedWidthInteger & UnsignedInteger>(_ type: T.Type, _ bytes: [UInt8], _ offset: Int) -> T {
        FixedInts.read(type, from: bytes, at: offset) ?? 0
    }
}
