// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// An open file in memory; owned by one thread at a time.
final class MemoryFile: OpenFile {
    let path: String
    private let node: Int
    private let generation: Int
    private let writable: Bool
    private let system: MemoryFileSystem
    private var isClosed = false

    init(path: String, node: Int, generation: Int, writable: Bool, system: MemoryFileSystem) {
        self.path = path
        self.node = node
        self.generation = generation
        self.writable = writable
        self.system = system
    }

    func append(_ bytes: ArraySlice<UInt8>) throws(PlatformError) {
        try check("write", writes: true)
        let id = node
        let system = system
        let stopped = WriteLoop.run(bytes) { slice in system.state.withLock { $0.write(slice, to: id) } }
        if let stopped { throw PlatformError(errno: stopped, operation: "write", path: path) }
    }

    func read(at offset: Int64, count: Int) throws(PlatformError) -> [UInt8] {
        try check("pread", writes: false)
        var result: [UInt8] = []
        try system.during(.read, "pread", path) { memory in
            let bytes = memory.nodes[node]?.bytes ?? []
            let start = Int(clamping: min(max(0, offset), Int64(bytes.count)))
            result = Array(bytes[start..<(start + min(max(0, count), bytes.count - start))])
            return nil
        }
        return result
    }

    func truncate(to size: Int64) throws(PlatformError) {
        try check("ftruncate", writes: true)
        try system.during(.truncate, "ftruncate", path) { memory in
            memory.resize(node, to: size)
            return nil
        }
    }

    func sync() throws(PlatformError) {
        try check("fdatasync", writes: false)
        try system.during(.sync, "fdatasync", path) { memory in
            if let bytes = memory.nodes[node]?.bytes { memory.nodes[node]?.durable = bytes }
            return nil
        }
    }

    func size() throws(PlatformError) -> Int64 {
        try check("fstat", writes: false)
        let id = node
        return system.state.withLock { Int64($0.nodes[id]?.bytes.count ?? 0) }
    }

    func close() { isClosed = true }

    private func check(_ operation: String, writes: Bool) throws(PlatformError) {
        if isClosed || (writes && !writable) { throw PlatformError(errno: EBADF, operation: operation, path: path) }
        let now = system.state.withLock { $0.generation }
        if now != generation { throw PlatformError(errno: EIO, operation: operation, path: path) }
    }
}
