// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import Synchronization
import Testing

@Suite struct FileLockTests {
    /// One side removes the file while it holds the lock, as the keeper of a dead process's lock file does; whoever holds the lock
    /// on the other side must exclude everybody, although the file that was opened may have lost its name meanwhile.
    @Test(.timeLimit(.minutes(1))) func aHeldLockExcludesAlsoWhereItsFileIsRemovedByOthers() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("weir-lock-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/a.lock"
        let isOver = Atomic<Bool>(false)
        let remover = Thread {
            let files = PosixFileSystem()
            while !isOver.load(ordering: .relaxed) {
                let lock = FileLock(path: path)
                guard (try? lock.tryAcquire()) == true else { continue }
                try? files.unlink(path)
                lock.release()
            }
        }
        remover.start()
        defer { isOver.store(true, ordering: .relaxed) }
        var held = 0
        var shared = 0
        while held < 5_000 {
            let lock = FileLock(path: path)
            guard try lock.tryAcquire() else { continue }
            held += 1
            let second = FileLock(path: path)
            if try second.tryAcquire() { shared += 1 }
            second.release()
            lock.release()
        }
        #expect(shared == 0)
    }
}
