// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Foundation
import Testing

extension SystemTests {
    @Suite(.enabled(if: OutsideTools.python != nil, "WEIR_PYTHON names no Python with the official SDKs; `make test` sets it"))
    struct SDKTests {
        @Test(.timeLimit(.minutes(3))) func officialSDKsSeeTheProviderThroughWeir() async throws {
            let python = try #require(OutsideTools.python)
            let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("sdk_check.py").path
            let bench = try await Bench()
            let gateway = try await bench.gateway()
            let checked = try await Weir.run(
                [
                    python, "-W", "ignore::DeprecationWarning", script, "http://127.0.0.1:\(bench.provider.port)",
                    "http://127.0.0.1:\(gateway.port)",
                ], within: 120)
            #expect(checked.code == 0, "\(checked.errors)")
            #expect(try await gateway.stop() == 0)
            #expect(try await Weir.run("index", "--data", bench.data).code == 0)

            let expected = try checked.objects()
            let facts = try await Weir.run("query", "exchanges", "--json", "--data", bench.data).objects()
            #expect(expected.count == 18 && facts.count == expected.count)
            for (fact, wanted) in zip(facts, expected) {
                let said = Comment(rawValue: String(decoding: fact.lexeme, as: UTF8.self))
                #expect(fact["api"]?.string == wanted["api"]?.string, said)
                #expect(fact["status"]?.int == wanted["status"]?.int, said)
                #expect(
                    fact["stream"]?.bool == wanted["stream"]?.bool && fact["stream_requested"]?.bool == wanted["stream"]?.bool,
                    said)
                #expect(fact["model_responded"]?.string == wanted["model"]?.string, said)
                #expect(fact["task"]?.string == "sdk" && fact["environment"]?.string == "test", said)
                #expect(fact["metadata"]?["chat-id"]?.string == "7", said)
                #expect((fact["ttft_us"]?.isNull == false) == (wanted["stream"]?.bool == true), said)
                if let input = wanted["input"]?.int { #expect(fact["usage"]?["input_total"]?.int == input, said) }
                if let output = wanted["output"]?.int { #expect(fact["usage"]?["output_total"]?.int == output, said) }
            }
        }
    }
}
