// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix

/// One drive, in the loop world: hands conversations to its workers and adds up what came back.
final class TrafficRun {
    let plan: TrafficPlan
    let loop: any EventLoop
    private let progress: @Sendable (TrafficProgress) -> Void
    private let promise: EventLoopPromise<TrafficResult>
    private let startedAt = NIODeadline.now()
    private var result = TrafficResult()
    private var handedOut = 0
    private var workers: [TrafficWorker] = []
    private var working = 0
    private(set) var isStopping = false

    init(
        plan: TrafficPlan, loop: any EventLoop, promise: EventLoopPromise<TrafficResult>,
        progress: @escaping @Sendable (TrafficProgress) -> Void
    ) {
        self.plan = plan
        self.loop = loop
        self.promise = promise
        self.progress = progress
    }

    func start() {
        working = min(plan.concurrency, plan.exchanges)
        workers = (0..<working).map { _ in TrafficWorker(run: self) }
        for worker in workers { worker.next() }
    }

    /// Ends the drive early: what is in flight is broken off.
    func stop() {
        isStopping = true
        for worker in workers { worker.stop() }
    }

    /// The next conversation, or nil where all exchanges are handed out.
    func nextConversation() -> Conversation? {
        guard !isStopping, handedOut < plan.exchanges else { return nil }
        let conversation = Conversation(number: result.conversations, plan: plan, limit: plan.exchanges - handedOut)
        result.conversations += 1
        handedOut += conversation.turnsLeft
        return conversation
    }

    func ended(_ answer: ClientAnswer, kind: String) {
        result.exchanges += 1
        result.receivedBytes += answer.bytes.count
        result.byOutcome[answer.outcome, default: 0] += 1
        result.byKind[kind, default: 0] += 1
        if let status = answer.status { result.byStatus[status, default: 0] += 1 }
        progress(TrafficProgress(done: result.exchanges, total: plan.exchanges, errors: result.errors))
    }

    func workerFinished() {
        working -= 1
        guard working == 0 else { return }
        workers = []
        result.elapsedMilliseconds = (NIODeadline.now() - startedAt).nanoseconds / 1_000_000
        promise.succeed(result)
    }
}

/// One of the drive's clients: one connection, one conversation at a time.
final class TrafficWorker {
    private let run: TrafficRun
    private var conversation: Conversation?
    private var connection: ClientConnection?
    private var isFinished = false

    init(run: TrafficRun) { self.run = run }

    func stop() {
        connection?.close()
    }

    /// Sends the next exchange, or ends where there is none.
    func next() {
        if conversation?.turnsLeft ?? 0 <= 0 { conversation = run.nextConversation() }
        guard !run.isStopping, var current = conversation else { return finish() }
        let body = current.nextBody()
        let cancelAfter = current.cancelPoint(run.plan.cancelFraction)
        conversation = current
        if let connection, connection.isOpen { return send(on: connection, current, body, cancelAfter) }
        connect().assumeIsolated().whenComplete { result in
            switch result {
            case .success(let fresh) where self.run.isStopping:
                fresh.value.close()
                self.finish()
            case .success(let fresh):
                self.connection = fresh.value
                self.send(on: fresh.value, current, body, cancelAfter)
            case .failure:
                self.ended(ClientAnswer(outcome: .unreachable))
            }
        }
    }

    private func connect() -> EventLoopFuture<NIOLoopBound<ClientConnection>> {
        ClientBootstrap(group: run.loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connectTimeout(.seconds(10))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(ClientConnection())
                }
            }
            .connect(host: run.plan.host, port: run.plan.port)
            .flatMapThrowing { channel in
                let handler = try channel.pipeline.syncOperations.handler(type: ClientConnection.self)
                return NIOLoopBound(handler, eventLoop: channel.eventLoop)
            }
    }

    private func send(on connection: ClientConnection, _ current: Conversation, _ body: [UInt8], _ cancelAfter: Int?) {
        let head = HTTPRequestHead(
            version: .http1_1, method: .POST, uri: run.plan.basePath + current.kind.path,
            headers: headers(current, length: body.count))
        connection.send(head, body: body, cancelAfter: cancelAfter) { self.ended($0) }
    }

    private func headers(_ current: Conversation, length: Int) -> HTTPHeaders {
        let plan = run.plan
        let isAnthropic = current.kind == .messages
        var headers = HTTPHeaders([
            ("Host", "\(plan.host):\(plan.port)"),
            ("User-Agent", "weir-traffic/1"),
            ("Accept", current.isStream ? "text/event-stream" : "application/json"),
            ("Content-Type", "application/json"),
            ("Content-Length", String(length)),
            ("Authorization", "Bearer \(plan.projectKey)"),
            ("x-inference-provider-api-key", isAnthropic ? plan.anthropicKey : plan.openAIKey),
            ("x-inference-task-id", current.task.rawValue),
            ("x-inference-environment", current.environment),
            ("x-inference-metadata-conversation", "c-\(current.number)"),
        ])
        if isAnthropic { headers.add(name: "anthropic-version", value: "2023-06-01") }
        for header in plan.extraHeaders { headers.add(name: header.name, value: header.value) }
        return headers
    }

    private func ended(_ answer: ClientAnswer) {
        guard var current = conversation else { return finish() }
        run.ended(answer, kind: current.kindName)
        current.heard(said(answer, in: current))
        conversation = current
        if connection?.isOpen == false { connection = nil }
        // A server that is away is not asked again at once, and a long row of failures does not deepen the stack.
        let pause = TimeAmount.milliseconds(answer.outcome == .unreachable ? 20 : 0)
        run.loop.assumeIsolated().scheduleTask(in: pause) { self.next() }
    }

    private func said(_ answer: ClientAnswer, in current: Conversation) -> AnswerTurn? {
        guard answer.status == 200 else { return nil }
        var turn = AnswerReader.read(current.kind, isStream: current.isStream, answer.bytes)
        if answer.outcome != .answered { turn = AnswerTurn(text: turn.text) }
        return turn
    }

    private func finish() {
        guard !isFinished else { return }
        isFinished = true
        connection?.close()
        connection = nil
        run.workerFinished()
    }
}
