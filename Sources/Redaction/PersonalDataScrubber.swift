// SPDX-License-Identifier: Apache-2.0
package import ByteCoding
import Crypto

/// Finds personal data and secrets by their shape, and names what stands in their place.
///
/// World: thread; owned by one, whose memory it uses again. What is found is what one kind after the other, in order of
/// precedence, would find in what the kinds before it left: so masking what is masked already changes nothing.
package struct PersonalDataScrubber: ~Copyable, Sendable {
    /// What a run of bytes is, as far as detectors care.
    package enum Content: Sendable {
        /// A header value, a query, a path, a value of metadata.
        case text
        /// A body: text, JSON, or anything.
        case body
        /// The body of a stream: a value may be cut in pieces by its events.
        case stream
    }

    /// What is looked for.
    package let detectors: Set<DetectorKind>
    private let kinds: [DetectorKind]
    private let key: SymmetricKey
    private let table: TriggerTable
    private let tables: [TriggerTable]
    private var scan = DetectorScan()
    private var stream = StreamPieces()

    /// No value but a secret is longer, however it is escaped, and no secret is looked for beside another value.
    private static let reach = 4_096

    /// A scrubber.
    ///
    /// - Parameters:
    ///   - detectors: what to look for; none finds nothing, at no cost.
    ///   - key: at least 16 random bytes: pseudonyms are equal where value and key are.
    package init(detectors: Set<DetectorKind>, key: [UInt8]) {
        self.detectors = detectors
        self.key = SymmetricKey(data: key)
        kinds = DetectorKind.byPrecedence.filter(detectors.contains)
        table = TriggerTable(kinds)
        tables = kinds.map { TriggerTable([$0]) }
    }

    /// What is to be replaced in a run; empty, without a copy made, where nothing is found.
    ///
    /// - Parameters:
    ///   - run: bytes of any kind.
    ///   - content: where they come from.
    /// - Returns: good for this run only.
    /// - Complexity: O(n), whatever the bytes are.
    package mutating func edits(in run: ByteRun, as content: Content) -> RedactionEdits {
        guard !kinds.isEmpty, !run.isEmpty else { return RedactionEdits() }
        let text = DetectorText(base: run.base, low: 0, high: run.count, isAfterValue: false, isBeforeValue: false)
        var found = matches(in: run)
        var split: [RedactionEdit] = []
        if content == .stream { split = splitEdits(in: run, replacing: &found) }
        var quotes = QuoteCursor()
        var edits: [RedactionEdit] = []
        for match in found {
            var part = RedactionEdit.Part.whole
            if content != .text, match.kind == .card || match.kind == .phone || match.kind == .ssn {
                switch quotes.standing(of: match, in: text) {
                case .inText: break
                case .bareNumber: part = .quoted
                case .partOfNumber: continue
                }
            }
            edits.append(edit(match, match.start, match.end, part, tag: tag(match, in: text)))
        }
        if !split.isEmpty { edits = (edits + split).sorted { $0.start < $1.start } }
        var result = RedactionEdits()
        for edit in edits { result.append(edit) }
        return result
    }

    private func tag(_ match: DetectorMatch, in text: DetectorText) -> UInt64 {
        Pseudonym.tag(of: DetectorValue.plain(match, in: text), kind: match.kind, key: key)
    }

    private func edit(_ match: DetectorMatch, _ start: Int, _ end: Int, _ part: RedactionEdit.Part, tag: UInt64) -> RedactionEdit
    {
        RedactionEdit(start: start, end: end, kind: match.kind, tag: tag, part: part)
    }

    // MARK: Streams

    /// The edits within the pieces of a stream's text; what was found within a single piece goes where one of them overlaps it.
    ///
    /// It stays elsewhere: beside another piece a value may look like none, as where a whole text is sent several times.
    private mutating func splitEdits(in run: ByteRun, replacing found: inout [DetectorMatch]) -> [RedactionEdit] {
        stream.gather(run)
        var edits: [RedactionEdit] = []
        for row in stream.rows where row.pieces.count > 1 {
            row.text.withUnsafeBytes { bytes in
                let joined = ByteRun(bytes)
                let text = DetectorText(base: joined.base, low: 0, high: joined.count, isAfterValue: false, isBeforeValue: false)
                var piece = 0
                for match in matches(in: joined) {
                    let tag = tag(match, in: text)
                    while piece + 1 < row.pieces.count, row.pieces[piece + 1].joined <= match.start { piece += 1 }
                    var at = match.start
                    var index = piece
                    while at < match.end {
                        let place = row.pieces[index]
                        let end = min(match.end, place.joined + place.count)
                        let shift = place.original - place.joined
                        edits.append(edit(match, at + shift, end + shift, at == match.start ? .whole : .rest, tag: tag))
                        at = end
                        index += 1
                    }
                }
            }
        }
        guard !edits.isEmpty, !found.isEmpty else { return edits }
        edits.sort { $0.start < $1.start }
        var i = 0
        found.removeAll { match in
            while i < edits.count, edits[i].end <= match.start { i += 1 }
            return i < edits.count && edits[i].start < match.end
        }
        return edits
    }

    // MARK: Precedence

    /// What is found in a run, by place, without overlaps.
    private mutating func matches(in run: ByteRun) -> [DetectorMatch] {
        let whole = DetectorText(base: run.base, low: 0, high: run.count, isAfterValue: false, isBeforeValue: false)
        scan.look(for: kinds, in: whole, from: 0, to: run.count, by: table)
        guard scan.foundCount > 0 else { return [] }
        let first = scan.found
        var accepted: [DetectorMatch] = []
        for (i, kind) in kinds.enumerated() {
            let own = first[kind.rank]
            if accepted.isEmpty {
                accepted = own
            } else {
                let beside = between(accepted, i, own, in: run)
                if !beside.isEmpty { accepted = (accepted + beside).sorted { $0.start < $1.start } }
            }
        }
        return accepted
    }

    /// What a kind finds between the values of others: near them by a new look, far from them by the first one.
    private mutating func between(_ values: [DetectorMatch], _ kind: Int, _ own: [DetectorMatch], in run: ByteRun)
        -> [DetectorMatch]
    {
        var result: [DetectorMatch] = []
        var next = 0
        func add(_ match: DetectorMatch) {
            if match.start >= result.last?.end ?? 0 { result.append(match) }
        }
        for gap in 0...values.count {
            let low = gap == 0 ? 0 : values[gap - 1].end
            let high = gap == values.count ? run.count : values[gap].start
            guard high > low else { continue }
            let text = DetectorText(
                base: run.base, low: low, high: high, isAfterValue: gap > 0, isBeforeValue: gap < values.count)
            let reach = PersonalDataScrubber.reach
            let near = gap > 0 ? low + reach : low
            let far = gap < values.count ? high - reach : high
            if near >= far {
                scan.look(for: [kinds[kind]], in: text, from: low, to: high, by: tables[kind])
                for match in scan.found[kinds[kind].rank] { add(match) }
                continue
            }
            if near > low {
                scan.look(for: [kinds[kind]], in: text, from: low, to: near, by: tables[kind])
                for match in scan.found[kinds[kind].rank] { add(match) }
            }
            while next < own.count, own[next].start < far {
                if own[next].start >= low, near == low || own[next].end > near { add(own[next]) }
                next += 1
            }
            if far < high {
                scan.look(for: [kinds[kind]], in: text, from: max(far, result.last?.end ?? 0), to: high, by: tables[kind])
                for match in scan.found[kinds[kind].rank] { add(match) }
            }
        }
        return result
    }
}
