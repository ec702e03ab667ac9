// SPDX-License-Identifier: Apache-2.0

/// Which records of which writers are in the log, told from the batch headers and manifests alone.
///
/// A writer numbers its records; whoever kept the number of one finds out whether it arrived.
package struct SegmentCoverage: Sendable {
    private var ranges: [UInt64: [Range<UInt64>]] = [:]

    /// Reads the headers of the latest segments of some epochs; damaged batches count as absent.
    ///
    /// - Parameters:
    ///   - epochs: the writers asked about.
    ///   - directory: where the segments lie.
    ///   - limit: segments read for each epoch, the latest ones.
    /// - Throws: `SegmentError` where the directory cannot be listed or a hot segment cannot be read.
    package init(epochs: Set<UInt64>, directory: SegmentDirectory, limit: Int = 64) throws(SegmentError) {
        guard !epochs.isEmpty else { return }
        let all = try directory.list()
        for epoch in epochs {
            for file in all.filter({ $0.epoch == epoch }).suffix(limit) {
                if file.isSealed {
                    readManifest(of: file, in: directory)
                } else if let reader = try directory.readerNow(of: file) {
                    if reader.file.isSealed {
                        readManifest(of: reader.file, in: directory)
                    } else {
                        try read(reader, epoch: epoch)
                    }
                }
            }
        }
    }

    /// A manifest that cannot be read says nothing: its records may come twice, and ids settle that.
    private mutating func readManifest(of file: SegmentFile, in directory: SegmentDirectory) {
        if let manifest = try? directory.manifest(of: file) { ranges[file.epoch, default: []] += manifest.recordNumbers }
    }

    private mutating func read(_ reader: SegmentReader, epoch: UInt64) throws(SegmentError) {
        var offset: Int64 = 0
        while true {
            switch try reader.skim(after: offset) {
            case .batch(let batch):
                let first = batch.header.firstRecord
                let (end, overflow) = first.addingReportingOverflow(UInt64(batch.header.recordCount))
                if !overflow { ranges[epoch, default: []].append(first..<end) }
                offset = batch.next
            case .damage(_, _, let next), .locked(_, let next, _): offset = next
            case .gap(let gap): offset = gap.next
            case .incomplete, .end: return
            }
        }
    }

    /// Whether a record is in a sound batch.
    package func holds(epoch: UInt64, record: UInt64) -> Bool {
        ranges[epoch]?.contains { $0.contains(record) } ?? false
    }
}
