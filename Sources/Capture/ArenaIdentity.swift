// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Platform

/// What an arena's header says about it.
struct ArenaIdentity: Equatable {
    /// The node's name, as in records; the first 200 bytes.
    var node: String
    /// The epoch of the segment writer that its records go to.
    var epoch: UInt64
    /// Number of the loop within the process.
    var loop: UInt32
    var createdAtUs: Int64
    /// The run of the machine in which it was made; empty where that is not known.
    var bootID: [UInt8] = []

    /// The file name: node as segments name it, epoch, loop.
    static func fileName(node: String, epoch: UInt64, loop: UInt32) -> String {
        let hex = String(epoch, radix: 16)
        return "\(node)-\(String(repeating: "0", count: max(0, 16 - hex.count)))\(hex)-\(loop)\(ArenaFormat.fileExtension)"
    }

    /// Writes the header, its checksum last.
    func write(to memory: ArenaMemory) {
        let base = unsafe memory.base
        var name = Array(node.utf8)
        if name.count > ArenaFormat.nodeBytes { name = Array(name.prefix(ArenaFormat.nodeBytes)) }
        unsafe base.storeBytes(of: ArenaFormat.magic, toByteOffset: ArenaFormat.Header.magic, as: UInt64.self)
        for (offset, value) in [
            (ArenaFormat.Header.version, ArenaFormat.version), (ArenaFormat.Header.pageBytes, UInt32(ArenaFormat.pageBytes)),
            (ArenaFormat.Header.slotCount, UInt32(memory.slotCount)), (ArenaFormat.Header.pageCount, UInt32(memory.pageCount)),
            (ArenaFormat.Header.loop, loop), (ArenaFormat.Header.nodeLength, UInt32(name.count)),
        ] {
            unsafe base.storeBytes(of: value, toByteOffset: offset, as: UInt32.self)
        }
        unsafe base.storeBytes(of: epoch, toByteOffset: ArenaFormat.Header.epoch, as: UInt64.self)
        unsafe base.storeBytes(of: createdAtUs, toByteOffset: ArenaFormat.Header.createdAtUs, as: Int64.self)
        for (index, byte) in name.enumerated() {
            unsafe base.storeBytes(of: byte, toByteOffset: ArenaFormat.Header.node + index, as: UInt8.self)
        }
        for (index, byte) in bootID.prefix(ArenaFormat.bootIDBytes).enumerated() {
            unsafe base.storeBytes(of: byte, toByteOffset: ArenaFormat.Header.bootID + index, as: UInt8.self)
        }
        let checked = unsafe ByteRun(base, count: ArenaFormat.checkedBytes).array
        unsafe base.storeBytes(of: CRC32C.checksum(checked[...]), toByteOffset: ArenaFormat.Header.checksum, as: UInt32.self)
    }

    /// Reads the header of a mapped file, or nil where it is not a sound arena of a version that is known.
    static func read(_ mapping: MappedFile) -> (identity: ArenaIdentity, memory: ArenaMemory)? {
        guard mapping.count >= 3 * ArenaFormat.pageBytes else { return nil }
        let header = unsafe ByteRun(mapping.base, count: ArenaFormat.pageBytes).array
        func word(_ offset: Int) -> UInt32 { FixedInts.read(UInt32.self, from: header, at: offset) ?? 0 }
        func long(_ offset: Int) -> UInt64 { FixedInts.read(UInt64.self, from: header, at: offset) ?? 0 }
        let pages = Int(word(ArenaFormat.Header.pageCount))
        let length = Int(word(ArenaFormat.Header.nodeLength))
        let version = word(ArenaFormat.Header.version)
        guard long(ArenaFormat.Header.magic) == ArenaFormat.magic,
            version == ArenaFormat.version || version == ArenaFormat.version1,
            word(ArenaFormat.Header.checksum) == CRC32C.checksum(header[..<ArenaFormat.checkedBytes]),
            word(ArenaFormat.Header.pageBytes) == UInt32(ArenaFormat.pageBytes), pages > 0,
            Int(word(ArenaFormat.Header.slotCount)) == pages, pages == ArenaMemory.pageCount(fitting: mapping.count),
            length <= ArenaFormat.nodeBytes
        else { return nil }
        let name = header[ArenaFormat.Header.node..<ArenaFormat.Header.node + length]
        let boot = header[ArenaFormat.Header.bootID..<ArenaFormat.Header.bootID + ArenaFormat.bootIDBytes]
        let identity = ArenaIdentity(
            node: String(decoding: name, as: UTF8.self), epoch: long(ArenaFormat.Header.epoch),
            loop: word(ArenaFormat.Header.loop), createdAtUs: Int64(bitPattern: long(ArenaFormat.Header.createdAtUs)),
            bootID: Array(boot.prefix { $0 != 0 }))
        let reading: EntryReading = version == ArenaFormat.version1 ? .version1 : .checked
        let memory = unsafe ArenaMemory(base: mapping.base, slotCount: pages, pageCount: pages, reading: reading)
        return (identity, memory)
    }
}
