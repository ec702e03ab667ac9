// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1

/// The bytes of an answer on the wire: heads, chunks, trailers.
enum AnswerWire {
    static let continueHead = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
    static let badRequest = Array("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8)

    /// The head, with the interim answers before it.
    static func head(_ playback: Playback, keepsAlive: Bool) -> [UInt8] {
        var text = ""
        for number in 0..<playback.hints {
            text += "HTTP/1.1 103 Early Hints\r\nLink: </style-\(number).css>; rel=preload; as=style\r\n\r\n"
        }
        text += "HTTP/1.1 \(playback.status) \(HTTPResponseStatus(statusCode: playback.status).reasonPhrase)\r\n"
        for header in playback.headers { text += "\(header.name): \(header.value)\r\n" }
        if playback.status == 101 { return Array((text + "\r\n").utf8) }
        switch playback.framing {
        case _ where [204, 304].contains(playback.status): break
        case .chunked, .odd: text += "Transfer-Encoding: chunked\r\n"
        case .length: text += "Content-Length: \(playback.contentLength)\r\n"
        case .close: break
        }
        if playback.hasTrailers, !playback.omitsBody { text += "Trailer: x-fake-bytes, x-fake-crc32\r\n" }
        text += "Connection: \(keepsAlive ? "keep-alive" : "close")\r\n\r\n"
        return Array(text.utf8)
    }

    /// Body bytes in their framing; never an empty chunk, which would end the body.
    static func body(_ bytes: [UInt8], _ framing: AnswerFraming) -> [UInt8] {
        guard !bytes.isEmpty else { return [] }
        switch framing {
        case .length, .close: return bytes
        case .chunked: return Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + [13, 10]
        case .odd: return odd(bytes)
        }
    }

    private static func odd(_ bytes: [UInt8]) -> [UInt8] {
        let sizes = [1, 2, 3, 5, 11, 17, 31, 63, 127]
        var framed: [UInt8] = []
        var left = bytes[...]
        var number = bytes.count
        while !left.isEmpty {
            let part = left.prefix(sizes[number % sizes.count])
            let zeros = String(repeating: "0", count: number % 4)
            let hint = number % 3 == 0 ? ";part=\"\(number % 10)\"" : ""
            framed += Array("\(zeros)\(String(part.count, radix: 16, uppercase: true))\(hint)\r\n".utf8) + part + [13, 10]
            left = left.dropFirst(part.count)
            number += 1
        }
        return framed
    }

    /// What ends the body.
    static func tail(_ playback: Playback, sentBytes: Int) -> [UInt8] {
        guard playback.isChunked, !playback.omitsBody else { return [] }
        guard playback.hasTrailers else { return Array("0\r\n\r\n".utf8) }
        let crc = CRC32.checksum(playback.chunks.lazy.flatMap(\.bytes))
        return Array("0\r\nx-fake-bytes: \(sentBytes)\r\nx-fake-crc32: \(String(crc, radix: 16))\r\n\r\n".utf8)
    }
}
