// SPDX-License-Identifier: Apache-2.0

/// Decides, from the script and one request, what is played back.
struct AnswerPlanner: Sendable {
    let script: FakeProviderScript

    /// Plans the answer.
    ///
    /// - Parameters:
    ///   - request: as seen.
    ///   - body: the whole body, or nil where it was too large to keep.
    ///   - repetition: how many times a body with this hash came before.
    /// - Returns: what to send, and when.
    func plan(_ request: SeenRequest, body: [UInt8]?, repetition: (UInt64) -> UInt32) -> Playback {
        if let fixed = script.fixedAnswer?(request) { return play(fixed) }
        let path = request.target.prefix { $0 != "?" }
        let isAnthropic = path == "/v1/messages" || (path.hasPrefix("/v1/models") && request.header("anthropic-version") != nil)
        let seed = SeededRandom.hash(body ?? [], seed: SeededRandom.hash(path.utf8, seed: script.seed))
        var desk = ErrorDesk(isAnthropic: isAnthropic, ids: SeededRandom(seed: seed).fork(9))
        guard let body else { return desk.error(413, due: 0) }
        do {
            let order = try readOrder(request)
            desk.order = order ?? FakeOrder()
            guard let api = FakeAPI.of(method: request.method, target: request.target) else {
                return desk.error(404, due: 0, message: "Invalid URL (\(request.method) \(path))")
            }
            let due = order?.ttftMilliseconds.map { $0 * 1_000 } ?? script.scaled(30_000)
            if let status = order?.status { return desk.error(status, due: due) }
            if let answer = models(api, isAnthropic: isAnthropic, &desk, due: due) { return answer }
            let asked = try QuestionReader.read(api, body: body)
            let faults = SeededRandom(seed: seed).fork(UInt64(repetition(seed)) &+ 1_000)
            return answer(asked, order: order, random: SeededRandom(seed: seed), faults: faults, due: due, &desk)
        } catch {
            return desk.error(400, due: 0, message: error.message)
        }
    }

    private func readOrder(_ request: SeenRequest) throws(FakeProviderError) -> FakeOrder? {
        let orders = request.headers.filter { $0.name.lowercased() == FakeOrder.headerName }
        guard let first = orders.first else { return nil }
        guard orders.count == 1 else {
            throw FakeProviderError(code: .badOrder, message: "x-fake is given twice; join the orders by ';'")
        }
        return try FakeOrder(parsing: first.value)
    }

    private func models(_ api: FakeAPI, isAnthropic: Bool, _ desk: inout ErrorDesk, due: Int64) -> Playback? {
        switch api {
        case .models: return desk.plain(ModelsShape.list(isAnthropic: isAnthropic, createdAt: script.createdAt), due: due)
        case .model(let id):
            guard let json = ModelsShape.one(id, isAnthropic: isAnthropic, createdAt: script.createdAt) else {
                return desk.error(404, due: due, message: "The model '\(id)' does not exist")
            }
            return desk.plain(json, due: due)
        default: return nil
        }
    }

    private func answer(
        _ asked: AskedQuestion, order: FakeOrder?, random: SeededRandom, faults: SeededRandom, due: Int64, _ desk: inout ErrorDesk
    ) -> Playback {
        var faults = faults
        var orders = order ?? FakeOrder()
        if order == nil, let status = drawnError(asked, &faults) {
            desk.order.retryAfter = status == 429 ? 1 : nil
            return desk.error(status, due: due)
        }
        if order == nil, faults.chance(script.faults.stall) {
            orders.stallMilliseconds = script.scaled(Double(script.stallMilliseconds) * 1_000) / 1_000
        }
        let composed = AnswerComposer(script: script, order: orders).compose(asked, random: random)
        let clock = AnswerClock(script: script, order: orders, answer: composed, random: random.fork(7))
        var playback: Playback
        if asked.isStream, asked.api != .embeddings {
            let timeline = clock.stream(events(composed))
            playback = desk.stream(timeline.chunks, headDue: timeline.headDue)
        } else {
            let total = clock.plainMicroseconds
            playback = desk.plain(json(composed), due: total)
            if let stall = orders.stallMilliseconds { playback.stallInMiddle(stall * 1_000) }
        }
        desk.finish(&playback, order: orders)
        if order == nil, faults.chance(script.faults.cut) {
            playback.cut(after: faults.below(playback.contentLength))
            playback.resets = faults.chance(0.5)
        }
        return playback
    }

