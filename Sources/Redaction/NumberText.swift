// SPDX-License-Identifier: Apache-2.0

/// A number as people write it: groups of digits and what stands between them.
///
/// Read once for all detectors of numbers.
struct NumberText {
    /// What stands before a group.
    enum Separator: UInt8 {
        case none, space, dash, dot, slash, open, close
    }

    struct Group {
        var start = 0
        var end = 0
        /// Digits before the group's own.
        var digitsBefore = 0
        var separator = Separator.none
        var count: Int { end - start }
    }

    /// The most digits and groups that any number has.
    static let digitsMax = 24
    static let groupsMax = 10

    private(set) var groups: InlineArray<10, Group> = .init(repeating: Group())
    private(set) var groupCount = 0
    private(set) var digits: InlineArray<24, UInt8> = .init(repeating: 0)
    private(set) var digitCount = 0
    /// Whether a digit or a group follows that is not held.
    private(set) var isCut = false

    /// Reads the number that begins with a digit at an offset.
    init(_ text: DetectorText, at start: Int) {
        var at = start
        var separator = Separator.none
        while groupCount < NumberText.groupsMax {
            var group = Group(start: at, end: at, digitsBefore: digitCount, separator: separator)
            while at < text.high, UInt32(text.byte(at)).isDigit {
                guard digitCount < NumberText.digitsMax else {
                    isCut = true
                    return
                }
                digits[digitCount] = text.byte(at) - 0x30
                digitCount += 1
                at += 1
            }
            group.end = at
            groups[groupCount] = group
            groupCount += 1
            guard let (next, digit) = NumberText.separator(text, at: at) else { return }
            (separator, at) = (next, digit)
        }
        isCut = true
    }

    /// What stands between two groups, and where the next one begins; nil where none follows.
    private static func separator(_ text: DetectorText, at i: Int) -> (Separator, Int)? {
        var unit = text.unit(at: i)
        guard let first = kind(unit.value) else { return nil }
        var found = first
        // Brackets may have a space, a dash or a slash beside them.
        for _ in 0..<2 {
            let next = text.unit(at: unit.place)
            if next.value.isDigit {
                return unit.place < text.high && UInt32(text.byte(unit.place)).isDigit ? (found, unit.place) : nil
            }
            guard let other = kind(next.value) else { return nil }
            switch (found, other) {
            case (.space, .open), (.dash, .open): found = .open
            case (.close, .space), (.close, .dash), (.close, .slash): found = .close
            default: return nil
            }
            unit = next
        }
        return UInt32(unit.place < text.high ? text.byte(unit.place) : 0).isDigit ? (found, unit.place) : nil
    }

    private static func kind(_ value: UInt32) -> Separator? {
        switch value {
        case 0x20, 0xA0, 0x202F, 0x2009: .space
        case 0x2D, 0x2010, 0x2011, 0x2013: .dash
        case 0x2E: .dot
        case 0x2F: .slash
        case 0x28: .open
        case 0x29: .close
        default: nil
        }
    }

    /// Digits of the first groups together.
    func digitCount(groups count: Int) -> Int {
        count == 0 ? 0 : groups[count - 1].digitsBefore + groups[count - 1].count
    }

    /// Whether the first groups have these lengths, and all separators between them are of one kind.
    func begins(with lengths: [Int], _ separator: Separator) -> Bool {
        guard groupCount >= lengths.count else { return false }
        for i in lengths.indices {
            guard groups[i].count == lengths[i], i == 0 || groups[i].separator == separator else { return false }
        }
        return true
    }
}
