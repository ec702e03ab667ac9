// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import HTTPWire

/// Where this room and llhttp are allowed to differ, and why that endangers nothing.
enum KnownDifference: String, CaseIterable {
    /// llhttp knows a closed list of methods; any token is a method (RFC 9110 section 9.1).
    ///
    /// Compared with the method replaced by POST.
    case methodOutsideItsList
    /// llhttp stops at a request or answer that may change the protocol, after reading it as we do; here `Upgrade` is hop-by-hop.
    case stopsAtUpgrade
    /// llhttp ends the connection after an interim answer with `Connection: close` or HTTP/1.0; the final answer still follows.
    case closesAfterInterim
    /// llhttp finds a fault, or lets it pass, inside a head or trailers that have not ended.
    ///
    /// We refuse them once they are whole, and pass on nothing of them before; the comparison checks that we do.
    case judgesBeforeTheEnd

    /// llhttp overlooks an HTTP/1.0 `keep-alive` with a tab beside it; a tab is white space (RFC 9110 section 5.6.3).
    ///
    /// The message ends at the same byte; only the connection's reuse differs.
    case overlooksKeepAliveBesideTab

    static let methods: Set<String> = [
        "DELETE", "GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE", "COPY", "LOCK", "MKCOL", "MOVE", "PROPFIND", "PROPPATCH",
        "SEARCH", "UNLOCK", "BIND", "REBIND", "UNBIND", "ACL", "REPORT", "MKACTIVITY", "CHECKOUT", "MERGE", "M-SEARCH", "NOTIFY",
        "SUBSCRIBE", "UNSUBSCRIBE", "PATCH", "PURGE", "MKCALENDAR", "LINK", "UNLINK", "QUERY",
    ]
}

/// Compares one message's readings; each disagreement is one line of text.
final class Comparison {
    let kind: MessageKind
    let bytes: [UInt8]
    let ours: Reading
    private(set) var complaints: [String] = []
    private(set) var used: KnownDifference?

    init(_ kind: MessageKind, _ bytes: [UInt8], _ ours: Reading) throws {
        self.kind = kind
        self.bytes = bytes
        self.ours = ours
        if ours.error == nil { try compare() }
    }

    private func require(_ claim: Bool, _ complaint: @autoclosure () -> String) {
        if !claim { complaints.append(complaint()) }
    }

    private func compare() throws {
        let oracle = try Oracle(kind)
        defer { oracle.finish() }
        guard let head = ours.head else {
            oracle.feed(bytes[...])
            guard !oracle.heads.isEmpty else { return }
            used = .judgesBeforeTheEnd
            require(isRefusedOnceWhole, "we wait for the rest of a head that llhttp has whole")
            return
        }
        if kind == .request, !KnownDifference.methods.contains(String(decoding: head.method, as: UTF8.self)) {
            used = .methodOutsideItsList
            let start = bytes.starts(with: [0x0D, 0x0A]) ? 2 : 0
            let known = bytes[..<start] + Array("POST".utf8) + bytes[(start + head.method.count)...]
            complaints = try Comparison(kind, Array(known), readMessage(kind, Array(known))).complaints
            return
        }
        if ours.isComplete { compareWhole(head, oracle) } else { comparePartial(head, oracle) }
    }

    private func compareWhole(_ head: HeadFacts, _ oracle: Oracle) {
        let message = bytes[..<ours.consumed]
        let isInterim = head.status >= 100 && head.status < 200 && head.status != 101
        oracle.feed(message.dropLast())
        require(oracle.endCount == 0 && (oracle.heads.isEmpty || !isInterim), "llhttp ends before byte \(ours.consumed)")
        oracle.feed(message.suffix(1))
        require(oracle.error == nil, "llhttp refuses what we accept: \(oracle.error.map { "\($0)" } ?? "")")
        require(oracle.endCount == (isInterim ? 0 : 1), "llhttp does not end at byte \(ours.consumed)")
        compareHead(head, oracle)
        require(oracle.body == ours.payload, "body: llhttp has \(printable(oracle.body)), we \(printable(ours.payload))")
        compareTrailers(oracle)
        guard complaints.isEmpty else { return }
        if head.status == 101 || (kind == .request && asksForUpgrade(head)) {
            used = .stopsAtUpgrade
            return
        }
        if hasKeepAliveBesideTab(head) {
            used = .overlooksKeepAliveBesideTab
            return
        }
        guard head.keepsAlive else {
            if isInterim { used = .closesAfterInterim }
            return
        }
        let before = oracle.heads.count
        oracle.feed(Array((kind == .request ? Seeds.nextRequest : Seeds.nextResponse).utf8)[...])
        require(oracle.error == nil && oracle.heads.count == before + 1, "llhttp does not read the next message: \(oracle.heads)")
        if let next = oracle.heads.last {
            require(next.target == "/next" || next.status == 299, "llhttp reads another next message: \(next)")
            require(next.headers.contains { $0 == ("X-Next", "1") }, "llhttp reads another next head: \(next)")
        }
    }

