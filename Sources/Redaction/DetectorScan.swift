// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// One look over a text, or a part of it, for values of some kinds.
///
/// Values of one kind never overlap: each kind goes on where its last value ended.
struct DetectorScan: Sendable {
    /// What was found, by kind and place.
    private(set) var found: [[DetectorMatch]] = Array(repeating: [], count: DetectorKind.byPrecedence.count)
    private(set) var foundCount = 0
    private var resume: InlineArray<7, Int> = .init(repeating: 0)
    private var isOn: InlineArray<7, Bool> = .init(repeating: false)
    private var secrets = SecretDetector()
    private(set) var looks = AssignedLooks()
    /// Rows of dotted digits, and of hexadecimal digits and colons, read up to here.
    private var dottedEnd = 0
    private var colonsEnd = 0

    /// Looks for values that begin within a part of a text.
    ///
    /// - Parameters:
    ///   - kinds: what to look for; the table's.
    ///   - text: what may be looked at.
    ///   - from: the first place of a sign of a value.
    ///   - to: the place after the last one.
    ///   - table: made for the kinds.
    mutating func look(for kinds: [DetectorKind], in text: DetectorText, from: Int, to: Int, by table: TriggerTable) {
        for kind in DetectorKind.byPrecedence {
            isOn[kind.rank] = kinds.contains(kind)
            found[kind.rank].removeAll(keepingCapacity: true)
            resume[kind.rank] = from
        }
        foundCount = 0
        (dottedEnd, colonsEnd) = (from, from)
        secrets.reset()
        looks = AssignedLooks()
        table.forEachPlace(text, from: from, to: to) { place, triggers in visit(place, triggers, text) }
    }

    /// Places where a value's first sign may lie before the value of the same kind found last has ended.
    private func isPast(_ kind: DetectorKind, _ place: Int) -> Bool { isOn[kind.rank] && place >= resume[kind.rank] }

    @inline(never) private mutating func visit(_ place: Int, _ triggers: UInt8, _ text: DetectorText) {
        if triggers & Trigger.number != 0 { number(at: place + 1, in: text) }
        if triggers & (Trigger.dashedSecret | Trigger.otherSecret) != 0, secrets.mayHold(place, in: text), isPast(.secret, place)
        {
            secret(at: place, in: text)
        }
        if triggers & Trigger.dottedOrName != 0 { dottedOrName(at: place, in: text) }
        if triggers & Trigger.colons != 0, place + 1 >= colonsEnd {
            let (match, end) = AddressDetector.colons(at: place + 1, in: text)
            colonsEnd = end
            if let match {
                keep(match)
                dottedEnd = max(dottedEnd, match.end)
            }
        }
        if triggers & Trigger.email != 0 { sign(place + 1..<place + 2, in: text) }
        if triggers & Trigger.encodedAtOrName != 0 { encodedSignOrName(at: place, in: text) }
        if triggers & Trigger.plusOrName != 0 { plusOrName(at: place, in: text) }
    }

    private mutating func keep(_ match: DetectorMatch) {
        guard match.start >= resume[match.kind.rank] else { return }
        found[match.kind.rank].append(match)
        foundCount += 1
        resume[match.kind.rank] = match.end
    }

    // MARK: Signs

    private mutating func sign(_ sign: Range<Int>, in text: DetectorText) {
        if isOn[DetectorKind.secret.rank], let match = SecretDetector.password(before: sign.lowerBound, in: text) { keep(match) }
        if isPast(.email, sign.lowerBound), let match = EmailDetector.match(at: sign, in: text) { keep(match) }
    }

    /// An address, or the last letter of a name with a space before its sign.
    private mutating func dottedOrName(at place: Int, in text: DetectorText) {
        guard text.byte(place + 1) == 0x2E else { return assigned(to: place, in: text) }
        guard isOn[DetectorKind.ip.rank], place >= dottedEnd else { return }
        let (match, end) = AddressDetector.dotted(at: place + 1, in: text)
        dottedEnd = end
        if let match { keep(match) }
    }

