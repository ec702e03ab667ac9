// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Redaction

/// Keys of made-up content in the shapes of real ones. Each is put together here, so that no scanner takes this file for a leak.
@Suite struct SecretDetectorTests {
    private static let letters = "Ab3dE6gHi9KlMn2PqRs5TuVw8XyZ0aBcD4eFgH7iJkLmN1oPqRsT3uVwXyZ6abCdEf9GhIjKl2MnOpQr5StUvWx8"
    private static let hexes = "0123456789abcdef4f9c1e77d20b6a8e3c5d7f901b2c3d4e5f60718293a4b5c6d7e8f90"

    private static func text(_ count: Int) -> String { String(letters.prefix(count)) }
    private static func hex(_ count: Int) -> String { String(hexes.prefix(count)) }
    private static func upper(_ count: Int) -> String {
        String("Q3Z7K2M5P4X6Y7ABCDEF2G3H4JK5LMN6PQRS7TUVW2XYZ3ABC4DEF5GHJKL6MN".prefix(count))
    }

    static let keys: [String] = [
        "sk-" + text(48), "sk-proj-" + text(40) + "_" + text(30) + "-x", "sk-svcacct-" + text(60), "sk-admin-" + text(40),
        "sk-ant-" + "api03-" + text(80),
        "sk-or-" + "v1-" + hex(64), "sk-lf-" + "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0", "sk-" + hex(32), "AIza" + text(35),
        "gsk_" + text(52),
        "csk-" + text(48).lowercased(), "hf_" + text(34), "r8_" + text(37), "pplx-" + text(48), "xai-" + text(80),
        "nvapi-" + text(64), "fw_" + text(24),
        "tvly-" + "dev-" + text(32), "lsv2_pt_" + hex(32) + "_" + hex(10), "pcsk_" + text(60), "weir_" + text(40),
        "AKIA" + upper(16), "ASIA" + upper(16),
        "ABSK" + text(80) + "==", "ya29." + text(60), "GOCSPX-" + text(28), "dop_v1_" + hex(64), "dapi" + hex(32),
        "hvs." + text(40), "sbp_" + hex(40),
        "pscale_tkn_" + text(43), "HRKU-" + text(40), "ghp_" + text(36), "gho_" + text(36), "ghu_" + text(36), "ghs_" + text(36),
        "ghr_" + text(36),
        "github_pat_" + text(22) + "_" + text(59), "glpat-" + text(20), "glrt-" + text(20), "glptt-" + hex(40), "npm_" + text(36),
        "pypi-AgE" + text(70),
        "rubygems_" + hex(48), "dckr_pat_" + text(27), "ATATT3" + text(80) + text(40),
        "xoxb-" + "123456789012-1234567890123-" + text(24),
        "xoxp-" + "123456789012-" + text(20), "xapp-" + "1-A0123456789-" + hex(40), "sk_live_" + text(24), "rk_live_" + text(24),
        "sk_test_" + text(24),
        "whsec_" + text(32), "SG." + text(22) + "." + text(43), "SK" + hex(32), "shpat_" + hex(32), "lin_api_" + text(40),
        "ntn_" + text(46),
        "PMAK-" + hex(24) + "-" + hex(34), "glsa_" + text(32) + "_" + hex(8), "NRAK-" + upper(27), "figd_" + text(40),
        "AGE-SECRET-KEY-1" + upper(58),
        "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0." + text(43),
        "-----BEGIN " + "PRIVATE KEY-----\\nMIIEvQ" + text(58) + "\\n" + text(64) + "==\\n-----END PRIVATE KEY-----",
        "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIEvQ" + text(58) + "\n" + text(64) + "==\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN " + "OPENSSH PRIVATE KEY-----\\\\nb3Blbn" + text(58) + "\\\\n" + text(20)
            + "\\\\n-----END OPENSSH PRIVATE KEY-----",
    ]

    @Test(arguments: keys) func findsKeys(key: String) {
        for (before, after) in [
            ("", ""), ("my key is ", ", keep it"), ("\"", "\""), ("Bearer ", "\\n"), ("key=", "&x=1"), ("`", "`."),
            ("\\n", "\\n"), ("(", ")"), ("字", "字"),
            ("https://h/v1/", "/x"),
        ] where !(after == "/x" && ["ABSK", "ATAT", "whse"].contains(key.prefix(4))) {
            #expect(Masking.found(before + key + after, .secret) == [key], "\(before)|\(after)")
        }
        #expect(Masking.marked("x \(key) y") == "x [secret] y")
    }

