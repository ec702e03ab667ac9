// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Platform
import Testing

@testable import SegmentLog

/// A hot segment of records of several conversations, and what is needed to seal it.
private struct SealingBench {
    let bench = SegmentBench()
    var limits = SegmentLimits()
    var keys = SegmentKeys.none

    var files: MemoryFileSystem { bench.files }
    var directory: SegmentDirectory { SegmentDirectory(files: bench.files, path: SegmentBench.directory, keys: keys) }
    var sealing: SegmentSealing { SegmentSealing(directory: directory, clock: bench.clock, limits: limits) }

    /// Lines of five conversations, interleaved; the one of number `n` begins at `n` and says so.
    func write(_ count: Int, gap: SegmentGap? = nil) throws {
        var small = SegmentLimits()
        small.batchBytes = 700
        let writer = try bench.writer(limits: small, keys: keys)
        for _ in 0..<count { try bench.append(1, to: writer, padding: 60) }
        if let gap { try writer.append(gap: gap) }
        try writer.close()
    }

    static func traits(_ line: ByteRun) -> SegmentLineTraits {
        // The text, which recurs every seven records.
        let at = line.firstIndex(of: UInt8(ascii: "t"), from: 8) ?? 0
        return SegmentLineTraits(startedAtUs: 1_764_000_000_000_000 + Int64(line.count), order: at..<line.count)
    }

    @discardableResult
    func seal(_ file: SegmentFile, keeping: (ByteRun) -> Bool = { _ in true }) throws -> SealedDraft? {
        let draft = try sealing.draft(of: file) { keeping($0) ? SealingBench.traits($0) : nil }
        try draft?.publish()
        try sealing.remove(file)
        return draft
    }

    func first() throws -> SegmentFile { try #require(try directory.list().first) }

    func lines() throws -> [[UInt8]] {
        try directory.list().flatMap { SegmentBench.lines(try SegmentBench.steps($0, files, keys: keys)) }
    }
}

@Suite struct SealingTests {
    private static func sorted(_ lines: [[UInt8]]) -> [[UInt8]] { lines.sorted { $0.lexicographicallyPrecedes($1) } }

    @Test func keepsEveryLineAndSaysWhereItIs() throws {
        var sealed = SealingBench()
        sealed.limits.sealedFrameBytes = 1_000
        let gap = SegmentGap(reason: "arena_full", count: 3, firstAtUs: 1, lastAtUs: 2)
        try sealed.write(40, gap: gap)
        let hot = try sealed.first()
        let draft = try #require(try sealed.seal(hot))
        let file = try sealed.first()
        #expect(try sealed.directory.list().count == 1 && file.isSealed && file.name == draft.recordsName)
        #expect(Self.sorted(try sealed.lines()) == Self.sorted(sealed.bench.appended))
        let reader = SegmentRecordReader(directory: sealed.directory)
        #expect(draft.places.count == 40 && Set(draft.places.map(\.line)).count == 40)
        for place in draft.places {
            let line = try reader.record(segment: file.name, frame: place.frame, offset: Int(place.offset))
            #expect(line == sealed.bench.appended[place.line])
        }
        let manifest = try sealed.directory.manifest(of: file)
        #expect(manifest == draft.manifest && manifest.records.lines == 40 && manifest.gaps == [gap])
        #expect(manifest.recordNumbers == [0..<40] && manifest.erasedRecords == 0 && manifest.damagedRanges == 0)
        #expect(manifest.records.rawBytes == UInt64(sealed.bench.appended.reduce(0) { $0 + $1.count + 1 }))
        #expect(manifest.records.bytes == sealed.files.contents(file.path).map { Int64($0.count) })
        let found = SegmentVerify.verify(file, in: sealed.directory)
        #expect(found.isClean && found.records == 40 && found.missingRecords == 3, "\(found)")
        #expect(try SegmentCoverage(epochs: [file.epoch], directory: sealed.directory).holds(epoch: file.epoch, record: 39))
        #expect(try !SegmentCoverage(epochs: [file.epoch], directory: sealed.directory).holds(epoch: file.epoch, record: 40))
    }

    @Test func putsLinesOfOneConversationTogether() throws {
        let sealed = SealingBench()
        try sealed.write(70)
        try sealed.seal(try sealed.first())
        let texts = try sealed.lines().map { line in
            String(decoding: line, as: UTF8.self).split(separator: "text").last.map(String.init) ?? ""
        }
        let changes = zip(texts, texts.dropFirst()).filter { $0 != $1 }.count
        #expect(Set(texts).count == 7 && changes == 6)
        // Within one conversation the order of writing stays.
        let first = try sealed.lines().prefix(10)
        let numbers = first.compactMap { line in sealed.bench.appended.firstIndex(of: line) }
        #expect(numbers == numbers.sorted() && numbers.count == 10)
    }

