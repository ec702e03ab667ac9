// SPDX-License-Identifier: Apache-2.0
import Answers
import Datasets
import FactStore
import Indexing
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
        case is DatasetError: 2
        case is SegmentError: 3
        case is PlatformError: 3
        default: 3
        }
    }
}
