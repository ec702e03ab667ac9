// SPDX-License-Identifier: Apache-2.0
import Dialects
import ExchangeModel
import NIOHPACK
import Testing

@testable import Gateway

/// The same over HTTP/2.
@Suite(.serialized, .enabled(if: Tool.hasOpenssl, "needs the openssl program")) struct UsageOptInHTTP2Tests {
    private typealias Plain = UsageOptInTests

    private static func ask(_ policy: UsageOptIn, _ provider: RawProvider, statesLength: Bool) async throws -> ExchangeRecord {
        defer { provider.stop() }
        let authority = try TestAuthority()
        let issued = try authority.issue("server")
        let listener = ListenerSettings(
            host: "127.0.0.1", port: 0, tls: ListenerTLS(certificatePath: issued.certificate, keyPath: issued.key))
        let records = try await withListeners([listener], router: try Plain.router(provider.port, policy)) { bench in
            let caller = try await HTTP2Caller.connect(port: bench.port)
            let length = statesLength ? [("content-length", "\(Plain.body.utf8.count)")] : []
            let whole = try await caller.ask("POST", "/v1/chat/completions", length, body: Array(Plain.body.utf8)).whole()
            #expect(whole.status == 200 && whole.isWhole && whole.reset == nil)
            let usage = policy == .injectAndStrip ? "" : Plain.usage
            #expect(whole.text == Plain.first + usage + Plain.done)
            let told = ["off": [], "inject": ["injected"], "inject_and_strip": ["stripped"]][policy.rawValue]
            #expect(whole.headers["x-weir-stream-usage"] == told)
            await caller.close()
        }
        return try #require(records.first)
    }

    @Test(arguments: UsageOptIn.allCases, [true, false]) func askedAndKept(policy: UsageOptIn, statesLength: Bool) async throws {
        let provider = try RawProvider(answering: Plain.answer([Plain.first, Plain.usage, Plain.done], by: 13))
        let record = try await Self.ask(policy, provider, statesLength: statesLength)
        let seen = try #require(provider.requests.first)
        let body = policy == .off ? Plain.body : Plain.asking
        if statesLength {
            #expect(seen.header("content-length") == "\(body.utf8.count)" && seen.text == body)
        } else {
            let text = try Plain.payload(seen.body)
            #expect(text == body)
        }
        #expect(record.requestBody.content == Array(Plain.body.utf8))
        #expect(ExchangeReader.read(record).usageSource == .reported)
    }
}
