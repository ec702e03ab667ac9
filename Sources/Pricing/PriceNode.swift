// SPDX-License-Identifier: Apache-2.0
import ByteCoding

/// A plain value of a price file, JSON or YAML, with the line it stands on.
package struct PriceNode: Sendable {
    /// What it holds.
    package indirect enum Content: Sendable {
        /// Text, a number as it is written, or `true` and `false`.
        case scalar(String)
        case list([PriceNode])
        /// In the order of the file, repeated keys included.
        case object([(key: String, value: PriceNode)])
        case null
    }

    /// What it holds.
    package let content: Content
    /// From 1; 0 where it is not known.
    package let line: Int

    /// A value on a line.
    package init(_ content: Content, line: Int) {
        self.content = content
        self.line = line
    }

    /// The values of a JSON text.
    ///
    /// - Parameters:
    ///   - bytes: the text.
    ///   - file: as faults name it.
    /// - Returns: the outermost value.
    /// - Throws: `PricingError` where it is no JSON.
    package static func json(_ bytes: [UInt8], file: String) throws(PricingError) -> PriceNode {
        let document: JSONDocument
        do throws(JSONError) { document = try JSONDocument(bytes) } catch {
            let line = LineStarts(bytes).line(of: error.offset)
            throw PricingError([PriceFault(file: file, line: line, message: error.description)])
        }
        return node(document.root, LineStarts(bytes))
    }

    private static func node(_ json: JSONNode, _ lines: LineStarts) -> PriceNode {
        let line = lines.line(of: json.range.lowerBound)
        switch json.kind {
        case .null: return PriceNode(.null, line: line)
        case .string: return PriceNode(.scalar(json.string ?? ""), line: line)
        case .bool, .number: return PriceNode(.scalar(String(decoding: json.lexeme, as: UTF8.self)), line: line)
        case .array: return PriceNode(.list(json.elements.map { node($0, lines) }), line: line)
        case .object:
            let members = json.members.map { (key: $0.key.string ?? "", value: node($0.value, lines)) }
            return PriceNode(.object(members), line: line)
        }
    }

    /// The text of a scalar, else nil.
    package var text: String? {
        if case .scalar(let text) = content { return text }
        return nil
    }

    /// The elements of a list; a scalar is a list of itself, `null` one of nothing.
    package var elements: [PriceNode]? {
        switch content {
        case .list(let elements): elements
        case .scalar: [self]
        case .null: []
        case .object: nil
        }
    }

    /// The members of an object, else nil.
    package var members: [(key: String, value: PriceNode)]? {
        if case .object(let members) = content { return members }
        return nil
    }

    /// The last member of a name, `null` left out.
    package subscript(key: String) -> PriceNode? {
        guard let found = members?.last(where: { $0.key == key })?.value else { return nil }
        if case .null = found.content { return nil }
        return found
    }
}

/// Where the lines of a text begin.
struct LineStarts {
    private var starts = [0]

    init(_ bytes: [UInt8]) {
        for (index, byte) in bytes.enumerated() where byte == 0x0A { starts.append(index + 1) }
    }

    /// The line of an offset, from 1.
    func line(of offset: Int) -> Int {
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= offset { low = middle } else { high = middle }
        }
        return low + 1
    }
}
