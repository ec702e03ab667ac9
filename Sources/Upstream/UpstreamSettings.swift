// SPDX-License-Identifier: Apache-2.0

/// Everything about the way to providers that an operator sets and a reload may replace.
package struct UpstreamSettings: Sendable {
    /// PEM files of authorities that are trusted beside the system's own.
    package var extraCAFiles: [String] = []
    /// Which targets are reached through a proxy.
    package var proxies = ProxyRules()
    /// Sizes and times.
    package var limits = UpstreamLimits()

    /// The system's trust store, no proxies, default limits.
    package init() {}
}
