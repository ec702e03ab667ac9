// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import weir

@Suite struct FaultTests {
    @Test(arguments: [
        ("listne: 127.0.0.1:0\n", "weir.yaml:1: unknown key listne; did you mean `listen`?"),
        ("limits:\n  body_byte: 1MB\n", "weir.yaml:2: unknown key limits.body_byte; did you mean `limits.body_bytes`?"),
        ("body_bytes: 1MB\n", "weir.yaml:1: unknown key body_bytes; did you mean `limits.body_bytes`?"),
        ("timeouts:\n  body_bytes: 1MB\n", "weir.yaml:2: unknown key timeouts.body_bytes; did you mean `limits.body_bytes`?"),
        ("qqqqqqqq: 1\n", "weir.yaml:1: unknown key qqqqqqqq"),
        ("provider:\n  a: b\n", "weir.yaml:1: unknown key provider; did you mean `providers`?"),
        ("drain_seconds: 3\n", "weir.yaml:1: unknown key drain_seconds"),
        ("listen: [1\n", "weir.yaml:2: this is not YAML"),
        ("a: b: c\n", "weir.yaml:1: this is not YAML"),
        ("- 1\n- 2\n", "weir.yaml:1: the top level must be a mapping"),
        ("threads: many\n", "weir.yaml:1: threads must be a number from 1 to 256, not `many`"),
        ("threads: 0\n", "weir.yaml:1: threads must be a number from 1 to 256, not `0`"),
        ("threads:\n", "weir.yaml:1: threads has no value"),
        ("threads: [1, 2]\n", "weir.yaml:1: threads takes one value"),
        ("threads: []\n", "weir.yaml:1: threads has no value; give it one, or take the line away"),
        ("listen: []\n", "weir.yaml:1: listen needs at least one HOST:PORT"),
        ("data: []\n", "weir.yaml:1: data has no value"),
        ("limits: {exchanges: []}\n", "weir.yaml:1: limits.exchanges has no value"),
        ("capture: []\n", "weir.yaml:1: capture is a section"),
        ("providers:\n  acme: []\n", "weir.yaml:2: providers.acme.url has no value"),
        ("keys:\n  - {id: [], key: x}\n", "weir.yaml:2: keys[].id is missing"),
        ("threads:\n  a: 1\n", "weir.yaml:1: threads takes a value, not keys of its own"),
        ("\n\n# x\ndrain: -1\n", "weir.yaml:4: drain must be a time with its unit"),
        ("drain: 30\n", "weir.yaml:1: drain must be a time with its unit, such as 250ms, 30s, 5m, 1h or 7d, not `30`"),
        ("drain: 2h\n", "weir.yaml:1: drain must be from 0s to 1h"),
        ("open: perhaps\n", "weir.yaml:1: open must be true or false, not `perhaps`"),
        ("limits:\n  head_bytes: 1\n", "weir.yaml:2: limits.head_bytes must be from 1KiB to 1MiB"),
        ("limits: 5\n", "weir.yaml:1: limits is a section"),
        ("log_level: loud\n", "weir.yaml:1: log_level must be one of trace,"),
        ("on_client_close: wait\n", "weir.yaml:1: on_client_close.mode must be one of cancel, drain, not `wait`"),
        ("capture: some\n", "weir.yaml:1: capture.mode must be one of full, metadata, off"),
        ("capture: {sample: 2}\n", "weir.yaml:1: capture.sample must be a share from 0 to 1"),
        ("capture: {sample: 0.1234567}\n", "weir.yaml:1: capture.sample must be a share from 0 to 1"),
        ("capture: {sample: -0.1}\n", "weir.yaml:1: capture.sample must be a share from 0 to 1"),
        ("capture: {header: allowed}\n", "weir.yaml:1: capture.header must be one of ignored, reduce, any"),
        (
            "capture: {redact: [email, cards]}\n",
            "weir.yaml:1: capture.redact may hold secret, card, iban, email, ssn, phone, ip; did you mean `card`?"
        ),
        ("capture: {body_bytes: 1}\n", "weir.yaml:1: capture.body_bytes must be from 1KiB to 64MiB"),
        ("capture:\n  rules: {task: a}\n", "weir.yaml:2: capture.rules must be a list of stanzas: - task: NAME"),
        (
            "capture:\n  rules:\n    - {taks: a, mode: off}\n",
            "weir.yaml:3: unknown key capture.rules[].taks; did you mean `task`?"
        ),
        ("capture:\n  rules:\n    - {task: a, mode: none}\n", "weir.yaml:3: capture.rules[].mode must be one of full,"),
        ("capture:\n  rules:\n    - {task: [], mode: off}\n", "weir.yaml:3: capture.rules[].task is an empty list"),
        ("capture:\n  rules:\n    - {task: a*b, mode: off}\n", "weir.yaml:3: capture.rules[].task may hold `*` at the end"),
        (
            "capture:\n  rules:\n    - {key: nobody, mode: off}\n",
            "weir.yaml:3: capture.rules[].key names no key of `keys`: nobody"
        ),
        ("capture:\n  rules:\n    - {}\n", "weir.yaml:3: capture.rules[] says nothing"),
        ("listen: 8080\n", "weir.yaml:1: listen takes HOST:PORT"),
        ("listen:\n  - 127.0.0.1:1\n  - nonsense\n", "listen takes HOST:PORT"),
        ("listen: 0.0.0.0:0\n", "weir.yaml:1: refusing to listen on 0.0.0.0"),
        ("tls:\n  certificate: absent.pem\n", "weir.yaml:2: tls.certificate names a file that cannot be read"),
        ("tls:\n  certificate: cert.pem\n", "weir.yaml:2: tls.certificate and tls.key belong together"),
        ("upstream:\n  ca_files: [cert.pem, absent.pem]\n", "weir.yaml:2: upstream.ca_files names a file that cannot be read"),
        (
            "upstream:\n  https_proxy: socks5://a:1\n",
            "weir.yaml:2: upstream.https_proxy must be the URL of an http or https proxy"
        ),
        ("upstream:\n  https_proxy: http://a:99999\n", "weir.yaml:2: upstream.https_proxy: the proxy address has a bad port"),
        ("node: ${NOWHERE}\n", "weir.yaml:1: node refers to ${NOWHERE}, which is not set"),
        ("providers:\n  openai: nowhere\n", "weir.yaml:2: providers.openai: the provider URL must begin with https://"),
        ("providers:\n  Open_AI: https://a\n", "weir.yaml:2: providers.Open_AI: a provider's name is lower-case"),
        (
            "providers:\n  acme:\n    url: https://a\n    kay: bearer\n",
            "weir.yaml:4: unknown key providers.acme.kay; did you mean `key`?"
        ),
        ("providers:\n  acme:\n    url: https://a\n    key: cookie\n", "weir.yaml:4: providers.acme.key must be one of bearer,"),
        (
            "providers:\n  acme:\n    url: https://a\n    apis: [telepathy]\n",
            "weir.yaml:4: providers.acme.apis may hold openai-chat"
        ),
        (
            "providers:\n  acme:\n    url: https://a\n    apis: [ollama, rerank, openai-chta]\n",
            "bedrock-invoke; did you mean `openai-chat`?"
        ),
        (
            "providers:\n  b:\n    aws: {access_key_id: AKIA}\n",
            "weir.yaml:2: providers.b.aws needs access_key_id and secret_access_key"
        ),
        ("providers: [a]\n", "weir.yaml:1: providers must map names"),
        ("keys:\n  a: b\n", "weir.yaml:1: keys must be a list"),
        ("keys:\n  - id: a\n", "weir.yaml:2: keys[] needs one of sha256 and key for a"),
        ("keys:\n  - sha256: \(String(repeating: "a", count: 64))\n", "weir.yaml:2: keys[].id is missing"),
        ("keys:\n  - {id: a, sha256: abc}\n", "weir.yaml:2: keys[].sha256 of a must be 64 hexadecimal digits"),
        ("keys:\n  - {id: a, key: short}\n", "weir.yaml:2: keys[].key of a must begin with weir_"),
        ("keys:\n  - {id: a, kee: x}\n", "weir.yaml:2: unknown key keys[].kee; did you mean `key`?"),
    ])
    func namesFileLineAndRule(_ yaml: String, _ says: String) throws {
        // No process is without an environment.
        let faults = try Trial(yaml, environment: ["UNRELATED": "unrelated"], others: ["cert.pem": "x"]).faults()
        #expect(faults.contains { $0.contains(says) }, "\(faults)")
    }

