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
        let place = self.place(of: request)
        let path = request.target.prefix { $0 != "?" }
        let seed = SeededRandom.hash(body ?? [], seed: SeededRandom.hash(path.utf8, seed: script.seed))
        var desk = ErrorDesk(provider: place.provider, ids: SeededRandom(seed: seed).fork(9))
        var playback: Playback
        do {
            let order = try readOrder(request)
            desk.order = order ?? FakeOrder()
            if desk.order.coding == nil, script.compresses {
                desk.order.coding = request.header("accept-encoding").flatMap(AnswerCoding.accepted)
            }
            let due = order?.ttftMilliseconds.map { $0 * 1_000 } ?? script.scaled(30_000)
            if let early = try forced(request, body: body, place, due: due, &desk) {
                playback = early
            } else {
                let draw = Draw(
                    order: order, random: SeededRandom(seed: order?.seed ?? seed),
                    faults: SeededRandom(seed: seed).fork(UInt64(repetition(seed)) &+ 1_000), due: due)
                playback = try answer(request, body: body ?? [], place, draw, &desk)
            }
        } catch {
            playback = desk.error(400, due: 0, message: error.message)
        }
        playback.apply(desk.order)
        if request.method == "HEAD" { playback.omitsBody = true }
        return playback
    }

    /// Plans an answer to a request whose body has not come: a refusal.
    func planEarly(_ request: SeenRequest) -> Playback {
        let place = self.place(of: request)
        var desk = ErrorDesk(provider: place.provider, ids: SeededRandom(seed: script.seed).fork(9))
        desk.order = ((try? readOrder(request)) ?? nil) ?? FakeOrder()
        let isExpectation = desk.order.early == nil
        var playback = desk.error(
            desk.order.status ?? (isExpectation ? 417 : 413), due: desk.order.ttftMilliseconds.map { $0 * 1_000 } ?? 0)
        playback.apply(desk.order)
        // Who refuses an expectation does not wait for the body.
        if isExpectation { playback.closes = true }
        return playback
    }

    /// Where a request points.
    func place(of request: SeenRequest) -> FakePlace {
        FakePlace(
            method: request.method, target: request.target, hasAnthropicVersion: request.header("anthropic-version") != nil,
            hasGoogleKey: request.header("x-goog-api-key") != nil)
    }

    /// The request's own order.
    ///
    /// - Throws: `FakeProviderError` with code `badOrder`.
    func readOrder(_ request: SeenRequest) throws(FakeProviderError) -> FakeOrder? {
        let orders = request.headers.filter { $0.name.lowercased() == FakeOrder.headerName }
        guard let first = orders.first else { return nil }
        guard orders.count == 1 else {
            throw FakeProviderError(code: .badOrder, message: "x-fake is given twice; join the orders by ';'")
        }
        return try FakeOrder(parsing: first.value)
    }

    /// What is drawn for one answer.
    private struct Draw {
        let order: FakeOrder?
        let random: SeededRandom
        var faults: SeededRandom
        let due: Int64
    }

    /// Answers that need no question: refusals and bare heads.
    private func forced(
        _ request: SeenRequest, body: [UInt8]?, _ place: FakePlace, due: Int64, _ desk: inout ErrorDesk
    ) throws(FakeProviderError) -> Playback? {
        let order = desk.order
        guard body != nil else { return desk.error(413, due: 0) }
        do throws(CredentialCheck.Refusal) {
            try CredentialCheck(script: script, provider: place.provider).check(request, body: body)
        } catch {
            return desk.error(error.status, due: 0, message: error.message, amazonType: error.amazonType)
        }
        if let status = order.bareStatus { return desk.bare(status, due: due) }
        guard place.api != nil else {
            return desk.error(404, due: 0, message: "Invalid URL (\(request.method) \(request.target.prefix { $0 != "?" }))")
        }
        return order.errorAfter == nil ? order.status.map { desk.error($0, due: due) } : nil
    }

    private func answer(
        _ request: SeenRequest, body: [UInt8], _ place: FakePlace, _ draw: Draw, _ desk: inout ErrorDesk
    ) throws(FakeProviderError) -> Playback {
        guard let api = place.api else { return desk.error(404, due: 0) }
        guard case .resource(let resource) = api else {
            let asked = try QuestionReader.read(api, at: place, body: body)
            return converse(asked, draw, &desk)
        }
        if resource == .realtime { return try RealtimeUpgrade.answer(request) }
        var shape = ResourceShape(
            script: script, place: place, body: body, contentType: request.header("content-type") ?? "",
            random: draw.random.fork(11))
        guard let content = try shape.answer(resource) else {
            return desk.error(404, due: draw.due, message: "The model does not exist")
        }
        return desk.content(content, due: draw.due)
    }

    private func converse(_ asked: AskedQuestion, _ draw: Draw, _ desk: inout ErrorDesk) -> Playback {
        var faults = draw.faults
        var orders = desk.order
        if draw.order == nil, let status = drawnError(asked, &faults) {
            desk.order.retryAfter = status == 429 ? 1 : nil
            return desk.error(status, due: draw.due)
        }
        if draw.order == nil, faults.chance(script.faults.stall) {
            orders.stallMilliseconds = script.scaled(Double(script.stallMilliseconds) * 1_000) / 1_000
        }
        let composed = AnswerComposer(script: script, order: orders).compose(asked, random: draw.random)
        let clock = AnswerClock(script: script, order: orders, answer: composed, random: draw.random.fork(7))
        var playback: Playback
        if asked.isStream, !asked.api.isEmbedding {
            let events = AnswerShapes(script: script, answer: composed, latency: clock.plainMicroseconds / 1_000).events()
            let timeline = clock.stream(disturbed(events, asked, &desk))
            playback = desk.stream(timeline.chunks, headDue: timeline.headDue, framing: asked.framing)
        } else {
            let total = clock.plainMicroseconds
            let json = AnswerShapes(script: script, answer: composed, latency: total / 1_000).plain()
            playback = desk.plain(json, due: total)
            if case .invoke = asked.api, asked.provider == .bedrock { desk.countTokens(composed, latency: total, &playback) }
            if let stall = orders.stallMilliseconds { playback.stallInMiddle(stall * 1_000) }
        }
        if draw.order == nil, faults.chance(script.faults.cut) {
            desk.order.cut = faults.below(playback.contentLength)
            desk.order.resets = faults.chance(0.5)
        }
        return playback
    }

    /// Puts an ordered error and heartbeats between the events.
    private func disturbed(_ events: [AnswerEvent], _ asked: AskedQuestion, _ desk: inout ErrorDesk) -> [AnswerEvent] {
        var events = events
        if let count = desk.order.errorAfter {
            let contents = events.indices.filter { events[$0].pace == .content }
            if let at = contents.dropFirst(count).first {
                events = events[..<at] + [desk.shape(desk.order.status ?? 500).event(asked.framing)]
            }
        }
        guard let every = desk.order.commentEvery, asked.framing == .events else { return events }
        return events.enumerated().flatMap { index, event in
            index % every == 0 ? [AnswerEvent(bytes: Array(": keep-alive\n\n".utf8), pace: .closing), event] : [event]
        }
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
