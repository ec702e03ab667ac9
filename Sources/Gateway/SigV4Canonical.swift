// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import HTTPWire

/// The canonical form of a request's parts, which both sides of a signature make for themselves.
enum SigV4Canonical {
    private static let slash = UInt8(ascii: "/")

    /// The path without dot segments and repeated slashes, every byte but unreserved ones and slashes percent-encoded.
    static func path(_ path: ArraySlice<UInt8>) -> [UInt8] {
        var kept: [ArraySlice<UInt8>] = []
        for segment in path.split(separator: slash) where !ByteMatching.equals(segment, ".") {
            if !ByteMatching.equals(segment, "..") {
                kept.append(segment)
            } else if !kept.isEmpty {
                kept.removeLast()
            }
        }
        var out: [UInt8] = []
        for segment in kept {
            out.append(slash)
            for byte in segment { PercentEncoding.append(byte, to: &out) }
        }
        if kept.isEmpty || path.last == slash { out.append(slash) }
        return out
    }

    /// The parameters in order of their encoded names, then values; percent-encoding made uniform.
    static func query(_ query: ArraySlice<UInt8>?) -> [UInt8] {
        guard let query else { return [] }
        var parameters: [(name: [UInt8], value: [UInt8])] = []
        for parameter in query.split(separator: UInt8(ascii: "&")) {
            let sign = parameter.firstIndex(of: UInt8(ascii: "="))
            let name = parameter[..<(sign ?? parameter.endIndex)]
            let value = sign.map { parameter[($0 + 1)...] } ?? []
            parameters.append((encoded(name), encoded(value)))
        }
        parameters.sort { a, b in
            a.name == b.name
                ? a.value.lexicographicallyPrecedes(b.value) : a.name.lexicographicallyPrecedes(b.name)
        }
        var out: [UInt8] = []
        for parameter in parameters {
            if !out.isEmpty { out.append(UInt8(ascii: "&")) }
            out += parameter.name
            out.append(UInt8(ascii: "="))
            out += parameter.value
        }
        return out
    }

    private static func encoded(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        for byte in PercentDecoding.decoded(bytes) { PercentEncoding.append(byte, to: &out) }
        return out
    }

    /// Header lines by name, equal names joined in their order; and the names, joined by semicolons.
    static func headers(_ headers: [SigV4.Header]) -> (block: [UInt8], names: [UInt8]) {
        var lines: [(name: [UInt8], place: Int, value: [UInt8])] = []
        for (place, header) in headers.enumerated() {
            lines.append((header.name.map(ASCII.lower), place, trimmed(header.value)))
        }
        lines.sort { a, b in a.name == b.name ? a.place < b.place : a.name.lexicographicallyPrecedes(b.name) }
        var block: [UInt8] = []
        var names: [UInt8] = []
        for (i, line) in lines.enumerated() {
            if i > 0, lines[i - 1].name == line.name {
                block.removeLast()
                block.append(UInt8(ascii: ","))
            } else {
                if i > 0 { names.append(UInt8(ascii: ";")) }
                names += line.name
                block += line.name
                block.append(UInt8(ascii: ":"))
            }
            block += line.value
            block.append(0x0A)
        }
        return (block, names)
    }

    /// A value without white space around it, runs of it within made one space.
    private static func trimmed(_ value: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        for byte in ASCII.trimmed(value) {
            let isSpace = byte == 0x20 || byte == 0x09
            if isSpace, out.last == 0x20 { continue }
            out.append(isSpace ? 0x20 : byte)
        }
        return out
    }
}
