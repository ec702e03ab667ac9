// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// What the policy says of one exchange.
struct CaptureVerdict: Equatable {
    /// Why less than everything is recorded.
    enum Cause { case policy, sampling }

    var mode = CaptureMode.full
    var cause = Cause.policy
    var bodyBytes = Int.max
    /// Number of the terms: 0 where no rule was met, else the rule's number and one.
    var terms = 0
}

/// Applies a policy to exchanges as they lie in an arena; the same for the living and for those of a process that died.
///
/// World: thread. Where the policy treats all alike nothing of an exchange is read.
struct PolicyJudge {
    private struct Rule {
        let environments: [NamePattern]
        let tasks: [NamePattern]
        let keys: [NamePattern]
        let terms: CaptureTerms
    }

    let policy: CapturePolicy
    private let rules: [Rule]
    private let sampler: ConversationSampler
    private let uniform: CaptureVerdict?
    /// By the number of the terms.
    private let redactors: [DataRedactor?]

    init(_ policy: CapturePolicy, secrets: CaptureSecrets) {
        self.policy = policy
        sampler = secrets.sampler
        redactors = ([policy.terms] + policy.rules.map(\.terms)).map {
            DataRedactor($0.redact, key: secrets.redactionKey)
        }
        rules = policy.rules.map { rule in
            Rule(
                environments: rule.environments.map(NamePattern.init), tasks: rule.tasks.map(NamePattern.init),
                keys: rule.keys.map(NamePattern.init), terms: rule.terms)
        }
        uniform =
            policy.isUniform ? CaptureVerdict(mode: policy.terms.mode, bodyBytes: policy.terms.bodyBytes) : nil
    }

    /// What becomes of an exchange.
    func verdict(of view: ExchangeView) -> CaptureVerdict {
        if let uniform { return uniform }
        let headers = PolicyHeaders(view.requestHead)
        let number = ruleNumber(view.facts, headers)
        let terms = number.map { rules[$0].terms } ?? policy.terms
        var verdict = CaptureVerdict(mode: terms.mode, bodyBytes: terms.bodyBytes, terms: number.map { $0 + 1 } ?? 0)
        if let asked = headers.capture, policy.header == .any {
            verdict.mode = asked
            return verdict
        }
        if let asked = headers.capture, policy.header == .reduce { verdict.mode = min(verdict.mode, asked) }
        guard terms.sampleMillionths < CaptureTerms.all, verdict.mode > policy.sampledOut else { return verdict }
        if !sampler.isIn(view, coding: headers.contentEncoding, millionths: terms.sampleMillionths) {
            verdict.mode = policy.sampledOut
            verdict.cause = .sampling
        }
        return verdict
    }

    /// What replaces personal data under the terms of a verdict; nil where nothing does.
    func redactor(_ verdict: CaptureVerdict) -> DataRedactor? { redactors[verdict.terms] }

    private func ruleNumber(_ facts: ExchangeFacts, _ headers: PolicyHeaders) -> Int? {
        guard !rules.isEmpty else { return nil }
        let environment = headers.environment ?? facts.environment
        let task = headers.task ?? facts.task ?? ByteRun("default")
        let key = facts.keyID.flatMap { $0.isEmpty ? nil : $0 }
        return rules.firstIndex { rule in
            NamePattern.isMet(rule.environments, by: environment) && NamePattern.isMet(rule.tasks, by: task)
                && NamePattern.isMet(rule.keys, by: key)
        }
    }
}

/// A name, or the beginning of names.
struct NamePattern {
    private let bytes: [UInt8]
    private let isPrefix: Bool

    init(_ text: String) {
        isPrefix = text.hasSuffix("*")
        bytes = Array(isPrefix ? text.dropLast().utf8 : text[...].utf8)
    }

    static func isMet(_ patterns: [NamePattern], by name: ByteRun?) -> Bool {
        guard !patterns.isEmpty else { return true }
        guard let name else { return false }
        return patterns.contains { $0.isMet(by: name) }
    }

    private func isMet(by name: ByteRun) -> Bool {
        guard isPrefix ? name.count >= bytes.count : name.count == bytes.count else { return false }
        return unsafe bytes.withUnsafeBytes { unsafe ByteRun($0).equals(name.slice(0, bytes.count)) }
    }
}

/// The headers of a request that a policy looks at, found in place.
struct PolicyHeaders {
    private(set) var environment: ByteRun?
    private(set) var task: ByteRun?
    private(set) var capture: CaptureMode?
    private(set) var contentEncoding: ByteRun?

    init(_ head: ByteRun) {
        guard var at = head.firstIndex(of: 0x0D), at > 0 else { return }
        at = min(at + 2, head.count)
        while at < head.count, let end = head.firstIndex(of: 0x0D, from: at), end > at {
            take(head.slice(at, end))
            at = min(end + 2, head.count)
        }
    }

    private mutating func take(_ line: ByteRun) {
        let first = unsafe line.base.load(as: UInt8.self) | 0x20
        guard first == UInt8(ascii: "x") || first == UInt8(ascii: "c"), let colon = line.firstIndex(of: 0x3A) else { return }
        let name = line.slice(0, colon)
        let value = HeadRuns.trimmed(line.slice(colon + 1, line.count))
        if name.equalsIgnoringCase("content-encoding") {
            contentEncoding = value
        } else if name.equalsIgnoringCase("x-inference-environment") {
            environment = value
        } else if name.equalsIgnoringCase("x-inference-task-id") {
            if !value.isEmpty { task = value }
        } else if name.equalsIgnoringCase("x-inference-capture"), let mode = PolicyHeaders.mode(value) {
            // A request that sends it twice is refused; should one come here, the least counts.
            capture = min(capture ?? mode, mode)
        }
    }

    private static func mode(_ value: ByteRun) -> CaptureMode? {
        if value.equalsIgnoringCase("off") { return .off }
        if value.equalsIgnoringCase("metadata") { return .metadata }
        return value.equalsIgnoringCase("full") ? .full : nil
    }
}
