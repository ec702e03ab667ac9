// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import Testing

@testable import FakeProvider

@Suite struct TrafficDriverTests {
    @Test func drivesEveryExchangeOfThePlan() async throws {
        try await withServer { server, port in
            let calls = Mutex<[TrafficProgress]>([])
            let plan = TrafficPlan(port: port, exchanges: 400, seed: 5)
            let result = try await TrafficDriver(plan: plan).run { progress in calls.withLock { $0.append(progress) } }
            #expect(result.exchanges == 400 && result.errors == 0)
            #expect((result.byOutcome[.cancelled] ?? 0) > 0)
            #expect(server.counts().requests == 400 && server.seen().allSatisfy { $0.status == 200 })
            #expect(
                Set(result.byKind.keys) == [
                    "chat", "chat-stream", "responses", "responses-stream", "messages", "messages-stream", "embeddings",
                ])
            #expect(calls.withLock { $0.map(\.done) } == Array(1...400))
            #expect(server.counts().connections >= 16)
        }
    }

    @Test func repeatsTheHistoryWithTheAnswersThatCame() async throws {
        try await withServer { server, port in
            let plan = TrafficPlan(port: port, exchanges: 200, concurrency: 1, seed: 9)
            _ = try await TrafficDriver(plan: plan).run()
            var turns: [String: [[[String: Any]]]] = [:]
            for seen in server.seen() where seen.target == "/v1/chat/completions" {
                let json = try #require(try JSONSerialization.jsonObject(with: Data(seen.body)) as? [String: Any])
                let messages = try #require(json["messages"] as? [[String: Any]])
                turns[seen.header("x-inference-metadata-conversation") ?? "", default: []].append(messages)
            }
            #expect(turns.count > 10)
            var grown = 0
            for conversation in turns.values {
                for (before, after) in zip(conversation, conversation.dropFirst()) {
                    #expect(after.count > before.count)
                    #expect(NSArray(array: Array(after.prefix(before.count))) == NSArray(array: before))
                    #expect(after[before.count]["role"] as? String == "assistant")
                    grown += 1
                }
            }
            #expect(grown > 20)
        }
    }

    @Test func sendsAttributionHeaders() async throws {
        try await withServer { server, port in
            _ = try await TrafficDriver(plan: TrafficPlan(port: port, exchanges: 60)).run()
            let seen = server.seen()
            #expect(seen.allSatisfy { $0.header("authorization") == "Bearer demo-project-key" })
            #expect(seen.allSatisfy { $0.header("x-inference-provider-api-key")?.hasPrefix("sk-demo-") == true })
            #expect(Set(seen.compactMap { $0.header("x-inference-task-id") }).count == 4)
            #expect(Set(seen.compactMap { $0.header("x-inference-environment") }) == ["production", "staging"])
        }
    }

    @Test func sendsTheSameConversationsForTheSameSeed() {
        func bodies(_ seed: UInt64) -> [[UInt8]] {
            (0..<20).map { number in
                var conversation = Conversation(number: number, plan: TrafficPlan(port: 1, exchanges: 1, seed: seed), limit: 9)
                return conversation.nextBody()
            }
        }
        #expect(bodies(1) == bodies(1) && Set(bodies(1)).count == 20 && bodies(1) != bodies(2))
    }

    @Test func countsWhatWentWrong() async throws {
        var script = FakeProviderScript.instant
        script.faults = FakeFaultRates(serverError: 0.1, rateLimited: 0.1, cut: 0.1)
        try await withServer(script) { server, port in
            let result = try await TrafficDriver(plan: TrafficPlan(port: port, exchanges: 300)).run()
            #expect(result.exchanges == 300)
            #expect(
                result.byStatus[500] == server.counts().byStatus[500] && result.byStatus[429] == server.counts().byStatus[429])
            #expect((result.byOutcome[.cut] ?? 0) > 5 && (result.byOutcome[.refused] ?? 0) > 30)
            #expect(result.errors == 300 - (result.byOutcome[.answered] ?? 0) - (result.byOutcome[.cancelled] ?? 0))
        }
    }

    @Test func survivesAServerThatIsAway() async throws {
        let port = try await withServer { _, port in port }
        let result = try await TrafficDriver(plan: TrafficPlan(port: port, exchanges: 8, concurrency: 8)).run()
        #expect(result.exchanges == 8 && result.byOutcome == [.unreachable: 8])
    }

    @Test func endsEarlyWhenCancelled() async throws {
        try await withServer(FakeProviderScript(speed: 0.001)) { server, port in
            let drive = Task { try await TrafficDriver(plan: TrafficPlan(port: port, exchanges: 1_000)).run() }
            while server.counts().requests < 4 { await Task.yield() }
            drive.cancel()
            let result = try await drive.value
            #expect(result.exchanges < 1_000)
        }
    }

    @Test(arguments: [(0, 1), (1, 0), (1, 100_000)]) func refusesAPlanOutOfBounds(exchanges: Int, concurrency: Int) async {
        let driver = TrafficDriver(plan: TrafficPlan(port: 1, exchanges: exchanges, concurrency: concurrency))
        await #expect(throws: FakeProviderError.self) { try await driver.run() }
    }

    @Test func promptsHaveNoOpenSlots() {
        for task in TrafficTask.allCases {
            #expect(PromptBook.prompts(task).count >= 10)
            var random = SeededRandom(seed: 4)
            for _ in 0..<200 {
                let text = PromptBook.opening(task, &random) + PromptBook.followUp(task, &random)
                for slot in ["{type", "{field", "{verb", "{count", "{name", "{company", "{order", "{amount", "{date", "{city"] {
                    #expect(!text.contains(slot))
                }
            }
        }
    }
}