    @Test func leavesOutWhatIsErasedAndCountsIt() throws {
        let sealed = SealingBench()
        try sealed.write(20)
        try sealed.seal(try sealed.first())
        let first = try sealed.first()
        let gone = sealed.bench.appended[3]
        let draft = try #require(try sealed.seal(first) { $0.array != gone })
        let file = try sealed.first()
        #expect(file.fileName.generation == 2 && draft.manifest.erasedRecords == 1 && draft.manifest.recordNumbers == [0..<20])
        #expect(Self.sorted(try sealed.lines()) == Self.sorted(sealed.bench.appended.filter { $0 != gone }))
        let names = try sealed.files.list(SegmentBench.directory)
        #expect(names.allSatisfy { !$0.contains(".1.") && !$0.hasSuffix(".hot") }, "\(names)")
    }

    @Test func sealsEncrypted() throws {
        var sealed = SealingBench()
        let key = try #require(SegmentKey([UInt8](repeating: 9, count: 32)))
        sealed.keys = SegmentKeys([key])
        try sealed.write(12)
        let draft = try #require(try sealed.seal(try sealed.first()))
        #expect(draft.manifest.keyID == sealed.keys.current?.name)
        #expect(Self.sorted(try sealed.lines()) == Self.sorted(sealed.bench.appended))
        let file = try sealed.first()
        #expect(sealed.files.contents(file.path)?.contains(Array("text".utf8)) == false)
        #expect(SegmentVerify.verify(file, in: sealed.directory).isClean)
        let locked = SegmentSealing(
            directory: SegmentDirectory(files: sealed.files, path: SegmentBench.directory), clock: sealed.bench.clock)
        #expect { _ = try locked.draft(of: file, traits: SealingBench.traits) } throws: {
            ($0 as? SegmentError)?.code == .keyMissing
        }
    }

    @Test func anEmptySegmentIsJustRemoved() throws {
        let sealed = SealingBench()
        sealed.files.put("\(SegmentBench.directory)/\(SegmentBench.smallName)", [])
        #expect(try sealed.seal(try sealed.first()) == nil)
        #expect(try sealed.files.list(SegmentBench.directory).isEmpty)
    }

    @Test func aSegmentOverTheLimitStaysAsItIs() throws {
        var sealed = SealingBench()
        try sealed.write(40)
        let size = try sealed.first().size
        sealed.limits.sealedSourceBytes = 1_000
        let error = #expect(throws: SegmentError.self) { try sealed.seal(try sealed.first()) }
        #expect(error?.code == .sealFailed)
        #expect(try sealed.directory.list().map(\.size) == [size])
        #expect(try sealed.lines().count == 40)
    }

    @Test func damageIsCopiedAsideBeforeTheHotSegmentGoes() throws {
        let sealed = SealingBench()
        let small = try SegmentBench.small()
        var bytes = small.bytes
        bytes[Int(small.offsets[1]) + 100] ^= 1
        sealed.files.put("\(SegmentBench.directory)/\(SegmentBench.smallName)", bytes)
        let draft = try #require(try sealed.seal(try sealed.first()))
        #expect(draft.manifest.damagedRanges == 1 && draft.manifest.damagedBytes == small.offsets[2] - small.offsets[1])
        #expect(draft.manifest.records.lines == 5 && draft.manifest.recordNumbers == [0..<2, 3..<6])
        let copy = sealed.files.contents("\(SegmentBench.directory)/damaged/\(SegmentBench.smallName)-\(small.offsets[1]).bin")
        #expect(copy == Array(bytes[Int(small.offsets[1])..<Int(small.offsets[2])]))
    }

