// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A new process of this program that takes over listening sockets.
package struct Successor: Sendable {
    /// Its number.
    package let processID: Int32
    private let ready: Int32

    /// Starts it with the same arguments and environment; standard output and error are shared.
    ///
    /// - Parameters:
    ///   - path: the program, as `Host.programPath()` gave it when this process began: the file may have been replaced since.
    ///   - arguments: the program's name first.
    ///   - sockets: become descriptors 3 and up.
    /// - Returns: the process, which may not be ready yet.
    /// - Throws: `PlatformError` where it cannot be started.
    package static func start(path: String, arguments: [String], sockets: [ListeningSocket]) throws(PlatformError) -> Successor {
        var ends: [Int32] = [-1, -1]
        guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
            throw PlatformError(errno: errno, operation: "socketpair", path: "")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // High copies first: a descriptor that stands where another has to go would be lost.
        let copies = (sockets.map(\.descriptor) + [ends[1]]).map { fcntl($0, F_DUPFD_CLOEXEC, 100) }
        close(ends[1])
        defer { for copy in copies where copy >= 0 { close(copy) } }
        guard !copies.contains(where: { $0 < 0 }) else {
            close(ends[0])
            throw PlatformError(errno: EMFILE, operation: "dup", path: "")
        }
        let readyAt = 3 + sockets.count
        let environment = inherited() + ["WEIR_LISTEN_FDS=\(sockets.count)", "WEIR_READY_FD=\(readyAt)"]
        let (failed, started) = spawn(path, arguments, environment, copies)
        guard failed == 0 else {
            close(ends[0])
            throw PlatformError(errno: failed, operation: "posix_spawn", path: path)
        }
        return Successor(processID: started, ready: ends[0])
    }

    private static func inherited() -> [String] {
        var entries: [String] = []
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            let text = unsafe String(cString: entry)
            if !HandedOver.names.contains(where: { text.hasPrefix($0 + "=") }) { entries.append(text) }
            unsafe next += 1
        }
        return entries
    }

    private static func spawn(
        _ path: String, _ arguments: [String], _ environment: [String], _ descriptors: [Int32]
    ) -> (failed: Int32, started: Int32) {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for (index, descriptor) in descriptors.enumerated() {
            unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(3 + index))
        }
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var all = sigset_t()
        var none = sigset_t()
        unsafe sigfillset(&all)
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        var entries = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer {
            for index in unsafe words.indices { unsafe free(words[index]) }
            for index in unsafe entries.indices { unsafe free(entries[index]) }
        }
        var started: Int32 = 0
        let failed = unsafe posix_spawn(&started, path, &actions, &attributes, &words, &entries)
        return (failed, started)
    }

    /// Waits until it says that it can accept; blocks the calling thread.
    ///
    /// - Parameter milliseconds: how long to wait.
    /// - Returns: true where it waits for `letAccept`; false where it ended, or said nothing in time: it is told to end then.
    package func isReady(within milliseconds: Int32) -> Bool {
        var item = pollfd(fd: ready, events: Int16(POLLIN), revents: 0)
        var byte: UInt8 = 0
        while true {
            let count = unsafe poll(&item, 1, milliseconds)
            if count < 0, errno == EINTR { continue }
            if count > 0, unsafe read(ready, &byte, 1) == 1 { return true }
            kill(processID, SIGTERM)
            close(ready)
            reap()
            return false
        }
    }

    /// Tells it that this process accepts no more, once after `isReady`; the death of this process tells the same.
    package func letAccept() { close(ready) }

    /// Takes the exit code of a process that failed, so that it does not stay as a zombie; gives it a second to end.
    private func reap() {
        var code: Int32 = 0
        for _ in 0..<100 {
            if unsafe waitpid(processID, &code, WNOHANG) != 0 { return }
            usleep(10_000)
        }
    }
}

extension Host {
    /// The path of the running program; asked when the process begins, for the file may be replaced later.
    package static func programPath() -> String? {
        var bytes = [CChar](repeating: 0, count: 4_096)
        let count = unsafe readlink("/proc/self/exe", &bytes, bytes.count)
        guard count > 0 else { return nil }
        return String(decoding: bytes.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
