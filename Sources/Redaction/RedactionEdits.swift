// SPDX-License-Identifier: Apache-2.0
package import ByteCoding

/// One value found, and what is to stand in its place.
package struct RedactionEdit: Sendable, Equatable {
    /// What follows a value's first part: a value may be cut in pieces by the events of a stream.
    package enum Part: Sendable, Equatable {
        /// The pseudonym stands here.
        case whole
        /// The pseudonym stands here, in quotation marks: the value was a bare JSON number.
        case quoted
        /// Nothing stands here: the pseudonym stands where the value began.
        case rest
    }

    /// The first byte of what is replaced.
    package let start: Int
    /// The byte after it.
    package let end: Int
    /// Whose find it is.
    package let kind: DetectorKind
    /// The first 48 bits of the keyed hash of the value.
    package let tag: UInt64
    /// What is written here.
    package let part: Part

    /// What stands for the value, without quotation marks.
    package var pseudonym: [UInt8] {
        var bytes: [UInt8] = []
        Pseudonym.append(kind, tag, to: &bytes)
        return bytes
    }

    /// Bytes that are written in place of the range.
    package var replacementCount: Int {
        switch part {
        case .whole: Pseudonym.count(kind)
        case .quoted: Pseudonym.count(kind) + 2
        case .rest: 0
        }
    }
}

/// The replacements in one run of bytes: in order, not overlapping, each at the border of a character and of a JSON escape.
package struct RedactionEdits: Sendable {
    /// The replacements, by place.
    package private(set) var items: [RedactionEdit] = []
    /// Values replaced; one that a stream cut in pieces counts once.
    package private(set) var counts = RedactionCounts()
    /// By how much the text after each replacement has moved, bytes.
    private var shifts: [Int] = []

    /// None: the bytes stay as they are.
    package init() {}

    /// Whether nothing was found.
    package var isEmpty: Bool { items.isEmpty }

    /// By how much the text grows, bytes; negative where it shrinks.
    package var growth: Int { shifts.last ?? 0 }

    /// Adds a replacement behind the others.
    mutating func append(_ edit: RedactionEdit) {
        items.append(edit)
        shifts.append(growth + edit.replacementCount - (edit.end - edit.start))
        if edit.part != .rest { counts[edit.kind] += 1 }
    }

    /// Where an offset of the text before is in the text after.
    ///
    /// - Parameter offset: one within a replaced value moves to the beginning of what replaces it.
    /// - Returns: an offset of the text after; never one that is smaller than that of a smaller offset.
    /// - Complexity: O(log n).
    package func moved(_ offset: Int) -> Int {
        var (low, high) = (0, items.count)
        while low < high {
            let middle = (low + high) / 2
            if items[middle].start < offset { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return offset }
        let edit = items[low - 1]
        if offset >= edit.end { return offset + shifts[low - 1] }
        return edit.start + (low > 1 ? shifts[low - 2] : 0)
    }

    /// Appends the text after to a store.
    ///
    /// - Parameters:
    ///   - run: the bytes that the replacements were found in.
    ///   - store: takes `run.count + growth` bytes.
    package func apply(to run: ByteRun, into store: inout ByteStore) {
        store.reserve(max(0, run.count + growth))
        var at = 0
        for edit in items {
            store.append(run.slice(at, edit.start))
            Pseudonym.write(edit, into: &store)
            at = edit.end
        }
        store.append(run.slice(at, run.count))
    }

    /// The text after, as an array.
    package func applied(to bytes: [UInt8]) -> [UInt8] {
        guard !isEmpty else { return bytes }
        var store = ByteStore(capacity: bytes.count + max(0, growth))
        bytes.withUnsafeBytes { apply(to: ByteRun($0), into: &store) }
        return store.run.array
    }
}