    /// Every operation fails once, and at every operation the power goes once: what is there afterwards holds every line once.
    @Test(arguments: [false, true]) func isRestartableAtEveryStep(withPowerCut: Bool) throws {
        for operation in [FileOperation.write, .sync, .syncDirectory, .open, .rename, .unlink, .read] {
            var nth = 0
            while true {
                nth += 1
                let sealed = SealingBench()
                try sealed.write(9)
                let hot = try sealed.first()
                let before = sealed.files.count(of: operation)
                sealed.files.fail(operation, nth: nth, errno: 5)
                let failed = Result { try sealed.seal(hot) }
                let isReached = sealed.files.count(of: operation) - before >= nth
                sealed.files.clearFaults()
                if withPowerCut { sealed.files.powerCut(tornTail: true) }
                try Self.finish(sealed)
                #expect(
                    Self.sorted(try sealed.lines()) == Self.sorted(sealed.bench.appended),
                    "\(operation) \(nth) \(failed)")
                guard isReached else { break }
                #expect(nth < 200)
            }
            #expect(nth > 1, "\(operation) was never asked for")
        }
    }

    /// What a keeper does after a death: sweep, remove what was replaced, seal what is still hot.
    private static func finish(_ sealed: SealingBench) throws {
        for (old, _) in try sealed.sealing.sweep() { try sealed.sealing.remove(old) }
        for file in try sealed.directory.list() where !file.isSealed { try sealed.seal(file) }
        let names = try sealed.files.list(SegmentBench.directory)
        #expect(names.count == 2 && names.allSatisfy { !$0.hasSuffix(".tmp") && !$0.hasSuffix(".hot") }, "\(names)")
    }

    /// Every byte of a small sealed segment changed, and every length of it: no trap, no wrong record, and the damage is named.
    @Test func everyChangedByteAndEveryCutIsFound() throws {
        var sealed = SealingBench()
        sealed.limits.sealedFrameBytes = 400
        try sealed.write(8)
        try sealed.seal(try sealed.first())
        let file = try sealed.first()
        let bytes = try #require(sealed.files.contents(file.path))
        let known = Set(sealed.bench.appended)
        func check(_ changed: [UInt8], at place: Int, _ what: String, isCut: Bool = false) throws {
            sealed.files.put(file.path, changed)
            let now = try #require(sealed.directory.file(named: file.name))
            let steps = try SegmentBench.steps(now, sealed.files)
            #expect(SegmentBench.lines(steps).allSatisfy(known.contains), "\(what) \(place)")
            #expect(!SegmentVerify.verify(now, in: sealed.directory).isClean, "\(what) \(place)")
            // By the file alone, without its manifest: where it is damaged, and not later than where the change is.
            let found = SegmentVerify.walk(now, in: sealed.directory, limits: .standard, decoding: true)
            let isNamed =
                found.damage.contains { $0.range.contains(Int64(place)) } || found.incompleteAt.map { $0 <= place } ?? false
            #expect(
                isNamed || isCut && found.damage.contains { $0.range.lowerBound <= Int64(place) }, "\(what) \(place): \(found)")
        }
        for i in bytes.indices {
            var changed = bytes
            changed[i] ^= 0x41
            try check(changed, at: i, "byte")
        }
        for length in bytes.indices { try check(Array(bytes[..<length]), at: length, "cut", isCut: true) }
    }

    @Test func aDamagedManifestIsNotBelieved() throws {
        let sealed = SealingBench()
        try sealed.write(5)
        try sealed.seal(try sealed.first())
        let file = try sealed.first()
        let path = "\(SegmentBench.directory)/\(file.fileName.with(.manifest))"
        let bytes = try #require(sealed.files.contents(path))
        for i in bytes.indices {
            var changed = bytes
            changed[i] ^= 1
            sealed.files.put(path, changed)
            #expect(throws: SegmentError.self, "byte \(i)") { _ = try sealed.directory.manifest(of: file) }
        }
        for length in bytes.indices {
            // The closing newline alone is nothing to miss.
            guard length < bytes.count - 1 else { continue }
            sealed.files.put(path, Array(bytes[..<length]))
            #expect(throws: SegmentError.self, "cut \(length)") { _ = try sealed.directory.manifest(of: file) }
        }
    }

    @Test func namesOfPartsParse() {
        let stem = SegmentStem(node: "A b", epoch: 255, sequence: 7)
        #expect(stem.description == "a_b-00000000000000ff-00000007")
        for part in [SegmentName.Part.records, .facts, .manifest] {
            let name = SegmentName(stem, generation: 12, part)
            #expect(SegmentName(fileName: name.description) == name)
        }
        for part in [SegmentName.Part.hot, .hold] {
            let name = SegmentName(stem, part)
            #expect(SegmentName(fileName: name.description) == name)
        }
        for bad in [".0", ".01", ".-1", ".+1", ".x", "", ".1.1"] {
            #expect(SegmentName(fileName: "\(stem)\(bad).records.ndjson.zst") == nil, "\(bad)")
        }
    }
}
