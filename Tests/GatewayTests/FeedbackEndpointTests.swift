// SPDX-License-Identifier: Apache-2.0
import Foundation
import Gateway
import HTTPWire
import Platform
import Synchronization
import Testing

/// A desk that says what it is told to, and remembers what it got.
private final class ScriptedDesk: FeedbackDesk {
    let bodyBytes = 1_000
    private let verdict: FeedbackVerdict
    private let isSlow: Bool
    private let taken = Mutex<[String]>([])

    init(_ verdict: FeedbackVerdict = .accepted(id: "the-id"), isSlow: Bool = false) {
        self.verdict = verdict
        self.isSlow = isSlow
    }

    var bodies: [String] { taken.withLock { $0 } }

    func offer(_ body: [UInt8]) -> FeedbackVerdict {
        // As where a long correction is read: time enough for what the caller does meanwhile to arrive.
        if isSlow { SystemClock().sleep(us: 200_000) }
        taken.withLock { $0.append(String(decoding: body, as: UTF8.self)) }
        return verdict
    }
}

@Suite(.serialized) struct FeedbackEndpointTests {
    private let path = "/v1/feedback"

    private func run(
        _ desk: ScriptedDesk?, keys: GatewayKeys = GatewayKeys(), limits: GatewayLimits = GatewayLimits(),
        _ body: (Bench) async throws -> Void
    ) async throws -> Int {
        try await withGateway(
            try RawProvider(answering: ok("reached")), limits: limits, keys: keys, operations: GatewayOperations(feedback: desk),
            body
        ).count
    }

    @Test func takesABodyWithinTheConnectionAndRecordsNothing() async throws {
        let desk = ScriptedDesk()
        let records = try await run(desk) { bench in
            let wire = try bench.connect()
            let chunked =
                "POST \(path)?x=1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n4\r\n two\r\n0\r\n\r\n"
            try wire.send(post(path, "first") + post() + chunked + post(path, "") + post())
            let first = try wire.answer()
            #expect(first.status == 202 && first.header("x-weir-exchange-id") == nil)
            #expect(try first.json()["id"] as? String == "the-id")
            #expect(try wire.answer().text == "reached")
            #expect(try wire.answer().status == 202)
            #expect(try wire.answer().status == 202)
            #expect(try wire.answer().text == "reached")
            // Byte for byte, with pauses of the caller's.
            let slow = try bench.connect()
            for byte in post(path, "slow").map(String.init) { try slow.send(byte) }
            #expect(try slow.answer().status == 202)
        }
        #expect(records == 2)
        #expect(desk.bodies == ["first", "one two", "", "slow"])
    }

    @Test func answersWhatTheDeskSays() async throws {
        for (verdict, status, word) in [
            (FeedbackVerdict.refused("`score` is \"a number\""), 400, "`score` is \"a number\""), (.full, 429, "in a moment"),
            (.closed, 503, "shutting down"),
        ] {
            _ = try await run(ScriptedDesk(verdict)) { bench in
                let answer = try bench.ask(post(path, "{}"))
                #expect(answer.status == status)
                #expect((try answer.json()["error"] as? String)?.contains(word) == true)
                #expect(answer.header("retry-after") == (status == 429 ? "1" : nil))
            }
        }
    }

