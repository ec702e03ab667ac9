// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ByteCoding
import Indexing
import Platform
import SegmentLog

struct SegmentRetainVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retain", abstract: "Remove whole sealed segments by age and by size; facts stay.",
        discussion: """
            Records go, facts and manifests stay and answer on, unless --facts says how long. Segments on hold, and hot ones, are never removed. A running gateway does the same by itself (`segments.retain`, `segments.retain_bytes`, `segments.retain_facts`).

            EXAMPLES:
              weir segment retain --age 30d --dry-run
              weir segment retain --age 30d --bytes 200GiB --facts 400d
            """)

    @Option(help: "Remove records whose segment ended longer ago, as in 30d.") var age: String?
    @Option(help: "Remove the oldest records while all segments are larger, as in 200GiB.") var bytes: String?
    @Option(help: "Remove facts and manifests whose segment ended longer ago; never before the records.") var facts: String?
    @Flag(help: "Say what would go, and remove nothing.") var dryRun = false
    @OptionGroup var data: DataOption
    @Flag(help: "The report as one JSON object on standard output.") var json = false

    func run() throws {
        let policy = try self.policy()
        guard !policy.isEmpty else { throw VerbFailure.usage("say what is kept: --age, --bytes or --facts") }
        try data.directory.require(PosixFileSystem())
        let (plan, forgotten) = try retain(policy)
        Terminal.endProgress()
        if json { try Terminal.data(Self.json(plan, forgotten: forgotten, isDryRun: dryRun)) }
        for name in plan.unreadable {
            Terminal.say("weir: \(name) stays: its manifest or its facts cannot be read; see `weir segment repair`")
        }
        for name in plan.held { Terminal.say("weir: \(name) stays: it is held") }
        Terminal.say(
            "\(plan.segments) segments' records \(dryRun ? "would go" : "gone"), \(plan.files.count) files, \(plan.freedBytes) bytes, \(forgotten) facts"
        )
    }

    /// Does it, or only plans it; the index is needed where facts go.
    private func retain(_ policy: RetentionPolicy) throws -> (plan: RetentionPlan, forgotten: Int) {
        func progress(_ file: SegmentFile) { Terminal.progress("removing \(file.name)") }
        if policy.factsAgeUs != nil, !dryRun {
            let run = try KeeperRun(data.directory, indexing: false)
            let done = try run.keeper.retain(policy, progress: progress)
            Terminal.endProgress()
            try run.feedback.tell()
            return done
        }
        let log = try data.directory.log
        guard let held = try log.sealersLock() else {
            throw VerbFailure.unfinished("another process seals or erases there; try again when it is done")
        }
        defer { held.release() }
        let plan = try SegmentRetention.plan(policy, in: log, nowUs: SystemClock().wallUs)
        if !dryRun { try SegmentRetention.apply(plan, in: log, progress: progress) }
        return (plan, 0)
    }

    private func policy() throws -> RetentionPolicy {
        var policy = RetentionPolicy()
        do {
            policy.ageUs = try age.map { try Quantity.milliseconds($0, within: RetentionSettings.ages) * 1_000 }
            policy.bytes = try bytes.map { try Quantity.bytes($0, within: RetentionSettings.sizes) }
            policy.factsAgeUs = try facts.map { try Quantity.milliseconds($0, within: RetentionSettings.ages) * 1_000 }
        } catch {
            throw VerbFailure.usage("--age, --bytes and --facts: \(error)")
        }
        return policy
    }

    private static func json(_ plan: RetentionPlan, forgotten: Int, isDryRun: Bool) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("dry_run")
        json.value(isDryRun)
        for (key, value) in [
            ("segments", Int64(plan.segments)), ("files", Int64(plan.files.count)), ("freed_bytes", plan.freedBytes),
            ("hot_bytes", plan.hotBytes), ("forgotten_facts", Int64(forgotten)),
        ] {
            json.key(key)
            json.value(value)
        }
        for (key, names) in [("held", plan.held), ("unreadable", plan.unreadable)] {
            json.key(key)
            json.beginArray()
            for name in names { json.value(name) }
            json.endArray()
        }
        json.endObject()
        json.newline()
        return json.bytes
    }
}

/// What retention may be set to.
enum RetentionSettings {
    /// Milliseconds: up to a hundred years.
    static let ages: ClosedRange<Int64> = 0...3_153_600_000_000
    /// Bytes.
    static let sizes: ClosedRange<Int64> = 0...(1 << 50)
}

struct SegmentRepairVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair", abstract: "Mend what can be mended: torn tails, manifests, damaged sealed segments.",
        discussion: """
            Run it while no gateway writes there. Torn tails of hot segments are cut off; damaged ranges are copied into damaged/; missing manifests are made anew from sound files; a damaged sealed segment is written anew with what can be read of it. Nothing that can be read is lost. Exit code 1 where something could not be mended.

            EXAMPLES:
              weir segment repair
              weir segment repair --data /var/lib/weir --json
            """)

    @OptionGroup var data: DataOption
    @Flag(help: "The report as one JSON object on standard output.") var json = false

    func run() throws {
        let files = PosixFileSystem()
        try data.directory.require(files)
        guard let lock = try files.tryLock(data.directory.serveLock) else {
            throw VerbFailure.unfinished("a gateway writes to \(data.directory.path); stop it first")
        }
        defer { lock.release() }
        // After a hand-over the lock may be free while a process still writes: it holds its epoch.
        guard try SegmentEpoch.live(in: try data.directory.log).isEmpty else {
            throw VerbFailure.unfinished("a gateway still writes to \(data.directory.path); stop it first")
        }
        var limits = SegmentLimits.standard
        limits.recoveredSegments = Int.max
        let recovered = try SegmentRecovery.recover(directory: data.directory.segments, files: files, limits: limits)
        let run = try KeeperRun(data.directory)
        let repaired = try run.keeper.repair { Terminal.progress("verifying \($0.name)") }
        Terminal.endProgress()
        try run.feedback.tell()
        var report = repaired.report
        report.failures += recovered.problems
        Terminal.say(
            "\(recovered.truncatedBytes) bytes of torn tails cut off, \(recovered.damageCount) damaged ranges in hot segments copied aside"
        )
        try KeeperRun.finish(report, manifests: repaired.manifests, json: json)
    }
}

struct SegmentKeyVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Print a new key for `segments.key_file`.",
        discussion: """
            A key file holds keys of 64 hex digits, one a line: the first encrypts, all decrypt. Put a new one first to change keys; remove one to make what it encrypted unreadable for ever.

            EXAMPLES:
              (umask 077; weir segment key > /etc/weir/segments.key)
            """)

    func run() throws {
        let secret = SystemRandom.bytes(SegmentKey.bytes)
        try Terminal.data("\(Hex.encode(secret))\n")
        if let key = SegmentKey(secret) { Terminal.say("key id \(key.name)") }
    }
}
