// SPDX-License-Identifier: Apache-2.0
import Dialects
import ExchangeModel
import HTTPWire
import NIOCore
import Testing

@testable import Gateway

/// For which requests the policy on stream usage holds.
@Suite struct UsageOptInRouteTests {
    private func head(_ path: String, _ headers: [String] = []) throws -> RequestHead {
        var buffer = ByteBuffer(string: post(path, "{\"stream\":true}", headers))
        var parser = HeadParser()
        return try #require(try parser.readRequest(&buffer))
    }

    private func policy(_ catalogue: ProviderCatalogue, _ path: String, _ headers: [String] = []) throws -> UsageOptIn {
        try Router(catalogue: catalogue, allowsPrivateUpstreams: true).route(try head(path, headers)).usageOptIn
    }

    @Test func theGeneralWordHoldsWhereStreamsTellWhenAsked() throws {
        let catalogue = ProviderCatalogue(usageOptIn: .inject)
        let covered = catalogue.providers.filter { $0.usageOptIn != .off }.map(\.name)
        #expect(covered == ["alibaba", "azure-openai", "cerebras", "openai", "vllm"])
        #expect(ProviderCatalogue().providers.allSatisfy { $0.usageOptIn == .off })
    }

    @Test func aProvidersOwnWordWins() throws {
        let catalogue = ProviderCatalogue(
            definitions: [
                ProviderDefinition(name: "openai", usageOptIn: .off),
                ProviderDefinition(name: "groq", usageOptIn: .injectAndStrip),
                ProviderDefinition(name: "house", url: try BaseURL("http://10.0.0.7/v1")),
                ProviderDefinition(name: "cerebras", url: try BaseURL("http://10.0.0.8/v1")),
            ], usageOptIn: .inject)
        let found = Dictionary(uniqueKeysWithValues: catalogue.providers.map { ($0.name, $0.usageOptIn) })
        #expect(found["openai"] == .off && found["groq"] == .injectAndStrip && found["house"] == .off)
        #expect(found["cerebras"] == .inject && found["vllm"] == .inject)
        #expect(try policy(catalogue, "/p/groq/openai/v1/chat/completions") == .injectAndStrip)
        #expect(try policy(catalogue, "/p/house/v1/chat/completions") == .off)
    }

    @Test func itHoldsForModelCallsOfTheFamilyAlone() throws {
        let catalogue = ProviderCatalogue(usageOptIn: .inject)
        #expect(try policy(catalogue, "/v1/chat/completions") == .inject)
        #expect(try policy(catalogue, "/v1/completions") == .inject)
        for path in ["/v1/responses", "/v1/embeddings", "/v1/messages", "/v1beta/models/m:streamGenerateContent", "/v1/files"] {
            #expect(try policy(catalogue, path) == .off, "\(path)")
        }
        let apis = ProviderCatalogue(
            definitions: [ProviderDefinition(name: "openai", families: [.openaiEmbeddings])], usageOptIn: .inject)
        #expect(try policy(apis, "/v1/chat/completions") == .off)
    }

    @Test func aURLThatACallerNamesIsItsOwners() throws {
        let catalogue = ProviderCatalogue(usageOptIn: .inject)
        let path = "/v1/chat/completions"
        #expect(try policy(catalogue, path, ["x-inference-provider-url: https://eu.api.openai.com/v1"]) == .inject)
        #expect(try policy(catalogue, path, ["x-inference-provider-url: https://api.mistral.ai/v1"]) == .off)
        #expect(try policy(catalogue, path, ["x-inference-provider-url: https://models.example/v1"]) == .off)
        #expect(
            try policy(catalogue, path, ["x-inference-provider-url: https://models.example/v1", "x-inference-provider: vllm"])
                == .inject)
    }

    @Test(arguments: [
        ("/openai/deployments/d/chat/completions?api-version=2024-10-21", true),
        ("/openai/deployments/d/chat/completions?x=1&api-version=2025-01-01-preview", true),
        ("/openai/deployments/d/chat/completions?api-version=2024-09-01-preview", true),
        ("/openai/deployments/d/chat/completions?api-version=2024-08-01-preview", false),
        ("/openai/deployments/d/chat/completions?api-version=2024-06-01", false),
        ("/openai/deployments/d/chat/completions?api-version=2024-09-01", false),
        ("/openai/deployments/d/chat/completions?api-version=new", false),
        ("/openai/deployments/d/chat/completions?api-version=", false),
        ("/openai/deployments/d/chat/completions", false),
        ("/openai/v1/chat/completions?api-version=preview", true),
        ("/openai/v1/chat/completions", true),
        ("/models/chat/completions?api-version=2024-05-01-preview", false),
    ])
    func azureIsAskedWhereItsVersionKnowsTheQuestion(path: String, isAsked: Bool) throws {
        let head = try head(path, ["x-inference-provider-url: https://r.openai.azure.com"])
        let route = try Router(catalogue: ProviderCatalogue(usageOptIn: .inject), allowsPrivateUpstreams: false).route(head)
        #expect(route.provider == "azure-openai" && route.usageOptIn == .inject)
        #expect(UsageAsking.obstacle(head, route, limit: 1_000) == (isAsked ? nil : .unsupported))
    }
}