    @Test func refusesTooLongABodyBeforeAndWhileItComes() async throws {
        let desk = ScriptedDesk()
        let records = try await run(desk) { bench in
            let wire = try bench.connect()
            try wire.send(post(path, String(repeating: "x", count: 1_001)) + post())
            #expect(try wire.answer().status == 413)
            #expect(try wire.answer().text == "reached")
            try wire.send("POST \(path) HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in 0..<3 { try wire.send("190\r\n\(String(repeating: "y", count: 400))\r\n") }
            try wire.send("0\r\n\r\n" + post(path, String(repeating: "z", count: 1_000)))
            #expect(try wire.answer().status == 413)
            #expect(try wire.answer().status == 202)
        }
        #expect(records == 1 && desk.bodies == [String(repeating: "z", count: 1_000)])
    }

    @Test func takesItFromThoseWhoMayGiveIt() async throws {
        let (key, entry) = GatewayKey.generate(id: "app")
        func status(_ headers: [String], keys: GatewayKeys, desk: ScriptedDesk? = ScriptedDesk()) async throws -> Int {
            var status = 0
            _ = try await run(desk, keys: keys) { bench in
                let answer = try bench.ask(post(path, "{}", headers))
                status = answer.status
                if answer.status != 202 { #expect(desk?.bodies.isEmpty ?? true) }
            }
            return status
        }
        let keys = GatewayKeys([entry])
        #expect(try await status([], keys: GatewayKeys()) == 202)
        #expect(try await status(["X-Forwarded-For: 10.1.1.1"], keys: GatewayKeys()) == 403)
        #expect(try await status([], keys: keys) == 401)
        #expect(try await status(["Authorization: Bearer weir_other"], keys: keys) == 401)
        #expect(try await status(["Authorization: Bearer \(key)"], keys: keys) == 202)
        #expect(try await status(["X-Forwarded-For: 10.1.1.1", "Authorization: Bearer \(key)"], keys: keys) == 202)
        #expect(try await status(["Expect: 100-continue"], keys: GatewayKeys()) == 417)
        // A browser posts for any page that it shows: only who has a key may be one.
        for origin in ["https://elsewhere.example", "null", "http://127.0.0.1:8080"] {
            #expect(try await status(["Origin: \(origin)"], keys: GatewayKeys()) == 403)
        }
        #expect(try await status(["origin: https://e.example", "Authorization: Bearer \(key)"], keys: keys) == 202)
    }

    @Test func withoutADeskThePathIsTheProviders() async throws {
        let records = try await run(nil) { bench in
            let posted = try bench.ask(post(path, "{}"))
            #expect(posted.text == "reached")
            let asked = try bench.ask("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(asked.header("x-weir-exchange-id") != nil)
        }
        #expect(records == 2)
    }

    /// What is posted counts among the bodies that a loop holds: what does not fit is refused, and what is done with is free again.
    @Test(.timeLimit(.minutes(1))) func boundsWhatIsHeldOfAllBodies() async throws {
        let desk = ScriptedDesk()
        var limits = GatewayLimits()
        limits.signedBytesPerLoop = 1_500
        _ = try await run(desk, limits: limits) { bench in
            let head = "POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Length: 900\r\n\r\n"
            for round in 0..<3 {
                let first = try bench.connect()
                try first.send(head + String(repeating: "a", count: 800))
                // The first half of a second one is behind it on the same loop once it has been answered.
                try await eventually("the first is held") {
                    let answer = try bench.ask(post(path, String(repeating: "b", count: 900)))
                    guard answer.status == 429 else { return false }
                    return try answer.header("retry-after") == "1"
                        && (answer.json()["error"] as? String)?.contains("held in memory") == true
                }
                switch round {
                case 0:
                    try first.send(String(repeating: "a", count: 100))
                    #expect(try first.answer().status == 202)
                case 1: first.close()
                default: first.reset()
                }
                // The body of one that has gone away is free, too.
                try await eventually("it is free again") {
                    try bench.ask(post(path, String(repeating: "c", count: 1_000))).status == 202
                }
            }
            // A refused one's connection goes on.
            let held = try bench.connect()
            try held.send(head + String(repeating: "a", count: 899))
            let wire = try bench.connect()
            try await eventually("it is held") {
                try wire.send(post(path, String(repeating: "d", count: 1_000)))
                return try wire.answer().status == 429
            }
            try wire.send(post(path, "small"))
            #expect(try wire.answer().status == 202)
        }
        #expect(desk.bodies.contains("small") && desk.bodies.contains(String(repeating: "a", count: 900)))
    }

    /// A caller that has said all it has to say still gets its answer.
    @Test func aHalfClosedCallerIsAnswered() async throws {
        let desk = ScriptedDesk(isSlow: true)
        _ = try await run(desk) { bench in
            let wire = try bench.connect()
            try wire.send(post(path, "first"))
            wire.finishSending()
            #expect(try wire.answer().status == 202)
            let metrics = try bench.connect()
            try metrics.send("GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n")
            metrics.finishSending()
            #expect(try metrics.answer().status == 200)
            // One that stops within its body has gone away.
            let half = try bench.connect()
            try half.send("POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf")
            half.finishSending()
            #expect(throws: (any Error).self) { _ = try half.answer() }
        }
        #expect(desk.bodies == ["first"])
    }

    @Test func otherMethodsAreToldAndNamedProvidersAreReached() async throws {
        let records = try await run(ScriptedDesk()) { bench in
            let answer = try bench.ask("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(answer.status == 405 && answer.header("allow") == "POST")
            #expect(try bench.ask(post(path, "{}", ["x-inference-provider: openai"])).text == "reached")
            for other in ["/v1/feedback/", "/v1/feedbacks", "/v1/files", "/v1/fine_tuning/jobs"] {
                #expect(try bench.ask(post(other)).header("x-weir-exchange-id") != nil, "\(other)")
            }
        }
        #expect(records == 5)
    }

    @Test(.timeLimit(.minutes(1))) func aBodyThatDoesNotComeOrIsBrokenEndsTheConnection() async throws {
        let desk = ScriptedDesk()
        var limits = GatewayLimits()
        limits.bodyIdleMilliseconds = 300
        _ = try await run(desk, limits: limits) { bench in
            let stalled = try bench.connect()
            try stalled.send("POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf")
            #expect(throws: (any Error).self) { _ = try stalled.answer() }
            let broken = try bench.connect()
            try broken.send("POST \(path) HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n")
            #expect(throws: (any Error).self) { _ = try broken.answer() }
            let gone = try bench.connect()
            try gone.send("POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf")
            #expect(try bench.ask(post(path, "{}")).status == 202)
        }
        #expect(desk.bodies == ["{}"])
    }
}