    private func drawnError(_ asked: AskedQuestion, _ faults: inout SeededRandom) -> Int? {
        let draw = faults.unit()
        var edge = script.faults.serverError
        if draw < edge { return 500 }
        edge += script.faults.rateLimited
        if draw < edge { return 429 }
        guard asked.api == .messages else { return nil }
        edge += script.faults.overloaded
        return draw < edge ? 529 : nil
    }

    private func events(_ answer: ComposedAnswer) -> [AnswerEvent] {
        switch answer.asked.api {
        case .responses: ResponsesShape.events(answer)
        case .messages: MessagesShape(answer: answer).events()
        default: ChatShape(answer: answer).events()
        }
    }

    private func json(_ answer: ComposedAnswer) -> [UInt8] {
        switch answer.asked.api {
        case .responses: ResponsesShape(answer: answer).plain()
        case .messages: MessagesShape(answer: answer).plain()
        case .embeddings: EmbeddingsShape.plain(answer, seed: script.seed)
        default: ChatShape(answer: answer).plain()
        }
    }

    private func play(_ fixed: FixedAnswer) -> Playback {
        var due: Int64 = 0
        let gap = min(max(0, fixed.gapMicroseconds), FakeProviderLimits.delayMilliseconds * 1_000)
        var chunks: [TimedChunk] = []
        for bytes in fixed.chunks {
            due = min(due + gap, FakeProviderLimits.delayMilliseconds * 1_000)
            chunks.append(TimedChunk(dueMicroseconds: due, bytes: bytes))
        }
        return Playback(
            status: fixed.status, headers: fixed.headers, chunks: chunks, isChunked: fixed.isChunked, headDueMicroseconds: 0)
    }
}

extension Playback {
    /// Holds back the second half of a plain body.
    fileprivate mutating func stallInMiddle(_ microseconds: Int64) {
        guard chunks.count == 1, let whole = chunks.first, whole.bytes.count > 1 else { return }
        let half = whole.bytes.count / 2
        chunks = [
            TimedChunk(dueMicroseconds: whole.dueMicroseconds, bytes: Array(whole.bytes[..<half])),
            TimedChunk(dueMicroseconds: whole.dueMicroseconds + microseconds, bytes: Array(whole.bytes[half...])),
        ]
    }
}

/// Wraps bytes into playbacks with the headers of the provider at hand.
struct ErrorDesk {
    let isAnthropic: Bool
    var ids: SeededRandom
    var order = FakeOrder()

    private mutating func headers(type: String, requestID: String, due: Int64) -> [SeenHeader] {
        let kind = SeenHeader(name: "Content-Type", value: type)
        if isAnthropic { return [kind, SeenHeader(name: "request-id", value: requestID)] }
        return [
            kind, SeenHeader(name: "x-request-id", value: requestID),
            SeenHeader(name: "openai-processing-ms", value: String(due / 1_000)),
            SeenHeader(name: "openai-version", value: "2020-10-01"),
        ]
    }

    mutating func error(_ status: Int, due: Int64, message: String? = nil) -> Playback {
        let requestID = ids.identifier("req_", length: 24)
        let body = ErrorShape.body(status, message: message, isAnthropic: isAnthropic, requestID: requestID)
        var playback = Playback(
            status: status, headers: headers(type: "application/json", requestID: requestID, due: due),
            chunks: [TimedChunk(dueMicroseconds: due, bytes: body)], isChunked: false)
        if let seconds = order.retryAfter { playback.headers.append(SeenHeader(name: "retry-after", value: String(seconds))) }
        finish(&playback, order: order)
        return playback
    }

