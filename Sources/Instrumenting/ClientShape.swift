// SPDX-License-Identifier: Apache-2.0

/// How one SDK's client takes its address, its headers and its key.
struct ClientShape: Sendable {
    /// Its name, for messages.
    let name: String
    /// The provider it speaks to unless told otherwise.
    let provider: String
    /// The option that holds the options below, where they are not at the top.
    var nest: String?
    /// Names of the option for the base URL, the one to write first.
    var baseNames: [String]
    /// Whether the base URL is at the top although there is a nest.
    var hasBaseOutsideNest = false
    /// The option for headers; nil where a client takes none: then the path carries the attribution.
    var headersName: String?
    /// Names of the option for the key, the one to write first.
    var keyNames: [String]
    /// Environment variables that give key and base URL where the options do not.
    var keyVariable: String
    var baseVariables: [String] = []
    /// What follows Weir's address in the base URL.
    var basePath = ""
    /// What the SDK appends to the base URL, as far as the provider is inferred from it.
    var appended = ""
    /// The name of a class that may hold the nested options: `types.HttpOptions(base_url=...)`.
    var nestClass: String?
    /// Said with an edit: what else is needed for it to work.
    var note: String?
    /// Why this client is never edited, and what to do by hand.
    var advice: String?

    /// The provider that Weir infers for a base URL with this path.
    func inferred(basePath: String) -> String? {
        let trimmed = basePath.hasSuffix("/") ? String(basePath.dropLast()) : basePath
        return KnownHost.inferred(requestPath: trimmed + appended)
    }
}

extension ClientShape {
    /// A client that is only ever named, with what to do by hand.
    static func byHand(_ name: String, _ provider: String, _ advice: String) -> ClientShape {
        ClientShape(name: name, provider: provider, baseNames: [], keyNames: [], keyVariable: "", advice: advice)
    }

    static let bedrockNote =
        "Bedrock: the signature is made for Weir's host; give Weir the AWS credentials and region, or use a Bedrock API key over TLS"

    private static let vertexAdvice =
        "sets its own Google address and credentials; set base_url to Weir and add the header x-inference-provider: vertex-ai"
    private static let bedrockAdvice =
        "signs for AWS's host; set base_url to Weir's /p/bedrock and give Weir the AWS credentials and region"

    // MARK: Python

    /// The clients of Python, by the full dotted name; modules of one package share their names.
    static let python: [String: ClientShape] = {
        var all: [String: ClientShape] = [:]
        func add(_ modules: [String], _ names: [String], _ shape: ClientShape) {
            for module in modules { for name in names { all["\(module).\(name)"] = shape } }
        }
        add(["openai"], ["OpenAI", "AsyncOpenAI", "Client", "AsyncClient"], pythonSDK("OpenAI", "openai", path: "/v1"))
        add(["langfuse.openai"], ["OpenAI", "AsyncOpenAI"], pythonSDK("OpenAI", "openai", path: "/v1"))
        var azure = pythonSDK("AzureOpenAI", "azure-openai", path: "")
        azure.baseNames = ["azure_endpoint"]
        azure.keyVariable = "AZURE_OPENAI_API_KEY"
        azure.baseVariables = ["AZURE_OPENAI_ENDPOINT"]
        add(["openai", "openai.lib.azure", "langfuse.openai"], ["AzureOpenAI", "AsyncAzureOpenAI"], azure)
        add(["langchain_openai"], ["AzureChatOpenAI", "AzureOpenAIEmbeddings"], azure)
        add(
            ["anthropic"], ["Anthropic", "AsyncAnthropic", "Client", "AsyncClient"],
            pythonSDK("Anthropic", "anthropic", path: "", appended: "/v1/messages"))
        add(["anthropic"], ["AnthropicVertex", "AsyncAnthropicVertex"], byHand("AnthropicVertex", "vertex-ai", vertexAdvice))
        add(["anthropic"], ["AnthropicBedrock", "AsyncAnthropicBedrock"], byHand("AnthropicBedrock", "bedrock", bedrockAdvice))
        add(
            ["groq"], ["Groq", "AsyncGroq", "Client", "AsyncClient"],
            pythonSDK("Groq", "groq", path: "", appended: "/openai/v1"))
        add(
            ["cerebras.cloud.sdk"], ["Cerebras", "AsyncCerebras"],
            pythonSDK("Cerebras", "cerebras", path: "", appended: "/v1"))
        add(["mistralai", "mistralai.client", "mistralai.sdk"], ["Mistral"], mistral(base: "server_url", key: "api_key"))
        add(
            ["google.genai", "google.genai.client"], ["Client"],
            googleGenAI(
                nest: "http_options", base: "base_url", key: "api_key", nestClass: "HttpOptions"))
        addLangChain(add)
        return all
    }()

