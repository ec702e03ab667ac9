// SPDX-License-Identifier: Apache-2.0

/// A replacement of bytes of the original file; an empty range inserts.
struct SourceEdit: Equatable {
    let range: Range<Int>
    let text: String

    init(_ range: Range<Int>, _ text: String) {
        self.range = range
        self.text = text
    }

    static func insert(_ text: String, at offset: Int) -> SourceEdit { SourceEdit(offset..<offset, text) }
}

/// A place of a file, with words for a person.
package struct Remark: Sendable, Equatable {
    /// The file, relative to the tree.
    package let path: String
    /// The line, from 1; 0 for the file as a whole.
    package let line: Int
    /// What it is and what to do.
    package let message: String
}

/// What one file gave.
struct FileFindings {
    var edits: [SourceEdit] = []
    var undecided: [(line: Int, message: String)] = []
    var notes: [(line: Int, message: String)] = []
    /// Indexes of string tokens that were decided on, so that they are not named again as loose addresses.
    var seen: Set<Int> = []
}

/// Which environment variables the files around a source file set.
struct EnvironmentScope {
    var variables: Set<String> = []
    /// Those that point at a server that is neither Weir nor a provider that is known.
    var foreign: Set<String> = []

    mutating func add(_ other: EnvironmentScope) {
        variables.formUnion(other.variables)
        foreign.formUnion(other.foreign)
    }

    func sets(_ names: [String]) -> Bool { names.contains(where: variables.contains) }
}

/// What becomes of an address that is written somewhere.
enum AddressVerdict: Equatable {
    /// No address, or none of ours to judge.
    case nothing
    /// It is Weir's already.
    case weir
    /// A provider's: what to write instead is for the caller to say.
    case provider(name: String, needsURL: Bool, path: String, origin: String)
    /// Somebody else's.
    case elsewhere

    init(_ text: String, _ options: InstrumentOptions) {
        guard let address = WebAddress(text) else {
            self = .nothing
            return
        }
        if options.isGateway(address.origin + address.path) {
            self = .weir
        } else if let host = KnownHost(address.host) {
            self = .provider(name: host.provider, needsURL: host.needsURL, path: address.path, origin: address.origin)
        } else {
            self = .elsewhere
        }
    }
}

/// What becomes of a base URL in an environment variable or in another place that has no headers.
enum VariableVerdict: Equatable {
    case nothing
    case weir
    case replace(String)
    case undecided(String)

    private static let appended: [String: String] = [
        "OPENAI_BASE_URL": "", "OPENAI_API_BASE": "", "ANTHROPIC_BASE_URL": "/v1/messages", "ANTHROPIC_API_URL": "/v1/messages",
        "GROQ_BASE_URL": "/openai/v1", "GEMINI_BASE_URL": "/v1beta", "GOOGLE_GEMINI_BASE_URL": "/v1beta",
        "MISTRAL_BASE_URL": "", "MISTRAL_API_BASE": "", "CEREBRAS_BASE_URL": "", "OPENROUTER_BASE_URL": "",
        "DEEPSEEK_BASE_URL": "", "XAI_BASE_URL": "", "TOGETHER_BASE_URL": "", "FIREWORKS_BASE_URL": "", "COHERE_BASE_URL": "",
        "AZURE_OPENAI_ENDPOINT": "", "AZURE_OPENAI_BASE_URL": "", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "",
    ]

    /// Whether a variable gives an SDK its base URL.
    static func isBaseVariable(_ name: String) -> Bool { appended[name] != nil }

    /// Judges a variable's value.
    ///
    /// - Parameters:
    ///   - variable: its name.
    ///   - value: its whole value.
    ///   - isContainer: whether it is for the inside of a container, whose loopback is not this machine's.
    ///   - options: where to point.
    init(variable: String, value: String, isContainer: Bool, options: InstrumentOptions) {
        let address = AddressVerdict(value, options)
        guard let appended = VariableVerdict.appended[variable] else {
            if case .provider(let name, _, _, _) = address {
                self = .undecided(
                    "\(variable) holds an address of \(name), but no SDK is known to read it; find its reader and point it at Weir"
                )
            } else {
                self = .nothing
            }
            return
        }
        switch address {
        case .nothing: self = .nothing
        case .weir: self = .weir
        case .elsewhere:
            self = .undecided(
                "\(variable) points elsewhere and is left; if that server should be behind Weir, name it by x-inference-provider-url"
            )
        case .provider(let name, let needsURL, let path, _):
            self = VariableVerdict.replacing(variable, name, needsURL, path, appended, isContainer, options)
        }
    }

    private static func replacing(
        _ variable: String, _ provider: String, _ needsURL: Bool, _ path: String, _ appended: String, _ isContainer: Bool,
        _ options: InstrumentOptions
    ) -> VariableVerdict {
        if needsURL {
            return .undecided(
                "\(variable): Weir must be told this address in the header \(HeaderName.providerURL), which a variable cannot set; pass it in the code"
            )
        }
        if options.contract == .current {
            return .undecided(
                "\(variable): the current contract needs the header \(HeaderName.providerKey), which a variable cannot set; pass it in the code"
            )
        }
        if isContainer, options.isLoopback {
            return .undecided(
                "\(variable): inside a container 127.0.0.1 is the container itself; run again with --gateway and the name Weir has there"
            )
        }
        let trimmed = path.hasSuffix("/") ? String(path.dropLast()) : path
        let inferred = KnownHost.inferred(requestPath: trimmed.isEmpty ? appended : trimmed)
        let needsPrefix = inferred != provider || !options.attribution.isEmpty
        return .replace(options.gateway + (needsPrefix ? options.pathPrefix(provider: provider) : "") + path)
    }
}