    @Test(arguments: [
        "sk-learn-pipeline-config-example-v2", "task-force-one-two-three-four", "sk-", "sk-short1", "AIzaShort",
        "AKIAlowercase1234567", "AKIA" + upper(17),
        "risk-" + text(30), "hf_hub_download_and_more_words_in_it", "npm_config_registry", "weir_gateway_requests_total",
        "weir_capture_dropped_exchanges_total",
        "glpat-", "xoxb-", "SKILL", "SKU12345", "SK" + hex(31), "eyJhbGciOiJIUzI1NiJ9", "eyJ.eyJ.x", "SG.x.y",
        "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----", "use a -----BEGIN PRIVATE KEY----- header", "ghp_short",
        "gsk_under_scores_are_no_part_of_it_at_all_1", "fw_update_the_firmware_now_please",
        "desk-" + text(20), "the key is under the mat", hex(32), hex(64), "max_tokens: 4096", "cache_key: " + hex(32),
        "key: " + hex(32), "api_key: short",
    ])
    func leavesWhatIsNoKey(text: String) { #expect(Masking.found(text, .secret) == []) }

    @Test(arguments: [
        ("api-key: " + hex(32), hex(32)), ("\"api_key\":\"" + hex(32) + "\"", hex(32)),
        ("AZURE_OPENAI_API_KEY=" + hex(32), hex(32)),
        ("Ocp-Apim-Subscription-Key: " + hex(32), hex(32)), ("{\\\"apiKey\\\": \\\"" + hex(32) + "\\\"}", hex(32)),
        ("api_key = '" + text(84) + "'", text(84)),
        ("AccountKey=" + text(86) + "==;EndpointSuffix", text(86) + "=="),
        ("aws_secret_access_key = " + text(38) + "/+", text(38) + "/+"),
        ("\"SecretAccessKey\": \"" + text(40) + "\"", text(40)), ("api key: " + hex(32), hex(32)),
    ])
    func findsKeysByTheNameBefore(text: String, key: String) { #expect(Masking.found(text, .secret) == [key]) }

    @Test func findsTheSecretBesideAnAccessKey() {
        let (id, secret) = ("AKIA" + SecretDetectorTests.upper(16), SecretDetectorTests.text(36) + "/+Ab")
        #expect(Masking.found("\(id) \(secret) \(SecretDetectorTests.text(40))x", .secret) == [id, secret])
        #expect(Masking.found("{\"id\":\"\(id)\",\"s\":\"\(secret.replacing("/", with: "\\/"))\"}", .secret).count == 2)
        #expect(Masking.found("\(id) commit \(SecretDetectorTests.hex(40))", .secret) == [id])
    }

    @Test(arguments: [
        ("postgres://user:hunter22@db.example.com/x", "postgres://user:[secret]@db.example.com/x"),
        ("https:\\/\\/user:passw0rd@h.example.org", "https:\\/\\/user:[secret]@h.example.org"),
        ("redis://:s3cretpass@10.1.2.3:6379", "redis://:[secret]@[ip]:6379"),
        ("https://user@host.example/x", "https://[email]/x"),
        ("https://user:${PASSWORD}@host/x", "https://user:${PASSWORD}@host/x"),
        ("https://u:********@host/x", "https://u:********@host/x"),
        ("https://host:8080/a@b", "https://host:8080/a@b"),
    ])
    func findsPasswordsInURLs(text: String, marked: String) { #expect(Masking.marked(text) == marked) }

    @Test func takesACutPrivateKeyAsFarAsItGoes() {
        let lines = "-----BEGIN " + "PRIVATE KEY-----\nMIIE" + SecretDetectorTests.text(60) + "\n" + SecretDetectorTests.text(64)
        #expect(Masking.marked(lines) == "[secret]")
        #expect(Masking.marked("\(lines)\nand words. after") == "[secret]\nand words. after")
    }
}
