// SPDX-License-Identifier: Apache-2.0
import ByteCoding
package import Platform

/// What a sealed segment holds, exactly: whoever reads its files elsewhere checks them against this.
package struct SegmentManifest: Sendable, Equatable {
    /// One file of the segment.
    package struct Part: Sendable, Equatable {
        /// Its name.
        package var file: String
        /// Its bytes.
        package var bytes: Int64
        /// Hex SHA-256 of them.
        package var sha256: String
        /// Lines in it, decompressed.
        package var lines: UInt64
        /// Bytes of those lines with their newlines.
        package var rawBytes: UInt64
        /// Batches.
        package var batches: UInt64

        /// A part from its figures.
        package init(file: String, bytes: Int64, sha256: String, lines: UInt64, rawBytes: UInt64, batches: UInt64) {
            self.file = file
            self.bytes = bytes
            self.sha256 = sha256
            self.lines = lines
            self.rawBytes = rawBytes
            self.batches = batches
        }
    }

    /// The segment.
    package var stem: SegmentStem
    /// 1 after sealing, one more after each rewriting.
    package var generation: Int
    /// When it was sealed or rewritten, microseconds since the Unix epoch.
    package var sealedAtUs: Int64
    /// The records.
    package var records: Part
    /// The facts; nil where none were written.
    package var facts: Part?
    /// Earliest start of a record; nil without records.
    package var minStartedAtUs: Int64?
    /// Latest start of a record.
    package var maxStartedAtUs: Int64?
    /// Which of its writer's records it took in, erased ones included.
    package var recordNumbers: [Range<UInt64>] = []
    /// Gaps in it.
    package var gaps: [SegmentGap] = []
    /// Damaged ranges that the hot segment had when it was sealed; what they held is in no record.
    package var damagedRanges: Int64 = 0
    /// Bytes in them.
    package var damagedBytes: Int64 = 0
    /// Records erased from it on demand.
    package var erasedRecords: UInt64 = 0
    /// The id of the key that it is encrypted with; nil: it is plain.
    package var keyID: String?
    /// Sums that the sealer's caller gave it, by name, for whoever checks a copy.
    package var sums: [String: Int64] = [:]

    /// The version of the manifest.
    package static let version: Int64 = 1
    private static let bytesLimit = 16 << 20

    /// The name of its file.
    package var name: SegmentName { SegmentName(stem, generation: generation, .manifest) }

    /// The manifest as one JSON object, its last member the checksum of what is before it.
    package func encoded() -> [UInt8] {
        var json = JSONWriter(capacity: 2_048)
        json.beginObject()
        writeIdentity(to: &json)
        json.key("records")
        SegmentManifest.write(records, to: &json)
        json.key("facts")
        if let facts { SegmentManifest.write(facts, to: &json) } else { json.null() }
        writeContent(to: &json)
        json.key("sums")
        json.beginObject()
        for (name, value) in sums.sorted(by: { $0.key < $1.key }) {
            json.key(name)
            json.value(value)
        }
        json.endObject()
        let body = json.bytes
        json.key("crc32c")
        json.value(Int64(CRC32C.checksum(body[...])))
        json.endObject()
        json.newline()
        return json.bytes
    }

    private func writeIdentity(to json: inout JSONWriter) {
        json.key("v")
        json.value(SegmentManifest.version)
        json.key("segment")
        json.value(stem.description)
        json.key("generation")
        json.value(Int64(generation))
        json.key("node")
        json.value(stem.node)
        json.key("sealed_at_us")
        json.value(sealedAtUs)
    }

    private func writeContent(to json: inout JSONWriter) {
        for (key, value) in [
            ("min_started_at_us", minStartedAtUs), ("max_started_at_us", maxStartedAtUs), ("damaged_ranges", damagedRanges),
            ("damaged_bytes", damagedBytes), ("erased_records", Int64(clamping: erasedRecords)),
        ] {
            json.key(key)
            json.value(value)
        }
        json.key("key_id")
        json.value(keyID)
        json.key("record_numbers")
        json.beginArray()
        for range in recordNumbers {
            json.beginArray()
            json.value(Int64(clamping: range.lowerBound))
            json.value(Int64(clamping: range.upperBound))
            json.endArray()
        }
        json.endArray()
        json.key("gaps")
        json.beginArray()
        for gap in gaps { gap.write(to: &json) }
        json.endArray()
    }

    private static func write(_ part: Part, to json: inout JSONWriter) {
        json.beginObject()
        json.key("file")
        json.value(part.file)
        json.key("bytes")
        json.value(part.bytes)
        json.key("sha256")
        json.value(part.sha256)
        for (key, value) in [("lines", part.lines), ("raw_bytes", part.rawBytes), ("batches", part.batches)] {
            json.key(key)
            json.value(Int64(clamping: value))
        }
        json.endObject()
    }

    /// Reads a manifest.
    ///
    /// - Parameters:
    ///   - file: its file.
    ///   - files: the file system.
    /// - Throws: `SegmentError` of code `readFailed` or `manifestInvalid`.
    package init(_ file: SegmentFile, files: any FileSystem) throws(SegmentError) {
        let bytes: [UInt8]
        do { bytes = try files.readFile(file.path, limit: SegmentManifest.bytesLimit) } catch {
            throw SegmentError(.readFailed, "The manifest cannot be read.", segment: file.name, cause: error)
        }
        guard let read = SegmentManifest(bytes), read.name == file.fileName else {
            throw SegmentError(
                .manifestInvalid, "The manifest is damaged; `weir segment repair` makes it anew from its files.",
                segment: file.name)
        }
        self = read
    }

    /// The manifest that some bytes say, or nil where they are none or damaged.
    init?(_ bytes: [UInt8]) {
        guard let document = JSONDocument.read(bytes) else { return nil }
        let root = document.root
        // The checksum is the last member; what it vouches for ends before its comma.
        guard let checksum = root["crc32c"], let tail = bytes.lastIndex(of: UInt8(ascii: ",")),
            checksum.int == Int64(CRC32C.checksum(bytes[..<tail])), root["v"]?.int == SegmentManifest.version,
            let stem = root["segment"]?.string.flatMap({ SegmentStem($0) }), let generation = root["generation"]?.int,
            generation > 0, let sealedAtUs = root["sealed_at_us"]?.int, let records = SegmentManifest.part(root["records"])
        else { return nil }
        self.init(
            stem: stem, generation: Int(clamping: generation), sealedAtUs: sealedAtUs, records: records,
            facts: SegmentManifest.part(root["facts"]), minStartedAtUs: root["min_started_at_us"]?.int,
            maxStartedAtUs: root["max_started_at_us"]?.int)
        guard readContent(root) else { return nil }
    }

    /// A manifest of files that were just written.
    init(
        stem: SegmentStem, generation: Int, sealedAtUs: Int64, records: Part, facts: Part?, minStartedAtUs: Int64?,
        maxStartedAtUs: Int64?
    ) {
        self.stem = stem
        self.generation = generation
        self.sealedAtUs = sealedAtUs
        self.records = records
        self.facts = facts
        self.minStartedAtUs = minStartedAtUs
        self.maxStartedAtUs = maxStartedAtUs
    }

    private mutating func readContent(_ root: JSONNode) -> Bool {
        damagedRanges = root["damaged_ranges"]?.int ?? 0
        damagedBytes = root["damaged_bytes"]?.int ?? 0
        erasedRecords = UInt64(clamping: root["erased_records"]?.int ?? 0)
        keyID = root["key_id"]?.string
        for node in root["record_numbers"]?.elements ?? JSONNode.noElements {
            guard let first = node[0]?.int, let end = node[1]?.int, first >= 0, first <= end else { return false }
            recordNumbers.append(UInt64(first)..<UInt64(end))
        }
        for node in root["gaps"]?.elements ?? JSONNode.noElements {
            guard let gap = SegmentGap(node) else { return false }
            gaps.append(gap)
        }
        for (key, value) in root["sums"]?.members ?? JSONNode.noMembers {
            guard let name = key.string, let sum = value.int else { return false }
            sums[name] = sum
        }
        return true
    }

    private static func part(_ node: JSONNode?) -> Part? {
        guard let node, let file = node["file"]?.string, let bytes = node["bytes"]?.int, let sha256 = node["sha256"]?.string,
            let lines = node["lines"]?.int, let rawBytes = node["raw_bytes"]?.int, let batches = node["batches"]?.int
        else { return nil }
        return Part(
            file: file, bytes: bytes, sha256: sha256, lines: UInt64(clamping: lines), rawBytes: UInt64(clamping: rawBytes),
            batches: UInt64(clamping: batches))
    }
}
