// SPDX-License-Identifier: Apache-2.0

/// The built-in catalogue: one line a provider (`notebooks-docs/providers.md` shows it).
///
/// Sources: each provider's API reference, SDK or a widely used client; `notebooks-docs/providers.md` says which.
enum KnownProviders {
    /// Name, base URL (nil: a URL or a region is needed), where the key goes, further hosts, whether streams tell usage when asked.
    static let table: [Provider] = [
        Provider("openai", "https://api.openai.com/v1", .bearer, hosts: [".api.openai.com"], tellsUsageWhenAsked: true),
        Provider("anthropic", "https://api.anthropic.com", .xAPIKey),
        Provider(
            "gemini", "https://generativelanguage.googleapis.com", .xGoogAPIKey),
        Provider(
            "vertex-ai", nil, .bearer,
            hosts: [
                "aiplatform.googleapis.com", "-aiplatform.googleapis.com", ".aiplatform.googleapis.com",
                "aiplatform.us.rep.googleapis.com", "aiplatform.eu.rep.googleapis.com",
            ], template: .vertex),
        Provider("groq", "https://api.groq.com/openai/v1"),
        Provider("cerebras", "https://api.cerebras.ai/v1", tellsUsageWhenAsked: true),
        Provider("openrouter", "https://openrouter.ai/api/v1"),
        Provider(
            "mistral", "https://api.mistral.ai/v1", .bearer, hosts: ["codestral.mistral.ai"]),
        Provider("deepseek", "https://api.deepseek.com"),
        Provider("xai", "https://api.x.ai/v1", .bearer, hosts: [".api.x.ai"]),
        Provider(
            "together", "https://api.together.ai/v1", .bearer, hosts: ["api.together.xyz"]),
        Provider(
            "fireworks", "https://api.fireworks.ai/inference/v1"),
        Provider(
            "cohere", "https://api.cohere.com", .bearer,
            hosts: ["api.cohere.ai"]),
        Provider(
            "azure-openai", nil, .apiKey,
            hosts: [
                ".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com", ".inference.ai.azure.com",
                ".models.ai.azure.com", ".openai.azure.us", ".openai.azure.cn",
            ], tellsUsageWhenAsked: true),
        Provider("bedrock", nil, .bearer, template: .bedrock),
        // Where these stand only the operator knows: a caller must not reach a port of this machine by a name.
        Provider("ollama", nil),
        Provider("vllm", nil, tellsUsageWhenAsked: true),
        Provider(
            "alibaba", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", hosts: ["dashscope.aliyuncs.com"],
            tellsUsageWhenAsked: true),
        Provider("baseten", "https://inference.baseten.co/v1"),
        Provider("deepinfra", "https://api.deepinfra.com/v1/openai"),
        Provider("github-models", "https://models.github.ai/inference"),
        Provider("huggingface", "https://router.huggingface.co/v1"),
        Provider("hyperbolic", "https://api.hyperbolic.xyz/v1"),
        Provider("inference-net", "https://api.inference.net/v1"),
        Provider("minimax", "https://api.minimax.io/v1", hosts: ["api.minimaxi.com"]),
        Provider("moonshot", "https://api.moonshot.ai/v1", hosts: ["api.moonshot.cn"]),
        Provider(
            "nebius", "https://api.tokenfactory.nebius.com/v1", hosts: ["api.studio.nebius.com", "api.studio.nebius.ai"]),
        Provider("novita", "https://api.novita.ai/openai/v1"),
        Provider("nvidia", "https://integrate.api.nvidia.com/v1"),
        Provider("perplexity", "https://api.perplexity.ai"),
        Provider("sambanova", "https://api.sambanova.ai/v1"),
        Provider("venice", "https://api.venice.ai/api/v1"),
        Provider("vercel-gateway", "https://ai-gateway.vercel.sh/v1"),
        Provider("voyage", "https://api.voyageai.com/v1"),
        Provider("zai", "https://api.z.ai/api/paas/v4", hosts: ["open.bigmodel.cn"]),
    ]
}