    /// Three characters that either end an encoded `@`, or are the last two letters of a name and what follows.
    private mutating func encodedSignOrName(at place: Int, in text: DetectorText) {
        if text.byte(place + 1) == 0x34, text.byte(place + 2) == 0x30 {
            encodedSign(at: place, in: text)
        } else {
            assigned(to: place + 1, in: text)
        }
    }

    /// What is assigned to a name whose last letter is at an offset.
    private mutating func assigned(to last: Int, in text: DetectorText) {
        guard isPast(.secret, last), last > text.low, let match = AssignedSecret.match(lastLetter: last, in: text, &looks)
        else { return }
        keep(match)
    }

    /// An `@` written `%40` or `\u0040`, of which the last three characters, or two and what is before, are at an offset.
    private mutating func encodedSign(at place: Int, in text: DetectorText) {
        guard isPast(.email, place), place >= text.low else { return }
        let start: Int
        if text.byte(place) == 0x25 {
            start = place
        } else {
            let unit = text.unit(before: place + 3)
            guard unit.value == 0x40 else { return }
            start = unit.place
        }
        if let match = EmailDetector.match(at: start..<place + 3, in: text) { keep(match) }
    }

    private mutating func plusOrName(at place: Int, in text: DetectorText) {
        guard place >= text.low else { return }
        if text.byte(place) == 0x2B {
            if isPast(.phone, place) { plus(NumberText(text, at: place + 1), from: place, in: text) }
        } else if text.byte(place + 1) | 0x20 == 0x79, isPast(.secret, place),
            let match = secrets.named(at: place, in: text, &looks)
        {
            keep(match)
        }
    }

    private mutating func secret(at place: Int, in text: DetectorText) {
        guard let match = secrets.match(at: place, in: text) else { return }
        keep(match)
        let prefix = text.run(match.start, match.start + 4)
        if prefix.equals(ByteRun("AKIA")) || prefix.equals(ByteRun("ASIA")),
            let beside = SecretDetector.besideAccessKey(after: match.end, in: text)
        {
            keep(beside)
        }
    }

    // MARK: Numbers

    /// Whether digits may begin something longer: most numbers are short and stand alone.
    private func isPromising(_ start: Int, in text: DetectorText) -> Bool {
        var end = start + 2
        while end < text.high, UInt32(text.byte(end)).isDigit { end += 1 }
        let isLong = end - start >= 7
        guard end + 1 < text.high else { return isLong }
        let next = text.byte(end + 1)
        let isGrouped =
            switch text.byte(end) {
            case 0x20, 0x2D: UInt32(next).isDigit || next == 0x28
            case 0x2E, 0x2F: UInt32(next).isDigit
            case 0x28, 0x29, 0x5C, 0xC2, 0xE2: true
            default: false
            }
        guard isLong, !isGrouped, end - start < 13 else { return isGrouped || isLong }
        // A lone row too short for a card.
        let before = start > text.low ? text.byte(start - 1) : 0
        return before == 0x2B || UInt32(before).isAlphanumeric
            || isOn[DetectorKind.phone.rank] && PhoneDetector.mayBe(from: start, to: end, in: text)
            || isOn[DetectorKind.ssn.rank] && SocialSecurityDetector.mayBe(from: start, to: end, in: text)
    }

