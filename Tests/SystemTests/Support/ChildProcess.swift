// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc
import Platform
import Synchronization

/// What went wrong with the test's own tools, in words.
struct TestToolError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A program that this test started; killed and waited for when the last reference goes.
final class ChildProcess: Sendable {
    let pid: pid_t
    private let status = Mutex<Int32?>(nil)

    /// Starts a program with default signals, its outputs going to files.
    ///
    /// - Parameters:
    ///   - arguments: the program's path first.
    ///   - output: the file for standard output.
    ///   - errors: the file for standard error.
    init(_ arguments: [String], output: String, errors: String) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o600)
        // Sockets of this process must not live on in the child.
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            if let descriptor = Int32(name), descriptor > 2 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (all, none) = (sigset_t(), sigset_t())
        sigfillset(&all)
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var started: pid_t = 0
        let failed = posix_spawn(&started, arguments[0], &actions, &attributes, &words, environ)
        guard failed == 0 else { throw TestToolError("\(arguments[0]) cannot be started: \(String(cString: strerror(failed)))") }
        pid = started
    }

    deinit {
        guard ended() == nil else { return }
        kill(pid, SIGKILL)
        var code: Int32 = 0
        waitpid(pid, &code, 0)
    }

    /// Sends a signal where the program still runs.
    func send(_ signal: Int32) {
        guard ended() == nil else { return }
        kill(pid, signal)
    }

    /// The exit code, 128 and the signal's number for a killed program, or nil while it runs.
    func ended() -> Int32? {
        status.withLock { known in
            if let known { return known }
            var code: Int32 = 0
            guard waitpid(pid, &code, WNOHANG) == pid else { return nil }
            let signal = code & 0x7F
            known = signal == 0 ? (code >> 8) & 0xFF : 128 + signal
            return known
        }
    }

    /// Waits for the end.
    ///
    /// - Parameter seconds: a program that takes longer is killed.
    /// - Returns: as `ended()`.
    func end(within seconds: Int = 30) async throws -> Int32 {
        do {
            return try await eventually("the end of a program", within: seconds, every: 5) { self.ended() }
        } catch {
            send(SIGKILL)
            throw error
        }
    }
}

/// Asks again and again until there is something.
///
/// - Parameters:
///   - what: named when it does not come.
///   - seconds: how long to ask.
///   - milliseconds: the pause between two tries.
///   - found: nil to be asked again.
func eventually<T>(
    _ what: String, within seconds: Int = 20, every milliseconds: Int = 20, _ found: () async throws -> T?
) async throws -> T {
    let clock = SystemClock()
    let deadline = clock.monotonicUs + Int64(seconds) * 1_000_000
    while true {
        if let result = try await found() { return result }
        guard clock.monotonicUs < deadline else { throw TestToolError("waited \(seconds) s in vain for \(what)") }
        try await Task.sleep(for: .milliseconds(milliseconds))
    }
}

/// Counts over threads.
final class Counter: Sendable {
    private let cell = Atomic<Int>(0)
    var value: Int { cell.load(ordering: .relaxed) }
    func add() { cell.wrappingAdd(1, ordering: .relaxed) }
}

/// Runs blocking work on a thread of its own, so that no thread of the task pool is held.
func offPool<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        do {
            _ = try OwnedThread(name: "system-test") { continuation.resume(with: Result { try work() }) }
        } catch {
            continuation.resume(throwing: error)
        }
    }
}

/// A directory that goes away with its last reference.
final class Scratch: Sendable {
    let path: String

    init() throws {
        var template = Array((NSTemporaryDirectory() + "/weir-system-XXXXXX").utf8CString)
        guard let made = mkdtemp(&template) else { throw TestToolError("no temporary directory") }
        path = String(cString: made)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A path inside.
    func at(_ name: String) -> String { path + "/" + name }
}

/// What a file holds; nothing where there is none.
func bytes(of path: String) -> [UInt8] { FileManager.default.contents(atPath: path).map(Array.init) ?? [] }

/// What a file holds, as text.
func text(of path: String) -> String { String(decoding: bytes(of: path), as: UTF8.self) }
