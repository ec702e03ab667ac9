// SPDX-License-Identifier: Apache-2.0

/// What tokens and normal forms need to know of each scalar, asked of the standard library once; immutable, for every thread.
///
/// The tables of Unicode are those of the standard library that the program was built with.
struct ScalarTable: Sendable {
    /// What a scalar does to a run, once its lower-case mapping is taken.
    enum Kind: UInt8 {
        /// Ends a run.
        case separator
        /// Continues a run as it is.
        case plain
        /// Continues a run as the digit 0.
        case digit
        /// Is a token of its own.
        case alone
        /// Continues a run as another scalar: `lower` has it.
        case capital
        /// Continues a run as two scalars, which no other does: U+0130.
        case dottedCapital
    }

    /// Kinds in the lower bits; `attention` where the scalar may not be passed over by the check for NFC.
    let classes: [UInt8]
    /// The lower-case mapping where the kind is `capital`.
    let lower: [UInt32]

    static let attention: UInt8 = 0x80
    /// Scalars below this have their entry; of those above, a few rules say all.
    static let count: UInt32 = 0x20000
    static let shared = ScalarTable()

    private init() {
        var classes = [UInt8](repeating: 0, count: Int(ScalarTable.count))
        var lower = [UInt32](repeating: 0, count: Int(ScalarTable.count))
        for value in 0..<ScalarTable.count {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let mapped = Array(scalar.properties.lowercaseMapping.unicodeScalars)
            var kind = ScalarTable.kind(mapped.first ?? scalar)
            if mapped.count > 1 {
                kind = .dottedCapital
            } else if let one = mapped.first, one != scalar, kind == .plain {
                kind = .capital
                lower[Int(value)] = one.value
            }
            classes[Int(value)] = kind.rawValue | (ScalarTable.needsAttention(scalar) ? ScalarTable.attention : 0)
        }
        self.classes = classes
        self.lower = lower
    }

    /// The entry of a scalar that has none in the table.
    static func classOutside(_ value: UInt32) -> UInt8 {
        // Planes 2 and 3 are ideographs; only compatibility ideographs among them are not in NFC as they stand.
        if value < 0x40000 { return Kind.alone.rawValue | ((0x2F800...0x2FA1F).contains(value) ? attention : 0) }
        guard let scalar = Unicode.Scalar(value) else { return Kind.separator.rawValue }
        return kind(scalar).rawValue | (needsAttention(scalar) ? attention : 0)
    }

    /// What a scalar without a mapping does to a run.
    private static func kind(_ scalar: Unicode.Scalar) -> Kind {
        if isAlone(scalar.value) { return .alone }
        return switch scalar.properties.generalCategory {
        case .decimalNumber: .digit
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark, .spacingMark,
            .enclosingMark, .letterNumber, .otherNumber:
            .plain
        default: .separator
        }
    }

    /// Whether a scalar is of a script that is written without spaces.
    private static func isAlone(_ value: UInt32) -> Bool {
        switch value {
        case 0x0E00...0x0EFF, 0x1000...0x109F, 0x1780...0x17FF, 0x3040...0x30FF, 0x31F0...0x31FF, 0x3400...0x4DBF,
            0x4E00...0x9FFF, 0xF900...0xFAFF, 0xFF66...0xFF9F, 0x20000...0x3FFFF:
            true
        default: false
        }
    }

    private static func needsAttention(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.canonicalCombiningClass != .notReordered || NormalForm.mayChange(scalar)
    }
}
