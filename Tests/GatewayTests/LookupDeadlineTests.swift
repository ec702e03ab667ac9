// SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOPosix
import Testing

@testable import Upstream

@Suite struct LookupDeadlineTests {
    /// Asks for names on a loop; the answers in the order of coming.
    private func ask(
        _ names: [String], limits: UpstreamLimits, resolve: @escaping @Sendable (String) throws -> [String]
    ) async throws -> [Result<[String], UpstreamError>] {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let (answers, continuation) = AsyncStream.makeStream(of: Result<[String], UpstreamError>.self)
        loop.execute {
            let lookups = HostLookups(loop: loop, resolve: resolve)
            for name in names { lookups.addresses(of: name, from: .operatorNamed, limits: limits) { continuation.yield($0) } }
        }
        var found: [Result<[String], UpstreamError>] = []
        for await answer in answers.prefix(names.count) { found.append(answer) }
        return found
    }

    @Test func givesAResolverUpThatDoesNotAnswer() async throws {
        let mayAnswer = Gate()
        defer { mayAnswer.open() }
        var limits = UpstreamLimits()
        limits.lookupMilliseconds = 100
        let answers = try await ask(["slow.test", "slow.test"], limits: limits) { _ in
            try mayAnswer.wait()
            return ["192.0.2.1"]
        }
        for answer in answers {
            let error = #expect(throws: UpstreamError.self) { try answer.get() }
            #expect(error?.code == .lookupTimedOut)
        }
    }

    @Test func answersInTimeAndOnceForAllWhoAsk() async throws {
        var limits = UpstreamLimits()
        limits.lookupsAtOnce = 1
        let answers = try await ask(["quick.test", "quick.test", "192.0.2.7"], limits: limits) { _ in ["192.0.2.1"] }
        #expect(try answers.map { try $0.get() } == [["192.0.2.7"], ["192.0.2.1"], ["192.0.2.1"]])
    }

    @Test func asksNoMoreNamesThanItMay() async throws {
        var limits = UpstreamLimits()
        limits.lookupsAtOnce = 1
        let answers = try await ask(["one.test", "two.test"], limits: limits) { _ in ["192.0.2.1"] }
        let error = #expect(throws: UpstreamError.self) { try answers[0].get() }
        #expect(error?.code == .lookupTimedOut)
        #expect(try answers[1].get() == ["192.0.2.1"])
    }
}
