// SPDX-License-Identifier: Apache-2.0

/// The questions that Weir ships, by name.
package enum NamedQueries {
    /// Every question, by name.
    package static let all: [NamedQuery] = [
        NamedQuery(name: "cache", file: PackageResources.cache_sql),
        NamedQuery(name: "cancelled", file: PackageResources.cancelled_sql),
        NamedQuery(name: "cost-by-class", file: PackageResources.cost_by_class_sql),
        NamedQuery(name: "dataset-candidates", file: PackageResources.dataset_candidates_sql),
        NamedQuery(name: "error-rate", file: PackageResources.error_rate_sql),
        NamedQuery(name: "errors", file: PackageResources.errors_sql),
        NamedQuery(name: "finish-reasons", file: PackageResources.finish_reasons_sql),
        NamedQuery(name: "model-mix", file: PackageResources.model_mix_sql),
        NamedQuery(name: "overhead", file: PackageResources.overhead_sql),
        NamedQuery(name: "payload-sizes", file: PackageResources.payload_sizes_sql),
        NamedQuery(name: "peak-throughput", file: PackageResources.peak_throughput_sql),
        NamedQuery(name: "projection", file: PackageResources.projection_sql),
        NamedQuery(name: "reasoning-share", file: PackageResources.reasoning_share_sql),
        NamedQuery(name: "requests", file: PackageResources.requests_sql),
        NamedQuery(name: "retries", file: PackageResources.retries_sql),
        NamedQuery(name: "service-tiers", file: PackageResources.service_tiers_sql),
        NamedQuery(name: "slowest", file: PackageResources.slowest_sql),
        NamedQuery(name: "spend", file: PackageResources.spend_sql),
        NamedQuery(name: "spend-today", file: PackageResources.spend_today_sql),
        NamedQuery(name: "tail-latency", file: PackageResources.tail_latency_sql),
        NamedQuery(name: "tokens", file: PackageResources.tokens_sql),
        NamedQuery(name: "tools", file: PackageResources.tools_sql),
        NamedQuery(name: "ttft-by-hour", file: PackageResources.ttft_by_hour_sql),
        NamedQuery(name: "unpriced", file: PackageResources.unpriced_sql),
    ]

    /// The question of a name, or nil.
    package static func find(_ name: String) -> NamedQuery? { all.first { $0.name == name } }
}
