// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Gateway
import Testing
import Upstream

@testable import weir

@Suite struct PrecedenceTests {
    /// A value for each kind that differs from the default, three times.
    private static func values(_ setting: Setting) -> [String]? {
        switch setting.kind {
        case .text, .directory: ["one", "two", "three"]
        case .address: ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"]
        case .addresses: ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"]
        case .count(let range): ([1, 2, 3] as [Int64]).map { "\(range.lowerBound + $0)" }
        case .bytes(let range): ([1, 2, 3] as [Int64]).map { "\(range.lowerBound + $0)" }
        case .duration(let range): ([1, 2, 3] as [Int64]).map { "\(range.lowerBound + $0)ms" }
        case .fraction: ["0.5", "0.25", "0.000001"]
        case .words: ["a", "b", "c"]
        case .choices(let words): Array(words.prefix(3))
        case .proxy: ["http://a:1", "http://b:1", "http://c:1"]
        case .flag, .choice, .file, .files, .secret: nil
        }
    }

    private static func yaml(_ path: String, _ value: String) -> String {
        let parts = path.split(separator: ".")
        let quoted = "\"\(value)\"\n"
        return parts.count == 1 ? "\(path): \(quoted)" : "\(parts[0]):\n  \(parts[1]): \(quoted)"
    }

    @Test func flagBeatsVariableBeatsFileBeatsDefaultForEverySetting() throws {
        var seen = 0
        for setting in ConfigSchema.table.settings {
            guard let values = PrecedenceTests.values(setting) else { continue }
            let yaml = PrecedenceTests.yaml(setting.path, values[0])
            let line = setting.path.contains(".") ? 2 : 1
            let variable = [setting.variable: values[1]]
            func shown(_ text: String) throws -> String { setting.kind.shown(try setting.kind.value([text])) }
            #expect(try Trial(nil).shown(setting.path).hasSuffix(" from default"), "\(setting.path)")
            #expect(try Trial(yaml).shown(setting.path) == "\(shown(values[0])) from weir.yaml:\(line)")
            #expect(
                try Trial(yaml, environment: variable).shown(setting.path) == "\(shown(values[1])) from \(setting.variable)")
            seen += 1
            guard let flag = setting.flag else { continue }
            let all = Trial(yaml, flags: [setting.path: [values[2]]], environment: variable)
            #expect(try all.shown(setting.path) == "\(shown(values[2])) from flag \(flag)")
        }
        #expect(seen > 30)
    }

    @Test func flagsOfFalseSettingsBeatTheFile() throws {
        let trial = Trial("open: false\nindex: true\n", flags: ["open": ["true"], "index": ["false"]])
        #expect(try trial.shown("open") == "true from flag --open")
        #expect(try trial.shown("index") == "false from flag --no-index")
    }

    @Test func usualProxyVariablesComeAfterTheFile() throws {
        let environment = ["https_proxy": "http://env:1", "NO_PROXY": "a.example", "HTTP_PROXY": "http://cgi:1"]
        let alone = Trial(nil, environment: environment)
        #expect(try alone.shown("upstream.https_proxy") == "http://env:1 from https_proxy")
        #expect(try alone.shown("upstream.no_proxy") == "a.example from NO_PROXY")
        #expect(try alone.shown("upstream.http_proxy") == "none from default")
        let file = Trial("upstream: {https_proxy: none}\n", environment: environment)
        #expect(try file.shown("upstream.https_proxy") == "none from weir.yaml:1")
        #expect(try file.configuration().settings.upstream.proxies.httpsProxy == nil)
        let both = Trial(nil, environment: environment.merging(["WEIR_UPSTREAM_HTTPS_PROXY": "http://own:1"]) { $1 })
        #expect(try both.shown("upstream.https_proxy") == "http://own:1 from WEIR_UPSTREAM_HTTPS_PROXY")
    }

    @Test func providersAreMergedByName() throws {
        let trial = Trial(
            "providers:\n  acme:\n    url: https://file.example\n    key: x-api-key\n  other: https://other.example\n",
            providers: ["acme=https://flag.example"],
            environment: ["WEIR_PROVIDERS": "acme=https://env.example, third=http://t:1"])
        #expect(try trial.shown("providers.acme") == "https://flag.example, key x-api-key from flag --provider")
        #expect(try trial.shown("providers.third") == "http://t:1 from WEIR_PROVIDERS")
        #expect(try trial.shown("providers.other") == "https://other.example from weir.yaml:5")
    }

    @Test func keysOpenOtherAddresses() throws {
        let sum = String(repeating: "ab", count: 32)
        #expect(try Trial("listen: 0.0.0.0:1\nkeys:\n  - {id: a, sha256: \(sum)}\n").faults() == [])
        #expect(try Trial("listen: 0.0.0.0:1\n", environment: ["WEIR_KEYS": "a=\(sum)"]).faults() == [])
        #expect(try Trial("listen: 0.0.0.0:1\nopen: true\n").faults() == [])
        #expect(try Trial("listen: [127.0.0.1:1, 0.0.0.0:1]\n").faults().count == 1)
        let refused = try Trial("listen: 0.0.0.0:1\nkeys:\n  - {id: a, sha256: zz}\n").faults()
        #expect(refused.count == 1 && refused[0].contains("64 hexadecimal digits"))
    }

    @Test func shortFormsStandForTheirSetting() throws {
        #expect(try Trial("on_client_close: drain\n").shown("on_client_close.mode") == "drain from weir.yaml:1")
        #expect(
            try Trial("on_client_close: {mode: drain, max_bytes: 1MiB}\n").shown("on_client_close.max_bytes")
                == "1MiB from weir.yaml:1")
        #expect(try Trial("capture: off\n").shown("capture.mode") == "off from weir.yaml:1")
    }

    @Test func misspeltVariablesAreWarnedOfAndOthersAreNot() throws {
        let environment = [
            "WEIR_LIMTS_BODY_BYTES": "1", "WEIR_SERVICE_HOST": "10.0.0.1", "WEIR_PORT": "tcp://10.0.0.1:80", "WEIR_PYTHON": "x",
        ]
        let warnings = try Trial(nil, environment: environment).resolution().warnings
        #expect(warnings == ["WEIR_LIMTS_BODY_BYTES is no setting and has no effect; did you mean WEIR_LIMITS_BODY_BYTES?"])
    }
}

