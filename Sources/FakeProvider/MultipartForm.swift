// SPDX-License-Identifier: Apache-2.0

/// The parts of a `multipart/form-data` body, as far as a scripted provider needs them.
struct MultipartForm {
    private struct Part {
        var name: String
        var fileName: String?
        var bytes: [UInt8]
    }

    private var parts: [Part] = []

    /// Nil where the type names no boundary or the body does not hold it.
    init?(body: [UInt8], contentType: String) {
        guard contentType.lowercased().hasPrefix("multipart/form-data"),
            let boundary = Self.parameter("boundary", of: contentType), !boundary.isEmpty
        else { return nil }
        let mark = Array("--\(boundary)".utf8)
        var left = body[...]
        guard let first = left.firstRange(of: mark) else { return nil }
        left = left[first.upperBound...]
        while parts.count < FakeProviderLimits.formParts, left.starts(with: [13, 10]) {
            guard let end = left.firstRange(of: [13, 10] + mark) else { return nil }
            if let part = Self.part(left[left.index(left.startIndex, offsetBy: 2)..<max(end.lowerBound, left.startIndex + 2)]) {
                parts.append(part)
            }
            left = left[end.upperBound...]
        }
    }

    private static func part(_ bytes: ArraySlice<UInt8>) -> Part? {
        guard let end = bytes.firstRange(of: [13, 10, 13, 10]) else { return nil }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        for line in lines where line.lowercased().hasPrefix("content-disposition:") {
            guard let name = parameter("name", of: String(line)) else { continue }
            return Part(
                name: name, fileName: parameter("filename", of: String(line)), bytes: Array(bytes[end.upperBound...]))
        }
        return nil
    }

    /// A parameter of a header value, quotes removed.
    private static func parameter(_ name: String, of value: String) -> String? {
        for item in value.split(separator: ";").dropFirst() {
            let pair = item.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, pair[0].lowercased() == name else { continue }
            return String(pair[1].filter { $0 != "\"" })
        }
        return nil
    }

    /// The bytes of the first part of a name.
    subscript(name: String) -> [UInt8]? { parts.first { $0.name == name }?.bytes }

    /// The same as text.
    func text(_ name: String) -> String? { self[name].map { String(decoding: $0, as: UTF8.self) } }

    /// The file name of a part.
    func fileName(_ name: String) -> String? { parts.first { $0.name == name }?.fileName }
}
