// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import TestSupport
import Testing

@testable import Redaction

/// What holds of every masking, whatever is found.
@Suite struct MaskingTests {
    private static let values =
        [
            "bob@example.com", "Ann.O'Neil+t@sub.example.org", "+49 30 1234567", "030 1234567", "(555) 234-5678", "555-234-5678",
            "06 12 34 56 78",
            "4111 1111 1111 1111", "4111111111111111", "5555-5555-5555-4444", "378282246310005", "DE89 3704 0044 0532 0130 00",
            "10.1.2.3", "2001:db8::1",
            "GB29NWBK60161331926819", "postgres://u:hunter22@db.example.com", "api_key=0123456789abcdef0123456789abcdef",
            "536-12-3456", "ssn 536123456", "password=hunter22", "token: aB3dE6gHi9KlMn2PqRs5TuVw",
            "client_secret = 'x1y2z3w4v5u6t7s8'",
        ] + SecretDetectorTests.keys.prefix(12)
    private static let glue = [
        " ", ".", "-", "_", ",", ":", "/", "@", "+", "1", "12", "0", "a", "x", "\n", "\\", "\"", "<", ">", "(", ")", "é", "字",
        "\u{A0}", "%40", "%2B",
        "\\u0040", "\\n", "tel ", "phone:", "key=", "1-", "00", "<email:0123456789ab>", "<phone:123456789012>", "2024-11-29",
        "12:30", "1.5", "::",
        "sk-", "eyJ", "=", "'", "password: ", "_token=", "ssn ", "\t", "\u{1F600}", "-----BEGIN ",
    ]

    private static func text(_ random: inout SplitMix64) -> String {
        (0..<Int.random(in: 1...9, using: &random)).map { _ in
            Bool.random(using: &random) ? values.randomElement(using: &random) ?? "" : glue.randomElement(using: &random) ?? ""
        }.joined()
    }

