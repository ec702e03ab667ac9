// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Gateway
import Outbound
import Platform
import Synchronization

/// Sends a plan with several threads, each with a connection of its own that it keeps.
final class ReplayRun: Sendable {
    private let desk: ReplayDesk
    private let maker: ReplayRequestMaker
    private let limits: OutboundLimits
    private let answers: ReplayAnswers?
    private let tally = Mutex(ReplayTally())
    private let running = Atomic<Int>(0)
    /// When the first exchange was at hand, from which the others are due; 0 before.
    private let beginUs = Atomic<Int64>(0)

    /// What is sent later than this after its time is late.
    private static let lateUs: Int64 = 50_000
    /// How long a thread sleeps at once, so that it sees a stop.
    private static let napUs: Int64 = 100_000

    init(desk: ReplayDesk, maker: ReplayRequestMaker, limits: OutboundLimits, answers: ReplayAnswers?) {
        self.desk = desk
        self.maker = maker
        self.limits = limits
        self.answers = answers
    }

    /// Sends all there is and waits for the end.
    ///
    /// - Parameters:
    ///   - concurrency: how many threads send.
    ///   - progress: told now and then how many were sent, and how many of them answered otherwise.
    /// - Returns: what was done, and how long it took.
    /// - Throws: `PlatformError` where not one thread is to be had.
    func run(concurrency: Int, progress: (_ sent: Int, _ differing: Int) -> Void) throws -> (tally: ReplayTally, elapsedUs: Int64)
    {
        let startedUs = SystemClock().monotonicUs
        var threads: [OwnedThread] = []
        for _ in 0..<max(1, min(concurrency, desk.total)) {
            running.add(1, ordering: .relaxed)
            do {
                threads.append(
                    try OwnedThread(name: "weir-replay") { [self] in
                        work()
                        running.subtract(1, ordering: .releasing)
                    })
            } catch {
                running.subtract(1, ordering: .relaxed)
                // With fewer threads it takes longer.
                if threads.isEmpty { throw error }
                break
            }
        }
        while running.load(ordering: .acquiring) > 0 {
            SystemClock().sleep(us: 20_000)
            let (sent, differing) = tally.withLock { ($0.sent, $0.differing) }
            progress(sent, differing)
        }
        for thread in threads { thread.join() }
        return (tally.withLock { $0 }, SystemClock().monotonicUs - startedUs)
    }

    private func work() {
        let session: OutboundSession
        do throws(OutboundError) { session = try OutboundSession(route: ReplayRun.route(to: maker.base.host)) } catch {
            tally.withLock { $0.noteUnsent("\(error)") }
            return
        }
        while true {
            switch desk.take() {
            case .nothing: return
            case .unreadable(let reason): tally.withLock { $0.noteUnsent(reason) }
            case .send(let record, let dueUs):
                guard let lateUs = hold(until: dueUs) else { return tally.withLock { $0.noteHeldBack() } }
                send(record, lateUs: lateUs, session)
            }
        }
    }

    /// Waits for a time; returns how late it is then, or nil where the replay was stopped meanwhile.
    private func hold(until dueUs: Int64?) -> Int64? {
        guard let dueUs else { return 0 }
        let clock = SystemClock()
        let nowUs = clock.monotonicUs
        let (isFirst, begunUs) = beginUs.compareExchange(expected: 0, desired: nowUs, ordering: .acquiringAndReleasing)
        let beginUs = isFirst ? nowUs : begunUs
        while true {
            let leftUs = dueUs - (clock.monotonicUs - beginUs)
            if leftUs <= 0 { return leftUs < -ReplayRun.lateUs ? -leftUs : 0 }
            if desk.isStopped { return nil }
            clock.sleep(us: min(leftUs, ReplayRun.napUs))
        }
    }

    private func send(_ record: ExchangeRecord, lateUs: Int64, _ session: OutboundSession) {
        let request = maker.request(for: record)
        let sentAtUs = SystemClock().wallUs
        var result = ReplayResult(record, lateUs: lateUs)
        let answer: Result<OutboundResponse, OutboundError>
        do throws(OutboundError) {
            answer = .success(
                try session.request(request.method, request.url, headers: request.headers, body: request.body, limits: limits))
        } catch {
            answer = .failure(error)
        }
        let answered = ReplayAnswers.record(
            of: record, sent: request, answer: answer, sentAtUs: sentAtUs, provider: maker.base.host,
            url: maker.url(record.head.path))
        switch answer {
        case .success(let response):
            result.status = response.status
            result.now = ReplayFigures(answered)
        case .failure(let error): result.error = error.code
        }
        answers?.keep(answered)
        tally.withLock { $0.note(result) }
    }

    /// The way that other programs take, but never a proxy to this machine itself.
    private static func route(to host: String) -> OutboundRoute {
        var route = OutboundRoute()
        if ReplaySafety.isLoopback(host) { route.proxy = .direct }
        return route
    }
}
