// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Testing

@testable import Redaction

@Suite struct CredentialScrubberTests {
    private func redacted(_ name: String, _ value: String) -> (value: String, scrubber: CredentialScrubber) {
        var scrubber = CredentialScrubber()
        var headers = [HeaderPair(name, value)]
        scrubber.redact(&headers)
        return (headers[0].value, scrubber)
    }

    @Test(arguments: [
        ("Authorization", "Bearer sk-planted-1234", "Bearer [redacted]", "sk-planted-1234"),
        ("AUTHORIZATION", "sk-planted-1234", "[redacted]", "sk-planted-1234"),
        ("authorization", "Bearer   sk-planted-1234", "Bearer [redacted]", "sk-planted-1234"),
        ("Proxy-Authorization", "Basic dXNlcjpwYXNz", "Basic [redacted]", "dXNlcjpwYXNz"),
        ("x-api-key", "sk-planted-1234", "[redacted]", "sk-planted-1234"),
        ("x-api-key", "Bearer sk-planted-1234", "Bearer [redacted]", "sk-planted-1234"),
        ("x-inference-provider-api-key", "bearer sk-planted-1234", "bearer [redacted]", "sk-planted-1234"),
        ("x-inference-observability-api-key", "weir_planted", "[redacted]", "weir_planted"),
        ("x-goog-api-key", "AIza-planted", "[redacted]", "AIza-planted"),
        ("api-key", "azure-planted", "[redacted]", "azure-planted"),
        ("Authorization", "sk-planted-1234 and more", "[redacted]", "sk-planted-1234 and more"),
        ("Authorization", "planted sk-planted-1234", "[redacted]", "planted sk-planted-1234"),
        ("Authorization", "ApiKey sk-planted-1234", "ApiKey [redacted]", "sk-planted-1234"),
        ("x-goog-iam-authorization-token", "planted one", "[redacted]", "planted one"),
        ("authorization", "TC3-HMAC-SHA256 Credential=planted-1", "TC3-HMAC-SHA256 [redacted]", "Credential=planted-1"),
        ("Cookie", "session=planted value", "[redacted]", "session=planted value"),
        ("X-Vendor-Api-Key", "vendor-planted", "[redacted]", "vendor-planted"),
        ("X-Vault-Token", "vault-planted", "[redacted]", "vault-planted"),
        ("x-functions-key", "azure-planted", "[redacted]", "azure-planted"),
        ("X-Db-Password", "pw-planted", "[redacted]", "pw-planted"),
    ])
    func replacesHeaderValues(name: String, value: String, expected: String, credential: String) {
        let (shown, scrubber) = redacted(name, value)
        #expect(shown == expected)
        #expect(scrubber.found.contains(Array(credential.utf8)))
    }

