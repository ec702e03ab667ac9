// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// The head and the tail that are stored of a body, cut so that a reader finds where they meet (`BodyJoint`).
struct BodyCut {
    private(set) var head: ByteRun
    private(set) var tail: ByteRun

    /// Cuts a body that is longer than a limit.
    ///
    /// - Parameters:
    ///   - body: what is held of it.
    ///   - limit: bytes to store at most.
    ///   - isWhole: false where its end is not held: then there is a head alone.
    init(_ body: ByteRun, keeping limit: Int, isWhole: Bool) {
        self.init(head: body, tail: isWhole ? body : .empty, keeping: min(limit, body.count))
    }

    /// Cuts what is held of a body.
    ///
    /// - Parameters:
    ///   - head: its first bytes.
    ///   - tail: its last ones; may overlap with the first where the limit does not.
    ///   - limit: bytes to store at most.
    init(head: ByteRun, tail: ByteRun, keeping limit: Int) {
        self.init(head: head, tail: tail, keeping: limit, isText: true)
        if !self.head.isUTF8 || !self.tail.isUTF8 { self.init(head: head, tail: tail, keeping: limit, isText: false) }
    }

    private init(head: ByteRun, tail: ByteRun, keeping limit: Int, isText: Bool) {
        let reach = min(BodyJoint.tailBytes, limit / 2, head.count, tail.count)
        func start(_ run: ByteRun, _ at: Int) -> Int {
            guard isText else { return at }
            return at < run.count ? BodyJoint.characterStart(in: run, at: at) : BodyCut.wholeCharacters(run)
        }
        var tailStart = reach > 0 ? start(tail, tail.count - reach) : tail.count
        var headEnd = start(head, min(head.count, max(0, limit - (tail.count - tailStart))))
        if reach < BodyJoint.tailBytes, !tail.isEmpty { headEnd = start(head, min(headEnd, tail.count - tailStart)) }
        // Characters may have moved the ends by a few bytes: until the joint is where a reader will look for it.
        while headEnd > 0, tailStart < tail.count {
            let place = BodyJoint.place(in: headEnd + tail.count - tailStart)
            if place < headEnd {
                headEnd = start(head, headEnd - 1)
            } else if !BodyCut.isWithin(tail, tailStart, place - headEnd, isText: isText) {
                tailStart += 1
                while isText, tailStart < tail.count, BodyJoint.isContinuation(tail, tailStart) { tailStart += 1 }
            } else {
                break
            }
        }
        self.head = head.slice(0, headEnd)
        self.tail = tail.slice(tailStart, tail.count)
    }

    /// Bytes of a run without a last character that is cut.
    private static func wholeCharacters(_ run: ByteRun) -> Int {
        for back in 1...4 where back <= run.count {
            let byte = unsafe run.base.load(fromByteOffset: run.count - back, as: UInt8.self)
            if byte & 0xC0 == 0x80 { continue }
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return length > back ? run.count - back : run.count
        }
        return run.count
    }

    /// Whether a byte of the tail belongs to its first character.
    private static func isWithin(_ tail: ByteRun, _ start: Int, _ distance: Int, isText: Bool) -> Bool {
        guard distance > 0 else { return true }
        guard isText, distance < 4, start + distance < tail.count else { return false }
        return (1...distance).allSatisfy { BodyJoint.isContinuation(tail, start + $0) }
    }

    /// Bytes to store.
    var count: Int { head.count + tail.count }
}

/// How much of the bodies of one exchange is stored.
struct BodyTreatment: Equatable {
    /// False: neither body is stored, whatever else is said.
    var keepsBodies = true
    /// A body longer than this is cut to it.
    var bodyBytes = Int.max
    /// An answer longer than `answerOver` is cut to `answerBytes`.
    var answerOver = Int.max
    var answerBytes = Int.max

    static let whole = BodyTreatment()

    /// Whether it leaves every body as it is.
    var isNothing: Bool { self == .whole }

    /// What a body of the request is cut to; nil where it stays.
    func requestCut(_ count: Int) -> Int? { count > bodyBytes ? bodyBytes : nil }

    /// What an answer is cut to; nil where it stays.
    func answerCut(_ count: Int) -> Int? {
        let limit = count > answerOver ? min(answerBytes, bodyBytes) : bodyBytes
        return count > limit ? limit : nil
    }
}

/// What a treatment did.
struct TreatmentEffect: Equatable {
    /// A body that was held is not stored at all.
    var hasLeftOut = false
    var hasCutRequest = false
    var hasCutAnswer = false
    /// A body was cut because it grew too long as its content coding was undone.
    var hasCutDecoded = false
    /// The line was too long for the log.
    var isOverLine = false
}
