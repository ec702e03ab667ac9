// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform

/// One answer as a client saw it.
struct Answer: Sendable {
    var status = 0
    var headers: [(name: String, value: String)] = []
    /// Without framing.
    var body: [UInt8] = []
    /// Whether the framing came to its end.
    var isWhole = false
    /// When the last byte was seen, on the monotonic clock.
    var seenUs: Int64 = 0

    var text: String { String(decoding: body, as: UTF8.self) }
    var id: String { header("x-weir-exchange-id") ?? "" }

    func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }
}

/// One request of a client that knows no HTTP library.
struct Question: Sendable {
    var method = "POST"
    var path = "/v1/chat/completions"
    var headers: [String] = []
    var body: [UInt8] = []

    /// A chat completion.
    ///
    /// - Parameters:
    ///   - prompt: makes bodies differ.
    ///   - isStream: asks for a stream, with usage.
    ///   - fake: what the fake provider is to do.
    static func chat(_ prompt: String, isStream: Bool = false, fake: String? = nil) -> Question {
        let stream = isStream ? #","stream":true,"stream_options":{"include_usage":true}"# : ""
        let body = #"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"\#(prompt)"}]\#(stream)}"#
        return Question(headers: fake.map { ["x-fake: \($0)"] } ?? [], body: Array(body.utf8))
    }

    /// An Anthropic message.
    static func message(_ prompt: String, isStream: Bool = false, fake: String? = nil) -> Question {
        let stream = isStream ? #","stream":true"# : ""
        let body =
            #"{"model":"claude-sonnet-4-5","max_tokens":200,"messages":[{"role":"user","content":"\#(prompt)"}]\#(stream)}"#
        let order = fake.map { ["x-fake: \($0)"] } ?? []
        return Question(path: "/v1/messages", headers: ["anthropic-version: 2023-06-01"] + order, body: Array(body.utf8))
    }

    func with(_ lines: String...) -> Question {
        var copy = self
        copy.headers += lines
        return copy
    }

    /// Asks on a connection of its own, without holding a thread of the pool.
    func ask(port: Int) async throws -> Answer {
        try await offPool { try blocking(port: port) }
    }

    /// Asks on a connection of its own; blocks.
    ///
    /// - Parameters:
    ///   - port: on loopback.
    ///   - onHead: told the answer's head when it has come.
    /// - Returns: the answer; not whole where the connection ended too early.
    func blocking(port: Int, onHead: (Answer) -> Void = { _ in }) throws -> Answer {
        let socket = try Socket(port: port)
        let head = ["\(method) \(path) HTTP/1.1", "Host: 127.0.0.1:\(port)", "Content-Type: application/json"] + headers
        try socket.write(Array((head.joined(separator: "\r\n") + "\r\nContent-Length: \(body.count)\r\n\r\n").utf8) + body)
        var reading = AnswerReading()
        while !reading.answer.isWhole, let bytes = socket.read() {
            let hadHead = reading.answer.status > 0
            reading.take(bytes)
            if !hadHead, reading.answer.status > 0 { onHead(reading.answer) }
        }
        return reading.answer
    }
}

/// Takes an answer apart as it comes.
struct AnswerReading {
    private(set) var answer = Answer()
    private var raw: [UInt8] = []
    private var headEnd: Int?

    mutating func take(_ bytes: [UInt8]) {
        raw += bytes
        if headEnd == nil, let end = raw.firstRange(of: [13, 10, 13, 10]) {
            headEnd = end.upperBound
            readHead(raw[..<end.lowerBound])
        }
        guard let headEnd else { return }
        let rest = raw[headEnd...]
        if let length = answer.header("content-length").flatMap(Int.init) {
            answer.isWhole = rest.count >= length
            if answer.isWhole { answer.body = Array(rest.prefix(length)) }
        } else if rest.suffix(7).elementsEqual("\r\n0\r\n\r\n".utf8) || rest.elementsEqual("0\r\n\r\n".utf8) {
            (answer.body, answer.isWhole) = AnswerReading.unchunked(rest)
        }
        if answer.isWhole { answer.seenUs = SystemClock().monotonicUs }
    }

    private mutating func readHead(_ bytes: ArraySlice<UInt8>) {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n")
        answer.status = lines.first.flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int($0) } ?? 0
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            answer.headers.append((String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " })))
        }
    }

    private static func unchunked(_ bytes: ArraySlice<UInt8>) -> (body: [UInt8], isWhole: Bool) {
        var body: [UInt8] = []
        var left = bytes
        while let end = left.firstRange(of: [13, 10]) {
            guard let size = Int(String(decoding: left[..<end.lowerBound], as: UTF8.self), radix: 16) else { break }
            if size == 0 { return (body, true) }
            left = left[end.upperBound...]
            guard left.count >= size + 2 else { break }
            body += left.prefix(size)
            left = left.dropFirst(size + 2)
        }
        return (body, false)
    }
}

/// A connected socket; closed with its last reference. A read or write that takes half a minute fails.
final class Socket {
    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(truncatingIfNeeded: port)).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw TestToolError("port \(port) does not accept: \(String(cString: strerror(errno)))") }
    }

    deinit { close(descriptor) }

    func write(_ bytes: [UInt8]) throws {
        var left = bytes[...]
        while !left.isEmpty {
            let count = left.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw TestToolError("the connection does not take bytes") }
            left = left.dropFirst(count)
        }
    }

    /// Bytes, or nil at the end, at an error and after half a minute of silence.
    func read() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? Array(buffer[..<count]) : nil
    }
}
