// SPDX-License-Identifier: Apache-2.0
import Synchronization
package import Telemetry

/// Who may read `/metrics`.
package enum MetricsAccess: String, Sendable, CaseIterable {
    /// With gateway keys configured, whoever shows one; without, callers from this machine.
    case auto
    /// Anyone who reaches the port.
    case open
    /// Nobody.
    case off
}

/// What the gateway shows of itself: metrics, readiness, who may see them.
///
/// Safe from any thread.
package final class GatewayOperations: Sendable {
    /// Where the data plane stands.
    package enum State: Int, Sendable {
        /// Before the port accepts.
        case starting
        case ready
        /// No exchange is begun any more.
        case draining
    }

    /// All metrics of the process.
    package let registry: MetricRegistry
    /// Who may read `/metrics`.
    package let metricsAccess: MetricsAccess
    /// Where posted feedback goes; nil where none is kept.
    package let feedback: (any FeedbackDesk)?
    private let stateCell = Atomic<Int>(State.starting.rawValue)

    /// Operations of one gateway.
    ///
    /// - Parameters:
    ///   - registry: of the process.
    ///   - metricsAccess: who may read `/metrics`.
    ///   - feedback: where posted feedback goes; nil where none is kept.
    package init(
        registry: MetricRegistry = MetricRegistry(), metricsAccess: MetricsAccess = .auto, feedback: (any FeedbackDesk)? = nil
    ) {
        self.registry = registry
        self.metricsAccess = metricsAccess
        self.feedback = feedback
    }

    /// Where the data plane stands.
    package var state: State { State(rawValue: stateCell.load(ordering: .relaxed)) ?? .starting }

    /// Notes where the data plane stands.
    package func enter(_ state: State) { stateCell.store(state.rawValue, ordering: .relaxed) }
}