    @Test(arguments: [
        "idempotency-key", "x-request-id", "x-ratelimit-remaining-tokens", "content-type", "openai-organization",
        "anthropic-version",
    ])
    func leavesOtherHeadersAlone(name: String) { #expect(redacted(name, "plain value").value == "plain value") }

    /// A browser cannot set headers on a WebSocket: SDKs offer the key as a subprotocol.
    @Test(arguments: [
        (
            "Sec-WebSocket-Protocol", "realtime, openai-insecure-api-key.sk-planted-1234, openai-beta.realtime-v1",
            "realtime, openai-insecure-api-key.[redacted], openai-beta.realtime-v1", "sk-planted-1234"
        ),
        (
            "sec-websocket-protocol", "realtime,OpenAI-Insecure-API-Key.ek_planted.5678",
            "realtime,OpenAI-Insecure-API-Key.[redacted]",
            "ek_planted.5678"
        ),
        ("Sec-WebSocket-Protocol", "token, planted-1234", "token, [redacted]", "planted-1234"),
        ("Sec-WebSocket-Protocol", "Bearer , planted-1234,x", "Bearer , [redacted],x", "planted-1234"),
    ])
    func replacesKeysOfferedAsSubprotocols(name: String, value: String, expected: String, credential: String) {
        let (shown, scrubber) = redacted(name, value)
        #expect(shown == expected)
        #expect(scrubber.found == [Array(credential.utf8)] && scrubber.callerKey == Array(credential.utf8))
    }

    @Test(arguments: ["realtime", "realtime, openai-beta.realtime-v1", "graphql-ws", "token", "openai-insecure-api-key.", ", ,"])
    func leavesSubprotocolsWithoutAKeyAlone(value: String) {
        let (shown, scrubber) = redacted("Sec-WebSocket-Protocol", value)
        #expect(shown == value && scrubber.found.isEmpty)
    }

    @Test(arguments: [
        ("x-inference-provider-url", "https://user:secretpassword@host.example/v1", "https://[redacted]@host.example/v1"),
        ("location", "/next?key=secretpassword&page=2", "/next?key=[redacted]&page=2"),
        ("Referer", "https://secretpassword@host/?a=b", "https://[redacted]@host/?a=b"),
        ("location", "https://host.example/a@b?page=2", "https://host.example/a@b?page=2"),
    ])
    func replacesCredentialsInURLs(name: String, value: String, expected: String) {
        let (shown, scrubber) = redacted(name, value)
        #expect(shown == expected)
        #expect(scrubber.callerKey == nil)
        #expect(scrubber.masked("x secretpassword x") == (value.contains("secret") ? "x ************** x" : "x secretpassword x"))
    }

    @Test(arguments: [
        ("key=planted-1&model=m", "key=[redacted]&model=m"), ("a=1&KEY=planted-1&&b", "a=1&KEY=[redacted]&&b"),
        ("api_key=&x=1", "api_key=[redacted]&x=1"), ("%6Bey=planted-1", "%6Bey=[redacted]"), ("monkey=banana", "monkey=banana"),
        ("", ""), ("key", "key"), ("=planted", "=planted"),
    ])
    func replacesQueryCredentials(query: String, expected: String) {
        var scrubber = CredentialScrubber()
        #expect(scrubber.redactedQuery(query) == expected)
    }

    @Test func masksBothFormsOfAPercentEncodedCredential() {
        var scrubber = CredentialScrubber()
        _ = scrubber.redactedQuery("key=planted%2Bsecret")
        #expect(scrubber.masked("planted%2Bsecret planted+secret") == "**************** **************")
    }

    @Test func namesTheProjectKeyFirst() {
        var scrubber = CredentialScrubber()
        var headers = [
            HeaderPair("x-inference-provider-api-key", "provider-key"), HeaderPair("x-api-key", "native-key"),
            HeaderPair("Authorization", "Bearer bearer-key"),
        ]
        scrubber.redact(&headers)
        #expect(scrubber.callerKey == Array("bearer-key".utf8))
        var older = [HeaderPair("X-Inference-Project-Api-Key", "project-key")]
        scrubber.redact(&older)
        #expect(scrubber.callerKey == Array("project-key".utf8))
    }

    @Test func masksLengthKeepingAndLongestFirst() {
        var scrubber = CredentialScrubber()
        var headers = [HeaderPair("x-api-key", "planted-key"), HeaderPair("authorization", "Bearer planted-key-and-more")]
        scrubber.redact(&headers)
        #expect(
            scrubber.masked("<planted-key-and-more|planted-key>") == "<" + String(repeating: "*", count: 20) + "|"
                + String(repeating: "*", count: 11) + ">")
        var bytes = Array("none here".utf8)
        #expect(scrubber.mask(&bytes) == 0)
    }

    /// What a text around a credential makes of it, and what stands within it.
    @Test(arguments: [
        ("authorization", "Basic dXNlcjpoaWRkZW4tcGFzcw==", ["user:hidden-pass", "hidden-pass", "dXNlcjpoaWRkZW4tcGFzcw%3D%3D"]),
        (
            "x-api-key", "planted/key+1=",
            ["planted%2Fkey%2B1%3D", "planted%2fkey%2b1%3d", "planted\\/key+1=", "planted/key\\u002B1=", "planted/key\\u002b1="]
        ),
        ("cookie", "theme=dark; sid=abcdef0123456789xyz", ["abcdef0123456789xyz"]),
        ("set-cookie", "sid=abcdef0123456789xyz; Domain=.host-2.example.com", ["abcdef0123456789xyz"]),
        (
            "authorization", "AWS4-HMAC-SHA256 Credential=AKIAX/20260101/r/s/aws4_request, Signature=0123456789abcdef0123",
            ["0123456789abcdef0123"]
        ),
    ])
    func findsOtherFormsOfACredential(name: String, value: String, forms: [String]) {
        let (_, scrubber) = redacted(name, value)
        for form in forms {
            #expect(scrubber.masked("<\(form)>") == "<\(String(repeating: "*", count: form.utf8.count))>", "\(form)")
        }
        #expect(scrubber.masked(".host-2.example.com dark") == ".host-2.example.com dark")
    }