@Suite struct MaskingTests {
    @Test func doctorShowsNoSecretInTextOrJSON() throws {
        let secrets = [
            "weir_planted_0123456789", "AKIAPLANTED01", "planted-secret-access", "planted-session", "planted-proxy-password",
            "planted-proxy-user", "planted-http-password",
        ]
        let yaml = """
            keys:
              - {id: team, key: "${GATEWAY_KEY}"}
            providers:
              bedrock:
                region: us-east-1
                aws: {access_key_id: AKIAPLANTED01, secret_access_key: "${AWS}", session_token: planted-session, region: us-east-1}
            upstream:
              https_proxy: http://planted-proxy-user:planted-proxy-password@proxy.example:3128
            """
        let trial = Trial(
            yaml,
            environment: [
                "GATEWAY_KEY": secrets[0], "AWS": secrets[2], "http_proxy": "http://u:planted-http-password@proxy.example:3128",
            ])
        let configuration = try trial.configuration()
        var report = DoctorReport(configuration.resolution)
        report.findings = [DoctorFinding(.ok, "x", "\(configuration.resolution.keys) \(configuration.resolution.providers)")]
        let texts = [
            report.text, String(decoding: report.json, as: UTF8.self), "\(configuration.resolution.keys)",
            "\(configuration.settings)", String(reflecting: configuration.settings.router),
        ]
        for text in texts {
            for secret in secrets { #expect(!text.contains(secret), "\(secret) is shown") }
        }
        #expect(report.text.contains("keys.team *") && report.text.contains("set (masked)"))
        #expect(report.text.contains("http://***@proxy.example:3128"))
        let document = try JSONDocument(report.json)
        #expect(document.root["ok"]?.bool == true)
    }
}
