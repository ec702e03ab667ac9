// SPDX-License-Identifier: Apache-2.0

/// A file and what it is to become.
package struct FileChange: Sendable {
    /// The path, relative to the tree.
    package let path: String
    /// What is in the file now.
    package let original: [UInt8]
    /// What will be in it.
    package let changed: [UInt8]
    /// Places that are edited.
    package let editCount: Int
    private let blocks: [LineBlock]

    /// Applies edits to a file; nil where two of them overlap, which would be our own mistake.
    init?(path: String, original: [UInt8], edits: [SourceEdit]) {
        let sorted = edits.enumerated().sorted {
            ($0.element.range.lowerBound, $0.element.range.upperBound, $0.offset)
                < ($1.element.range.lowerBound, $1.element.range.upperBound, $1.offset)
        }.map(\.element)
        var at = 0
        var changed: [UInt8] = []
        for edit in sorted {
            guard edit.range.lowerBound >= at, edit.range.upperBound <= original.count else { return nil }
            changed += original[at..<edit.range.lowerBound]
            changed += edit.text.utf8
            at = edit.range.upperBound
        }
        changed += original[at...]
        self.path = path
        self.original = original
        self.changed = changed
        editCount = edits.count
        blocks = LineBlock.blocks(original, sorted)
    }

    /// The change as a unified diff with `a/` and `b/` before the path, as `patch -p1` takes it.
    package var diff: [UInt8] {
        let old = FileChange.lines(original)
        let name = path.contains(where: { $0 == " " || $0 == "\t" }) ? path + "\t" : path
        var out = Array("--- a/\(name)\n+++ b/\(name)\n".utf8)
        var shift = 0
        var index = 0
        while index < blocks.count {
            var last = index
            while last + 1 < blocks.count,
                blocks[last + 1].first - blocks[last].end <= 2 * InstrumentLimits.contextLines
            {
                last += 1
            }
            hunk(Array(blocks[index...last]), old, &shift, &out)
            index = last + 1
        }
        return out
    }

    private func hunk(_ blocks: [LineBlock], _ old: [ArraySlice<UInt8>], _ shift: inout Int, _ out: inout [UInt8]) {
        guard let head = blocks.first, let tail = blocks.last else { return }
        let first = max(0, head.first - InstrumentLimits.contextLines)
        let end = min(old.count, tail.end + InstrumentLimits.contextLines)
        let grown = blocks.reduce(0) { $0 + $1.lines.count - ($1.end - $1.first) }
        func range(_ start: Int, _ count: Int) -> String { "\(count == 0 ? start : start + 1),\(count)" }
        out += "@@ -\(range(first, end - first)) +\(range(first + shift, end - first + grown)) @@\n".utf8
        var at = first
        for block in blocks {
            for line in old[at..<block.first] { FileChange.put(" ", line, &out) }
            for line in old[block.first..<block.end] { FileChange.put("-", line, &out) }
            for line in block.lines { FileChange.put("+", line[...], &out) }
            at = block.end
        }
        for line in old[at..<end] { FileChange.put(" ", line, &out) }
        shift += grown
    }

    private static func put(_ sign: String, _ line: ArraySlice<UInt8>, _ out: inout [UInt8]) {
        out += sign.utf8
        out += line
        if line.last != 0x0A { out += "\n\\ No newline at end of file\n".utf8 }
    }

    /// Lines with their ends.
    static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        for at in bytes.indices where bytes[at] == 0x0A {
            lines.append(bytes[start...at])
            start = at + 1
        }
        if start < bytes.count { lines.append(bytes[start...]) }
        return lines
    }
}

/// Whole lines of the original and what they become.
private struct LineBlock {
    var first: Int
    var end: Int
    var lines: [[UInt8]]

    /// The blocks that sorted edits touch, trimmed of lines that stay.
    static func blocks(_ original: [UInt8], _ edits: [SourceEdit]) -> [LineBlock] {
        let old = FileChange.lines(original)
        var starts = [0]
        for line in old { starts.append(line.endIndex) }
        func lineOf(_ offset: Int) -> Int {
            var low = 0
            var high = old.count
            while low < high {
                let middle = (low + high) / 2
                if starts[middle + 1] <= offset { low = middle + 1 } else { high = middle }
            }
            return min(low, max(0, old.count - 1))
        }
        var blocks: [LineBlock] = []
        var index = 0
        while index < edits.count {
            let first = lineOf(edits[index].range.lowerBound)
            var end = min(old.count, lineOf(edits[index].range.upperBound) + 1)
            var last = index
            while last + 1 < edits.count, lineOf(edits[last + 1].range.lowerBound) < end {
                last += 1
                end = max(end, min(old.count, lineOf(edits[last].range.upperBound) + 1))
            }
            var new: [UInt8] = []
            var at = starts[first]
            for edit in edits[index...last] {
                new += original[at..<edit.range.lowerBound]
                new += edit.text.utf8
                at = edit.range.upperBound
            }
            new += original[at..<starts[end]]
            blocks.append(trimmed(LineBlock(first: first, end: end, lines: FileChange.lines(new).map(Array.init)), old))
            index = last + 1
        }
        return joined(blocks.filter { $0.first < $0.end || !$0.lines.isEmpty })
    }

    /// Blocks that touch become one, so that a diff shows all old lines before all new ones.
    private static func joined(_ blocks: [LineBlock]) -> [LineBlock] {
        var joined: [LineBlock] = []
        for block in blocks {
            if let last = joined.last, last.end == block.first {
                joined[joined.count - 1].end = block.end
                joined[joined.count - 1].lines += block.lines
            } else {
                joined.append(block)
            }
        }
        return joined
    }

    private static func trimmed(_ block: LineBlock, _ old: [ArraySlice<UInt8>]) -> LineBlock {
        var block = block
        while block.first < block.end, let line = block.lines.first, old[block.first].elementsEqual(line) {
            block.first += 1
            block.lines.removeFirst()
        }
        while block.first < block.end, let line = block.lines.last, old[block.end - 1].elementsEqual(line) {
            block.end -= 1
            block.lines.removeLast()
        }
        return block
    }
}
