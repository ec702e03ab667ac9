// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Platform
import Synchronization
import Testing

@testable import SegmentLog

/// A file system in which something happens between the listing of a directory and the first opening of a hot segment.
private final class MeanwhileFiles: FileSystem {
    private let files: MemoryFileSystem
    private let meanwhile: Mutex<(@Sendable () -> Void)?>

    init(_ files: MemoryFileSystem, _ meanwhile: @escaping @Sendable () -> Void) {
        self.files = files
        self.meanwhile = Mutex(meanwhile)
    }

    func open(_ path: String, _ mode: OpenMode) throws(PlatformError) -> any OpenFile {
        if mode == .read, path.hasSuffix(SegmentFormat.hotExtension) {
            let work = meanwhile.withLock { work in
                defer { work = nil }
                return work
            }
            work?()
        }
        return try files.open(path, mode)
    }

    func createDirectories(_ path: String) throws(PlatformError) { try files.createDirectories(path) }
    func list(_ path: String) throws(PlatformError) -> [String] { try files.list(path) }
    func status(of path: String) throws(PlatformError) -> FileStatus? { try files.status(of: path) }
    func rename(_ from: String, to: String) throws(PlatformError) { try files.rename(from, to: to) }
    func link(_ from: String, to: String) throws(PlatformError) { try files.link(from, to: to) }
    func unlink(_ path: String) throws(PlatformError) { try files.unlink(path) }
    func truncate(_ path: String, to size: Int64) throws(PlatformError) { try files.truncate(path, to: size) }
    func syncDirectory(_ path: String) throws(PlatformError) { try files.syncDirectory(path) }
    func freeBytes(at path: String) throws(PlatformError) -> Int64 { try files.freeBytes(at: path) }
    func createMapped(_ path: String, bytes: Int) throws(PlatformError) -> MappedFile {
        try files.createMapped(path, bytes: bytes)
    }
    func openMapped(_ path: String) throws(PlatformError) -> MappedFile? { try files.openMapped(path) }
    func tryLock(_ path: String) throws(PlatformError) -> (any HeldLock)? { try files.tryLock(path) }
}

/// Recovery reads a directory while a process before it may still seal.
@Suite struct StaleListingTests {
    private static let startedAtUs: Int64 = 1_764_000_000_000_000

    /// A directory of one hot segment of four records, which is sealed or removed as soon as somebody wants to open it.
    private static func directory(isRemoved: Bool) throws -> (directory: SegmentDirectory, epoch: UInt64) {
        let bench = SegmentBench()
        let writer = try bench.writer()
        try bench.append(4, to: writer)
        try writer.close()
        let hot = try #require(try bench.list().first)
        let (files, clock) = (bench.files, bench.clock)
        let meanwhile = MeanwhileFiles(files) {
            do {
                if isRemoved { return try files.unlink(hot.path) }
                let sealing = SegmentSealing(
                    directory: SegmentDirectory(files: files, path: SegmentBench.directory), clock: clock)
                let draft = try sealing.draft(of: hot) { SegmentLineTraits(startedAtUs: startedAtUs, order: 0..<$0.count) }
                try draft?.publish()
                try sealing.remove(hot)
            } catch {
                Issue.record(error)
            }
        }
        return (SegmentDirectory(files: meanwhile, path: SegmentBench.directory), writer.epoch)
    }

    @Test(arguments: [false, true]) func coverageFindsWhatIsSealedMeanwhile(isRemoved: Bool) throws {
        let (directory, epoch) = try Self.directory(isRemoved: isRemoved)
        let coverage = try SegmentCoverage(epochs: [epoch], directory: directory)
        #expect(coverage.holds(epoch: epoch, record: 3) == !isRemoved && !coverage.holds(epoch: epoch, record: 4))
    }

    @Test(arguments: [false, true]) func aSearchFindsWhatIsSealedMeanwhile(isRemoved: Bool) throws {
        let (directory, _) = try Self.directory(isRemoved: isRemoved)
        var lines = 0
        try SegmentSearch.lines(startedAtUs: [Self.startedAtUs], since: 0, directory: directory) { _ in lines += 1 }
        #expect(lines == (isRemoved ? 0 : 4))
    }
}
