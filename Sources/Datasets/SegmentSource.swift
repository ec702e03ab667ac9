// SPDX-License-Identifier: Apache-2.0
package import ExchangeModel
package import FactStore
package import SegmentLog

/// The source of real builds: facts say which records and where, segments hold them.
///
/// Blocks; owned by one thread.
/// Places are gathered first and visited in file order, so that each batch is decompressed once: about 64 bytes of memory a record.
package final class SegmentSource: DatasetSource {
    private struct Place {
        let segment: UInt32
        let frame: Int64
        let offset: Int64
        let id: ExchangeID
    }

    private let facts: FactStore
    private let segments: SegmentDirectory
    private let recipe: DatasetRecipe

    /// A source of the records that a recipe's filters admit.
    ///
    /// - Parameters:
    ///   - facts: the index, brought up to date by the caller.
    ///   - segments: where the payloads lie.
    ///   - recipe: whose filters the facts are asked with.
    package init(facts: FactStore, segments: SegmentDirectory, recipe: DatasetRecipe) {
        self.facts = facts
        self.segments = segments
        self.recipe = recipe
    }

    /// Visits the wanted records in file order; a payload that cannot be found or decoded is delivered as unreadable.
    ///
    /// - Throws: `FactStoreError`, `SegmentError` where a disk fails, or what the body throws.
    package func forEachRecord(where isWanted: (ExchangeID) -> Bool, _ body: (DatasetInput) throws -> Void) throws {
        let (places, names) = try places(where: isWanted)
        let reader = SegmentRecordReader(directory: segments)
        for place in places {
            let location = PayloadLocation(segment: names[Int(place.segment)], frame: place.frame, offset: place.offset)
            var input = try input(place.id, at: location, reader)
            if case .unreadable = input, let moved = try facts.fact(place.id)?.location, moved != location {
                // Its segment was sealed since the facts were listed.
                input = try self.input(place.id, at: moved, reader)
            }
            try body(input)
        }
    }

    private func input(_ id: ExchangeID, at location: PayloadLocation, _ reader: SegmentRecordReader) throws -> DatasetInput {
        do {
            guard let offset = Int(exactly: location.offset) else { return .unreadable(id, location) }
            let line = try reader.record(segment: location.segment, frame: location.frame, offset: offset)
            let record = try ExchangeRecord(line: line)
            return record.head.id == id ? .record(record, location) : .unreadable(id, location)
        } catch let error as SegmentError where error.code != .recordNotFound {
            throw error
        } catch {
            return .unreadable(id, location)
        }
    }

    private func places(where isWanted: (ExchangeID) -> Bool) throws -> (places: [Place], names: [String]) {
        var names: [String] = []
        var numbers: [String: UInt32] = [:]
        var places: [Place] = []
        try facts.forEachFact(recipe.selection.factFilter) { fact in
            guard isWanted(fact.head.id), recipe.selection.refusal(of: fact) == nil else { return }
            guard places.count < DatasetLimits.records else {
                throw DatasetError(
                    .tooLarge, "More than \(DatasetLimits.records) records: narrow the recipe, by task or by time.")
            }
            let number = numbers[fact.location.segment] ?? UInt32(clamping: names.count)
            if Int(number) == names.count {
                names.append(fact.location.segment)
                numbers[fact.location.segment] = number
            }
            places.append(Place(segment: number, frame: fact.location.frame, offset: fact.location.offset, id: fact.head.id))
        }
        if let limit = recipe.selection.limit, Int64(places.count) > limit { places = first(Int(limit), of: places) }
        places.sort { ($0.segment, $0.frame, $0.offset) < ($1.segment, $1.frame, $1.offset) }
        return (places, names)
    }

    /// Those whose ids come first by the recipe's keyed hash: the same ones, whatever else is there and in whatever order.
    private func first(_ limit: Int, of places: [Place]) -> [Place] {
        let split = Split(recipe: recipe)
        let keyed = places.map { (order: split.order(ofRecord: $0.id), place: $0) }
        return keyed.sorted { ($0.order, $0.place.id) < ($1.order, $1.place.id) }.prefix(limit).map(\.place)
    }
}
