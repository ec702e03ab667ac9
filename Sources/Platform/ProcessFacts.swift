// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What the kernel says of this process, read from `/proc/self`.
///
/// Blocking, though not on a disk: not for an event loop.
package struct ProcessFacts: Sendable, Equatable {
    /// Memory that is resident, bytes.
    package var residentBytes: Int?
    /// The anonymous part of it: heaps and stacks, without mapped files.
    package var anonymousBytes: Int?
    /// Open descriptors, the one that counts them not among them.
    package var openDescriptors: Int?
    /// The most descriptors it may open.
    package var maxDescriptors: Int?
    /// Processor time used so far, all threads, user and system, microseconds.
    package var processorUs: Int?
    /// When the process began, microseconds since the epoch.
    package var startedAtUs: Int?

    /// Nothing known.
    package init() {}

    /// Reads the facts of now; what cannot be read is nil.
    package static func current() -> ProcessFacts {
        var facts = ProcessFacts()
        let files = PosixFileSystem()
        // These files state no size: they are read until they end.
        func text(_ path: String) -> String? {
            guard let file = try? files.open(path, .read) else { return nil }
            defer { file.close() }
            return (try? file.read(at: 0, count: 1 << 20)).map { String(decoding: $0, as: UTF8.self) }
        }
        if let status = text("/proc/self/status") {
            facts.residentBytes = kilobytes("VmRSS:", in: status)
            facts.anonymousBytes = kilobytes("RssAnon:", in: status)
        }
        facts.openDescriptors = (try? files.list("/proc/self/fd").count).map { max(0, $0 - 1) }
        if let limits = text("/proc/self/limits"),
            let line = limits.split(separator: "\n").first(where: { $0.hasPrefix("Max open files") })
        {
            facts.maxDescriptors = line.split(separator: " ").compactMap { Int($0) }.first
        }
        let ticks = max(1, Int(sysconf(Int32(_SC_CLK_TCK))))
        if let stat = text("/proc/self/stat"), let times = ProcessFacts.times(stat: stat) {
            facts.processorUs = times.used.multipliedReportingOverflow(by: 1_000_000).partialValue / ticks
            if let boot = text("/proc/stat").flatMap(bootSeconds) {
                facts.startedAtUs = boot * 1_000_000 + times.start.multipliedReportingOverflow(by: 1_000_000).partialValue / ticks
            }
        }
        return facts
    }

    static func kilobytes(_ key: String, in status: String) -> Int? {
        for line in status.split(separator: "\n") where line.hasPrefix(key) {
            return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).compactMap { Int($0) }.first.map { $0 * 1_024 }
        }
        return nil
    }

    /// User and system time, and the start since boot, in clock ticks; the command's name may hold spaces and brackets.
    static func times(stat: String) -> (used: Int, start: Int)? {
        guard let close = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        // The first field after the name is the third of the page proc(5).
        guard fields.count > 19, let user = Int(fields[11]), let system = Int(fields[12]), let start = Int(fields[19]) else {
            return nil
        }
        return (user &+ system, start)
    }

    private static func bootSeconds(_ stat: String) -> Int? {
        stat.split(separator: "\n").first { $0.hasPrefix("btime ") }.flatMap { Int($0.dropFirst(6)) }
    }
}
