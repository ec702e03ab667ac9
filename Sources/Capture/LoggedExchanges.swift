// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import SegmentLog

/// Which exchanges of an arena the log holds, told by their ids.
///
/// For an arena that is older than the log: after a power cut its slots may lack the number of the record that was made of them, and
/// an arena that was drained may be back.
struct LoggedExchanges {
    private var ids: Set<ExchangeID> = []
    private static let beginning = Array(#"{"v":1,"id":""#.utf8)

    /// Reads the batches, of the arena's epoch and later ones, in which its exchanges may be.
    init(_ memory: ArenaMemory, since epoch: UInt64, segments: SegmentDirectory) throws(SegmentError) {
        var starts: [ExchangeID: Int64] = [:]
        for slot in 0..<UInt32(memory.slotCount) where memory.state(slot) != ArenaFormat.SlotState.free && memory.isSound(slot) {
            starts[memory.id(slot)] = memory.startedAtUs(slot)
        }
        var found: Set<ExchangeID> = []
        try SegmentSearch.lines(startedAtUs: Array(starts.values), since: epoch, directory: segments) { line in
            guard let id = LoggedExchanges.id(of: line), starts[id] != nil else { return }
            found.insert(id)
        }
        ids = found
    }

    func holds(_ id: ExchangeID) -> Bool { ids.contains(id) }

    /// The id of a record, from its fixed place at the beginning of the line.
    private static func id(of line: ArraySlice<UInt8>) -> ExchangeID? {
        guard line.starts(with: beginning) else { return nil }
        return ExchangeID(text: String(decoding: line.dropFirst(beginning.count).prefix(ExchangeID.textCount), as: UTF8.self))
    }
}
