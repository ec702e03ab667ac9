// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import TestSupport

@testable import Capture

/// Exchanges of every odd kind, driven through a tap.
struct RandomExchange {
    var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
    private mutating func pick<T>(_ items: [T]) -> T? { items.randomElement(using: &random) }

    private mutating func text(_ length: Int, odd: Bool) -> String {
        let plain = Array("abcdefghijklmnop qrstuvwxyz0123456789{}[]:,\"\\/.-_")
        let oddOnes: [Character] = ["é", "字", "\u{1F600}", "\t", "\u{1}", "\u{7F}", "\u{2028}"]
        guard length > 60 else {
            return String(
                (0..<length).map { _ in
                    odd && chance(5) ? (pick(oddOnes) ?? "x") : (pick(plain) ?? "y")
                })
        }
        // Long texts are made of a few short ones: building them letter by letter would take most of the test's time.
        let parts = (0..<4).map { _ in text(50, odd: odd) }
        var out = ""
        while out.utf8.count < length { out += parts[Int.random(in: 0..<4, using: &random)] }
        return out
    }

    /// What is to be stored of the next exchange's bodies.
    mutating func treatment() -> BodyTreatment {
        var treatment = BodyTreatment.whole
        switch Int.random(in: 0..<6, using: &random) {
        case 0: treatment.keepsBodies = false
        case 1: treatment.bodyBytes = Int.random(in: 2...300, using: &random)
        case 2:
            treatment.answerOver = Int.random(in: 100...400, using: &random)
            treatment.answerBytes = Int.random(in: 2...100, using: &random)
        default: break
        }
        return treatment
    }

    /// Drives one exchange from begin to commit.
    mutating func drive(_ lane: CaptureLane, clock advance: (Int64) -> Void) {
        let tap = lane.begin()
        let key = pick(["sk-planted-0123456789abcdef", "short", "Bearer-like key", "[redacted]", "planted.key+1234567890"]) ?? ""
        let coding = chance(15) ? pick(["gzip", "br", "zstd", "identity", "snappy", "GZIP", "gzip, br"]) : nil
        requestHead(tap, key: key, coding: chance(50) ? coding : nil)
        facts(tap, key: key)
        advance(Int64.random(in: 0...50, using: &random))
        if chance(30) { tap.checkpoint() }
        for piece in body(coding, key: key) { tap.request(piece) }
        if chance(80) { tap.exchange.requestReceivedUs = tap.nowUs() }
        if chance(85) { responseHead(tap, key: key, coding: coding) }
        for piece in body(coding, key: key) {
            advance(Int64.random(in: 0...500, using: &random))
            tap.response(piece)
        }
        if chance(20) { tap.exchange.attempts += [Attempt(n: 2, startedUs: 9)] }
        tap.exchange.responseStream = chance(30)
        tap.commit(pick(Outcome.allCases) ?? .completed)
    }

