// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import Testing

@Suite struct FileSystemTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func withTemporary(_ body: (String) throws -> Void) throws {
        let random = SystemRandom.bits128()
        let path = "\(P_tmpdir)/weir-platform-\(random.high)"
        try PosixFileSystem().createDirectories(path)
        defer {
            for name in (try? PosixFileSystem().list(path)) ?? [] { try? PosixFileSystem().unlink(path + "/" + name) }
            rmdir(path)
        }
        try body(path)
    }

    private func exerciseOperations(_ files: any FileSystem, _ root: String) throws {
        let path = root + "/a"
        let file = try files.open(path, .createNew)
        try file.append(bytes("hello "))
        try file.append(bytes("world"))
        try file.sync()
        #expect(try file.size() == 11)
        #expect(try file.read(at: 6, count: 100) == bytes("world"))
        #expect(try file.read(at: 11, count: 5).isEmpty)
        try file.truncate(to: 5)
        try file.append(bytes("!"))
        file.close()
        file.close()
        #expect(try files.readFile(path, limit: 100) == bytes("hello!"))
        #expect(throws: PlatformError.self) { _ = try files.open(path, .createNew) }
        #expect(throws: PlatformError.self) { _ = try files.open(root + "/none", .read) }
        #expect(throws: PlatformError.self) { try file.append([1]) }
        try files.rename(path, to: root + "/b")
        try files.syncDirectory(root)
        #expect(try files.list(root) == ["b"])
        #expect(try files.status(of: path) == nil)
        #expect(try files.size(of: root + "/b") == 6)
        try files.truncate(root + "/b", to: 2)
        #expect(try files.readFile(root + "/b", limit: 100) == bytes("he"))
        try files.replaceFile(root + "/b", with: bytes("new"))
        #expect(try files.readFile(root + "/b", limit: 2) == bytes("ne"))
        #expect(try files.freeBytes(at: root) > 0)
        let again = try files.open(root + "/b", .readWrite)
        try again.append(bytes("er"))
        #expect(try again.read(at: 0, count: 10) == bytes("newer"))
        try files.unlink(root + "/b")
        #expect(try files.list(root).isEmpty)
    }

    @Test func realAndMemoryFilesBehaveAlike() throws {
        try withTemporary { try exerciseOperations(PosixFileSystem(), $0) }
        let memory = MemoryFileSystem(seed: 7, shortWrites: true)
        try memory.createDirectories("/data")
        try exerciseOperations(memory, "/data")
    }

    @Test func createsPrivateFilesAndNestedDirectories() throws {
        try withTemporary { root in
            let files = PosixFileSystem()
            try files.createDirectories(root + "/x/y")
            try files.createDirectories(root + "/x/y")
            try files.open(root + "/x/y/f", .append).close()
            var raw = stat()
            #expect(stat(root + "/x/y/f", &raw) == 0 && raw.st_mode & 0o777 == 0o600)
            #expect(stat(root + "/x/y", &raw) == 0 && raw.st_mode & 0o777 == 0o700)
            try files.unlink(root + "/x/y/f")
            rmdir(root + "/x/y")
            rmdir(root + "/x")
        }
    }

    @Test func saysWhereAFileSystemHasNoHardLinks() {
        for number in [EPERM, EOPNOTSUPP] {
            #expect(PlatformError(errno: number, operation: "link", path: "/mnt/stick/a").message.contains("no hard links"))
        }
        #expect(PlatformError(errno: 1, operation: "open", path: "/mnt/stick/a").message.contains("owner and permissions"))
    }

    @Test func errorNamesCallPathAndRemedy() throws {
        let error = #expect(throws: PlatformError.self) { _ = try PosixFileSystem().open("/nonexistent/f", .read) }
        #expect(error?.code == .notFound)
        #expect(error?.errno == ENOENT)
        #expect(error?.message.contains("open /nonexistent/f failed: No such file or directory (errno 2)") == true)
    }

    @Test func powerCutDropsWhatWasNotSynced() throws {
        let files = MemoryFileSystem()
        try files.createDirectories("/d")
        let kept = try files.open("/d/kept", .append)
        try kept.append(bytes("synced"))
        try kept.sync()
        try files.syncDirectory("/d")
        try kept.append(bytes(" lost"))
        let unnamed = try files.open("/d/unnamed", .append)
        try unnamed.append(bytes("x"))
        try unnamed.sync()
        try files.rename("/d/kept", to: "/d/renamed")
        files.powerCut()
        #expect(try files.list("/d") == ["kept"])
        #expect(files.contents("/d/kept") == bytes("synced"))
        #expect(throws: PlatformError.self) { try kept.append([1]) }
    }

    @Test func failsTheNthOperationWithTheChosenError() throws {
        let files = MemoryFileSystem()
        files.fail(.sync, nth: 2, errno: EIO)
        let file = try files.open("/f", .append)
        try file.sync()
        let error = #expect(throws: PlatformError.self) { try file.sync() }
        #expect(error?.errno == EIO && error?.code == .ioFailure)
        try file.sync()
        #expect(files.count(of: .sync) == 3)
    }

    @Test func fullDiskTakesAPrefixAndSaysNoSpace() throws {
        let files = MemoryFileSystem()
        files.setCapacity(10)
        let file = try files.open("/f", .append)
        let error = #expect(throws: PlatformError.self) { try file.append([UInt8](repeating: 1, count: 25)) }
        #expect(error?.code == .noSpace)
        #expect(try file.size() == 10)
        #expect(try files.freeBytes(at: "/") == 0)
        files.setCapacity(nil)
        try file.append([2])
        #expect(try file.size() == 11)
    }

    @Test func replacingAFileIsAtomicAtAnyPowerCut() throws {
        for faulty in [FileOperation.write, .sync, .rename, .syncDirectory] {
            let files = MemoryFileSystem()
            try files.createDirectories("/d")
            try files.replaceFile("/d/f", with: bytes("old"))
            files.fail(faulty, nth: 1, errno: EIO)
            #expect(throws: PlatformError.self) { try files.replaceFile("/d/f", with: bytes("newer")) }
            files.powerCut(tornTail: true)
            let found = files.contents("/d/f")
            #expect(found == bytes("old") || found == bytes("newer"))
            try files.replaceFile("/d/f", with: bytes("third"))
            files.powerCut()
            #expect(files.contents("/d/f") == bytes("third"))
        }
    }
}
