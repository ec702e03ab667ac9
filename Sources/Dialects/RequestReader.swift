// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// What a request says of itself.
struct RequestReading: Equatable {
    /// Verbatim.
    var model: String?
    /// The caller asked for a stream, in the body or by the path.
    var isStream = false
}

/// Reads the model and the wish for a stream out of a request.
enum RequestReader {
    /// Reads a request of any API.
    ///
    /// The model stands in the path for APIs that put it there, else in the body: as a member, or as a field of a form. A body
    /// kept as head and tail is read as far as its members are whole.
    static func read(_ record: ExchangeRecord) -> RequestReading {
        var reading = RequestReading()
        let head = record.head
        if let body = record.requestBody.content, !body.isEmpty {
            if let root = document(record.requestBody, body)?.root {
                reading.model = root.name("model")
                reading.isStream = root["stream"]?.bool ?? false
            } else {
                reading.model = FormFields.value(of: "model", in: body)
            }
        }
        switch head.api {
        case .some(.geminiGenerate), .some(.geminiEmbed), .some(.geminiCountTokens), .some(.vertexPredict):
            reading.model = ModelFromPath.model(head.path) ?? reading.model
        case .some(.openaiRealtime):
            reading.model = queryValue("model", in: head.query) ?? reading.model
        default: reading.model = reading.model ?? ModelFromPath.model(head.path)
        }
        if asksForStream(head) { reading.isStream = true }
        return reading
    }

    private static func document(_ body: RecordedBody, _ bytes: [UInt8]) -> JSONDocument? {
        body.kept == .headTail ? CutJSON.stitched(bytes, joint: body.joint) : JSONDocument.read(bytes)
    }

    /// Whether the path itself asks for a stream.
    private static func asksForStream(_ head: ExchangeHead) -> Bool {
        let path = head.path.utf8.prefix { $0 != UInt8(ascii: "?") }
        func ends(_ text: String) -> Bool { path.suffix(text.utf8.count).elementsEqual(text.utf8) }
        return switch head.api {
        case .some(.geminiGenerate): ends(":streamGenerateContent")
        case .some(.anthropicMessages): ends(":streamRawPredict")
        case .some(.bedrockConverse): ends("/converse-stream")
        case .some(.bedrockInvoke): ends("/invoke-with-response-stream")
        default: false
        }
    }

    private static func queryValue(_ name: String, in query: String) -> String? {
        for pair in query.utf8.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1)
            guard parts.count == 2, parts[0].elementsEqual(name.utf8), parts[1].count <= DialectLimits.nameBytes else { continue }
            return String(decoding: PercentDecoding.decoded(Array(parts[1])[...]), as: UTF8.self)
        }
        return nil
    }
}

/// Reads a short field out of a `multipart/form-data` body (RFC 7578).
enum FormFields {
    /// The value of a field, or nil where the body is no form or has no such short field.
    ///
    /// The boundary is the body's own first line, so that no header is needed.
    /// - Complexity: O(n).
    static func value(of name: String, in body: [UInt8]) -> String? {
        guard body.starts(with: [0x2D, 0x2D]), let lineEnd = body.prefix(DialectLimits.prefixBytes).firstIndex(of: 0x0A) else {
            return nil
        }
        var boundary = body[..<lineEnd]
        if boundary.last == 0x0D { boundary = boundary.dropLast() }
        guard boundary.count > 2 else { return nil }
        var place = lineEnd + 1
        for _ in 0..<DialectLimits.formParts {
            if let found = value(of: name, inPartAt: place, of: body) { return found }
            guard let next = find(boundary, in: body, from: place) else { return nil }
            place = next + boundary.count
            while place < body.count, body[place] != 0x0A { place += 1 }
            place += 1
        }
        return nil
    }

    private static func value(of name: String, inPartAt start: Int, of body: [UInt8]) -> String? {
        var isField = false
        var place = start
        while place < body.count, let lineEnd = body[place...].prefix(DialectLimits.nameBytes).firstIndex(of: 0x0A) {
            var line = body[place..<lineEnd]
            if line.last == 0x0D { line = line.dropLast() }
            place = lineEnd + 1
            if line.isEmpty { break }
            let text = String(decoding: line, as: UTF8.self)
            if text.lowercased().hasPrefix("content-disposition:"), text.contains("name=\"\(name)\"") { isField = true }
        }
        guard isField, place < body.count else { return nil }
        let rest = body[place...].prefix(DialectLimits.nameBytes)
        let value = rest.prefix { $0 != 0x0D && $0 != 0x0A }
        return value.isEmpty || value.count == DialectLimits.nameBytes ? nil : String(decoding: value, as: UTF8.self)
    }

    private static func find(_ needle: ArraySlice<UInt8>, in body: [UInt8], from start: Int) -> Int? {
        var i = start
        while i + needle.count <= body.count {
            if body[i] == 0x2D, body[i..<i + needle.count].elementsEqual(needle) { return i }
            i += 1
        }
        return nil
    }
}
