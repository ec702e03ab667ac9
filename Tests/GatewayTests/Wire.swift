// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Synchronization
import Testing

struct WireTimeout: Error, CustomStringConvertible {
    let what: String
    var description: String { "nothing more came in time: \(what)" }
}

/// How a connection ended.
enum Ending: Equatable, Sendable { case closed, reset }

/// One message as it was on the wire.
struct WireMessage: Sendable {
    var head: [UInt8] = []
    /// Body bytes, framing included.
    var body: [UInt8] = []
    var text: String { String(decoding: body, as: UTF8.self) }
    var lines: [String] { String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n").filter { !$0.isEmpty } }
    var status: Int { lines.first.flatMap { Int($0.split(separator: " ").dropFirst().first ?? "") } ?? 0 }
    func header(_ name: String) -> String? {
        lines.dropFirst().first { $0.lowercased().hasPrefix(name.lowercased() + ":") }
            .map { String($0.dropFirst(name.count + 1)).trimmingCharacters(in: .whitespaces) }
    }
    func json() throws -> [String: Any] { try #require(try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]) }
}

/// Runs what blocks on a thread of its own.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}

/// A blocking socket with deadlines; one thread at a time.
final class Wire: @unchecked Sendable {
    private let descriptor: Int32
    private var pending: [UInt8] = []
    private(set) var ending: Ending?
    private var isOpen = true

    init(descriptor: Int32) {
        self.descriptor = descriptor
        var time = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    convenience init(port: Int, receiveBuffer: Int32? = nil) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if var size = receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size)) }
        var address = Wire.loopback(port)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            Glibc.close(descriptor)
            throw WireTimeout(what: "connect: errno \(errno)")
        }
        self.init(descriptor: descriptor)
    }

    deinit { close() }

    static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        return address
    }

    // MARK: Sending

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw WireTimeout(what: "send: errno \(errno)") }
            sent += count
        }
    }

    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    func close() {
        guard isOpen else { return }
        isOpen = false
        Glibc.close(descriptor)
    }

    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    func setSendBuffer(_ bytes: Int32) {
        var size = bytes
        setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }

    // MARK: Receiving

    /// Takes what comes next; false at the end of the connection.
    private func fill(_ what: String) throws -> Bool {
        guard ending == nil else { return false }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 {
                pending += buffer[..<count]
                return true
            }
            if count == 0 {
                ending = .closed
                return false
            }
            if errno == EINTR { continue }
            guard errno == ECONNRESET || errno == EPIPE else { throw WireTimeout(what: what) }
            ending = .reset
            return false
        }
    }

    /// Whether something came within a time; consumes nothing.
    func hasInput(milliseconds: Int32) -> Bool {
        if !pending.isEmpty { return true }
        var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&item, 1, milliseconds) > 0
    }

    func read(count: Int) throws -> [UInt8] {
        while pending.count < count {
            guard try fill("\(count) bytes") else { throw WireTimeout(what: "ended before \(count) bytes") }
        }
        defer { pending.removeFirst(count) }
        return Array(pending[..<count])
    }

    func read(through mark: String) throws -> [UInt8] {
        let needle = Array(mark.utf8)
        var from = 0
        while true {
            if let found = pending[from...].firstRange(of: needle) {
                defer { pending.removeFirst(found.upperBound) }
                return Array(pending[..<found.upperBound])
            }
            from = max(0, pending.count - needle.count)
            guard try fill(mark) else {
                throw WireTimeout(what: "ended (\(String(describing: ending))) before \(mark.debugDescription)")
            }
        }
    }

    func readToEnd() throws -> (bytes: [UInt8], ending: Ending) {
        while try fill("the end") {}
        defer { pending = [] }
        return (pending, ending ?? .closed)
    }

    /// Reads one message; the framing is read here on its own, in another way than the gateway's.
    func message(isAnswer: Bool, toHead: Bool = false) throws -> WireMessage {
        var message = WireMessage()
        message.head = try read(through: "\r\n\r\n")
        if isAnswer, toHead || message.status < 200 || message.status == 204 || message.status == 304 { return message }
        if message.header("transfer-encoding")?.lowercased() == "chunked" {
            while true {
                let line = try read(through: "\r\n")
                message.body += line
                let digits = String(decoding: line.prefix { $0 != UInt8(ascii: ";") && $0 != 13 }, as: UTF8.self)
                let size = try #require(Int(digits, radix: 16))
                if size == 0 { break }
                message.body += try read(count: size + 2)
            }
            var line: [UInt8] = []
            while line != [13, 10] {
                line = try read(through: "\r\n")
                message.body += line
            }
        } else if let length = message.header("content-length").flatMap(Int.init) {
            message.body = try read(count: length)
        } else if isAnswer {
            message.body = try readToEnd().bytes
        }
        return message
    }

    func request() throws -> WireMessage { try message(isAnswer: false) }
    func answer(toHead: Bool = false) throws -> WireMessage { try message(isAnswer: true, toHead: toHead) }
}

/// Something that happens once, for threads to wait for.
final class Gate: Sendable {
    private let condition = NSCondition()
    private let isOpen = Atomic<Bool>(false)

    func open() {
        condition.lock()
        isOpen.store(true, ordering: .sequentiallyConsistent)
        condition.broadcast()
        condition.unlock()
    }

    func wait(_ what: String = "gate", seconds: Double = 10) throws {
        let deadline = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        while !isOpen.load(ordering: .sequentiallyConsistent) {
            guard condition.wait(until: deadline) else { throw WireTimeout(what: what) }
        }
    }
}

/// Waits until a condition holds, looking often.
func eventually(_ what: String, seconds: Double = 10, _ holds: () async throws -> Bool) async throws {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while try await !holds() {
        guard Date(timeIntervalSinceNow: 0) < deadline else { throw WireTimeout(what: what) }
        try await Task.sleep(for: .milliseconds(2))
    }
}

/// A provider that says exactly what a test tells it to: one thread per connection, in the order of accepting.
final class RawProvider: Sendable {
    let port: Int
    private let listener: Int32
    private let count = Atomic<Int>(0)
    private let seen = Mutex<[WireMessage]>([])

    init(_ serve: @escaping @Sendable (RawProvider, Wire, Int) throws -> Void) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Wire.loopback(0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 64) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard bound else { throw WireTimeout(what: "bind: errno \(errno)") }
        listener = descriptor
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { return }
                let index = count.wrappingAdd(1, ordering: .sequentiallyConsistent).oldValue
                Thread.detachNewThread { [self] in
                    let wire = Wire(descriptor: connection)
                    // A provider whose peer goes away is part of many tests; what matters is asserted on the caller's side.
                    try? serve(self, wire, index)
                    wire.close()
                }
            }
        }
    }

    /// Answers every request with the same bytes, on connections that stay open.
    convenience init(answering bytes: [UInt8], thenCloses: Bool = false) throws {
        try self.init { provider, wire, _ in
            repeat {
                provider.note(try wire.request())
                try wire.send(bytes)
            } while !thenCloses
        }
    }

    convenience init(answering text: String, thenCloses: Bool = false) throws {
        try self.init(answering: Array(text.utf8), thenCloses: thenCloses)
    }

    func note(_ message: WireMessage) { seen.withLock { $0.append(message) } }
    var requests: [WireMessage] { seen.withLock { $0 } }
    var connections: Int { count.load(ordering: .sequentiallyConsistent) }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        Glibc.close(listener)
    }
}