    @Test func masksNamesInLowerCase() {
        let (_, scrubber) = redacted("x-api-key", "Planted-KEY-0123")
        #expect(scrubber.maskedName("a-planted-key-0123") == "a-****************")
    }

    /// Both implementations of the rule.
    @Test(arguments: ["Bearer", "BASIC", "Token", "aws4-hmac-sha256", "AWS4-HMAC-", "sk-planted-1", "", "bearer2", "hmac"])
    func bytesAndStringsKnowTheSameSchemes(word: String) {
        for isAuthorization in [true, false] {
            let bytes = Array(word.utf8).withUnsafeBytes {
                CredentialRules.keepsScheme(ByteRun($0), isAuthorization: isAuthorization)
            }
            #expect(bytes == CredentialRules.keepsScheme(word, isAuthorization: isAuthorization))
        }
        #expect(!CredentialRules.keepsScheme("sk-planted-1", isAuthorization: true))
    }

    @Test(arguments: [
        ("text sk-planted-0", true, "text ************"), ("text sk-plant", true, "text ********"),
        ("text sk-plan", true, "text sk-plan"), ("1234 text", false, "1234 text"), ("ted-1234 text", false, "******** text"),
        ("sk-planted-1234", true, "***************"), ("sk-planted-1234", false, "***************"), ("", true, ""),
    ])
    func masksWhatACutLeaves(text: String, isEnd: Bool, expected: String) {
        let key = isEnd ? "sk-planted-0123" : "sk-planted-1234"
        let (_, scrubber) = redacted("x-api-key", text.hasSuffix("1234") ? "sk-planted-1234" : key)
        var bytes = Array(text.utf8)
        scrubber.mask(&bytes, isCutAtStart: !isEnd, isCutAtEnd: isEnd)
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
        var whole = Array(text.utf8)
        #expect(scrubber.mask(&whole) == (text == "sk-planted-1234" ? 1 : 0))
    }

    @Test func leavesShortCredentialsInTheirPlace() {
        let (_, scrubber) = redacted("x-api-key", "abc")
        #expect(scrubber.masked("abc") == "abc")
    }

    /// The standard library's search is the oracle.
    @Test func findsEveryOccurrence() {
        var state: UInt64 = 7
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for _ in 0..<2_000 {
            let bytes = (0..<next(60)).map { _ in UInt8(97 + next(2)) }
            let needle = (0..<(1 + next(5))).map { _ in UInt8(97 + next(2)) }
            #expect(ByteSearch.occurrences(of: needle, in: bytes) == bytes.ranges(of: needle).map(\.lowerBound))
        }
    }

    /// Needles that come close everywhere, for which the quick rule alone would take the product of the lengths.
    @Test(arguments: [(0, 60), (1, 60), (30, 60), (59, 60), (300, 2_000), (2_000, 2_000)])
    func findsNeedlesThatComeCloseEverywhere(odd: Int, length: Int) {
        var needle = [UInt8](repeating: 97, count: length)
        if odd < length { needle[odd] = 98 }
        var bytes = [UInt8](repeating: 97, count: 60_000)
        for place in [10, 9_000, 9_000 + length, 41_003] where odd < length { bytes[place + odd] = 98 }
        #expect(ByteSearch.occurrences(of: needle, in: bytes) == bytes.ranges(of: needle).map(\.lowerBound))
        #expect(odd == length || ByteSearch.occurrences(of: needle, in: bytes).count == 4)
    }

    @Test func namesKeysWithoutRevealingThem() {
        let hasher = KeyHasher(secret: Array("0123456789abcdef".utf8))
        let name = hasher.name(of: Array("sk-planted-1234".utf8))
        // printf sk-planted-1234 | openssl dgst -sha256 -hmac 0123456789abcdef
        #expect(name == "559f666d6faf")
        #expect(name == hasher.name(of: Array("sk-planted-1234".utf8)))
        #expect(name != hasher.name(of: Array("sk-planted-1235".utf8)))
        #expect(name != KeyHasher(secret: Array("0123456789abcdeg".utf8)).name(of: Array("sk-planted-1234".utf8)))
    }
}
