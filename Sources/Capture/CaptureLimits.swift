// SPDX-License-Identifier: Apache-2.0

/// Limits of capture; memory is bounded by their sum whatever the traffic does.
package struct CaptureLimits: Sendable {
    /// Of one body, as on the wire: what comes after is counted and hashed, not kept.
    package var bodyBytes = 64 << 20
    /// Of all bodies of exchanges still running.
    package var inFlightBytes = 512 << 20
    /// Of finished exchanges waiting for the capture thread.
    package var queueBytes = 256 << 20
    /// Finished exchanges waiting.
    package var queueCount = 1 << 17
    /// A body decoded from its content coding may grow to this.
    package var decodedBytes = 256 << 20
    /// Pause of the capture thread between two looks at the queue, microseconds: hand-offs then cost no wake-up.
    package var pauseUs: Int64 = 10_000

    /// The defaults.
    package init() {}

    /// From this much waiting on, exchanges are handed over without their bodies.
    var reducedFromBytes: Int { queueBytes / 10 * 9 }
}
