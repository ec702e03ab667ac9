// SPDX-License-Identifier: Apache-2.0

/// Which of Weir's two header contracts the edits follow.
package enum HeaderContract: String, Sendable, CaseIterable {
    /// The provider's key stays where the SDK puts it.
    case dropIn = "drop-in"
    /// The project's key takes the place of the provider's, which moves into a header.
    case current
}

/// What a run points clients at, and what it leaves out.
package struct InstrumentOptions: Sendable {
    /// Weir's own address, without a trailing slash.
    package let gateway: String
    /// Whether the gateway is on this machine's loopback.
    package let isLoopback: Bool
    /// Which contract the edits follow.
    package let contract: HeaderContract
    /// The task to attribute to, if any.
    package let task: String?
    /// The environment to attribute to, if any.
    package let environment: String?
    /// Patterns of paths that are left out.
    package let excludes: [PathPattern]

    /// Checks the options.
    ///
    /// - Parameters:
    ///   - gateway: the URL of Weir, without `/v1`.
    ///   - contract: where keys go.
    ///   - task: letters, digits, dot, underscore, hyphen.
    ///   - environment: as the task.
    ///   - excludes: patterns with `*`, `?` and `**`.
    /// - Throws: `badOption`, naming the option.
    package init(
        gateway: String = "http://127.0.0.1:8080", contract: HeaderContract = .dropIn, task: String? = nil,
        environment: String? = nil, excludes: [String] = []
    ) throws(InstrumentError) {
        guard let address = WebAddress(gateway) else {
            throw InstrumentError(
                code: .badOption, message: "--gateway takes a URL such as http://127.0.0.1:8080, without user, query or fragment")
        }
        let path = address.path.hasSuffix("/") ? String(address.path.dropLast()) : address.path
        guard !path.hasSuffix("/v1"), KnownHost(address.host) == nil else {
            throw InstrumentError(
                code: .badOption, message: "--gateway takes Weir's own address without /v1; each SDK's path is added to it")
        }
        self.gateway = address.origin + path
        isLoopback = address.isLoopback
        self.contract = contract
        self.task = try InstrumentOptions.name(task, "--task")
        self.environment = try InstrumentOptions.name(environment, "--environment")
        guard excludes.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 1_000 }), excludes.count <= 100 else {
            throw InstrumentError(code: .badOption, message: "--exclude takes up to 100 patterns of 1 to 1000 characters")
        }
        self.excludes = excludes.map(PathPattern.init)
    }

    private static func name(_ text: String?, _ option: String) throws(InstrumentError) -> String? {
        guard let text else { return nil }
        let isFair = text.utf8.allSatisfy { byte in
            Ascii.isWord(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
        }
        guard isFair, (1...InstrumentLimits.nameCharacters).contains(text.utf8.count), text != ".", text != ".." else {
            throw InstrumentError(
                code: .badOption, message: "\(option) takes 1 to 100 letters, digits, dots, underscores and hyphens")
        }
        return text
    }

    /// The headers that attribute an exchange.
    var attribution: [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        if let task { headers.append((HeaderName.task, task)) }
        if let environment { headers.append((HeaderName.environment, environment)) }
        return headers
    }

    /// The path for clients that cannot set headers: `/p/PROVIDER/t/TASK/e/ENVIRONMENT`.
    func pathPrefix(provider: String) -> String {
        "/p/\(provider)" + (task.map { "/t/\($0)" } ?? "") + (environment.map { "/e/\($0)" } ?? "")
    }

    /// Whether a URL is Weir's, as this run would write it.
    func isGateway(_ url: String) -> Bool {
        url == gateway || url.hasPrefix(gateway + "/")
    }
}

/// The control headers that edits add.
enum HeaderName {
    static let task = "x-inference-task-id"
    static let environment = "x-inference-environment"
    static let provider = "x-inference-provider"
    static let providerURL = "x-inference-provider-url"
    static let providerKey = "x-inference-provider-api-key"
}

/// A pattern of paths: `*` and `?` stay within a name, `**` does not; one without a slash fits a name at any depth.
package struct PathPattern: Sendable {
    private let bytes: [UInt8]
    private let isName: Bool

    /// Reads a pattern; a trailing slash does not count.
    package init(_ text: String) {
        let trimmed = text.hasSuffix("/") ? String(text.dropLast()) : text
        isName = !trimmed.contains("/")
        bytes = Array((trimmed.hasPrefix("/") ? String(trimmed.dropFirst()) : trimmed).utf8)
    }

    /// Whether a path relative to the tree fits.
    package func matches(_ path: String) -> Bool {
        let text = isName ? path.split(separator: "/").last.map(String.init) ?? path : path
        return PathPattern.fits(bytes, Array(text.utf8))
    }

    /// Row by row over the pattern: no backtracking, so no pattern is slow.
    private static func fits(_ pattern: [UInt8], _ text: [UInt8]) -> Bool {
        var reached = [Bool](repeating: false, count: text.count + 1)
        reached[0] = true
        var at = 0
        while at < pattern.count {
            let byte = pattern[at]
            var next = [Bool](repeating: false, count: text.count + 1)
            if byte == UInt8(ascii: "*") {
                let isDeep = at + 1 < pattern.count && pattern[at + 1] == byte
                let takesSlash = isDeep && at + 2 < pattern.count && pattern[at + 2] == UInt8(ascii: "/")
                for index in 0...text.count {
                    let isOpen = index > 0 && next[index - 1] && (isDeep || text[index - 1] != UInt8(ascii: "/"))
                    next[index] = reached[index] || isOpen
                }
                if takesSlash {
                    for index in 0...text.count where next[index] {
                        next[index] = reached[index] || (index > 0 && text[index - 1] == UInt8(ascii: "/"))
                    }
                }
                at += isDeep ? (takesSlash ? 3 : 2) : 1
            } else {
                for index in 0..<text.count where reached[index] {
                    let isOne = byte == UInt8(ascii: "?") && text[index] != UInt8(ascii: "/")
                    next[index + 1] = isOne || byte == text[index]
                }
                at += 1
            }
            reached = next
        }
        return reached[text.count]
    }
}

/// Classes of bytes.
enum Ascii {
    static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
    static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A }
    static func isWord(_ byte: UInt8) -> Bool { isLetter(byte) || isDigit(byte) || byte == 0x5F }
    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
    static func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }
}
