// SPDX-License-Identifier: Apache-2.0
import Platform
import Synchronization

/// Things that one thread makes while another uses those before: in order, each once, at most so many bytes of them waiting.
///
/// What the user throws ends the maker at its next item; what the maker throws is thrown to the user behind the items that were made.
final class ReadAhead<Item: Sendable>: Sendable {
    private struct State {
        var items: [Item] = []
        var weight = 0
        var isEnded = false
        var isAbandoned = false
        var failure: (any Error)?
    }

    private enum Reply { case taken, full, abandoned }

    private let limit: Int
    private let state = Mutex(State())
    private let filled = Parker()
    private let drained = Parker()

    private init(limit: Int) { self.limit = limit }

    /// Makes and uses things; where the system has no other thread, the calling one does both, in turns.
    ///
    /// - Parameters:
    ///   - name: of the thread.
    ///   - limit: bytes that wait at most; one item may be larger.
    ///   - make: gives each item and its bytes; it ends where `give` says false. Runs on the other thread.
    ///   - use: takes one. Runs on the calling thread.
    /// - Throws: what either throws.
    static func run(
        name: String, limit: Int, make: @escaping @Sendable (_ give: (Item, Int) -> Bool) throws -> Void,
        use: (Item) throws -> Void
    ) throws {
        let desk = ReadAhead(limit: limit)
        let maker: OwnedThread
        do { maker = try OwnedThread(name: name) { desk.work(make) } } catch { return try alone(make, use) }
        defer {
            desk.abandon()
            maker.join()
        }
        while true {
            let items = try desk.take()
            guard !items.isEmpty else { return }
            for item in items { try use(item) }
        }
    }

    private static func alone(
        _ make: @escaping @Sendable (_ give: (Item, Int) -> Bool) throws -> Void, _ use: (Item) throws -> Void
    ) throws {
        var failure: (any Error)?
        try make { item, _ in
            do {
                try use(item)
                return true
            } catch {
                failure = error
                return false
            }
        }
        if let failure { throw failure }
    }

    // MARK: The maker

    private func work(_ make: (_ give: (Item, Int) -> Bool) throws -> Void) {
        var failure: (any Error)?
        do { try make { self.give($0, weight: max(0, $1)) } } catch { failure = error }
        state.withLock { held in
            held.isEnded = true
            held.failure = failure
        }
        filled.wake()
    }

    private func give(_ item: Item, weight: Int) -> Bool {
        while true {
            let reply: Reply = state.withLock { held in
                if held.isAbandoned { return .abandoned }
                guard held.items.isEmpty || weight <= limit - held.weight else { return .full }
                held.items.append(item)
                held.weight += weight
                return .taken
            }
            switch reply {
            case .taken:
                filled.wake()
                return true
            case .abandoned: return false
            case .full: drained.park(maxUs: ReadAhead.patienceUs)
            }
        }
    }

    // MARK: The user

    /// All that waits, as soon as there is something; nothing at the end.
    private func take() throws -> [Item] {
        while true {
            let (items, isEnded, failure) = state.withLock { held in
                defer {
                    held.items = []
                    held.weight = 0
                }
                return (held.items, held.isEnded, held.failure)
            }
            if !items.isEmpty {
                drained.wake()
                return items
            }
            if let failure { throw failure }
            if isEnded { return [] }
            filled.park(maxUs: ReadAhead.patienceUs)
        }
    }

    private func abandon() {
        state.withLock { $0.isAbandoned = true }
        drained.wake()
    }

    /// A wait looks again after this long; it is woken before.
    private static var patienceUs: Int64 { 1_000_000 }
}