    @Test func reportsEveryFaultAtOnceInTheirOrder() throws {
        let yaml = """
            listne: a
            threads: 0
            threads: 2
            limits:
              body_bytes: much
              exchanges: 0
              exchanges: 5
            node: ${NOWHERE}
            providers:
              openai: ftp://x
              "openai": ftp://y
            keys:
              - {id: a}
            """
        let faults = try Trial(yaml, flags: ["drain": ["x"]], environment: ["WEIR_OPEN": "2"]).faults()
        #expect(faults.count == 10, "\(faults.joined(separator: "\n"))")
        let lines = faults.compactMap { $0.firstMatch(of: /^weir.yaml:(\d+):/).flatMap { Int($0.1) } }
        #expect(lines == lines.sorted() && lines.count == 8)
        #expect(faults.contains("weir.yaml:2: the key threads is given twice in the same section; keep one of them"))
        #expect(faults.contains { $0.hasPrefix("weir.yaml:6: the key exchanges is given twice") })
        #expect(faults.contains { $0.hasPrefix("WEIR_OPEN: open must be true or false") })
        #expect(faults.contains { $0.hasPrefix("--drain-seconds: drain must be a time") })
    }

    @Test func saysThatTheFileCannotBeRead() throws {
        let resolution = ConfigResolution(ConfigInputs(file: "absent.yaml"), files: try Trial(nil).emptyFiles())
        #expect(resolution.faults.map { "\($0)" }.contains { $0.contains("absent.yaml cannot be read") })
        #expect(try Trial(String(repeating: "#", count: 2 << 20)).faults().first?.contains("larger than 1 MiB") == true)
    }

