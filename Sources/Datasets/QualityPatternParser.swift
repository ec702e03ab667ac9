// SPDX-License-Identifier: Apache-2.0

/// Reads a regular expression; nil from every part that is not one or is not known.
struct SchemaPatternParser {
    private let scalars: [Unicode.Scalar]
    private var at = 0
    private var depth = 0

    private static let depthMax = 64
    private static let timesMax = 1_000

    init(_ pattern: String) { scalars = Array(pattern.unicodeScalars) }

    /// The whole pattern.
    mutating func parse() -> SchemaPattern.Node? {
        guard scalars.count <= 8_192, let node = choice(), at == scalars.count else { return nil }
        return node
    }

    private var next: Unicode.Scalar? { at < scalars.count ? scalars[at] : nil }

    private mutating func take(_ wanted: Unicode.Scalar) -> Bool {
        guard next == wanted else { return false }
        at += 1
        return true
    }

    private mutating func choice() -> SchemaPattern.Node? {
        depth += 1
        defer { depth -= 1 }
        guard depth <= SchemaPatternParser.depthMax else { return nil }
        var nodes: [SchemaPattern.Node] = []
        repeat {
            guard let node = sequence() else { return nil }
            nodes.append(node)
        } while take("|")
        return nodes.count == 1 ? nodes[0] : .choice(nodes)
    }

    private mutating func sequence() -> SchemaPattern.Node? {
        var nodes: [SchemaPattern.Node] = []
        while let scalar = next, scalar != "|", scalar != ")" {
            guard let atom = atom(), let node = repeated(atom) else { return nil }
            nodes.append(node)
        }
        return nodes.isEmpty ? .empty : .sequence(nodes)
    }

    private mutating func repeated(_ atom: SchemaPattern.Node) -> SchemaPattern.Node? {
        var node = atom
        guard let (least, most) = quantifier() else { return nil }
        guard least != 1 || most != 1 else { return node }
        switch atom {
        case .start, .end, .border, .noBorder: return nil
        default: break
        }
        node = .repeated(node, least: least, most: most)
        _ = take("?")
        // Two in a row are none.
        if let scalar = next, scalar == "*" || scalar == "+" || scalar == "?" { return nil }
        return node
    }

    /// How often; once where nothing is said, nil where it cannot be.
    private mutating func quantifier() -> (Int, Int?)? {
        switch next {
        case "*":
            at += 1
            return (0, nil)
        case "+":
            at += 1
            return (1, nil)
        case "?":
            at += 1
            return (0, 1)
        case "{": return bounds()
        default: return (1, 1)
        }
    }

    private mutating func bounds() -> (Int, Int?)? {
        at += 1
        guard let least = number() else { return nil }
        var most: Int? = least
        if take(",") { most = next == "}" ? nil : number() ?? -1 }
        guard take("}"), most ?? least >= least, max(least, most ?? 0) <= SchemaPatternParser.timesMax else { return nil }
        return (least, most)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let digit = next, digit >= "0", digit <= "9", value ?? 0 <= SchemaPatternParser.timesMax {
            value = (value ?? 0) * 10 + Int(digit.value - 0x30)
            at += 1
        }
        return value
    }

    private mutating func atom() -> SchemaPattern.Node? {
        guard let scalar = next else { return nil }
        at += 1
        switch scalar {
        case "^": return .start
        case "$": return .end
        case ".": return .scalar(.noLineEnd)
        case "(": return group()
        case "[": return scalars(of: ()).map { .scalar($0) }
        case "\\": return escape()
        case "*", "+", "?", "{": return nil
        default: return .scalar(SchemaScalars(ranges: [scalar.value...scalar.value]))
        }
    }

    private mutating func group() -> SchemaPattern.Node? {
        if take("?") {
            if take("<") {
                // Named, unless it looks behind.
                guard let scalar = next, scalar != "=", scalar != "!" else { return nil }
                while let scalar = next, scalar != ">" {
                    guard scalar.properties.isAlphabetic || scalar == "_" || scalar.value >= 0x30 && scalar.value <= 0x39 else {
                        return nil
                    }
                    at += 1
                }
                guard take(">") else { return nil }
            } else if !take(":") {
                return nil
            }
        }
        guard let node = choice(), take(")") else { return nil }
        return node
    }

    private mutating func escape() -> SchemaPattern.Node? {
        if take("b") { return .border }
        if take("B") { return .noBorder }
        return scalarEscape().map { .scalar($0) }
    }

    /// What an escape stands for, behind the backslash.
    private mutating func scalarEscape() -> SchemaScalars? {
        guard let scalar = next else { return nil }
        at += 1
        switch scalar {
        case "d": return .digit
        case "D": return SchemaScalars.digit.opposite
        case "w": return .word
        case "W": return SchemaScalars.word.opposite
        case "s": return .space
        case "S": return SchemaScalars.space.opposite
        case "n": return one(0x0A)
        case "r": return one(0x0D)
        case "t": return one(0x09)
        case "f": return one(0x0C)
        case "v": return one(0x0B)
        case "0": return next.map { $0 >= "0" && $0 <= "9" } == true ? nil : one(0)
        case "x": return hex(2).map(one)
        case "u":
            guard take("{") else { return hex(4).map(one) }
            var digits = 0
            while digits < 6, at + digits < scalars.count, scalars[at + digits].properties.isASCIIHexDigit { digits += 1 }
            guard digits > 0, let value = hex(digits), value <= 0x10FFFF, take("}") else { return nil }
            return one(value)
        default:
            // Letters and digits may mean something that is not known here.
            let isWord = SchemaScalars.word.holds(scalar.value) && scalar != "_"
            return isWord || scalar.value >= 0x80 ? nil : one(scalar.value)
        }
    }

    private func one(_ value: UInt32) -> SchemaScalars { SchemaScalars(ranges: [value...value]) }

    private mutating func hex(_ count: Int) -> UInt32? {
        guard at + count <= scalars.count else { return nil }
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let digit = Int(String(scalars[at]), radix: 16) else { return nil }
            value = value << 4 | UInt32(digit)
            at += 1
        }
        return value
    }

    /// A class, behind its bracket.
    private mutating func scalars(of _: Void) -> SchemaScalars? {
        var set = SchemaScalars(ranges: [], isOpposite: take("^"))
        while let scalar = next, scalar != "]" {
            guard let first = member() else { return nil }
            guard next == "-", at + 1 < scalars.count, scalars[at + 1] != "]" else {
                set.ranges += first.plainRanges
                continue
            }
            at += 1
            guard let last = member(), first.ranges.count == 1, last.ranges.count == 1, !first.isOpposite, !last.isOpposite,
                first.ranges[0].lowerBound <= last.ranges[0].upperBound, first.ranges[0].count == 1, last.ranges[0].count == 1
            else { return nil }
            set.ranges.append(first.ranges[0].lowerBound...last.ranges[0].upperBound)
        }
        return take("]") ? set : nil
    }

    private mutating func member() -> SchemaScalars? {
        guard let scalar = next else { return nil }
        at += 1
        guard scalar == "\\" else { return one(scalar.value) }
        return take("b") ? one(0x08) : scalarEscape()
    }
}
