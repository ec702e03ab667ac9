// SPDX-License-Identifier: Apache-2.0
import Gateway
import Outbound

/// Asks every provider's base URL for any answer, without a key.
struct DoctorReach {
    let configuration: Configuration

    private static let atOnce = 8

    private struct Target: Sendable {
        let name: String
        let url: String
        let isConfigured: Bool
        let client: OutboundClient
    }

    /// One finding for each provider with a base URL, by name.
    func findings() async -> [DoctorFinding] {
        let targets = self.targets()
        var found: [DoctorFinding] = []
        var begun = 0
        await withTaskGroup(of: DoctorFinding.self) { group in
            for target in targets.prefix(DoctorReach.atOnce) {
                group.addTask { await DoctorReach.look(target) }
                begun += 1
            }
            for await finding in group {
                found.append(finding)
                guard begun < targets.count else { continue }
                let next = targets[begun]
                group.addTask { await DoctorReach.look(next) }
                begun += 1
            }
        }
        found.sort { $0.name < $1.name }
        if !found.isEmpty, !found.contains(where: { $0.mark == .ok }) {
            found.append(DoctorFinding(.fail, "reach", "no provider can be reached from here"))
        }
        return found
    }

    private func targets() -> [Target] {
        let configured = Set(configuration.resolution.providers.map(\.name))
        let catalogue = ConfigWiring.catalogue(configuration.resolution)
        return catalogue.providers.compactMap { provider in
            guard let base = provider.baseURL else { return nil }
            return Target(
                name: provider.name, url: base.origin + base.path, isConfigured: configured.contains(provider.name),
                client: OutboundClient(route: route(isTLS: base.isTLS)))
        }
    }

    /// The way that the data plane takes.
    private func route(isTLS: Bool) -> OutboundRoute {
        let resolution = configuration.resolution
        var route = OutboundRoute()
        route.extraCAFiles = resolution.list("upstream.ca_files")
        let proxy = resolution.text(isTLS ? "upstream.https_proxy" : "upstream.http_proxy")
        if let proxy, proxy.lowercased() != "none" {
            route.proxy = .fixed(proxy, noProxy: resolution.list("upstream.no_proxy").joined(separator: ","))
        } else {
            route.proxy = .direct
        }
        return route
    }

    private static func look(_ target: Target) async -> DoctorFinding {
        let name = "reach \(target.name)"
        var limits = OutboundLimits()
        limits.totalMilliseconds = 15_000
        do {
            let answer = try await target.client.requestOffPool("HEAD", target.url, limits: limits)
            return DoctorFinding(.ok, name, "\(OutboundURL.shown(target.url)) answers \(answer.status); \(times(answer.timings))")
        } catch {
            return DoctorFinding(target.isConfigured ? .fail : .warn, name, "\(error)")
        }
    }

    /// What each step took by itself.
    private static func times(_ timings: OutboundTimings) -> String {
        var last: Int64 = 0
        var words: [String] = []
        let steps = [
            ("dns", timings.nameLookupUs), ("tcp", timings.connectUs), ("tls", timings.tlsUs), ("answer", timings.firstByteUs),
        ]
        for (name, at) in steps {
            guard let at else { continue }
            words.append("\(name) \(max(0, at - last) / 100 * 100 / 1_000).\(max(0, at - last) / 100 % 10) ms")
            last = at
        }
        return words.joined(separator: ", ")
    }
}
