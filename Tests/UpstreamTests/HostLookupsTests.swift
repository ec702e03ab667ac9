// SPDX-License-Identifier: Apache-2.0
import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Upstream

@Suite struct HostLookupsTests {
    /// A resolver whose names beginning with `silent` are not answered before the end.
    private final class Names: Sendable {
        private let condition = NSCondition()
        nonisolated(unsafe) private var isOver = false
        let asked = Mutex<[String]>([])

        func resolve(_ host: String) -> [String] {
            asked.withLock { $0.append(host) }
            guard host.hasPrefix("silent") else { return ["192.0.2.1"] }
            condition.lock()
            while !isOver { condition.wait() }
            condition.unlock()
            return ["192.0.2.2"]
        }

        func end() {
            condition.lock()
            isOver = true
            condition.broadcast()
            condition.unlock()
        }
    }

    /// Asks on the loop; the answer comes as a future.
    private static func ask(
        _ lookups: NIOLoopBound<HostLookups>, _ host: String, _ source: HostLookups.Source, _ limits: UpstreamLimits,
        on loop: any EventLoop
    ) -> EventLoopFuture<[String]> {
        loop.flatSubmit {
            let promise = loop.makePromise(of: [String].self)
            lookups.value.addresses(of: host, from: source, limits: limits) {
                promise.completeWith($0.mapError { $0 as any Error })
            }
            return promise.futureResult
        }
    }

    @Test(.timeLimit(.minutes(1))) func namesOfCallersNeverHoldUpThoseOfTheOperator() async throws {
        let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let names = Names()
        let lookups = try await loop.submit {
            NIOLoopBound(HostLookups(loop: loop) { names.resolve($0) }, eventLoop: loop)
        }.get()
        var limits = UpstreamLimits()
        limits.callerLookupsAtOnce = 40
        limits.lookupMilliseconds = 60_000
        var silent: [EventLoopFuture<[String]>] = []
        for number in 0..<40 { silent.append(Self.ask(lookups, "silent-\(number).example", .callerNamed, limits, on: loop)) }
        // More are refused at once, and the operator's are answered.
        await #expect(throws: UpstreamError.self) {
            try await Self.ask(lookups, "silent-x.example", .callerNamed, limits, on: loop).get()
        }
        for number in 0..<40 {
            #expect(
                try await Self.ask(lookups, "provider-\(number).example", .operatorNamed, limits, on: loop).get() == ["192.0.2.1"]
            )
        }
        names.end()
        for future in silent { #expect(try await future.get() == ["192.0.2.2"]) }
    }

    @Test(.timeLimit(.minutes(1))) func whatWasGivenUpInTheQueueIsNotAsked() async throws {
        let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let names = Names()
        let lookups = try await loop.submit {
            NIOLoopBound(HostLookups(loop: loop) { names.resolve($0) }, eventLoop: loop)
        }.get()
        var limits = UpstreamLimits()
        limits.lookupMilliseconds = 200
        let silent = (0..<30).map { Self.ask(lookups, "silent-\($0).example", .callerNamed, limits, on: loop) }
        for future in silent { await #expect(throws: UpstreamError.self) { try await future.get() } }
        names.end()
        // Behind all of them in the queue.
        #expect(try await Self.ask(lookups, "open.example", .callerNamed, UpstreamLimits(), on: loop).get() == ["192.0.2.1"])
        #expect(names.asked.withLock { $0.count } < 30)
    }
}
