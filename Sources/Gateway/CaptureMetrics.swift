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
            let dropped = CaptureDropReason.allCases.map { ($0.rawValue, counters.dropped($0)) }
            let off = CapturePolicyReason.allCases.map { ($0.rawValue, counters.off($0)) }
            let metadataOnly = CapturePolicyReason.allCases.map { ($0.rawValue, counters.metadataOnly($0)) }
            let reduced = CaptureReduction.allCases.map { ($0.rawValue, counters.reduced($0)) }
            let written = counters.written
            let waiting = counters.waiting
            let admitted = counters.admitted
            write("weir_capture_exchanges_admitted_total", "counter", admitted, "Exchanges whose capture was begun.")
            write("weir_capture_records_written_total", "counter", written, "Records given to the segment log.")
            func write(_ name: String, _ counts: [(String, Int)], _ help: String) {
                out.begin(name, type: "counter", help: help)
                for (reason, count) in counts { out.sample(name, [("reason", reason)], count) }
            }
            write("weir_capture_exchanges_off_total", off, "Exchanges that have no record because the policy says so.")
            write(
                "weir_capture_exchanges_metadata_only_total", metadataOnly,
                "Exchanges recorded without their bodies because the policy says so.")
            write(
                "weir_capture_exchanges_reduced_total", reduced,
                "Exchanges recorded without all of their bodies, where no policy asked for that.")
            write("weir_capture_exchanges_dropped_total", dropped, "Exchanges lost to capture; must stay 0.")
            write("weir_capture_failures_total", "counter", counters.failed, "Times the segment log could not write.")
            out.begin(
                "weir_capture_redactions_total", type: "counter", help: "Values of personal data replaced by pseudonyms.")
            for (kind, count) in counters.redactions {
                out.sample("weir_capture_redactions_total", [("kind", kind)], count)
            }
            write(
                "weir_capture_rung", "gauge", counters.rung.rawValue,
                "0 everything is recorded, 1 long answers are cut, 2 metadata only, 3 the newest are dropped.")
            write("weir_capture_disk_low", "gauge", counters.isDiskLow ? 1 : 0, "1 while bodies are left out for lack of space.")
            if let free = counters.diskFreeBytes {
                write("weir_capture_disk_free_bytes", "gauge", free, "Free space on the disk of the segments.")
            }
            write("weir_capture_ballast_bytes", "gauge", counters.ballastBytes, "Held back for the time when the disk is full.")
            write(
                "weir_capture_in_flight_bytes", "gauge", counters.inFlightBytes,
                "Bytes held for exchanges that are not in a segment yet.")
            write("weir_capture_mapped_bytes", "gauge", counters.mappedBytes, "Bytes of the memory-mapped arenas.")
            write("weir_capture_waiting_exchanges", "gauge", waiting, "Ended exchanges that are not in a segment yet.")
            out.begin(
                "weir_capture_lag_seconds", type: "gauge", help: "How long the oldest ended exchange has waited for its segment.")
            out.sample("weir_capture_lag_seconds", [], Int(clamping: counters.lagUs), unit: .microseconds)
            write(
                "weir_capture_exchanges_recovered_total", "counter", counters.recovered,
                "Records recovered at the start from processes that died.")
        }
    }
}
