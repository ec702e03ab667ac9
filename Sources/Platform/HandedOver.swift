// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What another process handed to this one at its start: listening sockets, and a pipe to say "ready" on.
///
/// Two givers: systemd with `LISTEN_FDS` and `LISTEN_PID` (sd_listen_fds(3)), and a running Weir with `WEIR_LISTEN_FDS` and
/// `WEIR_READY_FD`, for it cannot know the number of a process that it has yet to start. Descriptors begin at 3 in both.
package struct HandedOver: Sendable {
    /// In the order in which they were handed over; empty where there were none.
    package let sockets: [ListeningSocket]
    /// Another Weir waits for this one and will then drain.
    package var hasPredecessor: Bool { ready >= 0 }

    private let ready: Int32

    /// Nothing was handed over.
    package static let nothing = HandedOver(sockets: [])

    /// Sockets of a process that does not wait.
    package init(sockets: [ListeningSocket]) { self.init(sockets: sockets, ready: -1) }

    private init(sockets: [ListeningSocket], ready: Int32) {
        self.sockets = sockets
        self.ready = ready
    }

    /// Looks at the environment; called once, early, and before any other file is opened.
    ///
    /// The variables are removed, so that no program that this one starts takes them for its own.
    package static func take() -> HandedOver {
        let isForUs = number("LISTEN_PID") == Int(getpid())
        let count = number("WEIR_LISTEN_FDS") ?? (isForUs ? number("LISTEN_FDS") : nil) ?? 0
        let ready = number("WEIR_READY_FD").map(Int32.init(truncatingIfNeeded:)) ?? -1
        for name in names { unsafe unsetenv(name) }
        let range = 3..<(3 + min(max(0, count), PlatformLimits.handedSockets))
        let sockets = range.map { Int32($0) }.filter(isListening).map(ListeningSocket.init(adopting:))
        if ready >= 0 { _ = fcntl(ready, F_SETFD, FD_CLOEXEC) }
        return HandedOver(sockets: sockets, ready: ready)
    }

    static let names = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WEIR_LISTEN_FDS", "WEIR_READY_FD"]

    private static func number(_ name: String) -> Int? {
        guard let text = unsafe getenv(name) else { return nil }
        return unsafe Int(String(cString: text))
    }

    private static func isListening(_ descriptor: Int32) -> Bool {
        var answer: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &answer, &size) == 0 && answer == 1
    }

    /// Tells the predecessor that this process can accept, and waits until that one accepts no more; harmless where there is none.
    ///
    /// Two processes would both wake for one caller. Blocks the calling thread.
    ///
    /// - Parameter milliseconds: how long at most; callers wait meanwhile.
    package func takeOver(within milliseconds: Int32) {
        guard ready >= 0 else { return }
        defer { close(ready) }
        var byte = UInt8(ascii: "1")
        guard unsafe send(ready, &byte, 1, Int32(MSG_NOSIGNAL)) == 1 else { return }
        var item = pollfd(fd: ready, events: Int16(POLLIN), revents: 0)
        while unsafe poll(&item, 1, milliseconds) < 0, errno == EINTR {}
    }
}