    /// Edits in order, inside the run, at borders of characters; masking again changes nothing; offsets move with the text.
    @Test(arguments: [1, 2, 3] as [UInt64]) func isConsistentAndIdempotent(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var scrubber = PersonalDataScrubber(detectors: Set(DetectorKind.allCases), key: Masking.key)
        for number in 0..<3_000 {
            let text = MaskingTests.text(&random)
            let bytes = Array(text.utf8)
            let content: PersonalDataScrubber.Content = [.text, .body, .stream][number % 3]
            let edits = bytes.withUnsafeBytes { scrubber.edits(in: ByteRun($0), as: content) }
            let masked = edits.applied(to: bytes)
            #expect(UTF8Check.firstInvalidOffset(masked) == nil, "seed \(seed): \(text.debugDescription)")
            #expect(masked.count == bytes.count + edits.growth)
            #expect(edits.counts.total == edits.items.count)
            var (end, last) = (0, 0)
            for edit in edits.items {
                #expect(edit.start >= end && edit.end > edit.start && edit.end <= bytes.count)
                end = edit.end
            }
            for offset in 0...bytes.count {
                let moved = edits.moved(offset)
                #expect(moved >= last && moved <= masked.count)
                if !edits.items.contains(where: { $0.start < offset && offset < $0.end }), offset < bytes.count,
                    !edits.items.contains(where: { $0.start == offset })
                {
                    #expect(masked[moved] == bytes[offset])
                }
                last = moved
            }
            let again = masked.withUnsafeBytes { scrubber.edits(in: ByteRun($0), as: content) }
            #expect(
                again.isEmpty,
                "seed \(seed): \(text.debugDescription) \(String(decoding: masked, as: UTF8.self).debugDescription)")
        }
    }

    /// A random document of JSON stays one, whatever its strings, numbers and names hold, and in whatever way it is escaped.
    @Test(arguments: [4, 5] as [UInt64]) func keepsJSONValid(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var scrubber = PersonalDataScrubber(detectors: Set(DetectorKind.allCases), key: Masking.key)
        func string(_ random: inout SplitMix64) -> String {
            let style = Int.random(in: 0...2, using: &random)
            var out = "\""
            for scalar in MaskingTests.text(&random).unicodeScalars {
                switch scalar {
                case "\"": out += "\\\""
                case "\\": out += "\\\\"
                case "/" where style == 1: out += "\\/"
                case _ where scalar.value < 0x20:
                    out += style == 0 ? (scalar == "\n" ? "\\n" : "\\t") : "\\u000" + String(scalar.value, radix: 16)
                case "+", "@", "<", ">":
                    out += style == 2 ? "\\u00" + String(scalar.value, radix: 16).uppercased() : String(scalar)
                case _ where scalar.value > 0x7F && style == 2:
                    out += String(scalar).utf16.map {
                        "\\u" + String(repeating: "0", count: 4 - String($0, radix: 16).count) + String($0, radix: 16)
                    }.joined()
                default: out += String(scalar)
                }
            }
            return out + "\""
        }
        func value(_ random: inout SplitMix64, _ depth: Int) -> String {
            let blank = ["", " ", "\n  "].randomElement(using: &random) ?? ""
            switch Int.random(in: 0...(depth > 2 ? 3 : 5), using: &random) {
            case 0:
                return ["4111111111111111", "-4111111111111111", "5551234567", "378282246310005.0", "4111111111111111e2", "0.5"]
                    .randomElement(using: &random) ?? "0"
            case 1: return "true"
            case 2, 3: return string(&random)
            case 4:
                return "[" + blank
                    + (0..<Int.random(in: 0...3, using: &random)).map { _ in value(&random, depth + 1) }.joined(
                        separator: "," + blank) + blank + "]"
            default:
                return "{" + blank
                    + (0..<Int.random(in: 0...3, using: &random)).map { _ in
                        (Bool.random(using: &random) ? "\"phone\"" : string(&random)) + ":" + blank + value(&random, depth + 1)
                    }.joined(separator: "," + blank) + blank + "}"
            }
        }
        for _ in 0..<2_000 {
            let document = value(&random, 0)
            let bytes = Array(document.utf8)
            _ = try JSONDocument(bytes)
            let edits = bytes.withUnsafeBytes { scrubber.edits(in: ByteRun($0), as: .body) }
            let masked = edits.applied(to: bytes)
            #expect(throws: Never.self, "seed \(seed): \(document) -> \(String(decoding: masked, as: UTF8.self))") {
                try JSONDocument(masked)
            }
        }
    }

    @Test func namesEqualValuesEqually() {
        func tags(_ text: String) -> Set<UInt64> { Set(Masking.edits(text).items.map(\.tag)) }
        #expect(tags("Bob@Example.com bob@example.com bob\\u0040example.com bob%40example.com").count == 1)
        #expect(tags("4111 1111 1111 1111, 4111-1111-1111-1111, 4111111111111111").count == 1)
        #expect(tags("+49 30 1234567, +49-30-1234567, 0049 30 1234567, +49 (0)30 1234567").count == 1)
        #expect(tags("DE89 3704 0044 0532 0130 00, de89370400440532013000").count == 1)
        #expect(tags("2001:db8::1, 2001:DB8:0:0:0:0:0:1").count == 1)
        #expect(tags("bob@example.com rob@example.com").count == 2)
        var other = PersonalDataScrubber(detectors: [.email], key: Array("another-key-of-16".utf8))
        let bytes = Array("bob@example.com".utf8)
        let edits = bytes.withUnsafeBytes { other.edits(in: ByteRun($0), as: .text) }
        #expect(edits.items.first?.tag != Masking.edits("bob@example.com").items.first?.tag)
    }

    /// printf email:bob@example.com | openssl dgst -sha256 -hmac 0123456789abcdef
    @Test func namesByHMAC() { #expect(Masking.masked("bob@example.com") == "<email:83a9f2600a01>") }

    @Test func looksForWhatIsAskedOnly() {
        let text = "bob@example.com 10.1.2.3 4111111111111111"
        #expect(Masking.marked(text, []) == text)
        #expect(Masking.marked(text, [.ip]) == "bob@example.com [ip] 4111111111111111")
        #expect(Masking.marked(text, [.email, .card]) == "[email] 10.1.2.3 [card]")
        #expect(Masking.edits(text).counts[.email] == 1 && Masking.edits(text).counts.total == 3)
    }

    @Test func quotesNumbersOfJSON() {
        #expect(
            Masking.marked("{\"n\":4111111111111111,\"m\": [5555555555554444]}", as: .body)
                == "{\"n\":\"[card]\",\"m\": [\"[card]\"]}")
        #expect(Masking.marked("{\"n\":\"4111111111111111, 5555555555554444\"}", as: .body) == "{\"n\":\"[card], [card]\"}")
        #expect(Masking.marked("{\"n\":-4111111111111111}", as: .body) == "{\"n\":-4111111111111111}")
        #expect(Masking.marked("cards: 4111111111111111, 5555555555554444", as: .body) == "cards: [card], [card]")
        #expect(Masking.marked("4111111111111111", as: .text) == "[card]")
    }

    // MARK: Streams

    @Test func findsValuesThatCameTokenByToken() {
        let pieces = ["Write to bo", "b@exa", "mple.c", "om, or call +49", " 30 ", "1234567."]
        let body =
            pieces.map { "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\($0)\"}}]}\n\n" }.joined()
            + "data: [DONE]\n\n"
        let masked = Masking.marked(body, as: .stream)
        let text = masked.split(separator: "\n").compactMap { $0.firstMatch(of: /"content":"([^"]*)"/)?.1 }.joined()
        #expect(text == "Write to [email], or call [phone].")
        #expect(masked.split(separator: "\n").count == body.split(separator: "\n").count)
        let edits = Masking.edits(body, as: .stream)
        #expect(edits.counts.total == 2 && edits.items.count == 7)
        #expect(Masking.marked(body, as: .body).contains("b@exa"), "a body that is no stream is read as it stands")
    }

    /// As OpenAI's Responses stream: token by token, then the whole text four times, under one name, in events of other types.
    private static func responses(_ text: String, hasEventLines: Bool) -> String {
        func event(_ type: String, _ rest: String) -> String {
            (hasEventLines ? "event: \(type)\n" : "") + "data: {\"type\":\"\(type)\",\"sequence_number\":1,\(rest)}\n\n"
        }
        let part = "{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":\"\(text)\"}"
        let item = "{\"id\":\"msg_1\",\"type\":\"message\",\"status\":\"completed\",\"content\":[\(part)],\"role\":\"assistant\"}"
        let letters = Array(text)
        let tokens = stride(from: 0, to: letters.count, by: 3).map { String(letters[$0..<min(letters.count, $0 + 3)]) }
        return event("response.created", "\"response\":{\"id\":\"resp_1\",\"status\":\"in_progress\",\"output\":[]}")
            + tokens.map { event("response.output_text.delta", "\"item_id\":\"msg_1\",\"content_index\":0,\"delta\":\"\($0)\"") }
            .joined()
            + event("response.output_text.done", "\"item_id\":\"msg_1\",\"content_index\":0,\"text\":\"\(text)\"")
            + event("response.content_part.done", "\"item_id\":\"msg_1\",\"part\":\(part)")
            + event("response.output_item.done", "\"output_index\":0,\"item\":\(item)")
            + event("response.completed", "\"response\":{\"id\":\"resp_1\",\"status\":\"completed\",\"output\":[\(item)]}")
    }

    @Test(
        arguments: [
            ("Your card is 4111111111111111", "4111111111111111", "Your card is [card]"),
            ("4111111111111111 it is, 4111111111111111", "4111111111111111", "[card] it is, [card]"),
            ("Write to ann@example.com", "ann@example", "Write to [email]"),
            ("or write to ann@example.com", "ann@example", "or write to [email]"),
            ("call +49 30 1234567", "1234567", "call [phone]"),
        ], [true, false])
    func findsWhatAStreamSendsAgain(_ sent: (text: String, secret: String, masked: String), hasEventLines: Bool) throws {
        let body = MaskingTests.responses(sent.text, hasEventLines: hasEventLines)
        let masked = Masking.marked(body, as: .stream)
        #expect(!masked.contains(sent.secret), "\(masked)")
        #expect(masked.matches(of: /"text":"([^"]*)"/).map { String($0.1) } == [String](repeating: sent.masked, count: 4))
        #expect(masked.matches(of: /"delta":"([^"]*)"/).map { String($0.1) }.joined() == sent.masked)
        #expect(Set(Masking.edits(body, as: .stream).items.map(\.tag)).count == 1, "one value, one pseudonym")
        for line in masked.split(separator: "\n") where line.hasPrefix("data: ") {
            #expect(throws: Never.self) { try JSONDocument(Array(line.dropFirst(6).utf8)) }
        }
    }

    /// Without types of events: what is found in one piece stays found where the pieces together show nothing there.
    @Test func findsWhatOnePieceHoldsAlthoughTheNextGoesOn() {
        let body = ["Your card is 4111111111111111", "Your card is 4111111111111111"].map { "data: {\"text\":\"\($0)\"}\n\n" }
            .joined()
        #expect(!Masking.marked(body, as: .stream).contains("1111"))
    }

    /// Deltas of one type go together, whatever comes in between.
    @Test func joinsWhatOtherEventsInterrupt() {
        let body = ["ann@exa", "mple.com"].map {
            "event: a.delta\ndata: {\"delta\":\"\($0)\"}\n\nevent: b.delta\ndata: {\"delta\":\"other \"}\n\n"
        }.joined()
        let text = Masking.marked(body, as: .stream)
        #expect(text.contains("[email]") && !text.contains("mple.com") && text.ranges(of: "other ").count == 2)
    }

    @Test(arguments: ["text", "partial_json", "delta", "arguments", "thinking", "reasoning_content"])
    func readsTheNamesOfProviders(name: String) {
        let body = ["a bob", "@example", ".com"].map { "event: x\ndata: {\"n\":1,\"\(name)\": \"\($0)\",\"z\":\"q\"}\n\n" }
            .joined()
        let text = Masking.marked(body, as: .stream).matches(of: /: "([^"]*)","z"/).map { String($0.1) }.joined()
        #expect(text == "a [email]")
    }

    // MARK: Time

    /// Texts made to be slow: none takes more than a few times what the others take.
    @Test(arguments: [
        "@", "1", "sk-", "a@", "a@b.", "1.", "a:", "+1 ", "12 ", "01-", "(555) ", "eyJ-", "-eyJa.", "-----BEGIN PRIVATE KEY-----",
        "ABSK+", "key=",
        "sk-ant-", "glpat-", "SG.", "://u:pass@", "DE89 ", "\\", "\\\\u0040", "a%40b", "phone ", "tel 12 ", "\"content\":\"a\",",
        "4111 ", "password=", "token: ", "secret='a1", "ssn 1", "536-12-",
    ])
    func takesLinearTime(unit: String) {
        func microseconds(_ count: Int) -> Double {
            let bytes = Array(String(repeating: unit, count: count / unit.utf8.count).utf8)
            return (0..<3).map { _ in
                let clock = ContinuousClock()
                let spent = clock.measure { _ = Masking.edits(bytes, Set(DetectorKind.allCases), as: .stream) }
                return Double(spent.components.attoseconds) / 1e12 + Double(spent.components.seconds) * 1e6
            }.min() ?? 0
        }
        let (small, large) = (microseconds(8_000), microseconds(128_000))
        // Sixteen times the bytes: a quadratic look would take 256 times as long.
        #expect(large < 80 * small + 20_000, "\(small) us, \(large) us")
    }
}
