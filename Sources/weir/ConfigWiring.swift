// SPDX-License-Identifier: Apache-2.0
import Dialects
import ExchangeModel
import Gateway
import Upstream

/// Maps settings to the types of the rooms they are for; what a room refuses becomes a fault.
struct ConfigWiring {
    private let from: ConfigResolution
    private(set) var faults: [ConfigFault] = []

    init(_ resolution: ConfigResolution) { from = resolution }

    /// Everything that a reload may replace.
    mutating func settings() -> GatewaySettings {
        GatewaySettings(router: router(), limits: limits(), upstream: upstream())
    }

    private func router() -> Router {
        Router(
            catalogue: ConfigWiring.catalogue(from), keys: GatewayKeys(from.keys.map(ConfigWiring.key)),
            allowsPrivateUpstreams: from.flag("allow_private_upstreams"), addsVia: from.flag("via"))
    }

    private static func definition(_ setting: ProviderSetting) -> ProviderDefinition {
        ProviderDefinition(
            name: setting.name, url: setting.url, keyPlacement: setting.key.flatMap(KeyPlacement.init(rawValue:)),
            hosts: setting.hosts, families: setting.apis?.map(APIFamily.init(rawValue:)), region: setting.region,
            signing: setting.aws.map {
                AWSSigning(
                    accessKeyID: $0.accessKeyID, secretAccessKey: $0.secretAccessKey, sessionToken: $0.sessionToken,
                    region: $0.region, service: $0.service)
            }, usageOptIn: setting.usageOptIn.flatMap(UsageOptIn.init(rawValue:)))
    }

    private static func key(_ setting: KeySetting) -> GatewayKey {
        switch setting.form {
        case .sha256(let sum): GatewayKey(id: setting.id, sha256: sum)
        case .plain(let key): GatewayKey(id: setting.id, hashing: key)
        }
    }

    /// The providers that requests can go to, built in and configured.
    static func catalogue(_ from: ConfigResolution) -> ProviderCatalogue {
        ProviderCatalogue(
            definitions: from.providers.map(definition),
            usageOptIn: from.text("usage_opt_in").flatMap(UsageOptIn.init(rawValue:)) ?? .off)
    }

    private func onClientClose() -> ClientClosePolicy {
        guard from.text("on_client_close.mode") == "drain" else { return .cancel }
        return .drain(
            DrainLimits(
                bytes: Int(from.number("on_client_close.max_bytes")),
                milliseconds: from.number("on_client_close.max_seconds") * 1_000))
    }

    private func limits() -> GatewayLimits {
        var limits = GatewayLimits()
        limits.headMilliseconds = from.number("timeouts.head")
        limits.bodyIdleMilliseconds = from.number("timeouts.body_idle")
        limits.keepAliveMilliseconds = from.number("timeouts.keep_alive")
        limits.firstByteMilliseconds = from.number("timeouts.first_byte")
        limits.answerIdleMilliseconds = from.number("timeouts.answer_idle")
        limits.stalledCallerMilliseconds = from.number("timeouts.stalled_caller")
        limits.bodyMilliseconds = from.number("timeouts.body")
        limits.totalMilliseconds = from.number("timeouts.total")
        limits.onClientClose = onClientClose()
        limits.headBytes = Int(from.number("limits.head_bytes"))
        limits.bodyBytes = Int(from.number("limits.body_bytes"))
        limits.resendBytes = Int(from.number("limits.resend_bytes"))
        limits.discardBytes = Int(from.number("limits.discard_bytes"))
        limits.pipelinedBytes = Int(from.number("limits.pipelined_bytes"))
        limits.exchangesPerLoop = Int(from.number("limits.exchanges"))
        limits.connectionsPerLoop = Int(from.number("limits.connections"))
        limits.listener = listenerLimits()
        return limits
    }

    private func listenerLimits() -> ListenerLimits {
        var limits = ListenerLimits()
        limits.connectionsPerAddress = Int(from.number("limits.connections_per_address"))
        limits.handshakeMilliseconds = from.number("timeouts.caller_handshake")
        limits.handOverIdleMilliseconds = from.number("timeouts.hand_over_idle")
        limits.streamsPerConnection = Int(from.number("limits.http2_streams"))
        limits.streamWindowBytes = Int(from.number("limits.http2_window_bytes"))
        limits.streamResets = Int(from.number("limits.http2_resets"))
        limits.controlFrames = Int(from.number("limits.http2_control_frames"))
        return limits
    }

    private mutating func upstream() -> UpstreamSettings {
        var settings = UpstreamSettings()
        settings.extraCAFiles = from.list("upstream.ca_files")
        settings.proxies = ProxyRules(
            httpProxy: proxy("upstream.http_proxy"), httpsProxy: proxy("upstream.https_proxy"),
            noProxy: DirectHosts(from.list("upstream.no_proxy").joined(separator: ",")))
        settings.limits.lookupMilliseconds = from.number("timeouts.dns")
        settings.limits.connectMilliseconds = from.number("timeouts.connect")
        settings.limits.handshakeMilliseconds = from.number("timeouts.tls_handshake")
        settings.limits.idleMilliseconds = from.number("upstream.idle")
        settings.limits.connectionsPerTarget = Int(from.number("upstream.connections_per_target"))
        return settings
    }

    private mutating func proxy(_ path: String) -> ProxyAddress? {
        guard let text = from.text(path), text.lowercased() != "none" else { return nil }
        do throws(UpstreamError) { return try ProxyAddress(text) } catch {
            faults.append(ConfigFault(origin: from.values[path]?.origin ?? .fallback, message: "\(path): \(error.message)"))
            return nil
        }
    }

    // MARK: What a reload leaves as it is

    static func tls(_ from: ConfigResolution) -> ListenerTLS? {
        guard let certificate = from.text("tls.certificate"), let key = from.text("tls.key") else { return nil }
        return ListenerTLS(certificatePath: certificate, keyPath: key, allowsHTTP2: from.flag("tls.http2"))
    }

    static func listeners(_ from: ConfigResolution) -> [ListenerSettings] {
        let tls = tls(from)
        return from.list("listen").compactMap { try? ListenAddress($0) }.map {
            ListenerSettings(host: $0.host, port: $0.port, tls: tls)
        }
    }
}
