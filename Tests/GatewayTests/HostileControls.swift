// SPDX-License-Identifier: Apache-2.0
import Platform

/// Control headers that cannot be used, and addresses that callers may not name.
enum HostileControls {
    private static let bad = HostileEnd.refusedAndKept(400, "bad_control_header")

    private static func headers(_ name: String, _ headers: String..., end: HostileEnd = bad) -> HostileCase {
        HostileCase(name, post("/v1/chat/completions", "{}", headers), end)
    }

    private static func url(_ text: String) -> HostileCase { headers("URL \(text)", "x-inference-provider-url: \(text)") }

    private static let long = String(repeating: "a", count: 1_025)

    static let cases: [HostileCase] =
        [
            headers("an unknown provider", "x-inference-provider: nobody"),
            headers("an empty provider", "x-inference-provider:"),
            headers("a provider of blanks", "x-inference-provider:    "),
            headers("two providers", "x-inference-provider: openai", "X-Inference-Provider: groq"),
            headers("two equal providers", "x-inference-provider: openai", "x-inference-provider: openai"),
            headers("a list of providers", "x-inference-provider: openai, groq"),
            headers("a long provider", "x-inference-provider: \(long)"),
            headers("a provider that is a path", "x-inference-provider: ../../openai"),
            headers("a provider of a query", "x-inference-provider: openai' OR 1=1 --"),
            headers("a provider without a URL", "x-inference-provider: azure-openai"),
            headers("two URLs", "x-inference-provider-url: https://a.example", "x-inference-provider-url: https://b.example"),
            headers("a long URL", "x-inference-provider-url: https://a.example/\(long)"),
            headers("two keys", "x-inference-provider-api-key: a", "x-inference-provider-api-key: b"),
            headers("an empty key", "x-inference-provider-api-key:"),
            headers("two environments", "x-inference-environment: a", "x-inference-environment: b"),
            headers("an empty environment", "x-inference-environment:"),
            headers("a long environment", "x-inference-environment: \(long)"),
            headers("two tasks", "x-inference-task-id: a", "x-inference-task-id: b"),
            headers("an empty task", "x-inference-task-id:"),
            headers("a long task", "x-inference-task-id: \(long)"),
            headers("a long metadata value", "x-inference-metadata-a: \(long)"),
            headers("a long metadata name", "x-inference-metadata-\(long): a"),
            HostileCase(
                "65 metadata items", post("/v1/chat/completions", "{}", (0..<65).map { "x-inference-metadata-m\($0): a" }), bad),
            HostileCase("a long task in the path", post("/p/openai/t/\(long)/v1/chat/completions"), bad),
            HostileCase("a long environment in the path", post("/p/openai/e/\(long)/v1/chat/completions"), bad),
            HostileCase("an unknown provider in the path", post("/p/nobody/v1/chat/completions"), bad),
            headers("64 metadata items", "x-inference-metadata-a: \(long.dropLast())", end: .passes),
        ]
        + [
            "ftp://a.example", "file:///etc/passwd", "gopher://a.example", "javascript:alert(1)", "a.example", "//a.example",
            "https:a.example", "https:/a.example", "https://", "https:///v1", "https://:443", "https://u@a.example",
            "https://u:p@a.example", "https://openai.com@127.0.0.1", "https://a.example?x=1", "https://a.example#x",
            "https://a.example:",
            "https://a.example:0", "https://a.example:65536", "https://a.example:-1", "https://a.example:+443",
            "https://a.example:0x1bb",
            "https://a.example:443:443", "https://[::1", "https://[::1]x", "https://[]", "https://[127.0.0.1]",
            "https://a example",
            "https://a.example\\@127.0.0.1", "https://127.0.0.1%2f", "https://%31%32%37.0.0.1", "https://a\u{E9}.example",
            "https://\u{2460}\u{2461}\u{2466}.0.0.1", "https://a.example/\u{E9}", "https://a*b.example",
            "https://a.example,b.example",
        ].map(url)

    private static let special = HostileEnd.refusedWithOneOf(["not_allowed"])
    /// Some of these are addresses to one resolver and unknown names to another.
    private static let specialOrUnknown = HostileEnd.refusedWithOneOf(["not_allowed", "upstream_unreachable"])

    /// Addresses that must not be connected to; PORT is the port of a provider that would answer.
    static let addresses: [(text: String, end: HostileEnd)] =
        [
            "127.0.0.1:PORT", "127.0.0.2:PORT", "127.255.255.254", "localhost:PORT", "LOCALHOST:PORT", "LocalHost",
            "0.0.0.0:PORT", "10.0.0.1",
            "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255", "169.254.169.254",
            "169.254.170.2",
            "169.254.0.1", "100.64.0.1", "100.100.100.200", "100.127.255.255", "168.63.129.16", "192.0.0.1", "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255", "2130706433:PORT", "2852039166", "3232235521", "0", "0177.0.0.1:PORT", "017700000001",
            "0x7f.0.0.1",
            "0x7f000001", "0x7f.1:PORT", "127.1:PORT", "127.0.1", "0xa9fea9fe", "0251.0376.0251.0376", "134744072", "[::]:PORT",
            "[::1]:PORT",
            "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]:PORT", "[::ffff:7f00:1]", "[::ffff:10.0.0.1]", "[::ffff:169.254.169.254]",
            "[::ffff:8.8.8.8]", "[::127.0.0.1]", "[::7f00:1]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::a00:1]",
            "[100::1]",
            "[2001::1]", "[2001:db8::1]", "[2001:10::1]", "[2002:7f00:1::]", "[2002:a00:1::1]", "[3fff::1]", "[fc00::1]",
            "[fd00:ec2::254]",
            "[fdff:ffff::1]", "[fe80::1]", "[febf::1]", "[fec0::1]", "[ff02::1]", "[ff0e::1]", "[4000::1]",
        ].map { ("https://" + $0, special) }
        + [
            "127.0.0.1.:PORT", "localhost.:PORT", "localhost.localdomain:PORT", "ip6-localhost:PORT", "ip6-loopback:PORT",
            "2130706433.",
            "0x7f.0x0.0x0.0x1", "00000177.0.0.1", "127.0.0.01", "256.0.0.1", "0x.1", "[fe80::1%lo]:PORT", "[::1%lo]:PORT",
            "[fe80::1%251]",
            Host.hostName() + ":PORT",
        ].map { ("https://" + $0, specialOrUnknown) }
        + ["http://127.0.0.1:PORT", "http://8.8.8.8", "http://example.com", "HTTP://localhost:PORT", "http://[::1]:PORT"].map {
            ($0, special)
        }
}
