// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import NIOPosix

/// Drives conversations of several turns through a host and port, as many clients at a time as the plan says.
///
/// The requests follow from the plan's seed and from the answers; only their interleaving depends on time. The whole drive
/// runs on one event loop. Cancelling the task that awaits `run` breaks off what is in flight and returns what was counted.
package final class TrafficDriver: Sendable {
    /// What is sent.
    package let plan: TrafficPlan
    private let givenGroup: (any EventLoopGroup)?

    /// A driver for a plan; nothing is sent yet.
    ///
    /// - Parameters:
    ///   - plan: what to send, and where to.
    ///   - group: event loops to take one from; without one the drive runs on a thread of its own.
    package init(plan: TrafficPlan, group: (any EventLoopGroup)? = nil) {
        self.plan = plan
        givenGroup = group
    }

    /// Sends all exchanges of the plan and waits for their ends.
    ///
    /// - Parameter progress: called on the event loop after each exchange; must not block.
    /// - Returns: what came back.
    /// - Throws: `FakeProviderError` with code `badPlan` where the plan is out of bounds; failing exchanges are counted, not thrown.
    package func run(progress: @escaping @Sendable (TrafficProgress) -> Void = { _ in }) async throws -> TrafficResult {
        try check()
        if let givenGroup { return try await drive(on: givenGroup.next(), progress) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let outcome: Result<TrafficResult, any Error>
        do {
            outcome = .success(try await drive(on: group.next(), progress))
        } catch {
            outcome = .failure(error)
        }
        try await group.shutdownGracefully()
        return try outcome.get()
    }

    private func drive(
        on loop: any EventLoop, _ progress: @escaping @Sendable (TrafficProgress) -> Void
    ) async throws -> TrafficResult {
        let promise = loop.makePromise(of: TrafficResult.self)
        let plan = plan
        let run = try await loop.submit {
            let run = TrafficRun(plan: plan, loop: loop, promise: promise, progress: progress)
            run.start()
            return NIOLoopBound(run, eventLoop: loop)
        }.get()
        return try await withTaskCancellationHandler {
            try await promise.futureResult.get()
        } onCancel: {
            loop.execute { run.value.stop() }
        }
    }

    private func check() throws {
        guard (1...FakeProviderLimits.driverExchanges).contains(plan.exchanges) else {
            throw bad("exchanges must be 1 to \(FakeProviderLimits.driverExchanges)")
        }
        guard (1...FakeProviderLimits.driverConcurrency).contains(plan.concurrency) else {
            throw bad("concurrency must be 1 to \(FakeProviderLimits.driverConcurrency)")
        }
        guard (1...65_535).contains(plan.port) else { throw bad("port must be 1 to 65535") }
    }

    private func bad(_ message: String) -> FakeProviderError { FakeProviderError(code: .badPlan, message: message) }
}