    private mutating func number(at place: Int, in text: DetectorText) {
        let isLone = !isPromising(place, in: text)
        if isLone, !isOn[DetectorKind.iban.rank] || place < 2 || !UInt32(text.byte(place - 1)).isLetter { return }
        var start = place
        var before = text.unit(before: start)
        if before.value.joinsWords {
            if isPast(.iban, place - 2), before.value.isLetter, let match = IBANDetector.match(digits: place, in: text) {
                keep(match)
            }
            if let sign = encodedPlus(before: start, in: text) {
                if isPast(.phone, sign) { plus(NumberText(text, at: start), from: sign, in: text) }
                return
            }
            guard let end = text.endOfEscape(around: start), end < text.high, UInt32(text.byte(end)).isDigit else { return }
            start = end
            before = text.unit(before: start)
            if before.value.joinsWords { return }
        }
        let wantsCard = isPast(.card, start)
        let wantsPhone = isPast(.phone, start)
        let wantsSSN = isPast(.ssn, start)
        guard wantsCard || wantsPhone || wantsSSN, !isTag(at: start, after: before, in: text) else { return }
        let further = text.unit(before: before.place).value
        // Part of a decimal, or of an identifier with dashes.
        let isInside =
            (before.value == 0x2D || before.value == 0x2E && !further.isLetter)
            && (further.isAlphanumeric || further == DetectorText.replaced)
        // 1.800.555.0100 is the only number that begins before.
        if isInside, before.place <= text.low || text.byte(before.place - 1) != 0x31 { return }
        let number = NumberText(text, at: start)
        if wantsCard, before.value != 0x2B, !isInside,
            let end = CardDetector.end(of: number, in: text)
        {
            keep(DetectorMatch(kind: .card, start: start, end: end))
        }
        if wantsSSN, before.value != 0x2B, !isInside, let end = SocialSecurityDetector.end(of: number, in: text) {
            keep(DetectorMatch(kind: .ssn, start: start, end: end))
        }
        guard wantsPhone else { return }
        if before.value == 0x2B {
            plus(number, from: before.place, in: text)
        } else {
            phone(number, from: start, after: before, isInside: isInside, in: text)
        }
    }

    /// Whether digits are the tag of a pseudonym.
    private func isTag(at start: Int, after before: DetectorText.Unit, in text: DetectorText) -> Bool {
        let end = start + Pseudonym.digits
        return before.value == 0x3A && end < text.high && text.byte(end) == 0x3E && text.endsPseudonym(at: end)
    }

    private func encodedPlus(before start: Int, in text: DetectorText) -> Int? {
        guard start - 3 >= text.low, text.byte(start - 3) == 0x25, text.byte(start - 2) == 0x32,
            text.byte(start - 1) | 0x20 == 0x62
        else { return nil }
        return start - 3
    }

    private mutating func plus(_ number: NumberText, from sign: Int, in text: DetectorText) {
        let before = text.unit(before: sign).value
        guard isPast(.phone, sign), !before.joinsWords, before != 0x2B,
            let end = PhoneDetector.end(of: number, lead: .plus, in: text)
        else { return }
        keep(DetectorMatch(kind: .phone, start: sign, end: end))
    }

    private mutating func phone(
        _ number: NumberText, from start: Int, after before: DetectorText.Unit, isInside: Bool, in text: DetectorText
    ) {
        if before.value == 0x28 {
            let outside = text.unit(before: before.place).value
            if !outside.joinsWords, let end = PhoneDetector.end(of: number, lead: .bracket, in: text) {
                return keep(DetectorMatch(kind: .phone, start: before.place, end: end))
            }
        }
        var first = start
        var number = number
        if before.value == 0x2D || before.value == 0x20 || before.value == 0x2E, before.place > text.low,
            text.byte(before.place - 1) == 0x31
        {
            // 1-800-555-0100: a single digit begins no number of its own.
            let outside = text.unit(before: before.place - 1).value
            let long = NumberText(text, at: before.place - 1)
            if !outside.joinsWords, outside != 0x2E, outside != 0x2D, outside != 0x2B,
                PhoneDetector.end(of: long, lead: .none, in: text) != nil
            {
                (first, number) = (before.place - 1, long)
            } else if isInside {
                return
            }
        } else if isInside {
            return
        }
        if let end = PhoneDetector.end(of: number, lead: .none, isInRow: isInRow(before, in: text), in: text) {
            keep(DetectorMatch(kind: .phone, start: first, end: end))
        }
    }

    /// Whether a space before a number follows two digits that stand alone and are no part of a value.
    private func isInRow(_ space: DetectorText.Unit, in text: DetectorText) -> Bool {
        let place = space.place
        guard space.value == 0x20, place - 2 >= text.low, place > resume[DetectorKind.phone.rank] else { return false }
        guard UInt32(text.byte(place - 1)).isDigit, UInt32(text.byte(place - 2)).isDigit else { return false }
        let before = text.unit(before: place - 2).value
        return before == 0x20 || before == DetectorText.edge
    }
}
