// SPDX-License-Identifier: Apache-2.0

/// Words for people about segments; pure functions, nothing is printed here.
package enum SegmentReport {
    /// One line about a segment: name, bytes, start of its writer.
    package static func line(_ file: SegmentFile) -> String {
        "\(file.name)  \(file.size) bytes  node \(file.node)  epoch \(file.epoch)  sequence \(file.sequence)"
    }

    /// What a verification found: a line for the segment, then one for each damaged range, the tail and the error.
    package static func lines(_ found: SegmentVerification) -> [String] {
        let verdict = found.damageCount > 0 || found.error != nil ? "DAMAGED" : found.incompleteAt != nil ? "incomplete" : "ok"
        var lines = [
            "\(found.name)  \(verdict)  \(found.batches) batches  \(found.records) records  \(found.rawBytes) raw bytes  "
                + "\(found.fileBytes) file bytes"
        ]
        for damage in found.damage {
            let (start, end) = (damage.range.lowerBound, damage.range.upperBound)
            lines.append("  damage \(damage.reason.rawValue) at bytes \(start)..<\(end): \(remedy(damage.reason))")
        }
        if found.damageCount > found.damage.count {
            lines.append("  \(found.damageCount - found.damage.count) more damaged ranges, \(found.damagedBytes) bytes in all")
        }
        if let start = found.incompleteAt {
            lines.append(
                "  incomplete from byte \(start): still being written, or torn; the next start of the gateway cuts a torn tail off"
            )
        }
        if let error = found.error { lines.append("  \(error.description)") }
        return lines
    }

    /// What to do about a kind of damage.
    package static func remedy(_ reason: DamageReason) -> String {
        switch reason {
        case .unsupportedVersion: "written by a later version; read it with that version."
        case .badHeader, .badChecksum, .missingBytes:
            "the file was changed after it was written; its other batches are sound. Check the device; restore the file from a copy."
        case .badSeal, .badSeekTable, .notAsManifest:
            "the file was changed after it was sealed; batches that are whole can be read. Restore it from a copy, or run segment repair."
        case .impossibleLength, .badFrame, .badContent:
            "checksums fit but the content does not: written by something else, or a fault of the writer. Keep the file and report it."
        }
    }
}
