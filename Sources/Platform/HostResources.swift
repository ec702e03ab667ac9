// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What this process may use of the machine.
package enum HostResources {
    /// How many descriptors this process may have open: now, and at most after raising; `Int64.max` for no limit.
    package static func descriptorLimit() -> (soft: Int64, hard: Int64)? {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(UInt32(7)), &limit) == 0 else { return nil }
        return (Int64(clamping: limit.rlim_cur), Int64(clamping: limit.rlim_max))
    }

    /// The type of the file system that holds a path, by its name in `/proc/self/mounts`, or nil where it cannot be told.
    ///
    /// - Parameters:
    ///   - path: absolute, without links.
    ///   - mounts: the text of `/proc/self/mounts`.
    /// - Returns: as in `ext4` or `nfs4`.
    package static func fileSystemType(of path: String, mounts: String) -> String? {
        var best: (length: Int, type: String)?
        for line in mounts.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 2 else { continue }
            let mount = String(words[1]).replacing("\\040", with: " ")
            let isInside = mount == "/" || path == mount || path.hasPrefix(mount + "/")
            // The last of equal mounts lies on top.
            if isInside, mount.utf8.count >= best?.length ?? 0 { best = (mount.utf8.count, String(words[2])) }
        }
        return best?.type
    }

    /// A path without links and dots, or nil where nothing is there.
    package static func realPath(_ path: String) -> String? {
        guard let found = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(found) }
        return unsafe String(cString: found)
    }
}
