// SPDX-License-Identifier: Apache-2.0

/// What may stand for a setting's value.
enum SettingKind: Equatable {
    case text
    /// HOST:PORT.
    case address
    /// One HOST:PORT or several.
    case addresses
    case flag
    case count(ClosedRange<Int64>)
    /// From 0 to 1, kept in millionths.
    case fraction
    case bytes(ClosedRange<Int64>)
    /// Milliseconds.
    case duration(ClosedRange<Int64>)
    case choice([String])
    /// Some of several words, in a list or parted by commas.
    case choices([String])
    /// A file that can be read.
    case file
    case files
    /// Words, in a list or parted by commas.
    case words
    case directory
    /// The URL of a proxy, or `none`.
    case proxy
    /// A credential: never shown.
    case secret
}

/// One setting: a value, not code.
struct Setting {
    /// Where it stands in `weir.yaml`, as in `limits.body_bytes`.
    let path: String
    let kind: SettingKind
    /// The default as it would be written, or nil where there is none.
    let fallback: String?
    /// One sentence for people.
    let doc: String
    /// The flag of `weir serve` that wins over everything.
    var flag: String?
    /// Whether SIGHUP applies a new value.
    var isReloadable = false
    /// Variables that other programs know too, asked after the file.
    var usualVariables: [String] = []

    /// The variable that wins over the file.
    var variable: String { "WEIR_" + path.uppercased().replacing(".", with: "_") }
    var isSecret: Bool { kind == .secret }
}

/// A set of settings found by path.
struct SettingTable {
    let settings: [Setting]
    private let byPath: [String: Int]
    private let sections: Set<String>

    init(_ settings: [Setting]) {
        self.settings = settings
        var byPath: [String: Int] = [:]
        var sections: Set<String> = []
        for (index, setting) in settings.enumerated() {
            byPath[setting.path] = index
            var path = setting.path[...]
            while let dot = path.lastIndex(of: ".") {
                path = path[..<dot]
                sections.insert(String(path))
            }
        }
        self.byPath = byPath
        self.sections = sections
    }

    subscript(path: String) -> Setting? { byPath[path].map { settings[$0] } }
    func isSection(_ path: String) -> Bool { sections.contains(path) }

    /// Everything that a key can be taken for when it is misspelt.
    var names: [String] { settings.map(\.path) + sections.sorted() }
}

/// Every setting there is.
enum ConfigSchema {
    static let table = SettingTable(process + access + limits + timeouts + client + upstream + capture + segments)

    /// Collections of the file that are not single settings.
    static let collections = ["providers", "keys", rulesPath]
    static let rulesPath = "capture.rules"
    static let providersVariable = "WEIR_PROVIDERS"
    static let keysVariable = "WEIR_KEYS"
    static let configVariable = "WEIR_CONFIG"

    /// Sections that may be written as one word, and the setting it then gives.
    static let shortForms = ["on_client_close": "on_client_close.mode", "capture": "capture.mode"]

    private static let second: Int64 = 1_000
    private static let hour: Int64 = 3_600_000
    private static let mebibyte: Int64 = 1 << 20

