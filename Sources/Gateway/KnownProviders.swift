// SPDX-License-Identifier: Apache-2.0
import ExchangeModel

/// The built-in catalogue: one line a provider (`notebooks-docs/providers.md` shows it).
///
/// Sources: each provider's API reference, SDK or a widely used client; `notebooks-docs/providers.md` says which.
enum KnownProviders {
    static let openai: [APIFamily] = [.openaiChat, .openaiEmbeddings]
    private static let responses: [APIFamily] = openai + [.openaiResponses]
    private static let allOpenai: [APIFamily] =
        responses + [.openaiCompletions, .openaiImages, .openaiAudio, .openaiModerations, .openaiRealtime, .openaiResponsesAux]
    private static let anthropic: [APIFamily] = [.anthropicMessages, .anthropicCountTokens]
    private static let gemini: [APIFamily] = [.geminiGenerate, .geminiEmbed, .geminiCountTokens]
    private static let bedrock: [APIFamily] = [.bedrockConverse, .bedrockInvoke, .openaiChat, .openaiResponses]

    /// Name, base URL (nil: a URL or a region is needed), where the key goes, families, further hosts.
    static let table: [Provider] = [
        Provider("openai", "https://api.openai.com/v1", .bearer, allOpenai, hosts: [".api.openai.com"]),
        Provider("anthropic", "https://api.anthropic.com", .xAPIKey, anthropic + [.openaiChat]),
        Provider(
            "gemini", "https://generativelanguage.googleapis.com", .xGoogAPIKey,
            gemini + [.geminiInteractions, .openaiChat, .openaiEmbeddings]),
        Provider(
            "vertex-ai", nil, .bearer, gemini + [.anthropicMessages, .openaiChat, .vertexPredict],
            hosts: [
                "aiplatform.googleapis.com", "-aiplatform.googleapis.com", ".aiplatform.googleapis.com",
                "aiplatform.us.rep.googleapis.com", "aiplatform.eu.rep.googleapis.com",
            ], template: .vertex),
        Provider("groq", "https://api.groq.com/openai/v1", .bearer, responses + [.openaiAudio]),
        Provider("cerebras", "https://api.cerebras.ai/v1", .bearer, openai + [.openaiCompletions]),
        Provider("openrouter", "https://openrouter.ai/api/v1", .bearer, responses + [.anthropicMessages, .rerank]),
        Provider(
            "mistral", "https://api.mistral.ai/v1", .bearer,
            openai + [.openaiCompletions, .openaiAudio, .openaiModerations], hosts: ["codestral.mistral.ai"]),
        Provider("deepseek", "https://api.deepseek.com", .bearer, openai + [.openaiCompletions, .anthropicMessages]),
        Provider("xai", "https://api.x.ai/v1", .bearer, responses + [.openaiImages, .anthropicMessages], hosts: [".api.x.ai"]),
        Provider(
            "together", "https://api.together.ai/v1", .bearer,
            openai + [.openaiCompletions, .openaiImages, .openaiAudio, .rerank], hosts: ["api.together.xyz"]),
        Provider(
            "fireworks", "https://api.fireworks.ai/inference/v1", .bearer, responses + [.openaiCompletions, .anthropicMessages]),
        Provider(
            "cohere", "https://api.cohere.com", .bearer, [.cohereChat, .cohereEmbed, .rerank] + openai,
            hosts: ["api.cohere.ai"]),
        Provider(
            "azure-openai", nil, .apiKey, allOpenai,
            hosts: [
                ".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com", ".inference.ai.azure.com",
                ".models.ai.azure.com", ".openai.azure.us", ".openai.azure.cn",
            ]),
        Provider("bedrock", nil, .bearer, bedrock, template: .bedrock),
        // Where these stand only the operator knows: a caller must not reach a port of this machine by a name.
        Provider("ollama", nil, .bearer, responses + [.ollama, .anthropicMessages]),
        Provider("vllm", nil, .bearer, responses + [.openaiCompletions, .openaiAudio, .rerank, .anthropicMessages]),
        Provider("alibaba", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", hosts: ["dashscope.aliyuncs.com"]),
        Provider("baseten", "https://inference.baseten.co/v1"),
        Provider("deepinfra", "https://api.deepinfra.com/v1/openai"),
        Provider("github-models", "https://models.github.ai/inference"),
        Provider("huggingface", "https://router.huggingface.co/v1", .bearer, responses),
        Provider("hyperbolic", "https://api.hyperbolic.xyz/v1"),
        Provider("inference-net", "https://api.inference.net/v1"),
        Provider("minimax", "https://api.minimax.io/v1", hosts: ["api.minimaxi.com"]),
        Provider("moonshot", "https://api.moonshot.ai/v1", hosts: ["api.moonshot.cn"]),
        Provider(
            "nebius", "https://api.tokenfactory.nebius.com/v1", hosts: ["api.studio.nebius.com", "api.studio.nebius.ai"]),
        Provider("novita", "https://api.novita.ai/openai/v1"),
        Provider("nvidia", "https://integrate.api.nvidia.com/v1"),
        Provider("perplexity", "https://api.perplexity.ai", .bearer, responses),
        Provider("sambanova", "https://api.sambanova.ai/v1"),
        Provider("venice", "https://api.venice.ai/api/v1"),
        Provider("vercel-gateway", "https://ai-gateway.vercel.sh/v1", .bearer, responses + [.anthropicMessages]),
        Provider("voyage", "https://api.voyageai.com/v1", .bearer, [.openaiEmbeddings, .rerank]),
        Provider("zai", "https://api.z.ai/api/paas/v4", hosts: ["open.bigmodel.cn"]),
    ]
}