    @Test func repeatsNoSecretInAFault() throws {
        let secret = "sk-planted-77aa01"
        let yaml = """
            threads: ${KEY}
            log_level: ${KEY}
            listen: ${KEY}
            upstream: {https_proxy: "socks5://u:${KEY}@p:1"}
            providers:
              a: "https://user:${KEY}@host"
              b: {url: "https://a?k=${KEY}"}
              c: {aws: {secret_access_key: "${KEY}"}}
            keys:
              - {id: a, key: "${KEY}"}
            """
        let faults = try Trial(yaml, environment: ["KEY": secret, "WEIR_DRAIN": secret]).faults()
        #expect(faults.count >= 8)
        for fault in faults { #expect(!fault.contains(secret), "\(fault)") }
        let broken = try Trial("node: [\(secret)\n").faults()
        #expect(!broken.isEmpty && !broken.contains { $0.contains(secret) })
    }

    @Test func acceptsNothingAtAll() throws {
        for yaml in ["", "\n# only a comment\n", "---\n", "limits:\ntimeouts:\nproviders:\nkeys:\n"] {
            #expect(try Trial(yaml).faults() == [], "\(yaml)")
        }
        #expect(try Trial(nil).faults() == [])
    }

    @Test func neverTrapsOnCutAndBentFiles() throws {
        let yaml = """
            listen: [127.0.0.1:8080]
            limits: {body_bytes: 64MiB}
            providers:
              acme: {url: "https://a.example/v1", hosts: [.a.example], aws: {access_key_id: A, secret_access_key: B, region: r-1}}
            keys:
              - {id: a, key: "weir_0123456789abcdefgh"}
            node: "${X:-a}$$"
            """
        var generator = SystemRandomNumberGenerator()
        let bytes = Array(yaml.utf8)
        for length in bytes.indices {
            _ = try Trial(String(decoding: bytes[..<length], as: UTF8.self)).faults()
            var bent = bytes
            bent[length] = UInt8.random(in: 0x20...0x7E, using: &generator)
            _ = try Trial(String(decoding: bent, as: UTF8.self)).faults()
        }
    }
}
