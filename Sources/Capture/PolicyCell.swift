// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The policy in force, from whoever sets it to the capture thread.
final class PolicyCell: Sendable {
    private let policy: Mutex<CapturePolicy>
    private let changes = Atomic<Int>(0)

    init(_ policy: CapturePolicy) { self.policy = Mutex(policy) }

    /// Rises with every change.
    var version: Int { changes.load(ordering: .acquiring) }

    var current: CapturePolicy {
        get { policy.withLock { $0 } }
        set {
            policy.withLock { $0 = newValue }
            changes.wrappingAdd(1, ordering: .releasing)
        }
    }
}
