// SPDX-License-Identifier: Apache-2.0

/// Gives ids to calls of APIs that have none, and finds the call that a result belongs to.
///
/// Ids are `call_1`, `call_2`, … in the order of the calls, so that the same bytes give the same ids.
struct CallNumbering {
    private struct Pending {
        let id: String
        let nativeID: String?
        let name: String
    }

    /// Calls so far.
    private var count: Int
    private var pending: [Pending] = []
    /// Whether an id was made up.
    private(set) var hasNumbered = false

    /// Begins behind calls that were numbered elsewhere.
    ///
    /// - Parameter count: how many they are.
    init(after count: Int = 0) { self.count = count }

    /// A turn of the assistant's begins: what was not answered before will never be.
    mutating func beginTurn() { pending.removeAll() }

    /// The id of the next call: its own, or a made-up one.
    mutating func call(id: String?, name: String) -> String {
        count += 1
        if id == nil { hasNumbered = true }
        let own = id ?? "call_\(count)"
        // A turn of more calls is refused later.
        if pending.count < DatasetLimits.callsPerTurn { pending.append(Pending(id: own, nativeID: id, name: name)) }
        return own
    }

    /// The id of the call that a result answers: by the id it gives, else the first open one of that name, else the first open one.
    mutating func answered(id: String?, name: String?) throws(DropReason) -> String {
        let at: Int? =
            if let id {
                pending.firstIndex { $0.nativeID == id } ?? pending.firstIndex { $0.nativeID == nil && $0.name == name }
            } else if let name {
                pending.firstIndex { $0.name == name }
            } else {
                pending.indices.first
            }
        guard let at else { throw .orphanToolResult }
        return pending.remove(at: at).id
    }
}
