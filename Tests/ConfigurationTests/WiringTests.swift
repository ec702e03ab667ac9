// SPDX-License-Identifier: Apache-2.0
import Capture
import Dialects
import ExchangeModel
import Gateway
import Redaction
import Testing
import Upstream

@testable import weir

@Suite struct WiringTests {
    @Test func defaultsAreThoseOfTheRooms() throws {
        let settings = try Trial(nil).configuration().settings
        let limits = GatewayLimits()
        let given = Dictionary(
            uniqueKeysWithValues: Mirror(reflecting: settings.limits).children.map { ($0.label ?? "", "\($0.value)") })
        let own = Dictionary(uniqueKeysWithValues: Mirror(reflecting: limits).children.map { ($0.label ?? "", "\($0.value)") })
        #expect(given == own)
        #expect("\(settings.upstream.limits)" == "\(UpstreamLimits())")
        #expect(settings.upstream.proxies == ProxyRules())
    }

    @Test func everyLimitArrivesAtItsRoom() throws {
        let yaml = """
            limits: {body_bytes: 3MiB, resend_bytes: 5KiB, discard_bytes: 7KiB, pipelined_bytes: 8KiB, exchanges: 11, connections: 12, connections_per_address: 13, http2_streams: 14, http2_window_bytes: 32KiB, http2_resets: 15, http2_control_frames: 16}
            timeouts: {head: 1s, body_idle: 2s, keep_alive: 3s, dns: 4s, connect: 5s, tls_handshake: 6s, first_byte: 7s, answer_idle: 8s, stalled_caller: 9s, caller_handshake: 10s, hand_over_idle: 11s}
            upstream: {idle: 10s, connections_per_target: 14, http_proxy: "http://p:1", no_proxy: [a.example, 10.0.0.0/8], ca_files: ca.pem}
            allow_private_upstreams: true
            """
        let settings = try Trial(yaml, others: ["ca.pem": "x"]).configuration().settings
        let limits = settings.limits
        #expect(limits.bodyBytes == 3 << 20 && limits.resendBytes == 5 << 10 && limits.discardBytes == 7 << 10)
        #expect(limits.pipelinedBytes == 8 << 10 && limits.exchangesPerLoop == 11 && limits.connectionsPerLoop == 12)
        let listener = limits.listener
        #expect(listener.connectionsPerAddress == 13 && listener.streamsPerConnection == 14)
        #expect(listener.streamWindowBytes == 32 << 10 && listener.streamResets == 15 && listener.controlFrames == 16)
        #expect(listener.handshakeMilliseconds == 10_000 && listener.handOverIdleMilliseconds == 11_000)
        #expect(limits.headMilliseconds == 1_000 && limits.bodyIdleMilliseconds == 2_000 && limits.keepAliveMilliseconds == 3_000)
        #expect(limits.firstByteMilliseconds == 7_000 && limits.answerIdleMilliseconds == 8_000)
        #expect(limits.stalledCallerMilliseconds == 9_000)
        let upstream = settings.upstream
        #expect(upstream.limits.lookupMilliseconds == 4_000 && upstream.limits.connectMilliseconds == 5_000)
        #expect(upstream.limits.handshakeMilliseconds == 6_000 && upstream.limits.idleMilliseconds == 10_000)
        #expect(upstream.limits.connectionsPerTarget == 14 && upstream.extraCAFiles == ["ca.pem"])
        #expect(upstream.proxies.httpProxy?.host == "p" && upstream.proxies.noProxy.holds("10.1.2.3"))
    }

