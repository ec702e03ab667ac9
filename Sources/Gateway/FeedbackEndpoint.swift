// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import HTTPWire
import NIOCore
import NIOPosix

/// What became of feedback that a caller posted.
package enum FeedbackVerdict: Equatable, Sendable {
    /// It will be stored, under this id.
    case accepted(id: String)
    /// It is none; the reason, which holds nothing of what was written.
    case refused(String)
    /// Too much waits to be stored.
    case full
    /// Nothing is taken any more.
    case closed
}

/// Where posted feedback goes.
///
/// Safe from any thread. Reads and hands over, and waits for no disk and no database; not called on an event loop all the same, for
/// reading a long correction takes its time.
package protocol FeedbackDesk: Sendable {
    /// The longest body that is taken.
    var bodyBytes: Int { get }

    /// Takes one body.
    ///
    /// - Parameter body: what the caller sent, whole.
    /// - Returns: what became of it.
    func offer(_ body: [UInt8]) -> FeedbackVerdict
}

/// The body of a request to an endpoint of our own while it comes.
///
/// World: loop. Its bytes count among those that the loop holds, until the desk has taken them or it is let go.
final class PostedBody {
    /// What became of some payload.
    enum Adding {
        case taken
        /// It is longer than the desk takes.
        case tooLong
        /// The loop holds too much already.
        case tooMuch
    }

    let desk: any FeedbackDesk
    let asking: LocalEndpoint.Asking
    let keepsAlive: Bool
    let begunAt = NIODeadline.now()
    private(set) var adding = Adding.taken
    private var bytes: [UInt8] = []
    private var heldBytes = 0
    private let budget: GatewayLoop

    init(desk: any FeedbackDesk, budget: GatewayLoop, asking: LocalEndpoint.Asking, keepsAlive: Bool) {
        self.desk = desk
        self.budget = budget
        self.asking = asking
        self.keepsAlive = keepsAlive
    }

    /// Adds payload; what is too long or too much is thrown away, with all that came before.
    func add(_ payload: ByteBuffer) {
        guard case .taken = adding else { return }
        let count = payload.readableBytes
        guard bytes.count + count <= desk.bodyBytes else { return giveUp(.tooLong) }
        guard budget.holds(count) else { return giveUp(.tooMuch) }
        heldBytes += count
        bytes += payload.readableBytesView
    }

    private func giveUp(_ why: Adding) {
        adding = why
        letGo()
    }

    /// Nothing of it is held any more; harmless twice.
    func letGo() {
        bytes = []
        budget.holdsNoMore(heldBytes)
        heldBytes = 0
    }

    /// The body is whole: what the desk makes of it.
    ///
    /// - Parameters:
    ///   - loop: where `completion` is called.
    ///   - completion: gets the whole answer; called once, later.
    func submit(on loop: any EventLoop, completion: @escaping (ByteBuffer) -> Void) {
        let (desk, body, asking) = (self.desk, bytes, self.asking)
        NIOThreadPool.singleton.runIfActive(eventLoop: loop) { desk.offer(body) }.assumeIsolated().whenComplete { result in
            self.letGo()
            let answer: LocalAnswer =
                switch result {
                case .success(let verdict): FeedbackEndpoint.answer(verdict)
                case .failure: .refusal(503, "feedback is not taken now")
                }
            completion(answer.bytes(asking, withoutBody: false))
        }
    }
}

/// `POST /v1/feedback`.
enum FeedbackEndpoint {
    static func answer(_ verdict: FeedbackVerdict) -> LocalAnswer {
        switch verdict {
        case .accepted(let id): json(202, "id", id)
        case .refused(let reason): json(400, "error", reason)
        case .full:
            LocalAnswer.refusal(429, "too much feedback waits to be stored; send it again in a moment").with(retryAfterSeconds: 1)
        case .closed: .refusal(503, "Weir is shutting down; send the feedback again in a moment")
        }
    }

    static var tooMuch: LocalAnswer {
        LocalAnswer.refusal(429, "too many request bodies are held in memory; send the feedback again in a moment")
            .with(retryAfterSeconds: 1)
    }

    static func tooLong(_ desk: any FeedbackDesk) -> LocalAnswer {
        json(413, "error", "feedback has at most \(desk.bodyBytes) bytes")
    }

    /// What can be refused before the body has come; nil where it may.
    ///
    /// As for `/metrics`: with gateway keys configured, whoever shows one; without, callers from this machine, and of those no web page:
    /// a browser posts for any page that it shows, and says whose it is.
    static func refusal(_ head: RequestHead, _ asking: LocalEndpoint.Asking, _ desk: any FeedbackDesk) -> LocalAnswer? {
        guard head.method.elementsEqual("POST".utf8) else {
            return LocalAnswer.refusal(405, "give feedback with POST").with(allow: "POST")
        }
        if asking.keys.isEmpty {
            guard LocalEndpoint.isFromThisMachine(head, asking.peer) else {
                return .refusal(403, "without gateway keys, feedback is taken from callers on this machine")
            }
            guard !isFromWebPage(head) else {
                return .refusal(
                    403, "without gateway keys, feedback is not taken from web pages (Origin); configure a key and send it")
            }
        } else if !asking.keys.admit(head) {
            return .refusal(401, "feedback needs a gateway key: send it as Authorization: Bearer KEY")
        }
        if head.block.first(.expect) != nil { return .refusal(417, "send the body at once, without Expect") }
        if case .length(let count) = head.framing, count > desk.bodyBytes { return tooLong(desk) }
        return nil
    }

    private static func isFromWebPage(_ head: RequestHead) -> Bool {
        head.block.fields.contains { ASCII.equalsIgnoringCase(head.block.name($0), "origin") }
    }

    private static func json(_ status: Int, _ key: String, _ text: String) -> LocalAnswer {
        var json = JSONWriter()
        json.beginObject()
        json.key(key)
        json.value(text)
        json.endObject()
        json.newline()
        return LocalAnswer(status, "application/json", json.bytes)
    }
}
