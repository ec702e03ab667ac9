// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform

/// Standard output was closed by its reader (`weir query ... | head`): the quiet end of a verb.
struct OutputClosed: Error {
    let exitCode: Int32 = 0
}

/// The two streams of a terminal: data on standard output, words for people on standard error.
enum Terminal {
    /// Writes data.
    ///
    /// - Throws: `OutputClosed` where the reader has gone, `VerbFailure` where the data cannot be written, as on a full disk.
    static func data(_ bytes: [UInt8]) throws { try data(bytes, to: STDOUT_FILENO) }

    /// The same to any descriptor.
    static func data(_ bytes: [UInt8], to descriptor: Int32) throws {
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                done += count
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                // Somebody made the pipe or the terminal one that does not wait.
                var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&ready, 1, -1)
            case EPIPE: throw OutputClosed()
            case let number:
                let error = PlatformError(errno: number, operation: "write", path: "standard output")
                throw VerbFailure.unfinished("the output is not whole: \(error.message)")
            }
        }
    }

    /// Writes text as data.
    static func data(_ text: String) throws { try data(Array(text.utf8)) }

    /// Some of standard input, or nil at its end.
    ///
    /// - Parameter count: at most so many bytes.
    /// - Returns: at least one byte, or nil.
    /// - Throws: `VerbFailure` where it cannot be read.
    static func input(_ count: Int) throws -> [UInt8]? {
        while true {
            var failed: Int32 = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                let got = read(STDIN_FILENO, buffer.baseAddress, count)
                failed = got < 0 ? errno : 0
                filled = max(0, got)
            }
            guard failed != EINTR else { continue }
            guard failed == 0 else {
                throw VerbFailure.usage(PlatformError(errno: failed, operation: "read", path: "standard input").message)
            }
            return bytes.isEmpty ? nil : bytes
        }
    }

    /// A line for a person.
    ///
    /// A closed standard error has nobody left to tell.
    static func say(_ line: String) {
        try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8))
    }

    /// Help and version texts, which were asked for.
    static func sayOnOutput(_ text: String) {
        try? FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8))
    }

    /// Whether standard error is a terminal, where a line may be rewritten.
    static var isInteractive: Bool { isatty(2) == 1 }

    /// Whether standard output is a terminal, where a picture says more than figures.
    static var isOutputTerminal: Bool { isatty(1) == 1 }

    /// Shows progress: one rewritten line on a terminal, a line now and then elsewhere.
    static func progress(_ line: String, isLast: Bool = false) {
        guard isInteractive else {
            if isLast { say(line) }
            return
        }
        try? FileHandle.standardError.write(contentsOf: Data(("\r\u{1B}[K" + line + (isLast ? "\n" : "")).utf8))
    }

    /// The progress while another process holds the sealer's lock.
    static let waitsForSealer = "waiting for the process that seals or erases there"

    /// Clears the progress line before other words.
    static func endProgress() {
        guard isInteractive else { return }
        try? FileHandle.standardError.write(contentsOf: Data("\r\u{1B}[K".utf8))
    }

    /// The label of a progress line where it does no harm: standard error is a terminal and standard output is not the same one.
    static func quiet(_ label: String) -> String? { isInteractive && isatty(1) == 0 ? label : nil }
}
