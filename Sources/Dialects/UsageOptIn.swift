// SPDX-License-Identifier: Apache-2.0
import ByteCoding
package import ExchangeModel

/// What Weir does about streamed chat requests that do not ask for their usage.
package enum UsageOptIn: String, Sendable, CaseIterable {
    /// Requests and answers pass as they came.
    case off
    /// Such a request is made to ask; the caller gets the answer as the provider sends it.
    case inject
    /// Such a request is made to ask; the chunk that comes for it is kept from the caller.
    case injectAndStrip = "inject_and_strip"

    /// The API families whose streams tell their usage only where `stream_options.include_usage` asks for it.
    package static func concerns(_ api: APIFamily) -> Bool { api == .openaiChat || api == .openaiCompletions }
}

/// One place of a text where bytes take the place of others; every other byte stays.
package struct ByteSplice: Equatable, Sendable {
    /// What is replaced; empty where bytes are only put in.
    package let range: Range<Int>
    /// What comes there.
    package let bytes: [UInt8]

    /// A splice of a text of at least `range.upperBound` bytes.
    package init(range: Range<Int>, bytes: [UInt8]) {
        self.range = range
        self.bytes = bytes
    }

    /// The text with the splice made.
    ///
    /// - Parameter text: the one that the splice was worked out for.
    /// - Returns: the new text.
    package func applied(to text: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(text.count - range.count + bytes.count)
        out += text[..<range.lowerBound]
        out += bytes
        out += text[range.upperBound...]
        return out
    }
}

/// What a request body says about its usage, and where the question would go.
package enum UsageRequest: Equatable, Sendable {
    /// A stream that does not ask: this splice makes it ask.
    case silent(ByteSplice)
    /// The caller asks already.
    case asks
    /// The caller has written `include_usage` with another value than `true`: that stands.
    case declines
    /// No `"stream": true` in the outermost object.
    case noStream
    /// No JSON text that Weir reads.
    case noJSON
    /// A key that matters is repeated or written with escapes, or `stream_options` is no object: readers differ about such texts.
    case ambiguous

    /// Reads a whole request body.
    ///
    /// Only the outermost object and its `stream_options` count: what looks alike inside a message is no concern. The question
    /// goes behind the value of `stream`, or in front of the first member of `stream_options`, so that no other byte moves.
    /// - Parameter body: without any content coding.
    /// - Returns: what is to be done.
    /// - Complexity: O(n).
    package static func read(_ body: [UInt8]) -> UsageRequest {
        guard let document = JSONDocument.read(body) else { return .noJSON }
        let root = document.root
        switch (find("stream", in: root), find("stream_options", in: root)) {
        case (.unclear, _), (_, .unclear): return .ambiguous
        case (.absent, _): return .noStream
        case (.value(let stream), let options):
            guard stream.bool == true else { return .noStream }
            return ask(options, behind: stream)
        }
    }

    private static func ask(_ options: Found, behind stream: JSONNode) -> UsageRequest {
        guard case .value(let options) = options else {
            let end = stream.range.upperBound
            return .silent(ByteSplice(range: end..<end, bytes: Array(",\"stream_options\":{\"include_usage\":true}".utf8)))
        }
        if options.isNull { return .silent(ByteSplice(range: options.range, bytes: Array("{\"include_usage\":true}".utf8))) }
        guard options.kind == .object else { return .ambiguous }
        switch find("include_usage", in: options) {
        case .unclear: return .ambiguous
        case .value(let asked): return asked.bool == true ? .asks : .declines
        case .absent:
            let start = options.range.lowerBound + 1
            var members = options.members
            let member = members.next() == nil ? "\"include_usage\":true" : "\"include_usage\":true,"
            return .silent(ByteSplice(range: start..<start, bytes: Array(member.utf8)))
        }
    }

    private enum Found {
        case absent
        case value(JSONNode)
        /// More than once, or with escapes in its name.
        case unclear
    }

    private static func find(_ key: String, in object: JSONNode) -> Found {
        var found = Found.absent
        for member in object.members where member.key.equals(key) {
            guard case .absent = found, member.key.range.count == key.utf8.count + 2 else { return .unclear }
            found = .value(member.value)
        }
        return found
    }
}
