// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel
import Foundation
import Platform
import Redaction
import SegmentLog
import TestSupport
import Testing

@testable import Capture

/// A policy applied to exchanges as they lie in an arena.
private struct Judging {
    let lone: LoneLane
    let judge: PolicyJudge

    init(_ policy: CapturePolicy, secret: UInt8 = 7) throws {
        lone = try LoneLane()
        judge = PolicyJudge(policy, secrets: CaptureSecrets([UInt8](repeating: secret, count: 32)))
    }

    func verdict(
        _ headers: [String] = [], key: String? = nil, path: Attribution = Attribution(), body: String = ""
    ) throws -> CaptureVerdict {
        let tap = lone.lane.begin()
        tap.heads(request: "POST /v1/responses HTTP/1.1\r\n" + headers.map { $0 + "\r\n" }.joined() + "\r\n")
        tap.exchange.keyID = key
        tap.exchange.pathAttribution = path
        tap.request(Array(body.utf8))
        tap.commit(.completed)
        let slot = try #require(try lone.take())
        defer { lone.giveBack(slot) }
        return judge.verdict(of: lone.view)
    }
}

private func terms(_ mode: CaptureMode, sample: Int = CaptureTerms.all) -> CaptureTerms {
    var terms = CaptureTerms()
    terms.mode = mode
    terms.sampleMillionths = sample
    return terms
}

@Suite struct PolicyTests {
    private static let rules: CapturePolicy = {
        var policy = CapturePolicy()
        policy.rules = [
            CaptureRule(environments: ["prod"], tasks: ["secret-*"], terms: terms(.off)),
            CaptureRule(environments: ["prod", "stag*"], terms: terms(.metadata)),
            CaptureRule(keys: ["team-a"], terms: terms(.off)),
            CaptureRule(tasks: ["default"], keys: ["team-*"], terms: terms(.metadata)),
        ]
        return policy
    }()

    @Test(
        arguments: [
            (["X-Inference-Environment: prod", "x-inference-task-id:  secret-7 "], nil, CaptureMode.off, 1),
            (["x-inference-environment: prod", "x-inference-task-id: other"], nil, .metadata, 2),
            (["x-inference-environment: staging"], "team-a", .metadata, 2), (["x-inference-environment: sta"], nil, .full, 0),
            ([], "team-a", .off, 3), ([], "team-b", .metadata, 4), (["x-inference-task-id: t"], "team-b", .full, 0),
            (["x-inference-task-id;"], "team-b", .metadata, 4), ([], nil, .full, 0), ([], "", .full, 0),
            (["x-inference-environment: PROD"], nil, .full, 0), (["x-inference-environment: proda"], nil, .full, 0),
        ] as [([String], String?, CaptureMode, Int)])
    func theFirstRuleThatIsMetCounts(_ headers: [String], _ key: String?, _ mode: CaptureMode, _ number: Int) throws {
        let verdict = try Judging(Self.rules).verdict(headers, key: key)
        #expect(verdict.mode == mode && verdict.terms == number, "\(headers)")
    }

    @Test func thePathNamesEnvironmentAndTaskWhereNoHeaderDoes() throws {
        let judging = try Judging(Self.rules)
        var path = Attribution()
        path.environment = "prod"
        path.task = "secret-1"
        #expect(try judging.verdict(path: path).mode == .off)
        #expect(try judging.verdict(["x-inference-environment: dev"], path: path).mode == .full)
        #expect(try judging.verdict(["x-inference-task-id: plain"], path: path).mode == .metadata)
    }

    /// By use of the header, the mode, and what the header says.
    @Test(arguments: [
        (CaptureHeaderUse.ignored, CaptureMode.full, "off", CaptureMode.full), (.ignored, .off, "full", .off),
        (.reduce, .full, "off", .off), (.reduce, .full, "METADATA", .metadata), (.reduce, .metadata, "full", .metadata),
        (.reduce, .off, "full", .off), (.reduce, .metadata, "off", .off), (.any, .off, "full", .full),
        (.any, .metadata, "full", .full), (.any, .full, "off", .off), (.any, .full, "nonsense", .full),
        (.reduce, .full, "nonsense", .full),
    ])
    func theHeaderDoesWhatTheOperatorAllows(
        _ use: CaptureHeaderUse, _ mode: CaptureMode, _ asked: String, _ result: CaptureMode
    ) throws {
        var policy = CapturePolicy()
        policy.header = use
        policy.terms = terms(mode)
        #expect(try Judging(policy).verdict(["X-Inference-Capture: \(asked)"]).mode == result)
        #expect(try Judging(policy).verdict().mode == mode)
        // Twice is refused by the Gateway; what of it comes here gives the least.
        guard use == .any else { return }
        #expect(try Judging(policy).verdict(["x-inference-capture: full", "x-inference-capture: off"]).mode == .off)
    }

    // MARK: Sampling

