// SPDX-License-Identifier: Apache-2.0
import Crypto
package import ExchangeModel
package import FactStore
import Platform
package import SegmentLog

/// The source of real builds: facts say which records and where, segments hold them.
///
/// Blocks; owned by one thread.
/// Places are gathered first and visited in file order, so that each batch is decompressed once: about 64 bytes of memory a record. A
/// second thread reads ahead and decodes.
package final class SegmentSource: DatasetSource {
    private struct Place {
        let segment: UInt32
        let frame: Int64
        let offset: Int64
        let id: ExchangeID
        let isSelected: Bool
    }

    private struct Read: Sendable {
        let id: ExchangeID
        let location: PayloadLocation
        let input: DatasetInput
        let isSelected: Bool
    }

    private let facts: FactStore
    private let segments: SegmentDirectory
    private let recipe: DatasetRecipe
    private let pinned: Set<ExchangeID>

    /// A source of the records that a recipe's filters admit.
    ///
    /// - Parameters:
    ///   - facts: the index, brought up to date by the caller.
    ///   - segments: where the payloads lie.
    ///   - recipe: whose filters the facts are asked with.
    ///   - pinned: exchanges that are delivered whatever the filters say, and do not count for the limit: the data set's eval rows of earlier
    ///     versions (`DatasetLedger.pinnedExchanges`).
    package init(facts: FactStore, segments: SegmentDirectory, recipe: DatasetRecipe, pinned: Set<ExchangeID> = []) {
        self.facts = facts
        self.segments = segments
        self.recipe = recipe
        self.pinned = pinned
    }

    /// Visits the wanted records in file order; a payload that cannot be found or decoded is delivered as unreadable, one whose key is not
    /// in the key file as locked.
    ///
    /// - Throws: `FactStoreError`, `SegmentError` where a disk fails or no key file is configured at all, or what the body throws.
    package func forEachRecord(where isWanted: (ExchangeID) -> Bool, _ body: (DatasetInput) throws -> Void) throws {
        var (places, names) = try places(recipe.selection.factFilter) { [recipe, pinned] fact in
            isWanted(fact.head.id) && !pinned.contains(fact.head.id) && recipe.selection.refusal(of: fact) == nil
        }
        if let limit = recipe.selection.limit, Int64(places.count) > limit { places = first(Int(limit), of: places) }
        try addPinned(where: isWanted, &places, &names)
        try visit(places, names, hasKeys: segments.keys.current != nil, body)
    }

    /// Visits the wanted answers of OpenAI's Responses API that came before the selection's end, in file order.
    ///
    /// - Throws: as `forEachRecord`.
    package func forEachResponse(where isWanted: (ExchangeID) -> Bool, _ body: (DatasetInput) throws -> Void) throws {
        var filter = FactFilter()
        filter.api = APIFamily.openaiResponses.rawValue
        filter.untilUs = recipe.selection.untilUs
        var (places, names) = try places(filter) { [pinned] fact in isWanted(fact.head.id) && !pinned.contains(fact.head.id) }
        try addPinned(where: isWanted, &places, &names)
        // A history whose key is not there is missing; it is no reason to build nothing.
        try visit(places, names, hasKeys: true, body)
    }

    /// Whether the index has no fact of an exchange: payloads expire before facts, and what was erased has neither.
    ///
    /// - Throws: `FactStoreError`.
    package func isForgotten(_ id: ExchangeID) throws -> Bool { try facts.fact(id) == nil }

    private func addPinned(where isWanted: (ExchangeID) -> Bool, _ places: inout [Place], _ names: inout [String]) throws {
        var numbers = Dictionary(names.enumerated().map { ($1, UInt32(clamping: $0)) }, uniquingKeysWith: { first, _ in first })
        for id in pinned.sorted() where isWanted(id) {
            guard let fact = try facts.fact(id) else { continue }
            SegmentSource.add(fact, isSelected: isSelected(fact), to: &places, &names, &numbers)
        }
    }

    private func isSelected(_ fact: ExchangeFact) -> Bool {
        let (selection, startedUs) = (recipe.selection, fact.head.startedAtUs)
        return selection.refusal(of: fact) == nil && startedUs >= selection.sinceUs ?? Int64.min
            && startedUs < selection.untilUs ?? Int64.max
    }

    private func visit(
        _ unordered: [Place], _ names: [String], hasKeys: Bool, _ body: (DatasetInput) throws -> Void
    ) throws {
        let places = unordered.sorted { ($0.segment, $0.frame, $0.offset) < ($1.segment, $1.frame, $1.offset) }
        let segments = segments
        let late = SegmentRecordReader(directory: segments)
        try ReadAhead<Read>.run(
            name: "weir-read-ahead", limit: DatasetLimits.readAheadBytes
        ) { give in
            let reader = SegmentRecordReader(directory: segments)
            for place in places {
                let location = PayloadLocation(segment: names[Int(place.segment)], frame: place.frame, offset: place.offset)
                let (input, bytes) = try SegmentSource.input(place.id, at: location, reader, hasKeys: hasKeys)
                let read = Read(id: place.id, location: location, input: input, isSelected: place.isSelected)
                guard give(read, bytes) else { return }
            }
        } use: { read in
            var input = read.input
            if case .unreadable = input, let moved = try facts.fact(read.id)?.location, moved != read.location {
                // Its segment was sealed since the facts were listed.
                input = try SegmentSource.input(read.id, at: moved, late, hasKeys: hasKeys).input
            }
            if !read.isSelected, case .record(let record, var place) = input {
                place.isSelected = false
                input = .record(record, place)
            }
            try body(input)
        }
    }

    /// The record at a place, and the bytes of its line.
    private static func input(
        _ id: ExchangeID, at location: PayloadLocation, _ reader: SegmentRecordReader, hasKeys: Bool
    ) throws -> (input: DatasetInput, bytes: Int) {
        let missing = (input: DatasetInput.unreadable(id, location), bytes: 0)
        do {
            guard let offset = Int(exactly: location.offset) else { return missing }
            let line = try reader.record(segment: location.segment, frame: location.frame, offset: offset)
            let record = try ExchangeRecord(line: line)
            guard record.head.id == id else { return missing }
            return (.record(record, RecordPlace(location, lineDigest: digest(of: line))), line.count)
        } catch let error as SegmentError where error.code == .keyMissing && hasKeys {
            return (.locked(id, location), 0)
        } catch let error as SegmentError where error.code != .recordNotFound && error.cause?.code != .notFound {
            throw error
        } catch {
            return missing
        }
    }

    /// The hash of a line and the newline that it lies before.
    private static func digest(of line: [UInt8]) -> Digest128 {
        var hasher = SHA256()
        hasher.update(data: line)
        hasher.update(data: [UInt8(ascii: "\n")])
        return Digest128(hasher.finalize())
    }

    private func places(
        _ filter: FactFilter, where isWanted: (ExchangeFact) -> Bool
    ) throws -> (places: [Place], names: [String]) {
        var names: [String] = []
        var numbers: [String: UInt32] = [:]
        var places: [Place] = []
        try facts.forEachFact(filter) { fact in
            guard isWanted(fact) else { return }
            guard places.count < DatasetLimits.records else {
                throw DatasetError(
                    .tooLarge, "More than \(DatasetLimits.records) records: narrow the recipe, by task or by time.")
            }
            SegmentSource.add(fact, isSelected: true, to: &places, &names, &numbers)
        }
        return (places, names)
    }

    private static func add(
        _ fact: ExchangeFact, isSelected: Bool, to places: inout [Place], _ names: inout [String],
        _ numbers: inout [String: UInt32]
    ) {
        let number = numbers[fact.location.segment] ?? UInt32(clamping: names.count)
        if Int(number) == names.count {
            names.append(fact.location.segment)
            numbers[fact.location.segment] = number
        }
        let (frame, offset) = (fact.location.frame, fact.location.offset)
        places.append(Place(segment: number, frame: frame, offset: offset, id: fact.head.id, isSelected: isSelected))
    }

    /// Those whose ids come first by the recipe's keyed hash: the same ones, whatever else is there and in whatever order.
    private func first(_ limit: Int, of places: [Place]) -> [Place] {
        let split = Split(recipe: recipe)
        let keyed = places.map { (order: split.order(ofRecord: $0.id), place: $0) }
        return keyed.sorted { ($0.order, $0.place.id) < ($1.order, $1.place.id) }.prefix(limit).map(\.place)
    }
}
