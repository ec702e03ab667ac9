// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// Limits of the export formats.
package enum FormatLimits {
    /// A line of more bytes is no row, as it is parsed in memory; two bodies fit in, escaped.
    package static let lineBytes = DatasetLimits.lineBytes
    /// Values nested in one another in a schema or in arguments; a line adds a few.
    static let valueDepth = JSONLimits.depth - 16
    /// Images in one row (OpenAI).
    package static let imagesPerRow = 10
    /// Tools that a row may offer (OpenAI).
    package static let toolsPerRow = 128
    /// Unicode scalars of a call's id (OpenAI).
    package static let callIDScalars = 40
    /// Violations told of one line; the rest is of the same kind.
    package static let violationsPerLine = 32
    /// Members of one object that a uniform file may have.
    package static let uniformKeys = 256
    /// Values nested in one another in a uniform file.
    package static let uniformDepth = 32
    /// Images whose number a file may hold in all (OpenAI).
    package static let imagesPerFile: Int64 = 50_000
}

/// Texts that Arrow takes for times.
enum TimestampText {
    /// Whether all of it is an ISO 8601 date, or a date and a time; looser than Arrow, never stricter.
    static func isTimestamp(_ text: some Collection<UInt8>) -> Bool {
        guard (10...40).contains(text.count) else { return false }
        let bytes = Array(text)
        for (position, byte) in bytes.prefix(10).enumerated() {
            let isDash = position == 4 || position == 7
            guard isDash ? byte == UInt8(ascii: "-") : isDigit(byte) else { return false }
        }
        guard bytes.count > 10 else { return true }
        guard bytes[10] == UInt8(ascii: "T") || bytes[10] == 0x20 || bytes[10] == UInt8(ascii: "t") else { return false }
        guard bytes.count >= 13, isDigit(bytes[11]), isDigit(bytes[12]) else { return false }
        return bytes[13...].allSatisfy { isDigit($0) || ":.+-Zz".utf8.contains($0) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}

/// Where an image lies.
enum ImageLink {
    private static let types: [(ending: String, type: String)] = [
        (".jpeg", "image/jpeg"), (".jpg", "image/jpeg"), (".png", "image/png"), (".webp", "image/webp"),
    ]

    /// `https://`, or a `data:` URL of a JPEG, PNG or WEBP.
    static func isLink(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        if bytes.starts(with: "https://".utf8) { return true }
        return types.contains { bytes.starts(with: "data:\($0.type);base64,".utf8) }
    }

    /// The media type of a file in Cloud Storage or on the web, by its ending; nil where there is none we know.
    static func fileType(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        guard bytes.starts(with: "gs://".utf8) || bytes.starts(with: "https://".utf8) else { return nil }
        let lower = bytes.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        return types.first { lower.suffix($0.ending.utf8.count).elementsEqual($0.ending.utf8) }?.type
    }
}

/// Texts that pass through Nunjucks and come out as they were.
enum TemplateText {
    /// A JSON text whose strings hold no sign of a template, however often it is rendered.
    ///
    /// Only a string can hold one, as JSON without white space has nothing else than a quote or a brace after a brace.
    static func json(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        for (position, byte) in bytes.enumerated() {
            if opens(bytes, position) { out.append(contentsOf: #"\u007b"#.utf8) } else { out.append(byte) }
        }
        return out
    }

    /// A text that is itself once it has been rendered one time, and that is no order to load a file before.
    static func once(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        for (position, byte) in bytes.enumerated() {
            let isOrder = position == 0 && orders.contains { bytes.starts(with: $0.utf8) }
            if opens(bytes, position) || isOrder {
                out.append(contentsOf: #"{{ ""#.utf8)
                out.append(byte)
                out.append(contentsOf: #"" }}"#.utf8)
            } else {
                out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// What `once` was made of.
    static func undo(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var position = 0
        while position < bytes.count {
            let piece = bytes[position...].prefix(9)
            if piece.count == 9, piece.prefix(4).elementsEqual(#"{{ ""#.utf8), piece.suffix(4).elementsEqual(#"" }}"#.utf8) {
                out.append(bytes[position + 4])
                position += 9
            } else {
                out.append(bytes[position])
                position += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Whether a text has a sign of a template, or orders a file to be loaded.
    static func isLive(_ text: [UInt8]) -> Bool {
        text.indices.contains { opens(text, $0) } || orders.contains { text.starts(with: $0.utf8) }
    }

    private static let orders = ["file://", "package:"]

    private static func opens(_ bytes: [UInt8], _ position: Int) -> Bool {
        guard bytes[position] == UInt8(ascii: "{"), position + 1 < bytes.count else { return false }
        return [UInt8(ascii: "{"), UInt8(ascii: "%"), UInt8(ascii: "#")].contains(bytes[position + 1])
    }
}