    private static func addLangChain(_ add: ([String], [String], ClientShape) -> Void) {
        var chat = pythonSDK("ChatOpenAI", "openai", path: "/v1")
        chat.baseNames = ["base_url", "openai_api_base"]
        chat.keyNames = ["api_key", "openai_api_key"]
        chat.baseVariables = ["OPENAI_BASE_URL", "OPENAI_API_BASE"]
        add(
            ["langchain_openai", "langchain_openai.chat_models", "langchain.chat_models", "langchain_community.chat_models"],
            ["ChatOpenAI"], chat)
        add(["langchain_openai", "langchain_openai.embeddings", "langchain_community.embeddings"], ["OpenAIEmbeddings"], chat)
        add(["langchain_openai", "langchain_openai.llms"], ["OpenAI"], chat)
        var claude = pythonSDK("ChatAnthropic", "anthropic", path: "", appended: "/v1/messages")
        claude.baseNames = ["base_url", "anthropic_api_url"]
        claude.keyNames = ["api_key", "anthropic_api_key"]
        claude.baseVariables = ["ANTHROPIC_API_URL", "ANTHROPIC_BASE_URL"]
        add(["langchain_anthropic", "langchain_anthropic.chat_models"], ["ChatAnthropic"], claude)
        let others = [
            ("langchain_groq", "ChatGroq"), ("langchain_mistralai", "ChatMistralAI"),
            ("langchain_google_genai", "ChatGoogleGenerativeAI"), ("langchain_aws", "ChatBedrock"),
            ("langchain_aws", "ChatBedrockConverse"), ("langchain_cohere", "ChatCohere"),
        ]
        for (module, name) in others {
            add([module], [name], byHand(name, "", "its address option differs between versions; set it to Weir by hand"))
        }
    }

    private static func pythonSDK(_ name: String, _ provider: String, path: String, appended: String = "") -> ClientShape {
        let prefix = provider.uppercased()
        return ClientShape(
            name: name, provider: provider, baseNames: ["base_url"], headersName: "default_headers", keyNames: ["api_key"],
            keyVariable: prefix + "_API_KEY", baseVariables: [prefix + "_BASE_URL"], basePath: path, appended: appended)
    }

    private static func mistral(base: String, key: String) -> ClientShape {
        ClientShape(
            name: "Mistral", provider: "mistral", baseNames: [base], headersName: nil, keyNames: [key],
            keyVariable: "MISTRAL_API_KEY", appended: "/v1")
    }

    private static func googleGenAI(nest: String, base: String, key: String, nestClass: String?) -> ClientShape {
        ClientShape(
            name: "Google GenAI client", provider: "gemini", nest: nest, baseNames: [base], headersName: "headers",
            keyNames: [key], keyVariable: "GEMINI_API_KEY", baseVariables: ["GOOGLE_GEMINI_BASE_URL"], appended: "/v1beta",
            nestClass: nestClass)
    }

    /// `boto3.client("bedrock-runtime")`.
    static let boto = ClientShape(
        name: "boto3 bedrock-runtime", provider: "bedrock", baseNames: ["endpoint_url"], headersName: nil, keyNames: [],
        keyVariable: "", baseVariables: ["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"], note: bedrockNote)

    // MARK: TypeScript and JavaScript

