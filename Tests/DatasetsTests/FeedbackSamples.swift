// SPDX-License-Identifier: Apache-2.0
import ControlStore
import ExchangeModel
import Foundation
import Platform
import Testing

@testable import Datasets

/// Feedback in an array, given in the order that a store promises.
struct MemoryFeedback: DatasetFeedback {
    var pieces: [Feedback]

    func forEachFeedback(of exchanges: [ExchangeID], _ take: (Feedback) throws -> Void) throws {
        for exchange in exchanges {
            let about = pieces.filter { $0.exchange == exchange }
            let sorted = about.sorted { a, b in
                if a.source != b.source { return a.source.utf8.lexicographicallyPrecedes(b.source.utf8) }
                return (a.atUs, a.id) < (b.atUs, b.id)
            }
            for piece in sorted { try take(piece) }
        }
    }
}

extension TestRecords {
    /// A piece of feedback about the exchange of a number; its own id is that of another number, far above all exchanges.
    static func feedback(
        _ id: UInt64, about number: UInt64, at atUs: Int64 = 10, from source: String = "app", score: Double? = nil,
        correction: FeedbackCorrection? = nil
    ) -> Feedback {
        Feedback(
            id: TestRecords.id(1_000_000_000 + id), exchange: TestRecords.id(number), atUs: atUs, source: source, score: score,
            label: score == nil && correction == nil ? "seen" : nil, correction: correction)
    }
}

extension Scratch {
    /// How a build reads records, with a key from its recipe and no histories of its own.
    func intake(_ recipe: DatasetRecipe) -> RowIntake {
        RowIntake(recipe: recipe, key: RedactionKey(salt: recipe.salt), history: ResponseHistory(in: path, files: files))
    }

    /// What a build would write, without the files.
    func plan(_ recipe: DatasetRecipe, _ inputs: [DatasetInput], feedback: [Feedback]) throws -> DatasetPlan {
        let place = try DatasetOutput(place: "\(path)/plan-\(UUID().uuidString)", name: recipe.name, files: files)
        let intake = intake(recipe)
        return try DatasetBuild.plan(
            recipe, MemorySource(inputs), { intake }, ResponseHistory(in: place.building, files: files),
            MemoryFeedback(pieces: feedback), DatasetLedger(withoutStore: recipe.ledger), place: place, files: files,
            progress: { _ in }
        ).0
    }
}