    @Test func theCapturePolicyArrivesWithItsRules() throws {
        let yaml = """
            capture:
              mode: metadata
              header: reduce
              sample: 0.25
              sampled_out: off
              body_bytes: 2MiB
              redact: [email, card]
              min_free_bytes: 3MiB
              ballast_bytes: 4MiB
              arena_mib: 5
              rules:
                - {environment: [prod, "stag*"], task: a, mode: full}
                - {key: team, sample: 0, body_bytes: 1KiB, redact: []}
            keys:
              - {id: team, key: weir_0123456789abcdef}
            """
        let configuration = try Trial(yaml).configuration()
        let policy = configuration.capturePolicy
        #expect(policy.terms.mode == .metadata && policy.header == .reduce && policy.sampledOut == .off)
        #expect(policy.terms.sampleMillionths == 250_000 && policy.terms.bodyBytes == 2 << 20)
        #expect(policy.terms.redact == [.email, .card] && policy.rules.count == 2)
        let (first, second) = (policy.rules[0], policy.rules[1])
        #expect(first.environments == ["prod", "stag*"] && first.tasks == ["a"] && first.keys == [])
        #expect(first.terms.mode == .full && first.terms.bodyBytes == 2 << 20 && first.terms.redact == [.email, .card])
        #expect(second.keys == ["team"] && second.terms.mode == .metadata && second.terms.redact == [])
        #expect(second.terms.sampleMillionths == 0 && second.terms.bodyBytes == 1_024)
        let limits = configuration.captureLimits
        #expect(limits.minFreeBytes == 3 << 20 && limits.ballastBytes == 4 << 20 && limits.arenaBytes == 5 << 20)
        #expect(
            try Trial(yaml).shown("capture.rules[0]")
                == "environment prod stag*, task a, mode full from line 12")
    }

    @Test func withoutASettingEverythingIsRecorded() throws {
        var policy = try Trial(nil).configuration().capturePolicy
        #expect(policy.terms.bodyBytes == CaptureLimits().bodyBytes)
        policy.terms.bodyBytes = Int.max
        #expect(policy == CapturePolicy())
        let limits = try Trial(nil).configuration().captureLimits
        #expect(limits.arenaBytes == CaptureLimits().arenaBytes && limits.ballastBytes == 16 << 20)
        #expect(limits.givesWay && !CaptureLimits().givesWay)
    }

    @Test(arguments: [
        ("capture: off\n", true), ("capture: {mode: off, header: reduce}\n", true),
        ("capture: {mode: off, header: any}\n", false),
        ("capture: {mode: off, rules: [{task: a, mode: metadata}]}\n", false),
        ("capture: {mode: off, rules: [{task: a, sample: 0.5}]}\n", true), ("capture: {rules: [{mode: off}]}\n", false),
        ("", false),
    ])
    func offIsTheBypassWhereNothingCanBeRecorded(_ yaml: String, _ isBypass: Bool) throws {
        #expect(try Trial(yaml).configuration().capturesNothing == isBypass)
    }

    @Test func aPolicyIsReloadedButTheBypassNeedsARestart() throws {
        let full = try Trial("capture: {mode: full}\n").configuration()
        let off = try Trial("capture: off\n").configuration()
        #expect(ConfigReload.difference(full, off) == .init(applied: ["capture.mode"]))
        #expect(ConfigReload.difference(off, full).needingRestart == ["capture.mode"])
        let ruled = try Trial("capture: {rules: [{task: a, mode: off}]}\n").configuration()
        #expect(ConfigReload.difference(full, ruled) == .init(applied: ["capture.rules"]))
    }

    @Test func listenersCarryTheirTLS() throws {
        let yaml = """
            listen: [127.0.0.1:1, "[::1]:2"]
            tls: {certificate: c.pem, key: k.pem, http2: false}
            """
        let listeners = try Trial(yaml, others: ["c.pem": "x", "k.pem": "y"]).configuration().listeners
        #expect(listeners.map(\.host) == ["127.0.0.1", "::1"] && listeners.map(\.port) == [1, 2])
        #expect(listeners.allSatisfy { $0.tls == ListenerTLS(certificatePath: "c.pem", keyPath: "k.pem", allowsHTTP2: false) })
    }

    @Test func providersAndKeysReachTheirRooms() throws {
        let yaml = """
            providers:
              acme: {url: "https://acme.example/v2", key: x-api-key, hosts: [.acme.example], apis: [anthropic-messages]}
              bedrock: {region: eu-west-1, aws: {access_key_id: A, secret_access_key: B, session_token: C}}
            keys:
              - {id: team, key: weir_0123456789abcdef}
            """
        let resolution = try Trial(yaml).resolution()
        #expect(resolution.faults == [])
        let catalogue = ConfigWiring.catalogue(resolution)
        let acme = try #require(catalogue["acme"])
        #expect(acme.keyPlacement == .xAPIKey && acme.baseURL?.path == "/v2" && acme.hosts.contains(".acme.example"))
        #expect(acme.families?.map(\.rawValue) == ["anthropic-messages"])
        let bedrock = try #require(catalogue["bedrock"])
        #expect(bedrock.baseURL?.host == "bedrock-runtime.eu-west-1.amazonaws.com")
        #expect(
            bedrock.signing
                == AWSSigning(accessKeyID: "A", secretAccessKey: "B", sessionToken: "C", region: "eu-west-1", service: "bedrock"))
        let key = GatewayKey(id: "team", hashing: "weir_0123456789abcdef")
        #expect(key.sha256.count == 32)
        #expect(GatewayKeys([key]).id(of: Array("Bearer weir_0123456789abcdef".utf8)[...]) == "team")
    }

    @Test func theWordOnStreamUsageReachesEveryProviderItHoldsFor() throws {
        let yaml = """
            usage_opt_in: inject_and_strip
            providers:
              acme: {url: "https://acme.example/v2"}
              groq: {usage_opt_in: inject}
              vllm: {url: "http://10.0.0.7:8000/v1", usage_opt_in: off}
            """
        let resolution = try Trial(yaml).resolution()
        #expect(resolution.faults == [])
        let policies = ConfigWiring.catalogue(resolution).providers.filter { $0.usageOptIn != .off }
        #expect(
            policies.map { "\($0.name) \($0.usageOptIn.rawValue)" } == [
                "alibaba inject_and_strip", "azure-openai inject_and_strip", "cerebras inject_and_strip", "groq inject",
                "openai inject_and_strip",
            ])
        #expect(ConfigWiring.catalogue(try Trial("").resolution()).providers.allSatisfy { $0.usageOptIn == .off })
        // The setting's words name those for whom it holds.
        let doc = try #require(ConfigSchema.table["usage_opt_in"]?.doc)
        for provider in ProviderCatalogue(usageOptIn: .inject).providers {
            #expect(doc.contains(" \(provider.name)") == (provider.usageOptIn == .inject), "\(provider.name)")
        }
        let wrong = try Trial("usage_opt_in: on\nproviders: {groq: {usage_opt_in: strip}}\n").resolution().faults.map(\.message)
        #expect(wrong.count == 2 && wrong[0].contains("usage_opt_in") && wrong[1].contains("providers.groq.usage_opt_in"))
        let old = try Trial("providers: {groq: {usage_opt_in: inject}}\n").configuration()
        let new = try Trial("usage_opt_in: inject\nproviders: {groq: {usage_opt_in: off}}\n").configuration()
        #expect(ConfigReload.difference(old, new).applied == ["usage_opt_in", "providers"])
    }

    @Test func namesWhatAReloadChanged() throws {
        let old = try Trial("threads: 2\nlimits: {body_bytes: 1MiB}\nproviders: {a: \"https://a\"}\n").configuration()
        let same = try Trial("threads: 2\nlimits: {body_bytes: 1024KiB}\nproviders: {a: \"https://a\"}\n").configuration()
        #expect(ConfigReload.difference(old, same).isEmpty)
        let new = try Trial("threads: 3\nlimits: {body_bytes: 2MiB}\nproviders: {a: \"https://b\"}\ndata: x\n").configuration()
        let difference = ConfigReload.difference(old, new)
        #expect(difference.applied == ["limits.body_bytes", "providers"])
        #expect(difference.needingRestart == ["data", "threads"])
    }
}
