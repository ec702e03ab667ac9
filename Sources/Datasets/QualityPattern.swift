// SPDX-License-Identifier: Apache-2.0

/// A regular expression of the kind that schemas hold (ECMA-262), matched in time linear in the text.
///
/// Known: characters, `.`, classes, `\d \w \s \b` and their opposites, escapes, groups, `|`, `^ $`, `* + ? {n,m}`, lazy or not. Not known:
/// looking ahead and behind, references back, `\p{...}`; a pattern with one of these is not compiled, and its keyword is counted as ignored.
struct SchemaPattern: Sendable {
    indirect enum Node: Sendable {
        case empty
        case scalar(SchemaScalars)
        case start, end, border, noBorder
        case sequence([Node])
        case choice([Node])
        case repeated(Node, least: Int, most: Int?)
    }

    private enum Step: Sendable {
        case scalar(SchemaScalars)
        case split(Int, Int)
        case jump(Int)
        case start, end, border, noBorder, match
    }

    private var steps: [Step] = []
    /// Nodes compiled so far: groups of nothing make no step, however often they are repeated.
    private var nodes = 0
    /// A pattern that becomes longer is not compiled.
    private static let stepsMax = 4_096
    /// One that takes more nodes to compile is not compiled either.
    private static let nodesMax = 16_384

    /// How long the compiled pattern is: what one character of a text may cost.
    var stepCount: Int { steps.count }

    /// Compiles a pattern; nil where it is not one, or holds what is not known.
    init?(_ pattern: String) {
        var parser = SchemaPatternParser(pattern)
        guard let node = parser.parse(), append(node) else { return nil }
        steps.append(.match)
    }

    // MARK: Compiling

    private mutating func append(_ node: Node) -> Bool {
        nodes += 1
        guard steps.count < SchemaPattern.stepsMax, nodes <= SchemaPattern.nodesMax else { return false }
        switch node {
        case .empty: return true
        case .scalar(let scalars): steps.append(.scalar(scalars))
        case .start: steps.append(.start)
        case .end: steps.append(.end)
        case .border: steps.append(.border)
        case .noBorder: steps.append(.noBorder)
        case .sequence(let nodes): for node in nodes where !append(node) { return false }
        case .choice(let nodes): return appendChoice(nodes)
        case .repeated(let node, let least, let most): return appendRepeated(node, least, most)
        }
        return true
    }

    private mutating func appendChoice(_ nodes: [Node]) -> Bool {
        var ends: [Int] = []
        for (position, node) in nodes.enumerated() {
            guard position + 1 < nodes.count else {
                guard append(node) else { return false }
                break
            }
            let split = steps.count
            steps.append(.split(split + 1, 0))
            guard append(node) else { return false }
            ends.append(steps.count)
            steps.append(.jump(0))
            steps[split] = .split(split + 1, steps.count)
        }
        for end in ends { steps[end] = .jump(steps.count) }
        return true
    }

    private mutating func appendRepeated(_ node: Node, _ least: Int, _ most: Int?) -> Bool {
        for _ in 0..<least where !append(node) { return false }
        guard let most else {
            let split = steps.count
            steps.append(.split(split + 1, 0))
            guard append(node) else { return false }
            steps.append(.jump(split))
            steps[split] = .split(split + 1, steps.count)
            return true
        }
        var splits: [Int] = []
        for _ in least..<max(least, most) {
            splits.append(steps.count)
            steps.append(.split(steps.count + 1, 0))
            guard append(node) else { return false }
        }
        for split in splits { steps[split] = .split(split + 1, steps.count) }
        return true
    }

    // MARK: Matching

    /// Whether the pattern matches somewhere in a text.
    ///
    /// - Complexity: O(text x pattern).
    func matches(_ text: String) -> Bool {
        let scalars = Array(text.unicodeScalars.map(\.value))
        var (now, next) = (Threads(steps.count), Threads(steps.count))
        for place in 0...scalars.count {
            if add(0, to: &now, at: place, in: scalars) { return true }
            guard place < scalars.count else { break }
            next.removeAll()
            for step in now.list {
                guard case .scalar(let wanted) = steps[step], wanted.holds(scalars[place]) else { continue }
                if add(step + 1, to: &next, at: place + 1, in: scalars) { return true }
            }
            swap(&now, &next)
        }
        return false
    }

    /// The steps that a match may be at, each once.
    private struct Threads {
        var list: [Int] = []
        private var seen: [Bool]

        init(_ count: Int) { seen = Array(repeating: false, count: count) }

        mutating func insert(_ step: Int) -> Bool {
            guard !seen[step] else { return false }
            seen[step] = true
            list.append(step)
            return true
        }

        mutating func removeAll() {
            for step in list { seen[step] = false }
            list.removeAll(keepingCapacity: true)
        }
    }

    /// Adds a step and all that follows without a character; true where the match ends.
    private func add(_ first: Int, to threads: inout Threads, at place: Int, in text: [UInt32]) -> Bool {
        var open = [first]
        while let step = open.popLast() {
            guard threads.insert(step) else { continue }
            switch steps[step] {
            case .match: return true
            case .jump(let to): open.append(to)
            case .split(let a, let b): open += [b, a]
            case .start: if place == 0 { open.append(step + 1) }
            case .end: if place == text.count { open.append(step + 1) }
            case .border: if isBorder(place, text) { open.append(step + 1) }
            case .noBorder: if !isBorder(place, text) { open.append(step + 1) }
            case .scalar: break
            }
        }
        return false
    }

    private func isBorder(_ place: Int, _ text: [UInt32]) -> Bool {
        let before = place > 0 && SchemaScalars.word.holds(text[place - 1])
        let after = place < text.count && SchemaScalars.word.holds(text[place])
        return before != after
    }
}

/// A set of Unicode scalars: ranges, or all but them.
struct SchemaScalars: Sendable {
    var ranges: [ClosedRange<UInt32>] = []
    var isOpposite = false

    static let digit = SchemaScalars(ranges: [0x30...0x39])
    static let word = SchemaScalars(ranges: [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    static let space = SchemaScalars(ranges: [
        0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029, 0x202F...0x202F,
        0x205F...0x205F,
        0x3000...0x3000, 0xFEFF...0xFEFF,
    ])
    static let noLineEnd = SchemaScalars(ranges: [0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029], isOpposite: true)

    var opposite: SchemaScalars { SchemaScalars(ranges: ranges, isOpposite: !isOpposite) }

    func holds(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } != isOpposite }

    /// The ranges, an opposite turned around.
    var plainRanges: [ClosedRange<UInt32>] {
        guard isOpposite else { return ranges }
        var (out, next): ([ClosedRange<UInt32>], UInt32) = ([], 0)
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > next { out.append(next...range.lowerBound - 1) }
            next = max(next, range.upperBound + 1)
        }
        if next <= 0x10FFFF { out.append(next...0x10FFFF) }
        return out
    }
}
