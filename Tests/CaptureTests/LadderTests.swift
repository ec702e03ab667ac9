// SPDX-License-Identifier: Apache-2.0
import ExchangeModel
import Foundation
import Glibc
import Logging
import Platform
import Synchronization
import Testing

@testable import Capture

@Suite struct LadderTests {
    @Test(arguments: [
        (0, CaptureRung.everything), (699, .everything), (700, .cutAnswers), (899, .cutAnswers), (900, .metadataOnly),
        (1_000, .metadataOnly), (5_000, .metadataOnly),
    ])
    func rungsBeginWhereTheyShould(_ used: Int, _ rung: CaptureRung) {
        var pressure = Pressure()
        pressure.note(used, of: 1_000)
        pressure.note(5, of: 0)
        pressure.note(1, of: 1_000)
        #expect(pressure.rung == rung)
    }

    @Test(arguments: [
        (CaptureVerdict(), CaptureRung.everything, false, BodyTreatment.whole, TreatmentPlan.Cause.limit),
        (CaptureVerdict(bodyBytes: 9), .everything, false, BodyTreatment(bodyBytes: 9), .limit),
        (CaptureVerdict(), .cutAnswers, false, BodyTreatment(answerOver: 256 << 10, answerBytes: 64 << 10), .pressure),
        (CaptureVerdict(), .metadataOnly, false, BodyTreatment(keepsBodies: false), .pressure),
        (CaptureVerdict(), .everything, true, BodyTreatment(keepsBodies: false), .disk),
        (CaptureVerdict(mode: .metadata), .metadataOnly, true, BodyTreatment(keepsBodies: false), .policy),
        (CaptureVerdict(mode: .metadata, cause: .sampling), .everything, false, BodyTreatment(keepsBodies: false), .sampling),
    ])
    func thePolicyComesFirstThenTheDiskThenTheRung(
        _ verdict: CaptureVerdict, _ rung: CaptureRung, _ isDiskLow: Bool, _ treatment: BodyTreatment,
        _ cause: TreatmentPlan.Cause
    ) {
        let plan = TreatmentPlan(verdict, rung: rung, isDiskLow: isDiskLow, limits: CaptureLimits())
        #expect(plan.treatment == treatment && plan.cause == cause)
    }

    /// The capture thread stands still until the arena is as full as asked for.
    private static func burst(_ bench: CaptureBench, answers: [Int], request: Int = 0) throws {
        let lane = bench.engine.makeLane()
        bench.clock.hold()
        lane.begin().commit(.completed)
        try #require(bench.clock.waitForPause())
        for count in answers {
            let tap = lane.begin()
            tap.request([UInt8](repeating: 0x72, count: request))
            tap.response([UInt8](repeating: 0x61, count: count))
            tap.commit(.completed)
        }
    }

    @Test func longAnswersAreCutWhileTheArenaIsThreeQuartersFull() throws {
        var limits = CaptureLimits()
        limits.arenaBytes = 4 << 20
        limits.arenaShareBytes = 4 << 20
        limits.pauseUs = 1
        let bench = try CaptureBench(limits)
        // 74 % of the pages, in answers of 300 KB; the last of them are taken when less is left.
        try Self.burst(bench, answers: [Int](repeating: 300_000, count: 9) + [200_000], request: 1_000)
        let records = try bench.records().dropFirst()
        let counters = bench.engine.counters
        #expect(records.count == 10 && counters.dropped == 0 && counters.reduced == counters.reduced(.pressureCut))
        let cut = records.filter { $0.responseBody.kept == .headTail }
        #expect(cut.count == counters.reduced(.pressureCut) && !cut.isEmpty)
        for record in cut {
            #expect(record.responseBody.content?.count == 64 << 10 && record.responseBody.joint == 32 << 10)
            #expect(record.responseBody.wireByteCount == 300_000 && record.requestBody.kept == .full)
            #expect(record.responseBody.sha256 == BodyDigest.hex(of: [UInt8](repeating: 0x61, count: 300_000)))
        }
        #expect(records.last?.responseBody.kept == .full)
    }

    /// A body that the loop cut counts where the record would have had all of it, and nowhere where the policy keeps none.
    @Test func whatThePolicyLeavesOutIsNotCountedAsReduced() throws {
        var limits = CaptureLimits()
        limits.bodyBytes = 100
        var policy = CapturePolicy()
        var (metadata, off) = (CaptureTerms(), CaptureTerms())
        (metadata.mode, off.mode) = (.metadata, .off)
        policy.rules = [CaptureRule(tasks: ["metadata"], terms: metadata), CaptureRule(tasks: ["off"], terms: off)]
        let bench = try CaptureBench(limits, policy: policy)
        let lane = bench.engine.makeLane()
        for task in ["metadata", "off", "plain"] {
            let tap = lane.begin()
            tap.heads(request: "POST / HTTP/1.1\r\nx-inference-task-id: \(task)\r\n\r\n")
            tap.response([UInt8](repeating: 0x61, count: 1_000))
            tap.commit(.completed)
        }
        let kept = try bench.records().map(\.responseBody.kept)
        let counters = bench.engine.counters
        #expect(kept == [BodyKept.none, .headTail] && counters.metadataOnly(.policy) == 1 && counters.off(.policy) == 1)
        #expect(counters.reduced == 1 && counters.reduced(.bodyLimit) == 1)
    }

