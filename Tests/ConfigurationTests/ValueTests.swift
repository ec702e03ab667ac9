// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import weir

@Suite struct ValueTests {
    @Test(
        arguments: [
            ("65536", 65_536), ("64KiB", 65_536), ("64 kib", 65_536), ("1MB", 1_000_000), ("512MiB", 536_870_912),
            ("2GiB", 2_147_483_648),
            ("3GB", 3_000_000_000), ("7B", 7), ("0", 0),
        ] as [(String, Int64)])
    func readsSizes(_ text: String, _ bytes: Int64) throws {
        #expect(try SettingKind.bytes(0...Int64.max).value([text]) == .number(bytes))
    }

    @Test(
        arguments: [
            ("250ms", 250), ("30s", 30_000), ("5m", 300_000), ("1h", 3_600_000), ("0", 0), ("0s", 0), ("90 s", 90_000),
        ] as [(String, Int64)])
    func readsTimes(_ text: String, _ milliseconds: Int64) throws {
        #expect(try SettingKind.duration(0...Int64.max).value([text]) == .number(milliseconds))
    }

    @Test(arguments: ["", "x", "-1", "1.5MiB", "1TiB", "MiB", "99999999999999999999", "9223372036854775807GiB", "1 M iB", "٣"])
    func refusesWhatIsNoSize(_ text: String) {
        #expect(throws: BrokenRule.self) { try SettingKind.bytes(0...Int64.max).value([text]) }
    }

    @Test(arguments: ["", "30", "s", "-5s", "1.5s", "5 days", "9223372036854775807h", "1s2ms"])
    func refusesWhatIsNoTime(_ text: String) {
        #expect(throws: BrokenRule.self) { try SettingKind.duration(0...Int64.max).value([text]) }
    }

    @Test(arguments: [
        ("127.0.0.1:8080", "127.0.0.1", 8_080, true), ("[::1]:0", "::1", 0, true), ("localhost:1", "localhost", 1, true),
        ("0.0.0.0:80", "0.0.0.0", 80, false), ("[::]:443", "::", 443, false),
        ("127.evil.example:1", "127.evil.example", 1, false),
        ("gateway.example:65535", "gateway.example", 65_535, false), ("127.9.9.9:1", "127.9.9.9", 1, true),
    ])
    func readsAddresses(_ text: String, _ host: String, _ port: Int, _ isLoopback: Bool) throws {
        let address = try ListenAddress(text)
        #expect(address.host == host && address.port == port && address.isLoopback == isLoopback)
    }

    @Test(arguments: ["", "8080", ":8080", "host", "host:", "host:x", "host:65536", "host:-1", "::1:80", "[]:80"])
    func refusesWhatIsNoAddress(_ text: String) {
        #expect(throws: BrokenRule.self) { try ListenAddress(text) }
    }

    @Test func showsQuantitiesSoThatTheyAreReadBackEqual() throws {
        for setting in ConfigSchema.table.settings {
            guard let fallback = setting.fallback else { continue }
            let value = try setting.kind.value([fallback])
            guard case .number = value else { continue }
            #expect(try setting.kind.value([setting.kind.shown(value)]) == value, "\(setting.path)")
        }
        for number in [0, 1, 999, 1_000, 1_024, 60_000, 61_000, 3_600_000, 1 << 30] as [Int64] {
            #expect(try Quantity.bytes(Quantity.shownBytes(number), within: 0...Int64.max) == number)
            #expect(try Quantity.milliseconds(Quantity.shownMilliseconds(number), within: 0...Int64.max) == number)
        }
    }

    @Test(arguments: [
        ("http://user:pw@proxy.example:3128", "http://***@proxy.example:3128"), ("user:pw@proxy:1", "***@proxy:1"),
        ("http://a@b@proxy:1", "http://***@proxy:1"), ("http://proxy:1", "http://proxy:1"), ("none", "none"),
    ])
    func showsNoUserOfAProxy(_ text: String, _ shown: String) {
        #expect(Masking.proxy(text) == shown)
    }
}

@Suite struct SubstitutionTests {
    private static let environment = ["NAME": "value", "EMPTY": "", "A_1": "one", "TRAP": "${NAME}"]

    @Test(arguments: [
        ("plain", "plain"), ("${NAME}", "value"), ("a${NAME}b${A_1}c", "avaluebonec"), ("$$", "$"), ("$${NAME}", "${NAME}"),
        ("$NAME", "$NAME"), ("cost $5", "cost $5"), ("${EMPTY}", ""), ("${EMPTY:-x}", "x"), ("${NONE:-}", ""),
        ("${NONE:-http://a:1/b}", "http://a:1/b"), ("${NAME:-x}", "value"), ("${TRAP}", "${NAME}"), ("$", "$"),
        ("é${A_1}é", "éoneé"),
    ])
    func replacesReferences(_ text: String, _ expected: String) throws {
        #expect(try Substitution.apply(text, environment: SubstitutionTests.environment) == expected)
    }

    @Test(arguments: [
        ("${NONE}", "${NONE}, which is not set"), ("${", "without its }"), ("${NAME", "without its }"), ("${}", "whose name"),
        ("${9A}", "whose name"), ("${A B}", "whose name"), ("${NAME-x}", "whose name"),
    ])
    func refusesWhatCannotBeReplaced(_ text: String, _ says: String) {
        do throws(BrokenRule) {
            _ = try Substitution.apply(text, environment: SubstitutionTests.environment)
            Issue.record("\(text) was accepted")
        } catch { #expect(error.rule.contains(says), "\(error.rule)") }
    }
}