    /// The constructors of TypeScript and JavaScript, by package and exported name; `default` is the default export.
    ///
    /// Names and defaults as in the packages' own sources, in the versions that `notebooks-docs/instrument.md` lists.
    static let script: [String: ClientShape] = {
        var all: [String: ClientShape] = [:]
        func add(_ package: String, _ names: [String], _ shape: ClientShape) {
            for name in names { all["\(package)#\(name)"] = shape }
        }
        add("openai", ["default", "OpenAI"], scriptSDK("OpenAI", "openai", path: "/v1"))
        var azure = scriptSDK("AzureOpenAI", "azure-openai", path: "")
        azure.baseNames = ["endpoint"]
        azure.keyVariable = "AZURE_OPENAI_API_KEY"
        azure.baseVariables = ["AZURE_OPENAI_ENDPOINT"]
        add("openai", ["AzureOpenAI"], azure)
        add(
            "@anthropic-ai/sdk", ["default", "Anthropic"],
            scriptSDK("Anthropic", "anthropic", path: "", appended: "/v1/messages"))
        add("@anthropic-ai/vertex-sdk", ["default", "AnthropicVertex"], byHand("AnthropicVertex", "vertex-ai", vertexAdvice))
        add("@anthropic-ai/bedrock-sdk", ["default", "AnthropicBedrock"], byHand("AnthropicBedrock", "bedrock", bedrockAdvice))
        add("groq-sdk", ["default", "Groq"], scriptSDK("Groq", "groq", path: "", appended: "/openai/v1"))
        add(
            "@cerebras/cerebras_cloud_sdk", ["default", "Cerebras"],
            scriptSDK("Cerebras", "cerebras", path: "", appended: "/v1"))
        add("@mistralai/mistralai", ["Mistral"], mistral(base: "serverURL", key: "apiKey"))
        add(
            "@google/genai", ["GoogleGenAI"],
            googleGenAI(
                nest: "httpOptions", base: "baseUrl", key: "apiKey", nestClass: nil))
        var chat = scriptSDK("ChatOpenAI", "openai", path: "/v1")
        chat.nest = "configuration"
        chat.keyNames = ["apiKey", "openAIApiKey"]
        add("@langchain/openai", ["ChatOpenAI", "OpenAIEmbeddings", "OpenAI"], chat)
        var claude = scriptSDK("ChatAnthropic", "anthropic", path: "", appended: "/v1/messages")
        claude.nest = "clientOptions"
        claude.baseNames = ["anthropicApiUrl"]
        claude.keyNames = ["apiKey", "anthropicApiKey"]
        claude.hasBaseOutsideNest = true
        add("@langchain/anthropic", ["ChatAnthropic"], claude)
        add(
            "@aws-sdk/client-bedrock-runtime", ["BedrockRuntimeClient", "BedrockRuntime"],
            ClientShape(
                name: "BedrockRuntimeClient", provider: "bedrock", baseNames: ["endpoint"], headersName: nil, keyNames: [],
                keyVariable: "", baseVariables: ["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"], note: bedrockNote))
        return all
    }()

    private static func scriptSDK(_ name: String, _ provider: String, path: String, appended: String = "") -> ClientShape {
        let prefix = provider.uppercased()
        return ClientShape(
            name: name, provider: provider, baseNames: ["baseURL"], headersName: "defaultHeaders", keyNames: ["apiKey"],
            keyVariable: prefix + "_API_KEY", baseVariables: [prefix + "_BASE_URL"], basePath: path, appended: appended)
    }

    /// The provider factories of the Vercel AI SDK, which are called without `new`.
    ///
    /// Their base URL is always written out: most read no variable, and Anthropic's reads the SDK's own with another meaning,
    /// for here `/v1` belongs to the base.
    static let factories: [String: ClientShape] = {
        var all: [String: ClientShape] = [:]
        func add(_ place: String, _ provider: String, _ path: String, _ appended: String = "", key: String? = nil) {
            let name = place.split(separator: "#").last.map(String.init) ?? place
            var shape = scriptSDK(name, provider, path: path, appended: appended)
            shape.headersName = "headers"
            shape.baseVariables = []
            if let key { shape.keyVariable = key }
            all[place] = shape
        }
        add("@ai-sdk/openai#createOpenAI", "openai", "/v1")
        add("@ai-sdk/anthropic#createAnthropic", "anthropic", "/v1", "/messages")
        add("@ai-sdk/groq#createGroq", "groq", "/openai/v1")
        add("@ai-sdk/mistral#createMistral", "mistral", "/v1")
        add("@ai-sdk/cerebras#createCerebras", "cerebras", "/v1")
        add("@ai-sdk/xai#createXai", "xai", "/v1")
        let googleKey = "GOOGLE_GENERATIVE_AI_API_KEY"
        add("@ai-sdk/google#createGoogle", "gemini", "/v1beta", key: googleKey)
        add("@ai-sdk/google#createGoogleGenerativeAI", "gemini", "/v1beta", key: googleKey)
        add("@openrouter/ai-sdk-provider#createOpenRouter", "openrouter", "/api/v1")
        return all
    }()

    /// The ready-made providers of the Vercel AI SDK, which take no options, and the factory to use instead.
    static let readyMade: [String: String] = [
        "@ai-sdk/openai#openai": "createOpenAI", "@ai-sdk/anthropic#anthropic": "createAnthropic",
        "@ai-sdk/groq#groq": "createGroq", "@ai-sdk/mistral#mistral": "createMistral", "@ai-sdk/xai#xai": "createXai",
        "@ai-sdk/cerebras#cerebras": "createCerebras", "@ai-sdk/google#google": "createGoogleGenerativeAI",
        "@openrouter/ai-sdk-provider#openrouter": "createOpenRouter",
    ]
}