    mutating func plain(_ json: [UInt8], due: Int64) -> Playback {
        let head = headers(type: "application/json", requestID: ids.identifier("req_", length: 24), due: due)
        var playback = Playback(
            status: 200, headers: head, chunks: [TimedChunk(dueMicroseconds: due, bytes: json)], isChunked: false)
        finish(&playback, order: order)
        return playback
    }

    mutating func stream(_ chunks: [TimedChunk], headDue: Int64) -> Playback {
        let type = isAnthropic ? "text/event-stream; charset=utf-8" : "text/event-stream"
        var head = headers(type: type, requestID: ids.identifier("req_", length: 24), due: headDue)
        head.append(SeenHeader(name: "Cache-Control", value: "no-cache"))
        return Playback(status: 200, headers: head, chunks: chunks, isChunked: true, headDueMicroseconds: headDue)
    }

    /// Applies what the order says about the end of the connection.
    func finish(_ playback: inout Playback, order: FakeOrder) {
        if let cut = order.cut, !playback.isCut { playback.cut(after: cut) }
        playback.resets = order.resets
        playback.drops = order.drops
        playback.closes = order.closes
    }
}

/// When each part of an answer is due.
struct AnswerClock {
    private let opening: Int64
    private let first: Int64
    private let gap: Double
    private let hasForcedGap: Bool
    private let stall: Int64
    private let script: FakeProviderScript
    private let contentCount: Int
    private let random: SeededRandom

    init(script: FakeProviderScript, order: FakeOrder, answer: ComposedAnswer, random: SeededRandom) {
        var random = random
        let pace = ModelPace.of(answer.asked.model)
        let ttft = pace.ttftMilliseconds * 1_000 * random.spread()
        let thinking = answer.thinking.isEmpty ? Double(answer.usage?.reasoning ?? 0) * pace.gapMilliseconds * 1_000 : 0
        first = order.ttftMilliseconds.map { $0 * 1_000 } ?? script.scaled(ttft + thinking)
        opening = order.ttftMilliseconds.map { $0 * 500 } ?? script.scaled(ttft / 2)
        let drawnGap = pace.gapMilliseconds * 1_000 * (0.8 + 0.4 * random.unit())
        hasForcedGap = order.gapMilliseconds != nil || order.ttftMilliseconds != nil
        gap = order.gapMilliseconds.map { Double($0) * 1_000 } ?? (order.ttftMilliseconds != nil ? 0 : drawnGap)
        stall = (order.stallMilliseconds ?? 0) * 1_000
        contentCount = answer.pieces.count + answer.thinking.count + (answer.toolCall?.fragments.count ?? 0)
        self.script = script
        self.random = random
    }

    /// When a plain answer is due: after all of its tokens.
    var plainMicroseconds: Int64 {
        let tokens = gap * Double(contentCount)
        return first + (hasForcedGap ? Int64(tokens) : script.scaled(tokens))
    }

    /// Gives each event its time; the stall falls before the middle content event.
    func stream(_ events: [AnswerEvent]) -> (chunks: [TimedChunk], headDue: Int64) {
        var random = random
        let middle = events.count { $0.pace == .content } / 2
        var due = opening
        var seen = 0
        let chunks = events.map { event in
            if event.pace == .content {
                if seen == 0 { due = max(due, first) } else { due += step(&random) }
                if seen == middle { due += stall }
                seen += 1
            }
            return TimedChunk(dueMicroseconds: due, bytes: event.bytes)
        }
        return (chunks, opening)
    }

    private func step(_ random: inout SeededRandom) -> Int64 {
        hasForcedGap ? Int64(gap) : script.scaled(gap * random.spread())
    }
}
