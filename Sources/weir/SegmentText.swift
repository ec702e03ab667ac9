// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import SegmentLog

/// A segment's figures as text and as JSON.
enum SegmentText {
    static func line(_ entry: SegmentVerification, _ file: SegmentFile) -> [UInt8] {
        let state =
            entry.error != nil
            ? "unreadable"
            : entry.damageCount > 0
                ? "damaged"
                : entry.incompleteAt != nil
                    ? "open" : entry.isSuspect ? "suspect" : "sound"
        let ratio = ratio(raw: entry.rawBytes, compressed: entry.compressedBytes)
        let words = [
            entry.name, "\(entry.records) records", "\(entry.batches) batches", "\(entry.fileBytes) bytes", ratio,
            file.isSealed ? "sealed" : "hot", state,
        ]
        return Array((words.joined(separator: "\t") + "\n").utf8)
    }

    /// A segment whose records are gone.
    static func line(expired manifest: SegmentManifest) -> [UInt8] {
        let words = [
            manifest.records.file, "\(manifest.records.lines) records gone", "\(manifest.facts?.lines ?? 0) facts",
            "\(manifest.facts?.bytes ?? 0) bytes", "expired",
        ]
        return Array((words.joined(separator: "\t") + "\n").utf8)
    }

    static func json(expired manifest: SegmentManifest) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("segment")
        json.value(manifest.records.file)
        json.key("expired")
        json.value(true)
        let numbers: [(String, Int64?)] = [
            ("records_gone", Int64(clamping: manifest.records.lines)), ("facts", Int64(clamping: manifest.facts?.lines ?? 0)),
            ("file_bytes", manifest.facts?.bytes ?? 0), ("min_started_at_us", manifest.minStartedAtUs),
            ("max_started_at_us", manifest.maxStartedAtUs),
        ]
        for (key, value) in numbers {
            json.key(key)
            json.value(value)
        }
        json.endObject()
        json.newline()
        return json.bytes
    }

    /// `x8.3`, cut to one digit.
    static func ratio(raw: UInt64, compressed: UInt64) -> String {
        let tenths = compressed > 0 ? raw * 10 / compressed : 0
        return "x\(tenths / 10).\(tenths % 10)"
    }

    static func json(_ entry: SegmentVerification, _ file: SegmentFile) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("segment")
        json.value(entry.name)
        json.key("sealed")
        json.value(file.isSealed)
        let numbers: [(String, Int64?)] = [
            ("file_bytes", entry.fileBytes), ("batches", Int64(clamping: entry.batches)),
            ("records", Int64(clamping: entry.records)),
            ("raw_bytes", Int64(clamping: entry.rawBytes)), ("compressed_bytes", Int64(clamping: entry.compressedBytes)),
            ("min_started_at_us", entry.minStartedAtUs), ("max_started_at_us", entry.maxStartedAtUs),
            ("damaged", Int64(entry.damageCount)),
            ("damaged_bytes", entry.damagedBytes), ("incomplete_at", entry.incompleteAt), ("gaps", Int64(clamping: entry.gaps)),
            ("missing_records", Int64(clamping: entry.missingRecords)), ("locked_batches", Int64(clamping: entry.lockedBatches)),
        ]
        for (key, value) in numbers {
            json.key(key)
            json.value(value)
        }
        json.key("suspect")
        json.value(entry.isSuspect)
        json.endObject()
        json.newline()
        return json.bytes
    }

    /// Says that a range was passed over.
    static func say(_ range: Range<Int64>, _ reason: DamageReason, of segment: String) {
        Terminal.say(
            "weir: \(segment): bytes \(range.lowerBound)..<\(range.upperBound) are damaged (\(reason.rawValue)), skipped")
    }

    /// Says what a verification found, with what to make of it.
    static func sayWhatIsWrong(_ entry: SegmentVerification) {
        for damage in entry.damage {
            let remedy = "the records around it can be read; what it held is lost"
            let (start, end) = (damage.range.lowerBound, damage.range.upperBound)
            Terminal.say("weir: \(entry.name): bytes \(start)..<\(end): \(damage.reason.rawValue); \(remedy)")
        }
        if entry.isSuspect {
            Terminal.say(
                "weir: \(entry.name): a sync of it failed; what was written then lies in a later segment too. Check the device")
        }
        if let error = entry.error { Terminal.say("weir: \(entry.name): \(error)") }
        if let torn = entry.incompleteAt {
            Terminal.say(
                "weir: \(entry.name): unfinished from byte \(torn) on: being written, or cut at the next start of `weir serve`")
        }
    }
}
