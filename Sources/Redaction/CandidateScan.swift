// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// A value found, before it is decided which of two that overlap stays.
struct DetectorMatch {
    let kind: DetectorKind
    let start: Int
    let end: Int
}

/// Kinds of places that are worth a second look, each a bit: three bytes in a row that a value of some kind must hold.
enum Trigger {
    static let email: UInt8 = 1
    static let dottedOrName: UInt8 = 2
    static let colons: UInt8 = 4
    static let number: UInt8 = 8
    static let plusOrName: UInt8 = 16
    static let dashedSecret: UInt8 = 32
    static let otherSecret: UInt8 = 64
    static let encodedAtOrName: UInt8 = 128
}

/// For each byte the triggers that it may be the first, second and third byte of.
///
/// A run is read once: three looks into the table and two ANDs a byte say whether anything can begin there.
struct TriggerTable: Sendable {
    /// First, second and third in the bits from 0, 8 and 16 on.
    private var entries = [UInt32](repeating: 0, count: 256)

    init(_ kinds: some Collection<DetectorKind>) {
        for kind in kinds {
            switch kind {
            case .secret: addSecrets()
            case .card, .ssn: addNumbers(after: { !TriggerTable.isDigit($0) })
            case .iban: addNumbers(after: { UInt32($0).isLetter })
            case .email: addEmail()
            case .phone:
                addNumbers(after: { !TriggerTable.isDigit($0) })
                add(
                    Trigger.plusOrName, first: { $0 == 0x2B }, second: { $0 == 0x31 || $0 == 0x37 },
                    third: { !TriggerTable.isDigit($0) })
            case .ip: addAddresses()
            }
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    private mutating func add(
        _ trigger: UInt8, first: (UInt8) -> Bool, second: (UInt8) -> Bool, third: (UInt8) -> Bool
    ) {
        for byte in UInt8.min...UInt8.max {
            if first(byte) { entries[Int(byte)] |= UInt32(trigger) }
            if second(byte) { entries[Int(byte)] |= UInt32(trigger) << 8 }
            if third(byte) { entries[Int(byte)] |= UInt32(trigger) << 16 }
        }
    }

    private mutating func addNumbers(after: (UInt8) -> Bool) {
        add(Trigger.number, first: after, second: TriggerTable.isDigit, third: TriggerTable.isDigit)
    }

    private mutating func addEmail() {
        func isWord(_ byte: UInt8) -> Bool { UInt32(byte).isAlphanumeric || byte >= 0x80 || byte == 0x5C }
        add(
            Trigger.email, first: { isWord($0) || "._+-'".utf8.contains($0) }, second: { $0 == 0x40 }, third: isWord)
        add(Trigger.encodedAtOrName, first: { $0 == 0x25 || $0 == 0x30 }, second: { $0 == 0x34 }, third: { $0 == 0x30 })
    }

    private mutating func addAddresses() {
        add(Trigger.dottedOrName, first: TriggerTable.isDigit, second: { $0 == 0x2E }, third: TriggerTable.isDigit)
        func isPart(_ byte: UInt8) -> Bool { Hex.value(byte) != nil || byte == 0x3A }
        add(Trigger.colons, first: isPart, second: { $0 == 0x3A }, third: isPart)
    }

    private mutating func addSecrets() {
        for shape in SecretShape.all {
            let place = shape.triggerPlace
            let bytes = (0..<3).map { shape.prefix.utf8Start[place + $0] }
            let trigger = bytes[2] == 0x2D || bytes[2] == 0x5F ? Trigger.dashedSecret : Trigger.otherSecret
            for (i, byte) in bytes.enumerated() { entries[Int(byte)] |= UInt32(trigger) << UInt32(8 * i) }
        }
        // Names as `password` and `token`, before what ends a name, or a space and a sign.
        add(
            Trigger.encodedAtOrName, first: { AssignedSecret.lettersBefore.contains($0 | 0x20) },
            second: { AssignedSecret.lastLetters.contains($0 | 0x20) }, third: { "\":='`\\".utf8.contains($0) })
        add(
            Trigger.dottedOrName, first: { AssignedSecret.lastLetters.contains($0 | 0x20) }, second: { $0 == 0x20 },
            third: { $0 == 0x3A || $0 == 0x3D })
        // A name that ends in "key", before what ends a name; and the password of a URL.
        add(
            Trigger.plusOrName, first: { $0 | 0x20 == 0x65 }, second: { $0 | 0x20 == 0x79 },
            third: { "\":=' \\".utf8.contains($0) })
        add(
            Trigger.email, first: { $0 > 0x20 && $0 != 0x22 && $0 != 0x2F }, second: { $0 == 0x40 },
            third: { UInt32($0).isAlphanumeric || $0 == 0x5B })
    }

    /// Tells each place of a text that has a trigger, from left to right.
    ///
    /// - Parameters:
    ///   - text: looked at from its beginning to its end.
    ///   - from: the first place of a trigger's second byte.
    ///   - to: the place after the last one.
    ///   - visit: takes the offset of a trigger's first byte, which is one before the beginning at the beginning, and the triggers.
    @inline(__always) func forEachPlace(
        _ text: DetectorText, from: Int, to: Int, _ visit: (_ first: Int, _ triggers: UInt8) -> Void
    ) {
        entries.withUnsafeBufferPointer { entries in
            guard let table = entries.baseAddress else { return }
            TriggerTable.forEachPlace(text, from: from, to: to, table, visit)
        }
    }

    @inline(__always) private static func forEachPlace(
        _ text: DetectorText, from: Int, to: Int, _ table: UnsafePointer<UInt32>, _ visit: (Int, UInt8) -> Void
    ) {
        let base = text.base
        let end = min(to, text.high - 1)
        var at = max(from, text.low)
        guard at < end else { return }
        @inline(__always) func entry(_ i: Int) -> UInt32 { table[Int(base.load(fromByteOffset: i, as: UInt8.self))] }
        @inline(__always) func look(_ i: Int, _ first: UInt32) {
            let hit = UInt8(truncatingIfNeeded: first & entry(i) >> 8 & entry(i + 1) >> 16)
            if hit != 0 { visit(i - 1, hit) }
        }
        if at == text.low {
            look(at, table[0])
            at += 1
        }
        var (e0, e1): (UInt32, UInt32) = (0, 0)
        if at < end { (e0, e1) = (entry(at - 1), entry(at)) }
        while at + 8 <= end {
            let e2 = entry(at + 1), e3 = entry(at + 2), e4 = entry(at + 3)
            var any = e0 & e1 >> 8 & e2 >> 16 | e1 & e2 >> 8 & e3 >> 16 | e2 & e3 >> 8 & e4 >> 16
            let e5 = entry(at + 4), e6 = entry(at + 5)
            any |= e3 & e4 >> 8 & e5 >> 16 | e4 & e5 >> 8 & e6 >> 16
            let e7 = entry(at + 6)
            any |= e5 & e6 >> 8 & e7 >> 16
            (e0, e1) = (entry(at + 7), entry(at + 8))
            any |= e6 & e7 >> 8 & e0 >> 16 | e7 & e0 >> 8 & e1 >> 16
            // Looked at byte by byte only where something is: what is found is not kept in registers.
            if UInt8(truncatingIfNeeded: any) != 0 {
                for i in at..<at + 8 { look(i, entry(i - 1)) }
            }
            at += 8
        }
        while at < end {
            look(at, entry(at - 1))
            at += 1
        }
    }
}