    private static let process: [Setting] = [
        Setting(
            path: "listen", kind: .addresses, fallback: "127.0.0.1:8080",
            doc: "Where to listen: one HOST:PORT or a list; port 0 takes any free one.", flag: "--listen"),
        Setting(path: "data", kind: .directory, fallback: "./weir-data", doc: "The data directory.", flag: "--data"),
        Setting(
            path: "node", kind: .text, fallback: nil, doc: "The node's name in records; the host name where it is not given.",
            flag: "--node"),
        Setting(path: "threads", kind: .count(1...256), fallback: "1", doc: "Event loops.", flag: "--threads"),
        Setting(
            path: "index", kind: .flag, fallback: "true",
            doc: "Index inside this process; with false, run `weir index` on a schedule.", flag: "--no-index"),
        Setting(
            path: "metadata_dimensions", kind: .words, fallback: nil,
            doc: "Metadata keys with few values by which hours, days and weeks are rolled up; without it as the index has them."),
        Setting(
            path: "drain", kind: .duration(0...hour), fallback: "30s",
            doc: "How long running exchanges may take at shutdown.", flag: "--drain-seconds", isReloadable: true),
        Setting(
            path: "log_level", kind: .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]),
            fallback: "notice", doc: "What is logged to standard error.", flag: "--log-level"),
        Setting(
            path: "metrics", kind: .choice(["auto", "open", "off"]), fallback: "auto",
            doc: "Who may read `/metrics`: auto asks for a gateway key, or for this machine where none are configured."),
    ]

    private static let access: [Setting] = [
        Setting(path: "tls.certificate", kind: .file, fallback: nil, doc: "PEM file: the server's certificate, then the chain."),
        Setting(path: "tls.key", kind: .file, fallback: nil, doc: "PEM file: the private key of the certificate, not encrypted."),
        Setting(path: "tls.http2", kind: .flag, fallback: "true", doc: "Offer HTTP/2 to callers over TLS (ALPN)."),
        Setting(
            path: "open", kind: .flag, fallback: "false", doc: "Listen beyond loopback although no gateway keys are configured.",
            flag: "--open"),
        Setting(
            path: "allow_private_upstreams", kind: .flag, fallback: "false",
            doc: "Let callers name plain-http and private addresses in x-inference-provider-url.",
            flag: "--allow-private-upstreams", isReloadable: true),
        Setting(
            path: "via", kind: .flag, fallback: "false", doc: "Add a `Via` header to requests and answers.", isReloadable: true),
    ]

    private static let limits: [Setting] = [
        Setting(
            path: "limits.head_bytes", kind: .bytes(1_024...mebibyte), fallback: "64KiB", doc: "Bytes of a request head.",
            isReloadable: true),
        Setting(
            path: "limits.body_bytes", kind: .bytes(0...(1 << 40)), fallback: "512MiB",
            doc: "Bytes of a request body on the wire.",
            isReloadable: true),
        Setting(
            path: "limits.resend_bytes", kind: .bytes(0...(64 * mebibyte)), fallback: "1MiB",
            doc: "Request bytes held so that they can be sent again on a fresh connection; a longer body is not made to ask"
                + " for usage.",
            isReloadable: true),
        Setting(
            path: "limits.discard_bytes", kind: .bytes(0...(1 << 30)), fallback: "16MiB",
            doc: "Bytes of a refused request's body that are read and thrown away before the connection is closed instead.",
            isReloadable: true),
        Setting(
            path: "limits.pipelined_bytes", kind: .bytes(4_096...(16 * mebibyte)), fallback: "64KiB",
            doc: "Pipelined bytes of a caller held while an answer is on its way.", isReloadable: true),
        Setting(
            path: "limits.exchanges", kind: .count(1...1_000_000), fallback: "16384",
            doc: "Exchanges running at once, per event loop.", isReloadable: true),
        Setting(
            path: "limits.connections", kind: .count(1...1_000_000), fallback: "32768",
            doc: "Open connections of callers, per event loop.", isReloadable: true),
        Setting(
            path: "limits.connections_per_address", kind: .count(1...1_000_000), fallback: "8192",
            doc: "Open connections of one client address, per event loop.", isReloadable: true),
        Setting(
            path: "limits.http2_streams", kind: .count(1...10_000), fallback: "256",
            doc: "Streams that one HTTP/2 connection of a caller may have open.", isReloadable: true),
        Setting(
            path: "limits.http2_window_bytes", kind: .bytes(16_384...(16 * mebibyte)), fallback: "128KiB",
            doc: "Request bytes that one HTTP/2 stream may send ahead of what the provider takes.", isReloadable: true),
        Setting(
            path: "limits.http2_resets", kind: .count(1...10_000), fallback: "400",
            doc: "Streams of one HTTP/2 connection that a caller may reset within half a minute before the connection is ended.",
            isReloadable: true),
        Setting(
            path: "limits.http2_control_frames", kind: .count(10...10_000), fallback: "1000",
            doc: "PING, SETTINGS and PRIORITY frames that a caller may send on one connection within half a minute.",
            isReloadable: true),
    ]

    private static let timeouts: [Setting] = [
        Setting(
            path: "timeouts.head", kind: .duration(100...hour), fallback: "30s",
            doc: "From the first byte of a request head to its last.", isReloadable: true),
        Setting(
            path: "timeouts.body", kind: .duration(second...(24 * hour)), fallback: "10m",
            doc: "From a request head to the last byte of its body.", isReloadable: true),
        Setting(
            path: "timeouts.body_idle", kind: .duration(100...hour), fallback: "60s", doc: "Between two reads of a request body.",
            isReloadable: true),
        Setting(
            path: "timeouts.keep_alive", kind: .duration(second...hour), fallback: "75s",
            doc: "An idle connection of a caller is closed after this long.", isReloadable: true),
        Setting(
            path: "timeouts.caller_handshake", kind: .duration(100...(120 * second)), fallback: "10s",
            doc: "For the TLS handshake with a caller, from accepting the connection.", isReloadable: true),
        Setting(
            path: "timeouts.hand_over_idle", kind: .duration(0...(60 * second)), fallback: "2s",
            doc: "After a hand-over an idle connection of a caller is closed when it has been quiet for this long.",
            isReloadable: true),
        Setting(
            path: "timeouts.dns", kind: .duration(100...(60 * second)), fallback: "10s",
            doc: "To resolve a provider's name.", isReloadable: true),
        Setting(
            path: "timeouts.connect", kind: .duration(100...(120 * second)), fallback: "10s",
            doc: "For one address of a provider to accept a connection.", isReloadable: true),
        Setting(
            path: "timeouts.tls_handshake", kind: .duration(100...(120 * second)), fallback: "10s",
            doc: "For the TLS handshake with a provider.", isReloadable: true),
        Setting(
            path: "timeouts.first_byte", kind: .duration(second...(24 * hour)), fallback: "10m",
            doc: "From the request's last byte to the answer's head.", isReloadable: true),
        Setting(
            path: "timeouts.answer_idle", kind: .duration(second...(24 * hour)), fallback: "5m",
            doc: "Between two reads of an answer, as long as the caller takes what comes.", isReloadable: true),
        Setting(
            path: "timeouts.stalled_caller", kind: .duration(second...(24 * hour)), fallback: "5m",
            doc: "A caller that takes nothing of its answer for this long is given up.", isReloadable: true),
        Setting(
            path: "timeouts.total", kind: .duration(second...(168 * hour)), fallback: "1h",
            doc: "From a request head to the end of its exchange; WebSocket connections are exempt.", isReloadable: true),
    ]

    private static let client: [Setting] = [
        Setting(
            path: "on_client_close.mode", kind: .choice(["cancel", "drain"]), fallback: "cancel",
            doc: "When a caller goes away: cancel the provider's request, or read its answer on so that usage is known.",
            isReloadable: true),
        Setting(
            path: "on_client_close.max_bytes", kind: .bytes(0...(1 << 34)), fallback: "8MiB",
            doc: "With drain: how much more of the answer is read.", isReloadable: true),
        Setting(
            path: "on_client_close.max_seconds", kind: .count(0...3_600), fallback: "60",
            doc: "With drain: how long the answer is read on, in seconds.", isReloadable: true),
    ]

    private static let usageOptIns = ["off", "inject", "inject_and_strip"]

    private static let upstream: [Setting] = [
        Setting(
            path: "usage_opt_in", kind: .choice(usageOptIns), fallback: "off",
            doc: "Make chat streams that do not ask for their usage ask for it, and keep the answer from the caller or not."
                + " Holds for providers that tell it where asked: openai, azure-openai, cerebras, alibaba, vllm.",
            isReloadable: true),
        Setting(
            path: "upstream.ca_files", kind: .files, fallback: "",
            doc: "PEM files of authorities that are trusted beside the system's own.", isReloadable: true),
        Setting(
            path: "upstream.http_proxy", kind: .proxy, fallback: "none", doc: "Proxy for plain-http providers, or `none`.",
            isReloadable: true, usualVariables: ["http_proxy", "all_proxy", "ALL_PROXY"]),
        Setting(
            path: "upstream.https_proxy", kind: .proxy, fallback: "none", doc: "Proxy for https providers (CONNECT), or `none`.",
            isReloadable: true, usualVariables: ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
        Setting(
            path: "upstream.no_proxy", kind: .words, fallback: "",
            doc: "Hosts, domains and networks that are reached directly; `*` is every host.", isReloadable: true,
            usualVariables: ["no_proxy", "NO_PROXY"]),
        Setting(
            path: "upstream.idle", kind: .duration(second...hour), fallback: "55s",
            doc: "An idle connection to a provider is closed after this long.", isReloadable: true),
        Setting(
            path: "upstream.connections_per_target", kind: .count(1...1_000_000), fallback: "8192",
            doc: "Connections to one provider's host, per event loop.", isReloadable: true),
    ]

    private static let capture: [Setting] = [
        Setting(
            path: "capture.mode", kind: .choice(["full", "metadata", "off"]), fallback: "full",
            doc: "What is recorded: full, metadata (all but the bodies), or off; without rules off is the bypass.",
            isReloadable: true),
        Setting(
            path: "capture.header", kind: .choice(["ignored", "reduce", "any"]), fallback: "ignored",
            doc: "What x-inference-capture may do: nothing, less than the rules say, or decide.", isReloadable: true),
        Setting(
            path: "capture.sample", kind: .fraction, fallback: "1",
            doc: "Share of the conversations that are recorded as the mode says; the others are sampled out.", isReloadable: true),
        Setting(
            path: "capture.sampled_out", kind: .choice(["metadata", "off"]), fallback: "metadata",
            doc: "What is recorded of conversations that are sampled out.", isReloadable: true),
        Setting(
            path: "capture.body_bytes", kind: .bytes(1_024...(64 * mebibyte)), fallback: "64MiB",
            doc: "A longer body is recorded as its head and its tail, with length and SHA-256 of the whole.", isReloadable: true),
        Setting(
            path: "capture.redact", kind: .choices(redactable), fallback: "",
            doc: "Personal data that is replaced by pseudonyms before it is recorded.", isReloadable: true),
        Setting(
            path: "capture.min_free_bytes", kind: .bytes(0...(1 << 40)), fallback: "64MiB",
            doc: "With less free space on the disk of the segments bodies are left out; 0 waits until it is full."),
        Setting(
            path: "capture.ballast_bytes", kind: .bytes(0...(1 << 30)), fallback: "16MiB",
            doc: "Of a file that is given up when the disk is full, so that facts and gaps are still written."),
        Setting(
            path: "capture.arena_mib", kind: .count(1...64), fallback: "64",
            doc: "Size of each event loop's capture arena in MiB; more traffic than it holds is recorded reduced, and counted."),
    ]

    private static let segments: [Setting] = [
        Setting(
            path: "segments.sync", kind: .choice(["interval", "always", "never"]), fallback: "interval",
            doc: "When records become durable against a power cut: by interval, with every batch, or when the system likes."),
        Setting(
            path: "segments.sync_interval", kind: .duration(10...(60 * second)), fallback: "1s",
            doc: "With interval: how long a written batch may wait; 8 MiB wait no longer than that either."),
        Setting(
            path: "segments.roll_bytes", kind: .bytes(mebibyte...(512 * mebibyte)), fallback: "128MiB",
            doc: "Bytes of records after which a segment ends; sealing holds one in memory."),
        Setting(
            path: "segments.roll_age", kind: .duration(second...hour), fallback: "5m",
            doc: "Age at which a segment ends; it also ends with the hour."),
        Setting(
            path: "segments.seal", kind: .flag, fallback: "true",
            doc: "Seal finished segments inside this process once they are indexed; with false, run `weir segment seal`."),
        Setting(
            path: "segments.key_file", kind: .file, fallback: nil,
            doc: "File of keys that segments are encrypted with, the one to write with first; see `weir segment key`."),
        Setting(
            path: "segments.retain", kind: .duration(RetentionSettings.ages), fallback: nil,
            doc: "Records of sealed segments are removed at this age; facts stay. Without it: never."),
        Setting(
            path: "segments.retain_bytes", kind: .bytes(RetentionSettings.sizes), fallback: nil,
            doc: "The oldest sealed records are removed while all segments are larger. Without it: never."),
        Setting(
            path: "segments.retain_facts", kind: .duration(RetentionSettings.ages), fallback: nil,
            doc: "Facts and manifests are removed at this age, never before their records. Without it: never."),
    ]

    /// What an entry under `capture.rules:` may hold.
    static let rule = SettingTable([
        Setting(
            path: "environment", kind: .words, fallback: nil,
            doc: "Met by these environments; `*` at the end stands for any rest. Without it: by all."),
        Setting(path: "task", kind: .words, fallback: nil, doc: "Met by these tasks, likewise."),
        Setting(path: "key", kind: .words, fallback: nil, doc: "Met by these ids of gateway keys, likewise."),
        Setting(
            path: "mode", kind: .choice(["full", "metadata", "off"]), fallback: nil,
            doc: "What is recorded; without it as `capture.mode`."),
        Setting(
            path: "sample", kind: .fraction, fallback: nil, doc: "Share of the conversations; without it as `capture.sample`."),
        Setting(
            path: "body_bytes", kind: .bytes(1_024...(64 * mebibyte)), fallback: nil,
            doc: "Longest whole body; without it as `capture.body_bytes`."),
        Setting(
            path: "redact", kind: .choices(redactable), fallback: nil,
            doc: "Personal data that is replaced; `[]` for none, without it as `capture.redact`."),
    ])

    private static let redactable = ["secret", "card", "iban", "email", "ssn", "phone", "ip"]

    /// What a long stanza under `providers:` may hold.
    static let provider = SettingTable([
        Setting(path: "url", kind: .text, fallback: nil, doc: "The base URL."),
        Setting(
            path: "key", kind: .choice(["bearer", "x-api-key", "x-goog-api-key", "api-key", "query"]), fallback: nil,
            doc: "Where the provider wants its key; bearer for a new provider."),
        Setting(
            path: "hosts", kind: .words, fallback: nil, doc: "Further hosts that are its own; a leading dot: every host below."),
        Setting(
            path: "apis", kind: .words, fallback: nil,
            doc: "The API families it speaks; what its paths tell beside them is passed and recorded as opaque. Without it: all."),
        Setting(
            path: "usage_opt_in", kind: .choice(usageOptIns), fallback: nil,
            doc: "Over the setting of this name, whichever provider it is."),
        Setting(path: "region", kind: .text, fallback: nil, doc: "For bedrock and vertex-ai: the base URL follows from it."),
        Setting(path: "aws.access_key_id", kind: .secret, fallback: nil, doc: "Requests are signed with SigV4 for this key."),
        Setting(path: "aws.secret_access_key", kind: .secret, fallback: nil, doc: "The secret of the access key."),
        Setting(path: "aws.session_token", kind: .secret, fallback: nil, doc: "With temporary credentials."),
        Setting(path: "aws.region", kind: .text, fallback: nil, doc: "The region of the signature, as in us-east-1."),
        Setting(path: "aws.service", kind: .text, fallback: "bedrock", doc: "The service of the signature."),
    ])

    /// What an entry under `keys:` holds.
    static let key = SettingTable([
        Setting(path: "id", kind: .text, fallback: nil, doc: "The key's name in records and logs."),
        Setting(path: "sha256", kind: .text, fallback: nil, doc: "SHA-256 of the key, 64 hexadecimal digits."),
        Setting(
            path: "key", kind: .secret, fallback: nil,
            doc: "In place of sha256: the key itself, best as ${NAME}; it is hashed at load."),
    ])
}
