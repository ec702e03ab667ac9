// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// The kinds of file operation that can be made to fail.
package enum FileOperation: Sendable, Hashable, CaseIterable {
    /// One raw write; an append takes several where writes are short.
    case write
    /// A read, a sync of a file, a sync of a directory, an open.
    case read, sync, syncDirectory, open
    /// A truncation, a rename, a second name, a removal, a listing, a creation of directories.
    case truncate, rename, link, unlink, list, createDirectories
}

/// A file system in memory that fails on demand and forgets, at a power cut, what was not synced.
///
/// The model is strict: content is durable after `sync()`, names (new, renamed, removed) only after `syncDirectory`.
/// Safe to use from several threads.
package final class MemoryFileSystem: FileSystem {
    let state: Mutex<MemoryState>

    /// An empty file system.
    ///
    /// - Parameters:
    ///   - seed: decides the lengths of short writes and of torn tails.
    ///   - shortWrites: whether raw writes take less than they are given and are now and then interrupted.
    package init(seed: UInt64 = 1, shortWrites: Bool = false) {
        state = Mutex(MemoryState(seed: seed, shortWrites: shortWrites))
    }

    /// Makes operations of a kind fail.
    ///
    /// - Parameters:
    ///   - operation: the kind.
    ///   - nth: the first one to fail, counted from now; 1 is the next.
    ///   - times: how many in a row fail.
    ///   - number: the error number they fail with.
    package func fail(_ operation: FileOperation, nth: Int, times: Int = 1, errno number: Int32) {
        state.withLock { $0.faults.append(MemoryFault(operation: operation, skip: nth - 1, times: times, number: number)) }
    }

    /// Forgets all faults that were asked for.
    package func clearFaults() {
        state.withLock { $0.faults = [] }
    }

    /// Lets the disk hold this many bytes in all; nil for no limit.
    package func setCapacity(_ bytes: Int64?) {
        state.withLock { $0.capacity = bytes }
    }

    /// Cuts the power: names and bytes that were not synced are gone and all open files are dead (EIO).
    ///
    /// - Parameter tornTail: whether a random prefix of un-synced appended bytes survives.
    package func powerCut(tornTail: Bool = false) {
        state.withLock { $0.powerCut(tornTail: tornTail) }
    }

    /// How often a kind of operation was asked for, failed ones included.
    package func count(of operation: FileOperation) -> Int {
        state.withLock { $0.counts[operation] ?? 0 }
    }

    /// The content of a file, or nil where there is none.
    package func contents(_ path: String) -> [UInt8]? {
        state.withLock { memory in memory.names[path].flatMap { memory.nodes[$0]?.bytes } }
    }

    /// Puts a file there, durable at once, past all faults.
    package func put(_ path: String, _ bytes: [UInt8]) {
        state.withLock { $0.put(path, bytes) }
    }

    /// Creates a directory and its parents.
    package func createDirectories(_ path: String) throws(PlatformError) {
        try during(.createDirectories, "mkdir", path) { memory in
            var current = path
            while current != "/", current != ".", memory.directories.insert(current).inserted {
                current = PathText.parent(of: current)
            }
            return nil
        }
    }

    /// The names in a directory.
    package func list(_ path: String) throws(PlatformError) -> [String] {
        var names: [String] = []
        try during(.list, "opendir", path) { memory in
            guard memory.isDirectory(path) else { return ENOENT }
            names = memory.children(of: path)
            return nil
        }
        return names
    }

    /// What a path is.
    package func status(of path: String) throws(PlatformError) -> FileStatus? {
        state.withLock { memory in
            if let id = memory.names[path], let node = memory.nodes[id] {
                return FileStatus(size: Int64(node.bytes.count), isDirectory: false, modifiedAtUs: 0)
            }
            return memory.isDirectory(path) ? FileStatus(size: 0, isDirectory: true, modifiedAtUs: 0) : nil
        }
    }

    /// Opens a file.
    package func open(_ path: String, _ mode: OpenMode) throws(PlatformError) -> any OpenFile {
        var opened: MemoryFile?
        try during(.open, "open", path) { memory in
            guard memory.isDirectory(PathText.parent(of: path)) else { return ENOENT }
            if memory.isDirectory(path), mode != .read { return EISDIR }
            let existing = memory.names[path]
            if existing != nil, mode == .createNew { return EEXIST }
            if existing == nil, mode == .read { return ENOENT }
            let id = existing ?? memory.createNode(path)
            opened = MemoryFile(path: path, node: id, generation: memory.generation, writable: mode != .read, system: self)
            return nil
        }
        guard let opened else { throw PlatformError(errno: EIO, operation: "open", path: path) }
        return opened
    }

    /// Renames a file.
    package func rename(_ from: String, to: String) throws(PlatformError) {
        try during(.rename, "rename", from) { memory in
            guard let id = memory.names[from], memory.isDirectory(PathText.parent(of: to)) else { return ENOENT }
            memory.names[from] = nil
            memory.names[to] = id
            return nil
        }
    }

    /// Gives a file a second name.
    package func link(_ from: String, to: String) throws(PlatformError) {
        try during(.link, "link", from) { memory in
            guard let id = memory.names[from], memory.isDirectory(PathText.parent(of: to)) else { return ENOENT }
            guard memory.names[to] == nil else { return EEXIST }
            memory.names[to] = id
            return nil
        }
    }

    /// Removes a name.
    package func unlink(_ path: String) throws(PlatformError) {
        try during(.unlink, "unlink", path) { memory in
            memory.names.removeValue(forKey: path) == nil ? ENOENT : nil
        }
    }

    /// Cuts a file.
    package func truncate(_ path: String, to size: Int64) throws(PlatformError) {
        try during(.truncate, "truncate", path) { memory in
            guard let id = memory.names[path] else { return ENOENT }
            memory.resize(id, to: size)
            return nil
        }
    }

    /// Makes the names of a directory durable.
    package func syncDirectory(_ path: String) throws(PlatformError) {
        try during(.syncDirectory, "fsync", path) { memory in
            guard memory.isDirectory(path) else { return ENOENT }
            memory.syncNames(of: path)
            return nil
        }
    }

    /// What the capacity leaves.
    package func freeBytes(at path: String) throws(PlatformError) -> Int64 {
        state.withLock { memory in
            memory.capacity.map { max(0, $0 - memory.usedBytes) } ?? Int64.max
        }
    }

    /// Memory of its own under a name; it dies with the process, so nobody ever finds it unlocked.
    package func createMapped(_ path: String, bytes: Int) throws(PlatformError) -> MappedFile {
        let file = try open(path, .createNew)
        file.close()
        return try MappedFile.anonymous(bytes: bytes)
    }

    /// Always held: what was mapped here belongs to this process.
    package func openMapped(_ path: String) throws(PlatformError) -> MappedFile? { nil }

    /// Always free: a file system in memory has one user.
    package func tryLock(_ path: String) throws(PlatformError) -> (any HeldLock)? { FreeLock() }

    func during(
        _ operation: FileOperation, _ name: String, _ path: String, _ body: (inout MemoryState) -> Int32?
    ) throws(PlatformError) {
        let failed = state.withLock { memory -> Int32? in
            memory.fault(for: operation) ?? body(&memory)
        }
        if let failed { throw PlatformError(errno: failed, operation: name, path: path) }
    }
}

/// A lock nobody else asks for.
private final class FreeLock: HeldLock {
    func release() {}
}
