// SPDX-License-Identifier: Apache-2.0

/// A text that is equal to another where the bytes are, whatever Unicode says of them; for tables.
struct SpelledText: Hashable, Comparable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (a: SpelledText, b: SpelledText) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }

    static func < (a: SpelledText, b: SpelledText) -> Bool { a.text.utf8.lexicographicallyPrecedes(b.text.utf8) }

    func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
        hasher.combine(0xFF as UInt8)
    }
}

/// Training rows by stratum, and how many of each the gate keeps out.
struct SliceCounts {
    private var counts: [SpelledText: (all: Int64, excluded: Int64)] = [:]

    mutating func add(_ stratum: String, isExcluded: Bool) {
        var count = counts[SpelledText(stratum)] ?? (0, 0)
        count.all += 1
        if isExcluded { count.excluded += 1 }
        counts[SpelledText(stratum)] = count
    }

    /// What is to be said of strata that lose rows.
    ///
    /// - Returns: warnings.
    /// - Throws: `DatasetError` `.narrowSelection` where one that is no small one loses all.
    func warnings() throws(DatasetError) -> [String] {
        var warnings: [String] = []
        var emptied: Int64 = 0
        for (name, slice) in counts.sorted(by: { $0.key < $1.key }) where slice.excluded > 0 {
            if slice.all < DatasetLimits.narrowSliceRows {
                if slice.excluded == slice.all { emptied += 1 }
            } else if slice.excluded == slice.all {
                throw DatasetError(
                    .narrowSelection, subject: name.text,
                    "Every one of \(slice.all) training rows of '\(name.text)' is too near to an eval row: leave the slice out of the selection, select more of it, or part the strata otherwise (train.strata)."
                )
            } else if slice.excluded * 4 > slice.all {
                warnings.append(
                    "Of \(slice.all) training rows of \(name.text), \(slice.excluded) are too near to an eval row: the slice is narrow."
                )
            }
        }
        if emptied > 0 {
            warnings.append(
                "\(emptied) strata of fewer than \(DatasetLimits.narrowSliceRows) training rows are emptied: all of theirs are too near to an eval row."
            )
        }
        return warnings
    }
}