    /// The message has not ended: llhttp has the same head and the same payload so far, and waits as well.
    private func comparePartial(_ head: HeadFacts, _ oracle: Oracle) {
        oracle.feed(bytes[...])
        if oracle.error != nil {
            used = .judgesBeforeTheEnd
            require(
                head.framing == .chunked && isRefusedOnceWhole,
                "llhttp refuses what we accept: \(oracle.error.map { "\($0)" } ?? "")")
        }
        require(oracle.endCount == 0, "llhttp has ended, we have not")
        compareHead(head, oracle)
        require(oracle.body == ours.payload, "body so far: llhttp has \(printable(oracle.body)), we \(printable(ours.payload))")
        guard oracle.error == nil else { return }
        oracle.finish()
        require(
            (oracle.endCount == 1) == (head.framing == .untilClose),
            "llhttp and we disagree on whether the connection's end ends the body")
    }

    /// Whether the same bytes are refused as soon as the section they break off in is closed.
    private var isRefusedOnceWhole: Bool { readMessage(kind, bytes + Array("\r\n\r\n".utf8)).error != nil }

    private func compareHead(_ head: HeadFacts, _ oracle: Oracle) {
        guard oracle.heads.count == 1, let theirs = oracle.heads.first else {
            require(false, "llhttp has \(oracle.heads.count) heads")
            return
        }
        require(theirs.method == String(decoding: head.method, as: UTF8.self), "method \(theirs.method)")
        require(theirs.target == String(decoding: head.target, as: UTF8.self), "target \(theirs.target)")
        require(theirs.status == head.status, "status \(theirs.status)")
        if let keepsAlive = theirs.keepsAlive, head.keepsAlive, !hasKeepAliveBesideTab(head) {
            require(keepsAlive, "we keep a connection that llhttp closes")
        }
        compareList(head.headers.map { ($0.name, $0.value) }, theirs.headers)
    }

    private func compareTrailers(_ oracle: Oracle) {
        guard let ending = ours.ending, let lineEnd = ending.firstIndex(of: 0x0A) else { return }
        let section = Array(ending[(lineEnd + 1)...])
        guard let fields = try? HeadSyntax.fields(section, from: 0) else {
            require(false, "the ending holds no sound trailers")
            return
        }
        let block = HeaderBlock(bytes: section, fields: fields)
        compareList(fields.map { (Array(block.name($0)), Array(block.value($0))) }, oracle.trailers)
    }

    private func compareList(_ ours: [([UInt8], [UInt8])], _ theirs: [(name: String, value: String)]) {
        let mine = ours.map { String(decoding: $0.0, as: UTF8.self) + ": " + String(decoding: $0.1, as: UTF8.self) }
        let other = theirs.map { $0.name + ": " + trimmed($0.value) }
        require(mine == other, "headers: llhttp has \(other), we \(mine)")
    }

    /// llhttp leaves white space after a value in place; RFC 9112 section 5 says it is no part of it.
    private func trimmed(_ text: String) -> String { String(decoding: ASCII.trimmed(Array(text.utf8)[...]), as: UTF8.self) }

    private func hasKeepAliveBesideTab(_ head: HeadFacts) -> Bool {
        head.minorVersion == 0
            && head.headers.contains { ASCII.equalsIgnoringCase($0.name[...], "connection") && $0.line.contains(ASCII.tab) }
    }

    private func asksForUpgrade(_ head: HeadFacts) -> Bool {
        head.headers.contains { ASCII.equalsIgnoringCase($0.name[...], "upgrade") }
            && head.headers.contains {
                ASCII.equalsIgnoringCase($0.name[...], "connection")
                    && String(decoding: $0.value, as: UTF8.self).lowercased().contains("upgrade")
            }
    }
}

