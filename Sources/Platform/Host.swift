// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Randomness of the system, fit for keys and ids.
package enum SystemRandom {
    /// 128 random bits.
    package static func bits128() -> (high: UInt64, low: UInt64) {
        var generator = SystemRandomNumberGenerator()
        return (generator.next(), generator.next())
    }

    /// This many random bytes; none for a count below 1.
    package static func bytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<max(0, count)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    }
}

/// Who and where this process is.
package enum Host {
    /// The name of the machine, or `localhost` where it has none.
    package static func hostName() -> String {
        unsafe withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
            let text = unsafe buffer.bindMemory(to: CChar.self)
            guard let base = text.baseAddress, unsafe gethostname(base, text.count - 1) == 0 else { return "localhost" }
            let name = unsafe String(decoding: buffer.prefix(while: { $0 != 0 }).prefix(255), as: UTF8.self)
            return name.isEmpty ? "localhost" : name
        }
    }

    /// The text that names this run of the machine, as the kernel gives it; empty where it does not.
    ///
    /// Another text than before: the machine was started anew, and what was in the page cache and not on the disk is gone.
    package static func bootID() -> [UInt8] {
        let descriptor = unsafe open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        return unsafe withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
            let count = unsafe read(descriptor, buffer.baseAddress, buffer.count)
            return count > 0 ? unsafe Array(buffer.prefix(count).prefix { $0 > 0x20 }) : []
        }
    }

    /// The number of this process.
    package static var processID: Int32 { getpid() }
}