    @Test func bodiesInPlainMemoryCountAsWell() throws {
        var limits = CaptureLimits()
        limits.arenaBytes = 1 << 20
        limits.arenaShareBytes = 8 << 10
        limits.spillBytes = 4 << 20
        let bench = try CaptureBench(limits)
        try Self.burst(bench, answers: [Int](repeating: 600_000, count: 6))
        let records = try bench.records().dropFirst()
        let counters = bench.engine.counters
        #expect(records.first?.responseBody.kept == BodyKept.none && counters.reduced(.pressureMetadata) > 0)
        #expect(records.last?.responseBody.kept == .full && counters.spilledBytes == 0)
        #expect(counters.admitted == counters.written && counters.inFlight == 0)
    }
}

@Suite struct DiskWatchTests {
    private static let logger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }

    private static func watch(_ files: MemoryFileSystem, least: Int64, ballast: Int64) throws -> DiskWatch {
        var limits = CaptureLimits()
        limits.minFreeBytes = least
        limits.ballastBytes = ballast
        try files.createDirectories("/s")
        return DiskWatch(files: files, directory: "/s", limits: limits, logger: logger)
    }

    @Test func leavesBodiesOutBelowTheLimitAndComesBackByItself() throws {
        let files = MemoryFileSystem()
        var disk = try Self.watch(files, least: 8_000, ballast: 1_000)
        files.setCapacity(100_000)
        disk.look()
        #expect(!disk.isLow && files.contents("/s/ballast")?.count == 1_000 && disk.freeBytes == 100_000)
        files.put("/other", [UInt8](repeating: 1, count: 92_000))
        disk.look()
        #expect(disk.isLow && files.contents("/s/ballast") != nil)
        // A little more than the limit is asked for, so that it does not flutter.
        files.put("/other", [UInt8](repeating: 1, count: 90_500))
        disk.look()
        #expect(disk.isLow)
        files.put("/other", [UInt8](repeating: 1, count: 89_000))
        disk.look()
        #expect(!disk.isLow && disk.heldBallast == 1_000)
    }

    @Test func aFullDiskTakesTheBallastAndGetsItBackOnceThereIsRoom() throws {
        let files = MemoryFileSystem()
        var disk = try Self.watch(files, least: 0, ballast: 2 << 20)
        files.setCapacity(8 << 20)
        disk.look()
        #expect(disk.heldBallast == 2 << 20)
        disk.diskIsFull()
        #expect(disk.isLow && files.contents("/s/ballast") == nil && disk.heldBallast == 0)
        files.put("/other", [UInt8](repeating: 1, count: 7 << 20))
        disk.look()
        #expect(disk.isLow && disk.heldBallast == 0)
        files.put("/other", [])
        disk.look()
        #expect(!disk.isLow && files.contents("/s/ballast")?.count == 2 << 20)
    }

    @Test func aBallastOfTheLastStartIsTakenAndAWrongOneMadeAnew() throws {
        let files = MemoryFileSystem()
        var disk = try Self.watch(files, least: 0, ballast: 1_000)
        files.put("/s/ballast", [UInt8](repeating: 9, count: 1_000))
        disk.look()
        #expect(disk.heldBallast == 1_000 && files.contents("/s/ballast")?.first == 9)
        var other = try Self.watch(files, least: 0, ballast: 500)
        other.look()
        #expect(files.contents("/s/ballast")?.count == 500)
    }

    @Test func factsAndGapsAreWrittenWhileTheDiskHasTooLittleForBodies() throws {
        let files = MemoryFileSystem()
        var limits = CaptureLimits()
        limits.minFreeBytes = 4 << 20
        limits.ballastBytes = 1 << 20
        let bench = try CaptureBench(limits, files: files)
        let lane = bench.engine.makeLane()
        func one(_ text: String) {
            let tap = lane.begin()
            tap.request(Array(text.utf8))
            tap.commit(.completed)
        }
        func settle() throws {
            bench.clock.advance(us: 1_100_000)
            for _ in 0..<4_000 where bench.engine.counters.inFlight > 0 {
                bench.clock.advance(us: 200_000)
                usleep(500)
            }
            try #require(bench.engine.counters.inFlight == 0)
        }
        one("whole")
        try settle()
        files.setCapacity(5 << 20)
        one("either")
        try settle()
        one("without")
        try settle()
        #expect(bench.engine.counters.isDiskLow && bench.engine.counters.reduced(.diskLow) > 0)
        files.setCapacity(nil)
        one("either")
        try settle()
        one("again")
        try settle()
        let bodies = try bench.records().map { $0.requestBody.content.map { String(decoding: $0, as: UTF8.self) } }
        #expect(bodies.first == "whole" && bodies.last == "again" && bodies.contains(nil) && !bodies.contains("without"))
        let counters = bench.engine.counters
        #expect(counters.admitted == counters.written && !counters.isDiskLow)
    }
}
