// SPDX-License-Identifier: Apache-2.0
import Answers
import ControlStore
import Datasets
import FactStore
import Indexing
import Instrumenting
import Platform
import SegmentLog

/// Which exit code an error of a room means.
enum VerbErrors {
    static func exitCode(for error: any Error) -> Int32 {
        switch error {
        case let failure as VerbFailure: failure.exitCode
        case let indexing as IndexingError: indexing.exitCode
        case is AnswersError: 2
        case let store as FactStoreError: store.exitCode
        case let control as ControlStoreError: control.exitCode
        case let dataset as DatasetError: exitCode(for: dataset)
        case let instrument as InstrumentError: instrument.code == .treeTooLarge ? 3 : 2
        case is SegmentError: 3
        case is PlatformError: 3
        default: 3
        }
    }
    private static func exitCode(for error: DatasetError) -> Int32 {
        switch error.code {
        case .emptySet, .narrowSelection: 1
        case .badRecipe, .outputTaken, .damagedSet, .badRow, .noRows: 2
        default: 3
        }
    }
}
