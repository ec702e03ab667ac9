// SPDX-License-Identifier: Apache-2.0
import HTTPWire

/// What one request's control headers say, checked (`contract.md`, Control headers).
///
/// Attribution is read off the hot path.
struct ControlHeaders {
    var provider: String?
    var providerURL: String?
    var providerKey: ArraySlice<UInt8>?

    /// Longest value of an environment, a task or a metadata item, bytes.
    static let valueLimit = 1_024
    /// Metadata items of one request.
    static let metadataLimit = 64

    private static let seenProvider = 1
    private static let seenURL = 2
    private static let seenKey = 4
    private static let seenEnvironment = 8
    private static let seenTask = 16

    /// Reads the control headers of a head.
    ///
    /// - Throws: `Fault` `badControlHeader` for one that is repeated, empty, too long, or malformed.
    init(_ block: HeaderBlock) throws(Fault) {
        var seen = 0
        var metadata = 0
        for field in block.fields where field.known == .inference {
            let name = block.name(field)
            let value = block.value(field)
            if ASCII.equalsIgnoringCase(name, "x-inference-provider-api-key") {
                try ControlHeaders.once(&seen, ControlHeaders.seenKey, "x-inference-provider-api-key", value)
                providerKey = value
            } else if ASCII.equalsIgnoringCase(name, "x-inference-provider") {
                try ControlHeaders.once(&seen, ControlHeaders.seenProvider, "x-inference-provider", value)
                provider = String(decoding: value, as: UTF8.self).lowercased()
            } else if ASCII.equalsIgnoringCase(name, "x-inference-provider-url") {
                try ControlHeaders.once(&seen, ControlHeaders.seenURL, "x-inference-provider-url", value)
                providerURL = String(decoding: value, as: UTF8.self)
            } else if ASCII.equalsIgnoringCase(name, "x-inference-environment") {
                try ControlHeaders.once(&seen, ControlHeaders.seenEnvironment, "x-inference-environment", value)
            } else if ASCII.equalsIgnoringCase(name, "x-inference-task-id") {
                try ControlHeaders.once(&seen, ControlHeaders.seenTask, "x-inference-task-id", value)
            } else if ASCII.hasPrefixIgnoringCase(name, "x-inference-metadata-") {
                metadata += 1
                if metadata > ControlHeaders.metadataLimit || value.count > ControlHeaders.valueLimit || name.count > 128 {
                    throw Fault(
                        .badControlHeader,
                        "x-inference-metadata-*: at most \(ControlHeaders.metadataLimit) items with values of at most \(ControlHeaders.valueLimit) bytes"
                    )
                }
            }
        }
    }

    private static func once(_ seen: inout Int, _ bit: Int, _ name: StaticString, _ value: ArraySlice<UInt8>) throws(Fault) {
        guard seen & bit == 0 else { throw Fault(.badControlHeader, "the header \(name) is given twice; send it once") }
        guard !value.isEmpty else {
            throw Fault(.badControlHeader, "the header \(name) is empty; give it a value or leave it out")
        }
        guard value.count <= valueLimit || bit == seenKey else {
            throw Fault(.badControlHeader, "the header \(name) is longer than \(valueLimit) bytes")
        }
        seen |= bit
    }
}
