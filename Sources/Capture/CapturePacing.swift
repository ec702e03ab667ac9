// SPDX-License-Identifier: Apache-2.0

/// How long the capture thread rests between two looks at the rings.
///
/// Rests are long where little comes, so that a hand-over costs no wake-up, and short where much comes or the arena fills: the thread
/// then works in small portions, which leave caches and core to the event loop that may share them, and a burst finds room.
struct CapturePacing {
    /// Exchanges that a look should find: fewer make the rests longer, more make them shorter.
    static let portion = 32
    /// Most exchanges taken in one go while there is room: about a millisecond that an event loop on the same core may have to wait.
    static let most = 128
    /// Shortest rest while there is room, microseconds.
    static let shortestUs: Int64 = 500
    private let longestUs: Int64
    private var restUs: Int64

    init(longestUs: Int64) {
        self.longestUs = longestUs
        restUs = longestUs
    }

    /// How many exchanges a look takes.
    func portion(of fill: ArenaFill) -> Int { fill.isLow ? CapturePacing.most : Int.max }

    /// The rest after a look.
    ///
    /// - Parameters:
    ///   - taken: exchanges that the look found.
    ///   - fill: of the fullest arena.
    /// - Returns: microseconds; 0 where the next look must follow at once.
    mutating func rest(after taken: Int, _ fill: ArenaFill) -> Int64 {
        let wanted = restUs * Int64(CapturePacing.portion) / Int64(max(1, taken))
        restUs = min(longestUs, max(CapturePacing.shortestUs, wanted))
        // Pages may also be held by exchanges that run: then there is nothing to hurry for.
        if fill.isHigh, taken >= CapturePacing.portion { return 0 }
        return fill.isLow ? restUs : min(restUs, CapturePacing.shortestUs)
    }
}

/// How full an arena is.
struct ArenaFill {
    /// Pages in use.
    var used = 0
    /// Pages there are.
    var pages = 1

    init(used: Int = 0, pages: Int = 1) {
        self.used = used
        self.pages = pages
    }

    /// Of the fullest of some arenas.
    init(of arenas: [CaptureArena]) {
        self = arenas.reduce(ArenaFill()) { fullest, arena in
            fullest.fuller(ArenaFill(used: Int(clamping: arena.memory.counter(.pagesInUse)), pages: arena.memory.pageCount))
        }
    }

    /// Less than an eighth is used.
    var isLow: Bool { used * 8 < pages }
    /// At least half is used.
    var isHigh: Bool { used * 2 >= pages }

    /// The fuller of two.
    func fuller(_ other: ArenaFill) -> ArenaFill { used * other.pages >= other.used * pages ? self : other }
}
