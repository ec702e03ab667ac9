// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A failure asked for: after `skip` operations of the kind, `times` of them fail.
struct MemoryFault {
    let operation: FileOperation
    var skip: Int
    var times: Int
    let number: Int32
}

/// A file without its name: what is in the page cache and what is on the disk.
struct MemoryNode {
    var bytes: [UInt8] = []
    var durable: [UInt8] = []
}

/// Everything a `MemoryFileSystem` knows; guarded by its mutex.
struct MemoryState {
    var nodes: [Int: MemoryNode] = [:]
    var names: [String: Int] = [:]
    var durableNames: [String: Int] = [:]
    var directories: Set<String> = []
    var faults: [MemoryFault] = []
    var counts: [FileOperation: Int] = [:]
    var capacity: Int64?
    var generation = 0
    private var nextNode = 0
    private var random: UInt64
    private let shortWrites: Bool

    init(seed: UInt64, shortWrites: Bool) {
        random = seed
        self.shortWrites = shortWrites
    }

    var usedBytes: Int64 { names.values.reduce(0) { $0 + Int64(nodes[$1]?.bytes.count ?? 0) } }

    func isDirectory(_ path: String) -> Bool { path == "/" || path == "." || directories.contains(path) }

    func children(of path: String) -> [String] {
        let paths = Array(names.keys) + Array(directories)
        let names = paths.filter { PathText.parent(of: $0) == path }.map { PathText.name(of: $0) }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    mutating func createNode(_ path: String) -> Int {
        nextNode += 1
        nodes[nextNode] = MemoryNode()
        names[path] = nextNode
        return nextNode
    }

    mutating func put(_ path: String, _ bytes: [UInt8]) {
        var parent = PathText.parent(of: path)
        while parent != "/", parent != ".", directories.insert(parent).inserted { parent = PathText.parent(of: parent) }
        let id = names[path] ?? createNode(path)
        nodes[id] = MemoryNode(bytes: bytes, durable: bytes)
        durableNames[path] = id
    }

    mutating func resize(_ id: Int, to size: Int64) {
        guard var node = nodes.removeValue(forKey: id) else { return }
        let wanted = Int(clamping: max(0, size))
        if wanted <= node.bytes.count {
            node.bytes.removeLast(node.bytes.count - wanted)
        } else {
            node.bytes.append(contentsOf: [UInt8](repeating: 0, count: wanted - node.bytes.count))
        }
        nodes[id] = node
    }

    mutating func syncNames(of path: String) {
        for name in durableNames.keys where PathText.parent(of: name) == path { durableNames[name] = nil }
        for (name, id) in names where PathText.parent(of: name) == path { durableNames[name] = id }
    }

    mutating func fault(for operation: FileOperation) -> Int32? {
        counts[operation, default: 0] += 1
        for index in faults.indices where faults[index].operation == operation {
            if faults[index].skip > 0 {
                faults[index].skip -= 1
            } else if faults[index].times > 0 {
                faults[index].times -= 1
                return faults[index].number
            }
        }
        return nil
    }

    /// One raw write at the end of a node: perhaps short, perhaps interrupted, bounded by the capacity.
    mutating func write(_ slice: ArraySlice<UInt8>, to id: Int) -> WriteStep {
        if let number = fault(for: .write) { return .failed(number) }
        guard nodes[id] != nil else { return .failed(EIO) }
        var count = slice.count
        if shortWrites {
            if next() % 8 == 0 { return .failed(EINTR) }
            count = 1 + Int(next() % UInt64(count))
        }
        if let capacity {
            count = Int(min(Int64(count), max(0, capacity - usedBytes)))
            if count == 0 { return .failed(ENOSPC) }
        }
        nodes[id]?.bytes.append(contentsOf: slice.prefix(count))
        return .wrote(count)
    }

    mutating func powerCut(tornTail: Bool) {
        generation += 1
        names = durableNames
        for (id, node) in nodes {
            var kept = node.durable
            if tornTail, node.bytes.count > kept.count, node.bytes.starts(with: kept) {
                let extra = Int(next() % UInt64(node.bytes.count - kept.count + 1))
                kept.append(contentsOf: node.bytes[kept.count..<(kept.count + extra)])
            }
            nodes[id] = MemoryNode(bytes: kept, durable: kept)
        }
    }

    private mutating func next() -> UInt64 {
        random &+= 0x9E37_79B9_7F4A_7C15
        var mixed = random
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
