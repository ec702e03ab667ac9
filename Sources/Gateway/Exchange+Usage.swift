// SPDX-License-Identifier: Apache-2.0
import Capture
import Dialects
import HTTPWire
import NIOCore

/// Usage that the caller does not ask for: the request is made to ask, and the answer to keep it to itself, where the policy says so.
///
/// World: loop.
extension Exchange {
    /// Waits for the whole body, which alone says whether the provider is to be asked; false where it passes as it comes.
    func holdsToAsk() -> Bool {
        if let obstacle = UsageAsking.obstacle(head, route, limit: askedLimit) {
            loop.metrics.usageAsked(obstacle)
            return false
        }
        asking = UsageAsking(head, route)
        phase = .holding
        return true
    }

    /// Bytes of a body that are held to be judged, which is done at once on the loop.
    private var askedLimit: Int { min(loop.limits.resendBytes, GatewayLimits.askedBytes) }

    /// Counts what is held, twice: as it came and without framing.
    ///
    /// What is too much goes on as it came.
    func holdToAsk(_ piece: BodyPiece) {
        let count = 2 * (piece.raw.readableBytes + (piece.ending?.readableBytes ?? 0))
        guard heldBytes + count <= 2 * askedLimit, loop.holds(count) else { return passUnasked(.tooLarge) }
        heldBytes += count
    }

    /// The body passes as it came, after all.
    private func passUnasked(_ result: UsageAskingResult) {
        loop.metrics.usageAsked(result)
        asking = nil
        letJudgedGo()
        let allocator = downstream?.allocator ?? ByteBufferAllocator()
        request.prepend(HeadRewriting.upstreamHead(head, route: route, allocator: allocator))
        beginAttempt(reason: nil, freshOnly: false)
    }

    /// The held body is whole: it goes on as it came, or asking.
    func judgeAndSend(_ held: UsageAsking, ending: ByteBuffer?) {
        let made = held.finish(ending: ending, allocator: downstream?.allocator ?? ByteBufferAllocator())
        guard made.result == .injected else { return passUnasked(made.result) }
        loop.metrics.usageAsked(.injected)
        hasAsked = true
        asking = nil
        letJudgedGo()
        request = RequestSending(limit: loop.limits.resendBytes)
        for bytes in made.request { request.add(bytes) }
        beginAttempt(reason: nil, freshOnly: false)
    }

    /// What was judged goes; what waits for the provider stays counted until it answers.
    private func letJudgedGo() {
        loop.holdsNoMore(heldBytes / 2)
        heldBytes -= heldBytes / 2
    }

    /// Nothing of the request is held any more.
    func letHeldGo() {
        request.forget()
        loop.holdsNoMore(heldBytes)
        heldBytes = 0
    }

    /// Begins to keep the answer's usage from the caller, where that is the policy and can be done.
    func beginStripping(_ answer: ResponseHead) {
        guard downstream != nil, route.usageOptIn == .injectAndStrip else { return }
        if let obstacle = UsageStripping.obstacle(answer) { return loop.metrics.usageStripped(obstacle) }
        stripping = UsageStripping(inChunks: answer.framing == .chunked && head.minorVersion >= 1)
    }

    /// What the answer's head says about it, to the caller and in the record.
    var streamUsageLine: StaticString? {
        guard hasAsked else { return nil }
        return stripping == nil ? "x-weir-stream-usage: injected\r\n" : "x-weir-stream-usage: stripped\r\n"
    }

    /// The provider's head as it came, with the line that says what Weir did.
    func noteHead(_ block: HeaderBlock) {
        guard let line = streamUsageLine else { return unsafe block.bytes.withUnsafeBytes { unsafe tap.responseHead($0) } }
        var bytes = block.bytes
        bytes.removeLast(2)
        line.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
        bytes += [0x0D, 0x0A]
        unsafe bytes.withUnsafeBytes { unsafe tap.responseHead($0) }
    }

    /// Passes payload on without the provider's framing.
    func writePayload(_ bytes: ByteBuffer) {
        guard let downstream else { return }
        if let stripping { stripping.pass(bytes, to: downstream) } else { downstream.write(bytes) }
    }

    /// Ends the stripping: nothing stays held.
    ///
    /// - Parameters:
    ///   - isWhole: whether the stream came to its end.
    ///   - ending: the closing chunk and trailers.
    ///   - tells: whether the caller is there to get what was held.
    func finishStripping(isWhole: Bool, ending: ByteBuffer? = nil, tells: Bool = true) {
        guard let stripping else { return }
        self.stripping = nil
        let caller = tells ? downstream : nil
        if let caller { stripping.finish(isWhole: isWhole, ending: ending, to: caller) }
        loop.metrics.usageStripped(caller == nil && stripping.result == .absent ? .callerGone : stripping.result)
    }
}
