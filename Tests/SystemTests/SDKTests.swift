// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import FakeProvider
import Foundation
import Testing

/// What the tree cannot do yet; each test that waits for it names it as the reason of its skip.
private enum Awaited {
    /// APIs whose answers are recorded but not read yet: model and usage are not compared.
    static let unread: Set<String> = ["gemini-generate", "bedrock-converse", "bedrock-invoke"]
}

/// The SDKs of `make venv`.
private enum SDKs {
    /// Whether a package lies in an environment; `under` is the environment's folder in the first one.
    static func has(_ package: String, under: String = "") -> Bool {
        guard let python = OutsideTools.python else { return false }
        let folder = URL(fileURLWithPath: python).deletingLastPathComponent().deletingLastPathComponent().path + under + "/lib"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return versions.contains { FileManager.default.fileExists(atPath: "\(folder)/\($0)/site-packages/\(package)") }
    }

    static func missing(_ package: String) -> Comment { "\(package) is not installed in the environment of WEIR_PYTHON" }

    /// A Python program beside this file.
    static func script(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(name).path
    }

    static func command(_ name: String, _ arguments: [String], python: String) -> [String] {
        [python, "-B", "-W", "ignore::DeprecationWarning", script(name)] + arguments
    }
}

extension SystemTests {
    @Suite(.enabled(if: OutsideTools.python != nil, "WEIR_PYTHON names no Python with the official SDKs; `make test` sets it"))
    struct SDKTests {
        @Test(.timeLimit(.minutes(3))) func officialSDKsSeeTheProviderThroughWeir() async throws {
            let python = try #require(OutsideTools.python)
            var script = FakeProviderScript.instant
            // A request that comes without it, or with it in the wrong place, is refused.
            script.demandedKey = "provider-key"
            let bench = try await Bench(script)
            let gateway = try await bench.gateway()
            let checked = try await Weir.run(
                SDKs.command(
                    "sdk_check.py", ["http://127.0.0.1:\(bench.provider.port)", "http://127.0.0.1:\(gateway.port)"],
                    python: python),
                within: 120)
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

        @Test(.timeLimit(.minutes(3)), .enabled(if: SDKs.has("openai"), SDKs.missing("openai")))
        func openAIReachesEveryResourceByEveryContract() async throws { try await check("sdk_openai.py") }

        @Test(.timeLimit(.minutes(3)), .enabled(if: SDKs.has("openai"), SDKs.missing("openai")))
        func openAIStreamsTellWeirTheirUsage() async throws {
            let bench = try await Bench(.instant)
            let file = bench.scratch.at("weir.yaml")
            try "usage_opt_in: inject_and_strip\n".write(toFile: file, atomically: true, encoding: .utf8)
            try await check("sdk_usage.py", [], bench: bench, options: ["--config", file], python: nil)
        }

        @Test(
            .timeLimit(.minutes(3)), .enabled(if: SDKs.has("websockets"), SDKs.missing("websockets")))
        func openAIRealtimeSpeaksThroughWeir() async throws { try await check("sdk_realtime.py") }

        @Test(.timeLimit(.minutes(3)), .enabled(if: SDKs.has("anthropic"), SDKs.missing("anthropic")))
        func anthropicReachesEveryResourceByEveryContract() async throws { try await check("sdk_anthropic.py") }

        @Test(.timeLimit(.minutes(3)), .enabled(if: SDKs.has("google/genai"), SDKs.missing("google-genai")))
        func googleReachesGeminiAndVertex() async throws { try await check("sdk_google.py") }

        @Test(.timeLimit(.minutes(3)), .enabled(if: SDKs.has("groq"), SDKs.missing("groq")))
        func groqIsHeard() async throws { try await check("sdk_compatible.py", "groq") }

        @Test(.timeLimit(.minutes(3)), .enabled(if: SDKs.has("cerebras"), SDKs.missing("cerebras-cloud-sdk")))
        func cerebrasIsHeard() async throws { try await check("sdk_compatible.py", "cerebras") }

        @Test(.timeLimit(.minutes(3)), .enabled(if: SDKs.has("mistralai"), SDKs.missing("mistralai")))
        func mistralIsHeard() async throws { try await check("sdk_compatible.py", "mistral") }

        @Test(
            .timeLimit(.minutes(3)), .enabled(if: SDKs.has("openai"), SDKs.missing("openai")), arguments: ["azure", "openrouter"])
        func openAISpeaksToItsRelatives(name: String) async throws { try await check("sdk_compatible.py", name) }

        @Test(.timeLimit(.minutes(3)), .enabled(if: SDKs.has("boto3"), SDKs.missing("boto3")))
        func botoBearsATokenToBedrock() async throws { try await check("sdk_bedrock.py", "bearer") }

        @Test(
            .timeLimit(.minutes(3)), .enabled(if: SDKs.has("boto3"), SDKs.missing("boto3")))
        func whatBotoSignsForWeirIsSignedAnewForBedrock() async throws {
            var script = FakeProviderScript.instant
            script.awsKey = FakeAWSKey(accessKeyID: "AKIDPROVIDER", secretAccessKey: "provider-secret")
            let bench = try await Bench(script)
            let file = bench.scratch.at("weir.yaml")
            let yaml = """
                providers:
                  bedrock:
                    url: http://127.0.0.1:\(bench.provider.port)
                    aws: {access_key_id: AKIDPROVIDER, secret_access_key: provider-secret, region: us-east-1}
                """
            try yaml.write(toFile: file, atomically: true, encoding: .utf8)
            try await check("sdk_bedrock.py", "signed", bench: bench, options: ["--config", file])
        }

        @Test(
            .timeLimit(.minutes(3)),
            .enabled(
                if: ["openai", "anthropic", "google/genai", "groq", "cerebras", "mistralai", "boto3"].allSatisfy { SDKs.has($0) },
                "the environment of WEIR_PYTHON lacks one of the SDKs"))
        func everySDKGetsPastWeirAsThePageSays() async throws { try await check("sdk_bypass.py") }

        @Test(.timeLimit(.minutes(3)), .enabled(if: SDKs.has("litellm", under: "/litellm"), SDKs.missing("litellm")))
        func litellmIsAClient() async throws {
            let python = try #require(OutsideTools.python)
            let own = URL(fileURLWithPath: python).deletingLastPathComponent().deletingLastPathComponent().path
            try await check("sdk_litellm.py", python: own + "/litellm/bin/python")
        }

        /// Runs a program at a provider that demands its key in the right place, then compares the facts with what it told.
        private func check(_ name: String, _ words: String..., python: String? = nil) async throws {
            var script = FakeProviderScript.instant
            script.demandedKey = "provider-key"
            let bench = try await Bench(script)
            try await check(name, words, bench: bench, options: SDKTests.providers(bench.provider.port), python: python)
        }

        private func check(
            _ name: String, _ word: String, bench: Bench, options: [String]
        ) async throws {
            try await check(name, [word], bench: bench, options: options, python: nil)
        }

        private func check(
            _ name: String, _ words: [String], bench: Bench, options: [String], python: String?
        ) async throws {
            let program = try #require(python ?? OutsideTools.python)
            let gateway = try await RunningGateway(data: bench.data, provider: bench.provider.port, extra: options)
            let urls = ["http://127.0.0.1:\(bench.provider.port)", "http://127.0.0.1:\(gateway.port)"]
            let checked = try await Weir.run(SDKs.command(name, words + urls, python: program), within: 150)
            #expect(checked.code == 0, "\(checked.errors)")
            #expect(try await gateway.stop() == 0)
            #expect(try await Weir.run("index", "--data", bench.data).code == 0)
            let expected = try checked.objects()
            let facts = try await Weir.run("query", "exchanges", "--json", "--data", bench.data).objects()
            #expect(!expected.isEmpty && facts.count == expected.count)
            for (fact, wanted) in zip(facts, expected) { SDKTests.compare(fact, wanted) }
        }

        /// The options under which one fake provider stands for all.
        private static func providers(_ port: Int) -> [String] {
            let paths = [
                "gemini": "", "vertex-ai": "", "groq": "", "bedrock": "", "azure-openai": "", "cerebras": "/cerebras/v1",
                "mistral": "/mistral/v1", "openrouter": "/api/v1",
            ]
            return paths.sorted { $0.key < $1.key }.flatMap { ["--provider", "\($0.key)=http://127.0.0.1:\(port)\($0.value)"] }
        }

        /// A fact against what the caller knows; keys that it does not name are not compared.
        private static func compare(_ fact: JSONNode, _ wanted: JSONNode) {
            let said = Comment(
                rawValue: "\(String(decoding: wanted.lexeme, as: UTF8.self)): \(String(decoding: fact.lexeme, as: UTF8.self))")
            for name in ["provider", "api", "outcome", "task", "environment"] {
                #expect(fact[name]?.string == wanted[name]?.string, said)
            }
            #expect(fact["status"]?.int == wanted["status"]?.int, said)
            if let isStream = wanted["stream"]?.bool { #expect(fact["stream"]?.bool == isStream, said) }
            if let api = wanted["api"]?.string, Awaited.unread.contains(api) { return }
            if let model = wanted["model"]?.string { #expect(fact["model_responded"]?.string == model, said) }
            if let input = wanted["input"]?.int { #expect(fact["usage"]?["input_total"]?.int == input, said) }
            if let output = wanted["output"]?.int { #expect(fact["usage"]?["output_total"]?.int == output, said) }
            if let source = wanted["usage_source"]?.string { #expect(fact["usage_source"]?.string == source, said) }
        }
    }
}
