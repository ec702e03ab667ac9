// SPDX-License-Identifier: Apache-2.0
import HTTPWire

/// What one request's headers say about its way, checked (`contract.md`, Control headers), found in one pass.
///
/// Attribution is read off the hot path.
struct ControlHeaders {
    private(set) var provider: HeaderField?
    private(set) var providerURL: HeaderField?
    private(set) var providerKey: HeaderField?
    /// The older contract's project key, under either of its names.
    private(set) var projectKey: HeaderField?
    private(set) var authorization: HeaderField?
    private(set) var host: HeaderField?
    private(set) var namesAnthropic = false
    private(set) var namesGoogle = false
    private(set) var namesAzure = false
    /// A credential header holds a gateway key.
    private(set) var holdsGatewayKey = false

    private var seen: UInt8 = 0
    private var metadataCount = 0

    /// Longest value of an environment, a task or a metadata item, bytes.
    static let valueLimit = 1_024
    /// Metadata items of one request.
    static let metadataLimit = 64

    private static let seenEnvironment: UInt8 = 1
    private static let seenTask: UInt8 = 2
    private static let seenCapture: UInt8 = 4

    /// Reads the headers of a head.
    ///
    /// - Throws: `Fault` `badControlHeader` for one that is repeated, empty, too long, or malformed.
    init(_ block: HeaderBlock) throws(Fault) {
        for field in block.fields {
            switch field.known {
            case .inference: try take(field, block)
            case .authorization:
                if authorization == nil { authorization = field }
                noteCredential(field, block)
            case .xAPIKey: noteCredential(field, block)
            case .xGoogAPIKey:
                namesGoogle = true
                noteCredential(field, block)
            case .apiKey:
                namesAzure = true
                noteCredential(field, block)
            case .host: host = field
            case .anthropicVersion: namesAnthropic = true
            default: break
            }
        }
    }

    private mutating func noteCredential(_ field: HeaderField, _ block: HeaderBlock) {
        if GatewayKeys.isKey(block.value(field)) { holdsGatewayKey = true }
    }

    private mutating func take(_ field: HeaderField, _ block: HeaderBlock) throws(Fault) {
        let name = block.name(field)
        let value = block.value(field)
        if ASCII.equalsIgnoringCase(name, "x-inference-provider-api-key") {
            try ControlHeaders.check("x-inference-provider-api-key", isFirst: providerKey == nil, value, limit: Int.max)
            providerKey = field
        } else if ASCII.equalsIgnoringCase(name, "x-inference-provider") {
            try ControlHeaders.check("x-inference-provider", isFirst: provider == nil, value)
            provider = field
        } else if ASCII.equalsIgnoringCase(name, "x-inference-provider-url") {
            try ControlHeaders.check("x-inference-provider-url", isFirst: providerURL == nil, value)
            providerURL = field
        } else if ASCII.equalsIgnoringCase(name, "x-inference-environment") {
            try once("x-inference-environment", ControlHeaders.seenEnvironment, value)
        } else if ASCII.equalsIgnoringCase(name, "x-inference-task-id") {
            try once("x-inference-task-id", ControlHeaders.seenTask, value)
        } else if ASCII.hasPrefixIgnoringCase(name, "x-inference-metadata-") {
            try takeMetadata(name, value)
        } else if ASCII.equalsIgnoringCase(name, "x-inference-observability-api-key") {
            try takeProjectKey("x-inference-observability-api-key", field, block)
        } else if ASCII.equalsIgnoringCase(name, "x-inference-project-api-key") {
            try takeProjectKey("x-inference-project-api-key", field, block)
        } else if ASCII.equalsIgnoringCase(name, "x-inference-capture") {
            try takeCapture(value)
        }
    }

    private mutating func takeMetadata(_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) throws(Fault) {
        metadataCount += 1
        if metadataCount > ControlHeaders.metadataLimit || value.count > ControlHeaders.valueLimit || name.count > 128 {
            throw Fault(
                .badControlHeader,
                "x-inference-metadata-*: at most \(ControlHeaders.metadataLimit) items with values of at most \(ControlHeaders.valueLimit) bytes"
            )
        }
    }

    /// The older contract has two names for one thing: both may come where they say the same.
    private mutating func takeProjectKey(_ name: StaticString, _ field: HeaderField, _ block: HeaderBlock) throws(Fault) {
        let value = block.value(field)
        let isFirst = projectKey.map { block.value($0).elementsEqual(value) } ?? true
        try ControlHeaders.check(name, isFirst: isFirst, value, limit: Int.max)
        projectKey = field
    }

    private mutating func takeCapture(_ value: ArraySlice<UInt8>) throws(Fault) {
        try once("x-inference-capture", ControlHeaders.seenCapture, value)
        if ASCII.equalsIgnoringCase(value, "off") || ASCII.equalsIgnoringCase(value, "metadata")
            || ASCII.equalsIgnoringCase(value, "full")
        {
            return
        }
        throw Fault(.badControlHeader, "the header x-inference-capture must be off, metadata or full")
    }

    private mutating func once(_ name: StaticString, _ bit: UInt8, _ value: ArraySlice<UInt8>) throws(Fault) {
        try ControlHeaders.check(name, isFirst: seen & bit == 0, value)
        seen |= bit
    }

    private static func check(
        _ name: StaticString, isFirst: Bool, _ value: ArraySlice<UInt8>, limit: Int = valueLimit
    ) throws(Fault) {
        guard isFirst else { throw Fault(.badControlHeader, "the header \(name) is given twice; send it once") }
        guard !value.isEmpty else {
            throw Fault(.badControlHeader, "the header \(name) is empty; give it a value or leave it out")
        }
        guard value.count <= limit else {
            throw Fault(.badControlHeader, "the header \(name) is longer than \(limit) bytes")
        }
    }
}