@Suite struct DifferentialTests {
    static let roundCount = ProcessInfo.processInfo.environment["WEIR_FUZZ_ROUNDS"].flatMap { Int($0) } ?? 20_000
    static let firstSeed = ProcessInfo.processInfo.environment["WEIR_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1

    @Test(arguments: Seeds.requests.indices)
    func readsSeedRequestAsLLHTTPDoes(_ index: Int) throws {
        try expectAgreement(.request, Array(Seeds.requests[index].utf8))
    }

    @Test(arguments: Seeds.responses.indices)
    func readsSeedResponseAsLLHTTPDoes(_ index: Int) throws {
        try expectAgreement(.response(toHead: false), Array(Seeds.responses[index].utf8))
        try expectAgreement(.response(toHead: true), Array(Seeds.responses[index].utf8))
    }

    @Test func acceptsNoMutatedRequestThatLLHTTPReadsOtherwise() throws {
        try fuzz(Seeds.requests, rounds: Self.roundCount / 2) { _ in .request }
    }

    @Test func acceptsNoMutatedResponseThatLLHTTPReadsOtherwise() throws {
        try fuzz(Seeds.responses, rounds: Self.roundCount / 2) { .response(toHead: $0.below(8) == 0) }
    }

    static let shortMessages: [(MessageKind, String)] = [
        (.request, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\"b\"\r\nz\r\n0\r\nX: y\r\n\r\n"),
        (.response(toHead: false), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\nz\r\n0\r\n\r\n"),
    ]

    /// Every byte value in the place of every byte, and before it.
    @Test(arguments: shortMessages.indices)
    func agreesOnEveryByteInEveryPlace(_ index: Int) throws {
        let (kind, text) = Self.shortMessages[index]
        let message = Array(text.utf8)
        for place in message.indices {
            for byte in UInt8.min...UInt8.max {
                for end in [place, place + 1] {
                    let bytes = message[..<place] + [byte] + message[end...]
                    let complaints = try Comparison(kind, Array(bytes), readMessage(kind, Array(bytes))).complaints
                    if !complaints.isEmpty { Issue.record("\(printable(bytes)): \(complaints.joined(separator: "; "))") }
                }
            }
        }
    }

    private func expectAgreement(_ kind: MessageKind, _ bytes: [UInt8]) throws {
        let ours = readMessage(kind, bytes)
        #expect(ours.error == nil, "\(printable(bytes))")
        let comparison = try Comparison(kind, bytes, ours)
        #expect(comparison.complaints.isEmpty, "\(printable(bytes))")
    }

    private func fuzz(_ texts: [String], rounds: Int, kind: (inout Mutator) -> MessageKind) throws {
        let seeds = texts.map { Array($0.utf8) }
        var acceptedCount = 0
        var failureCount = 0
        var used: [KnownDifference: Int] = [:]
        for round in 0..<rounds {
            let seed = Self.firstSeed &+ UInt64(round)
            var mutator = Mutator(seeds, seed: seed)
            let bytes = mutator.message()
            let kind = kind(&mutator)
            let ours = readMessage(kind, bytes)
            let comparison = try Comparison(kind, bytes, ours)
            if let difference = comparison.used { used[difference, default: 0] += 1 }
            var complaints = comparison.complaints
            complaints += splitComplaints(kind, bytes, ours, at: mutator.below(bytes.count))
            if ours.isComplete { acceptedCount += 1 }
            if !complaints.isEmpty {
                failureCount += 1
                Issue.record(
                    "WEIR_FUZZ_SEED=\(seed) WEIR_FUZZ_ROUNDS=2 \(printable(bytes)): \(complaints.joined(separator: "; "))")
                if failureCount == 25 { return }
            }
        }
        #expect(
            rounds < 1_000 || acceptedCount > rounds / 10,
            "the mutations leave too little that is accepted: \(acceptedCount) of \(rounds)")
        #expect(used.values.allSatisfy { $0 < max(10, rounds / 20) }, "known differences hide too much: \(used)")
    }

    /// Two pieces say what one piece said.
    private func splitComplaints(_ kind: MessageKind, _ bytes: [UInt8], _ whole: Reading, at index: Int) -> [String] {
        var split = readMessage(kind, [bytes[..<index], bytes[index...]])
        if whole.error != nil {
            return split.error == whole.error ? [] : ["split at \(index) the error is \(String(describing: split.error))"]
        }
        split.heldBytes = whole.heldBytes
        return split == whole ? [] : ["split at \(index) the reading differs"]
    }
}