    private mutating func requestHead(_ tap: CaptureTap, key: String, coding: String?) {
        var target = pick(["/v1/chat/completions", "/p/openai/t/x/v1/responses", "/v1/m:generate", "*", "/é"]) ?? "/"
        if chance(30) {
            target += "?" + (pick(["a=b", "beta=true&x", "key=\(key)", "alt=sse&%6Bey=1", "", "a=b=c&&d", key]) ?? "")
        }
        if chance(3) { target += "/" + key }
        var head = "\(pick(["POST", "GET", "M-SEARCH"]) ?? "GET") \(target) HTTP/1.1\r\nHost: weir\r\n"
        let scheme = pick(["Bearer ", "bearer  ", "", "Basic "]) ?? ""
        if chance(80) { head += "\(pick(["Authorization", "x-api-key", "X-Goog-Api-Key", "cookie"]) ?? ""): \(scheme)\(key)\r\n" }
        if chance(20) { head += "x-inference-provider-api-key: \(chance(50) ? key : "other-planted-key-99")\r\n" }
        if chance(10) {
            head += "X-Inference-Provider-URL: \(pick(["https://h/v1", "https://u:p@h/", "https://h?key=1234567890"]) ?? "")\r\n"
        }
        if chance(30) { head += "X-Inference-Task-Id: \(pick(["", "sum mary", key]) ?? "")\r\n" }
        if chance(20) { head += "x-inference-environment: prod\r\n" }
        for _ in 0..<Int.random(in: 0...3, using: &random) where chance(40) {
            head +=
                "x-Inference-Metadata-\(pick(["a", "B", "Chat-ID", "z9", "", "Session-Token", "api-key"]) ?? ""): \(text(5, odd: false))\r\n"
        }
        if chance(30) {
            let trace = [
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-x-y-z", "",
                "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "00-0af7651916cd43dd8448eb211c80319C-b7ad6b7169203331-01",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331---",
            ]
            head += "traceparent: \(pick(trace) ?? "")\r\n"
        }
        if chance(20) { head += "x-request-id: r-\(text(4, odd: false))\r\n" }
        if let coding { head += "Content-Encoding: \(coding)\r\n" }
        if chance(5) { head += "Content-Encoding: gzip\r\n" }
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            head += "X-\(pick(["Odd", "a", "B-c"]) ?? ""):\(pick(["", " ", "\t"]) ?? "")\(text(12, odd: chance(5))) \r\n"
        }
        if chance(3) { head += "X-Echo: see \(key) here\r\n" }
        var bytes = Array((head + "\r\n").utf8)
        if chance(4) { bytes[Int.random(in: 0..<bytes.count, using: &random)] = 0xFF }
        if chance(3) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
        if chance(3) { bytes = [] }
        bytes.withUnsafeBytes { tap.requestHead($0) }
    }

    private mutating func responseHead(_ tap: CaptureTap, key: String, coding: String?) {
        tap.exchange.firstByteUs = tap.nowUs()
        tap.exchange.status = Int.random(in: 100...599, using: &random)
        var head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
        if let coding { head += "content-encoding: \(coding)\r\n" }
        if chance(5) { head += "Location: /a?key=zzzzzzzzzz\r\n" }
        if chance(10) { head += "Set-Cookie: s=\(text(20, odd: false))\r\n" }
        if chance(3) { head += "X-Echo: \(key)\r\n" }
        Array((head + "\r\n").utf8).withUnsafeBytes { tap.responseHead($0) }
    }

    private mutating func facts(_ tap: CaptureTap, key: String) {
        tap.exchange.provider = pick(["openai", "anthropic", "höst", ""]) ?? ""
        tap.exchange.api = chance(70) ? .openaiChat : nil
        tap.exchange.upstreamURL = chance(80) ? "https://api.example.com/v1" + (chance(4) ? "/" + key : "") : nil
        tap.exchange.deployment = chance(20) ? "dep\"1" : nil
        tap.exchange.keyID = chance(10) ? "key_1" : chance(10) ? "" : nil
        tap.exchange.errorSource = chance(10) ? (chance(50) ? .gateway : .provider) : nil
        tap.exchange.errorCode = chance(10) ? "bad_request" : nil
        if chance(20) { tap.exchange.pathAttribution.task = "path-task" }
        if chance(20) { tap.exchange.pathAttribution.environment = "path-é" }
        if chance(15) { tap.exchange.pathAttribution.metadata = [("a", "p"), ("chat-id", "q")] }
        if chance(3) { tap.exchange.pathAttribution.metadata = [("Ä", "p")] }
        guard chance(80) else { return }
        var attempt = Attempt(n: 1, startedUs: tap.nowUs())
        attempt.upstreamURL = chance(90) ? tap.exchange.upstreamURL : "https://other/"
        attempt.connectedUs = chance(80) ? 5 : nil
        attempt.status = chance(60) ? 200 : nil
        attempt.outcome = chance(60) ? .completed : nil
        attempt.retryReason = chance(5) ? "why" : nil
        tap.exchange.attempts = [attempt]
    }

    private mutating func body(_ coding: String?, key: String) -> [[UInt8]] {
        guard chance(85) else { return [] }
        if let coding, ["gzip", "br", "zstd", "GZIP"].contains(coding), chance(80) {
            return FlushedStream.parts(coding.lowercased(), (0..<4).map { "data: \($0) é \(text(30, odd: true))\n\n" })
        }
        let sizes = [0, 1, 7, 40, 300, 3_000]
        return (0..<Int.random(in: 1...6, using: &random)).map { _ in
            var bytes = Array(text(pick(sizes) ?? 0, odd: chance(40)).utf8)
            if chance(8), !bytes.isEmpty { bytes[Int.random(in: 0..<bytes.count, using: &random)] = 0xC3 }
            if chance(3) { bytes += Array(key.utf8) }
            // A character split between two pieces.
            if chance(20) { bytes += [0xC3] }
            if chance(20) { bytes = [0xA9] + bytes }
            return bytes
        }
    }
}
