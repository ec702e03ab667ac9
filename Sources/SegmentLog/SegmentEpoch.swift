// SPDX-License-Identifier: Apache-2.0
package import Platform

/// The start of one writer, held by a lock file for the life of its process, so that others tell its segments from those of the dead.
///
/// Two processes may write to one directory for a while: each has an epoch of its own, and neither cuts the other's tail.
package final class SegmentEpoch: Sendable {
    /// The number in the names and headers of the writer's segments.
    package let number: UInt64
    private let lock: any HeldLock
    private let path: String
    private static let lockExtension = ".lock"
    private static let tries = 64

    private init(number: UInt64, lock: any HeldLock, path: String) {
        self.number = number
        self.lock = lock
        self.path = path
    }

    /// Takes an epoch above every one in the directory.
    ///
    /// - Parameters:
    ///   - directory: where the segments lie; it must exist.
    ///   - clock: for the number.
    /// - Returns: the epoch; its lock is held until `release()` or the process's death.
    /// - Throws: `SegmentError` of code `directoryUnusable`.
    package static func take(in directory: SegmentDirectory, clock: any Clock) throws(SegmentError) -> SegmentEpoch {
        var number = try next(in: directory, clock: clock)
        do throws(PlatformError) {
            for _ in 0..<tries {
                let path = lockPath(directory, number)
                if let lock = try directory.files.tryLock(path) {
                    return SegmentEpoch(number: number, lock: lock, path: path)
                }
                number += 1
            }
        } catch {
            throw SegmentError(
                .directoryUnusable, "No epoch can be locked in the segment directory.", segment: directory.path, cause: error)
        }
        throw SegmentError(.directoryUnusable, "No epoch is free in the segment directory.", segment: directory.path)
    }

    /// The next free number: the time, raised above every epoch there is.
    static func next(in directory: SegmentDirectory, clock: any Clock) throws(SegmentError) -> UInt64 {
        // Those whose records have expired count too: their facts and manifests bear the number.
        let newest = try directory.listing().found.map(\.epoch).max() ?? 0
        return max(UInt64(clamping: clock.wallUs), newest == UInt64.max ? newest : newest + 1)
    }

    /// The epochs whose writers live, by their locks; the lock files of the dead are removed on the way.
    ///
    /// - Parameter directory: where the segments lie.
    /// - Returns: the numbers; none where the directory does not exist.
    /// - Throws: `SegmentError` of code `directoryUnusable`.
    package static func live(in directory: SegmentDirectory) throws(SegmentError) -> Set<UInt64> {
        var found: Set<UInt64> = []
        do throws(PlatformError) {
            guard try directory.files.status(of: directory.path) != nil else { return found }
            for name in try directory.files.list(directory.path) where name.hasSuffix(lockExtension) {
                guard let number = UInt64(name.dropLast(lockExtension.utf8.count), radix: 16) else { continue }
                let path = PathText.join(directory.path, name)
                if let lock = try directory.files.tryLock(path) {
                    try directory.files.unlink(path)
                    lock.release()
                } else {
                    found.insert(number)
                }
            }
        } catch {
            throw SegmentError(
                .directoryUnusable, "The locks of the segment directory cannot be read.", segment: directory.path, cause: error)
        }
        return found
    }

    /// Takes the lock anew where its name has gone, as with a directory that somebody has moved away: without it the segments of a
    /// living writer would pass for those of a dead one.
    ///
    /// - Parameter files: the file system of the directory, which must exist.
    /// - Returns: the new lock, to be held beside the old one; nil where the name is there.
    /// - Throws: `PlatformError`.
    func renewed(files: any FileSystem) throws(PlatformError) -> (any HeldLock)? {
        guard try files.status(of: path) == nil else { return nil }
        return try files.tryLock(path)
    }

    private static func lockPath(_ directory: SegmentDirectory, _ number: UInt64) -> String {
        PathText.join(directory.path, String(number, radix: 16) + lockExtension)
    }

    /// Says that its segments are complete; they may then be recovered, sealed or removed by anybody.
    ///
    /// - Parameter files: the file system of the directory.
    package func release(files: any FileSystem) {
        // A lock file that stays behind is removed at the next start.
        try? files.unlink(path)
        lock.release()
    }
}
