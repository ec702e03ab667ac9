// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import Synchronization

/// What went wrong with the test's own server.
struct LoopbackError: Error {}

/// Answers each connection with given bytes, and keeps what it was sent.
final class LoopbackServer: Sendable {
    let port: Int
    private let descriptor: Int32
    private let seenTexts = Mutex<[String]>([])
    private let isStopping = Atomic<Bool>(false)
    private let thread = Mutex<OwnedThread?>(nil)

    /// What one connection gets.
    struct Reply: Sendable {
        var pieces: [String]
        /// Keeps the connection open without a word for this long, after the pieces.
        var holdUs: Int64 = 0
    }

    /// Starts a server.
    ///
    /// - Parameter reply: made of the request's text, up to the end of its head and its body of a stated length.
    init(_ reply: @escaping @Sendable (String) -> Reply) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        descriptor = listener
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard bound else { throw LoopbackError() }
        port = Int(UInt16(bigEndian: address.sin_port))
        let started = try OwnedThread(name: "loopback") { [weak self] in
            while let accepted = self.map({ _ in accept(listener, nil, nil) }), accepted >= 0 {
                guard let self, !self.isStopping.load(ordering: .acquiring) else {
                    close(accepted)
                    return
                }
                self.serve(accepted, reply)
            }
        }
        thread.withLock { $0 = started }
    }

    /// Everything that was sent, one text for each connection.
    var seen: [String] { seenTexts.withLock { $0 } }

    var url: String { "http://127.0.0.1:\(port)" }

    func stop() {
        isStopping.store(true, ordering: .releasing)
        shutdown(descriptor, Int32(SHUT_RDWR))
        thread.withLock { $0?.join() }
        close(descriptor)
    }

    private func serve(_ connection: Int32, _ reply: (String) -> Reply) {
        defer { close(connection) }
        var bytes: [UInt8] = []
        while !LoopbackServer.isWhole(bytes) {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        let text = String(decoding: bytes, as: UTF8.self)
        seenTexts.withLock { $0.append(text) }
        let answer = reply(text)
        for piece in answer.pieces {
            let out = Array(piece.utf8)
            _ = out.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        }
        SystemClock().sleep(us: answer.holdUs)
    }

    private static func isWhole(_ bytes: [UInt8]) -> Bool {
        // A TLS client says one thing and waits.
        if bytes.first == 0x16 { return true }
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return false }
        let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).lowercased()
        let length = head.firstMatch(of: /content-length: (\d+)/).flatMap { Int($0.1) } ?? 0
        return bytes.count >= end.upperBound + length
    }
}