    private static func chat(_ number: Int, turns: Int, model: String = "m", extra: String = "") -> String {
        let opening = #"{"role":"system","content":"be kind"},{"role":"user","content":"question \#(number) \"quoted\" é"}"#
        let later = (0..<turns).map { #",{"role":"assistant","content":"a\#($0)"},{"role":"user","content":"q\#($0)"}"# }
        return #"{"model":"\#(model)",\#(extra)"messages":[\#(opening)\#(later.joined())],"stream":true}"#
    }

    @Test func allExchangesOfAConversationShareOneFateInAnyOrderAndAfterARestart() throws {
        var policy = CapturePolicy()
        policy.terms = terms(.full, sample: 300_000)
        func fates(_ judging: Judging, _ numbers: [Int]) throws -> [Int: Set<String>] {
            var fates: [Int: Set<String>] = [:]
            for turns in [3, 0, 1] {
                for number in numbers {
                    let body = Self.chat(
                        number, turns: turns, model: "m\(turns)", extra: turns > 0 ? #""temperature":0.\#(turns),"# : "")
                    let verdict = try judging.verdict(body: body)
                    fates[number, default: []].insert(verdict.mode.rawValue)
                    #expect(verdict.mode == .full || verdict.cause == .sampling)
                }
            }
            return fates
        }
        let numbers = Array(0..<400)
        let first = try fates(try Judging(policy), numbers)
        #expect(first.values.allSatisfy { $0.count == 1 })
        let kept = first.values.count { $0 == ["full"] }
        #expect((80...160).contains(kept), "\(kept) of 400")
        #expect(first.values.allSatisfy { $0 == ["full"] || $0 == ["metadata"] })
        #expect(try fates(try Judging(policy), numbers.reversed()) == first)
        #expect(try fates(try Judging(policy, secret: 8), numbers) != first)
        // A larger sample holds the smaller one.
        policy.terms.sampleMillionths = 600_000
        let more = try fates(try Judging(policy), numbers)
        #expect(first.filter { $0.value == ["full"] }.allSatisfy { more[$0.key] == ["full"] })
    }

    @Test(arguments: [
        (0, CaptureMode.metadata, CaptureMode.metadata), (0, .off, .off), (CaptureTerms.all, .off, .full),
    ])
    func whatIsSampledOutIsRecordedAsTheOperatorSays(_ sample: Int, _ sampledOut: CaptureMode, _ result: CaptureMode) throws {
        var policy = CapturePolicy()
        policy.terms = terms(.full, sample: sample)
        policy.sampledOut = sampledOut
        #expect(try Judging(policy).verdict(body: Self.chat(1, turns: 0)).mode == result)
    }

    @Test func aSampleNeverRecordsMoreThanTheMode() throws {
        var policy = CapturePolicy()
        policy.terms = terms(.off, sample: 0)
        policy.rules = [CaptureRule(tasks: ["m"], terms: terms(.metadata, sample: 0))]
        let judging = try Judging(policy)
        #expect(try judging.verdict().mode == .off && judging.verdict().cause == .policy)
        let verdict = try judging.verdict(["x-inference-task-id: m"])
        #expect(verdict.mode == .metadata && verdict.cause == .policy)
    }

    @Test func anExchangeWithoutAnOpeningStandsForItself() throws {
        var policy = CapturePolicy()
        policy.terms = terms(.full, sample: 500_000)
        let judging = try Judging(policy)
        let modes = try (0..<200).map { _ in try judging.verdict(body: "not json").mode }
        #expect((60...140).contains(modes.count { $0 == .full }))
    }

    @Test func theOpeningOfACompressedBodyIsThatOfThePlainOne() throws {
        var policy = CapturePolicy()
        policy.terms = terms(.full, sample: 500_000)
        let judging = try Judging(policy)
        for number in 0..<40 {
            let body = Self.chat(number, turns: 1)
            let plain = try judging.verdict(body: body).mode
            let tap = judging.lone.lane.begin()
            tap.heads(request: "POST / HTTP/1.1\r\nContent-Encoding: gzip\r\n\r\n")
            for part in FlushedStream.parts("gzip", [body]) { tap.request(part) }
            tap.commit(.completed)
            let slot = try #require(try judging.lone.take())
            #expect(judging.judge.verdict(of: judging.lone.view).mode == plain)
            judging.lone.giveBack(slot)
        }
    }
}

@Suite struct OpeningTextTests {
    private static func texts(_ body: String) -> [String]? {
        var found: [String] = []
        let isFound = Array(body.utf8).withUnsafeBytes { OpeningText.read(ByteRun($0)) { found.append($0.text) } }
        return isFound ? found : nil
    }

    @Test(arguments: [
        (
            #"{"model":"a","messages":[{"role":"system","content":"s"},{"content":"u","role":"user"},{"role":"user","content":"v"}]}"#,
            ["s", "u"]
        ),
        (
            #"{"system":"s","messages":[{"role":"user","content":[{"type":"text","text":"u","cache_control":{"type":"x"}}]}]}"#,
            ["s", "u"]
        ),
        (#"{"messages":[{"role":"user","content":"u"}],"system":"later"}"#, ["u"]),
        (
            #"{ "contents" : [ { "role" : "user" , "parts" : [ { "inlineData" : { "data" : "x" } } , { "text" : "u" } ] } ] }"#,
            ["u"]
        ),
        (#"{"input":"u","instructions":"i"}"#, ["u"]), (#"{"instructions":"i","input":"u"}"#, ["i", "u"]),
        (
            #"{"prompt":{"id":"p"},"input":[{"role":"developer","content":"d"},{"role":"user","content":[{"type":"input_text","text":"u"}]}]}"#,
            ["d", "u"]
        ),
        (#"{"conversation":{"id":"conv_1"},"input":"u"}"#, ["conv_1"]), (#"{"conversation":"conv_1","input":"u"}"#, ["conv_1"]),
        (#"{"conversation":null,"input":"u"}"#, ["u"]), (#"{"input":["a","b"]}"#, ["a"]), (#"{"prompt":"p","n":2}"#, ["p"]),
        (#"{"tools":[{"text":"t","x":[1,{"a":"}\"]"}]}],"messages":[{"role":"user","content":"\\\"u\\"}]}"#, [#"\\\"u\\"#]),
        (#"{"a":-1.5e3,"b":true,"c":null,"d":{},"e":[],"messages":[{"role":"user","content":"u"}]}"#, ["u"]),
        (#"{"messages":[{"role":"user","content":"never ends"#, ["never ends"]),
    ])
    func readsToTheEndOfTheFirstUserMessage(_ body: String, _ expected: [String]) {
        #expect(Self.texts(body) == expected)
    }

    @Test(arguments: [
        "", "x", "[1]", "{", "{}", #"{"system":"s"}"#, #"{"messages":[]}"#, #"{"messages":5}"#, #"{"a":"b"}"#, "\"text\"",
    ])
    func findsNoneWhereThereIsNone(_ body: String) { #expect(Self.texts(body) == nil) }

    @Test func neverTrapsOnCutAndBentBodies() {
        let body =
            #"{"a":[1,{"b":"c\"d"}],"system":[{"text":"s"}],"messages":[{"role":"system","content":"x"},{"role":"user","content":[{"text":"u"}]}]}"#
        var random = SplitMix64(seed: 3)
        let bytes = Array(body.utf8)
        for length in bytes.indices {
            var bent = Array(bytes[..<length])
            bent.withUnsafeBytes { _ = OpeningText.read(ByteRun($0)) { _ in } }
            bent = bytes
            bent[length] = UInt8.random(in: 0...255, using: &random)
            bent.withUnsafeBytes { _ = OpeningText.read(ByteRun($0)) { _ in } }
        }
        let deep = Array((#"{"messages":["# + String(repeating: "[", count: 200_000)).utf8)
        deep.withUnsafeBytes { _ = OpeningText.read(ByteRun($0)) { _ in } }
    }
}

@Suite struct PolicyEngineTests {
    @Test func everyExchangeIsARecordOrCountedOff() throws {
        var policy = CapturePolicy()
        policy.header = .any
        let bench = try CaptureBench(CaptureLimits(), policy: policy)
        let lane = bench.engine.makeLane()
        for mode in ["full", "metadata", "off", "off", "metadata", "metadata"] {
            let tap = lane.begin()
            tap.heads(request: "POST / HTTP/1.1\r\nx-inference-capture: \(mode)\r\n\r\n")
            tap.request(Array("ask".utf8))
            tap.response(Array("data: 1\n\n".utf8))
            tap.commit(.completed)
        }
        let records = try bench.records()
        let counters = bench.engine.counters
        #expect(records.count == 4 && records.count { $0.requestBody.kept == .none } == 3)
        for record in records where record.requestBody.kept == .none {
            #expect(record.requestBody.content == nil && record.requestBody.wireByteCount == 3)
            #expect(record.requestBody.sha256 == BodyDigest.hex(of: Array("ask".utf8)))
            #expect(record.responseBody.sha256 == BodyDigest.hex(of: Array("data: 1\n\n".utf8)))
            #expect(record.responseChunks.isEmpty && record.head.responseStream)
        }
        #expect(counters.off(.policy) == 2 && counters.metadataOnly(.policy) == 3 && counters.reduced == 0)
        #expect(counters.admitted == counters.written + counters.dropped + counters.off && counters.inFlight == 0)
    }

    @Test func aNewPolicyCountsForWhatIsTakenFromThenOn() throws {
        let bench = try CaptureBench()
        let lane = bench.engine.makeLane()
        bench.clock.hold()
        lane.begin().commit(.completed)
        try #require(bench.clock.waitForPause())
        var policy = CapturePolicy()
        policy.terms = terms(.off)
        bench.engine.apply(policy)
        for _ in 0..<5 { lane.begin().commit(.completed) }
        #expect(try bench.records().count == 1)
        #expect(bench.engine.counters.off == 5)
    }
}
