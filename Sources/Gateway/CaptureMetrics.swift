// SPDX-License-Identifier: Apache-2.0
import Capture
import Telemetry

/// What capture counts itself, written at each scrape.
enum CaptureMetrics {
    /// Adds capture's counters to the scrape.
    static func add(_ capture: CaptureEngine, to registry: MetricRegistry) {
        registry.addSource { out in
            let counters = capture.counters
            func write(_ name: String, _ type: StaticString, _ value: Int, _ help: String) {
                out.begin(name, type: type, help: help)
                out.sample(name, [], value)
            }
            // Read in the order of an exchange's life backwards, so that no later count is above an earlier one.
            let dropped = counters.dropped
            let written = counters.written
            let waiting = capture.waitingBytes
            let admitted = counters.admitted
            write("weir_capture_exchanges_admitted_total", "counter", admitted, "Exchanges whose capture was begun.")
            write("weir_capture_records_written_total", "counter", written, "Records given to the segment log.")
            write(
                "weir_capture_exchanges_reduced_total", "counter", counters.reduced,
                "Exchanges recorded without all of their bodies.")
            out.begin("weir_capture_exchanges_dropped_total", type: "counter", help: "Exchanges lost to capture; must stay 0.")
            out.sample("weir_capture_exchanges_dropped_total", [("reason", "queue_full_or_log_refused")], dropped)
            write("weir_capture_failures_total", "counter", counters.failed, "Times the segment log could not write.")
            write("weir_capture_in_flight_bytes", "gauge", counters.inFlightBytes, "Body bytes held for exchanges still running.")
            write("weir_capture_lag_bytes", "gauge", waiting, "Bytes of ended exchanges that wait for the capture thread.")
        }
    }
}
