// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Redaction

/// Reads the heads that the Gateway has already accepted, off the hot path.
struct HeadReading {
    let startLine: String
    let headers: [HeaderPair]

    init(_ head: [UInt8]) {
        var lines = head[...]
        startLine = HeadReading.takeLine(&lines).map { String(decoding: $0, as: UTF8.self) } ?? ""
        var pairs: [HeaderPair] = []
        while let line = HeadReading.takeLine(&lines), let colon = line.firstIndex(of: 0x3A) {
            var value = line[(colon + 1)...]
            while let first = value.first, first == 0x20 || first == 0x09 { value = value.dropFirst() }
            while let last = value.last, last == 0x20 || last == 0x09 { value = value.dropLast() }
            pairs.append(HeaderPair(String(decoding: line[..<colon], as: UTF8.self), String(decoding: value, as: UTF8.self)))
        }
        headers = pairs
    }

    private static func takeLine(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let end = rest.firstIndex(of: 0x0D) else { return nil }
        defer { rest = rest[min(end + 2, rest.endIndex)...] }
        return end == rest.startIndex ? nil : rest[..<end]
    }

    func first(_ lowerName: String) -> String? { headers.first { $0.name.lowercased() == lowerName }?.value }

    /// All values of a header as one list, or nil.
    func list(_ lowerName: String) -> String? {
        let values = headers.filter { $0.name.lowercased() == lowerName }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// Method, path and query of a request's start line.
    var request: (method: String, path: String, query: String) {
        let parts = startLine.split(separator: " ")
        guard parts.count >= 2 else { return ("", "", "") }
        let target = parts[1]
        guard let mark = target.firstIndex(of: "?") else { return (String(parts[0]), String(target), "") }
        return (String(parts[0]), String(target[..<mark]), String(target[target.index(after: mark)...]))
    }

    /// Environment, task and metadata from the control headers, over what the path said.
    ///
    /// Where the name of a metadata header says that its value is a credential, the mark stands for it, however short it is.
    func attribution(over path: Attribution) -> Attribution {
        var result = path
        var metadata: [String: String] = [:]
        for item in path.metadata { metadata[item.name] = item.value }
        let prefix = "x-inference-metadata-"
        for header in headers {
            let name = header.name.lowercased()
            if name == "x-inference-environment" {
                result.environment = header.value
            } else if name == "x-inference-task-id", !header.value.isEmpty {
                result.task = header.value
            } else if name.hasPrefix(prefix), name.utf8.count > prefix.utf8.count {
                let isCredential = !header.value.isEmpty && CredentialRules.isCredentialHeader(name)
                metadata[String(name.dropFirst(prefix.count))] = isCredential ? CredentialRules.mark : header.value
            }
        }
        result.metadata = metadata.sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }.map {
            ($0.key, $0.value)
        }
        return result
    }

    /// Trace and parent span ids of a W3C `traceparent` of version 00, or nils.
    var trace: (traceID: String?, parentSpanID: String?) {
        let parts = (first("traceparent") ?? "").split(separator: "-")
        guard parts.count == 4, parts[0] == "00", HeadReading.isHex(parts[1], count: 32), HeadReading.isHex(parts[2], count: 16)
        else {
            return (nil, nil)
        }
        return (String(parts[1]), String(parts[2]))
    }

    private static func isHex(_ text: Substring, count: Int) -> Bool {
        text.utf8.count == count && text.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }
    }
}
