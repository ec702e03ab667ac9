// SPDX-License-Identifier: Apache-2.0
import Platform

/// How long sealed segments are kept; nil means for ever.
package struct RetentionPolicy: Sendable, Equatable {
    /// Records go once the latest of their segment began longer ago than this, microseconds.
    package var ageUs: Int64?
    /// The oldest records go while all segments together are larger than this, bytes.
    package var bytes: Int64?
    /// Facts and manifest go once the latest record began longer ago than this, microseconds; never before the records.
    package var factsAgeUs: Int64?

    /// Everything is kept.
    package init() {}

    /// Whether nothing ever goes.
    package var isEmpty: Bool { ageUs == nil && bytes == nil && factsAgeUs == nil }
}

/// What is to go, and why some of it does not.
package struct RetentionPlan: Sendable {
    /// Files to remove, manifests last.
    package internal(set) var files: [SegmentFile] = []
    /// Segments whose records go.
    package internal(set) var segments = 0
    /// Bytes of those files.
    package internal(set) var freedBytes: Int64 = 0
    /// Segments that would go and are held.
    package internal(set) var held: [String] = []
    /// Segments whose manifest cannot be read or whose facts are not there: they stay.
    package internal(set) var unreadable: [String] = []
    /// Segments whose facts go, by the names of their records, and from when to when their exchanges began.
    package internal(set) var forgotten: [(segment: SegmentName, startedAtUs: ClosedRange<Int64>)] = []
    /// Bytes that hot segments take, which are not removed before they are sealed.
    package internal(set) var hotBytes: Int64 = 0
}

/// Removes whole segments by age and by bytes.
///
/// Only sealed ones, whose facts are in their sidecars: what has not been indexed is never removed.
/// Hold the sealer's lock (`SegmentDirectory.sealersLock`).
package enum SegmentRetention {
    /// Says what a policy would remove.
    ///
    /// - Parameters:
    ///   - policy: how long and how much is kept.
    ///   - directory: the segments.
    ///   - nowUs: the time, microseconds since the Unix epoch.
    /// - Returns: the plan; nothing is removed yet.
    /// - Throws: `SegmentError` of code `directoryUnusable`.
    package static func plan(_ policy: RetentionPolicy, in directory: SegmentDirectory, nowUs: Int64) throws(SegmentError)
        -> RetentionPlan
    {
        var plan = RetentionPlan()
        let listing = try directory.listing()
        let there = listing.segments
        plan.hotBytes = there.reduce(0) { $0 + ($1.isSealed ? 0 : $1.size) }
        var total = there.reduce(0) { $0 + $1.size }
        var sealed: [(records: SegmentFile, manifest: SegmentManifest)] = []
        for file in there where file.isSealed {
            if let manifest = try? directory.manifest(of: file), directory.hasFacts(of: file, manifest) {
                sealed.append((file, manifest))
            } else {
                plan.unreadable.append(file.name)
            }
        }
        // Oldest first, by what they hold and not by their names: nodes write side by side.
        sealed.sort { ($0.manifest.lastUs, $0.records.stem) < ($1.manifest.lastUs, $1.records.stem) }
        for (file, manifest) in sealed {
            let isOld = policy.ageUs.map { nowUs - manifest.lastUs > $0 } ?? false
            let isTooMuch = policy.bytes.map { total > $0 } ?? false
            guard isOld || isTooMuch else { continue }
            guard directory.hold(of: file.stem) == nil else {
                plan.held.append(file.name)
                continue
            }
            plan.remove(file)
            plan.segments += 1
            total -= file.size
        }
        try planFacts(policy, directory, listing, nowUs: nowUs, &plan)
        return plan
    }

    private static func planFacts(
        _ policy: RetentionPolicy, _ directory: SegmentDirectory, _ listing: SegmentListing, nowUs: Int64,
        _ plan: inout RetentionPlan
    ) throws(SegmentError) {
        guard let factsAgeUs = policy.factsAgeUs else { return }
        let kept = Set(listing.segments.map(\.stem)).subtracting(plan.files.map(\.stem))
        let byStem = Dictionary(grouping: listing.found, by: \.stem)
        for (stem, generation) in listing.sealed.sorted(by: { $0.key < $1.key }) where !kept.contains(stem) {
            let parts = (byStem[stem] ?? []).filter { $0.fileName.generation == generation }
            guard let file = parts.first(where: { $0.fileName.part == .manifest }),
                let manifest = try? directory.manifest(of: file),
                nowUs - manifest.lastUs > factsAgeUs, directory.hold(of: stem) == nil
            else { continue }
            for part in [SegmentName.Part.facts, .manifest] {
                guard let found = parts.first(where: { $0.fileName.part == part }) else { continue }
                plan.remove(directory.file(named: found.name) ?? found)
            }
            let (first, last) = (manifest.minStartedAtUs ?? Int64.min, manifest.maxStartedAtUs ?? Int64.max)
            plan.forgotten.append((file.fileName.with(.records), min(first, last)...max(first, last)))
        }
    }

    /// Removes what a plan says.
    ///
    /// - Parameters:
    ///   - plan: what is to go.
    ///   - directory: the segments.
    ///   - progress: told of each file before it goes.
    /// - Throws: `SegmentError` of code `writeFailed`; what is left goes the next time.
    package static func apply(
        _ plan: RetentionPlan, in directory: SegmentDirectory, progress: (SegmentFile) -> Void = { _ in }
    ) throws(SegmentError) {
        guard !plan.files.isEmpty else { return }
        do throws(PlatformError) {
            for file in plan.files {
                progress(file)
                guard try directory.files.status(of: file.path) != nil else { continue }
                try directory.files.unlink(file.path)
                if file.fileName.part == .records { try DamagedCopies.remove(of: file.stem, in: directory) }
            }
            try directory.files.syncDirectory(directory.path)
        } catch {
            throw SegmentError(
                .writeFailed, "A segment cannot be removed; it is tried again the next time.", segment: directory.path,
                cause: error)
        }
    }
}

extension SegmentDirectory {
    /// Whether the facts that a manifest names are there, at least by their size.
    func hasFacts(of file: SegmentFile, _ manifest: SegmentManifest) -> Bool {
        guard let facts = manifest.facts else { return false }
        return self.file(named: file.fileName.with(.facts).description)?.size == facts.bytes
    }
}

extension SegmentManifest {
    /// By what a segment's age is counted: its latest record, or its sealing where it has none.
    fileprivate var lastUs: Int64 { maxStartedAtUs ?? sealedAtUs }
}

extension RetentionPlan {
    fileprivate mutating func remove(_ file: SegmentFile) {
        files.append(file)
        freedBytes += file.size
    }
}
