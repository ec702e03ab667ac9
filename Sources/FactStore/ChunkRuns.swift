// SPDX-License-Identifier: Apache-2.0

/// How the rows of a chunk stand: those of one dimension together, one dimension after another.
///
/// Stored as 12 bytes a run, little-endian: the number of the dimension in eight, how many rows in four.
struct ChunkRuns: Equatable {
    /// A dimension, and how many rows of it follow.
    struct Run: Equatable {
        let dimension: Int64
        let count: Int
    }

    /// The runs in the order of the rows.
    let runs: [Run]

    private static let runBytes = 12

    /// Runs of the dimensions of rows that stand in order.
    init(_ dimensions: [Int64]) {
        var runs: [Run] = []
        var first = 0
        for (i, dimension) in dimensions.enumerated() where i + 1 == dimensions.count || dimensions[i + 1] != dimension {
            runs.append(Run(dimension: dimension, count: i + 1 - first))
            first = i + 1
        }
        self.runs = runs
    }

    /// Reads stored runs; nil where they are none, or not of so many rows.
    init?(blob: [UInt8], rows: Int) {
        guard blob.count % ChunkRuns.runBytes == 0 else { return nil }
        runs = unsafe blob.withUnsafeBytes { raw in
            stride(from: 0, to: raw.count, by: ChunkRuns.runBytes).map { place in
                Run(
                    dimension: unsafe Int64(littleEndian: raw.loadUnaligned(fromByteOffset: place, as: Int64.self)),
                    count: Int(unsafe UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: place + 8, as: UInt32.self))))
            }
        }
        guard runs.reduce(0, { $0 + $1.count }) == rows else { return nil }
    }

    /// The runs as they are stored.
    var blob: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(runs.count * ChunkRuns.runBytes)
        for run in runs {
            unsafe withUnsafeBytes(of: run.dimension.littleEndian) { unsafe bytes.append(contentsOf: $0) }
            unsafe withUnsafeBytes(of: UInt32(truncatingIfNeeded: run.count).littleEndian) { unsafe bytes.append(contentsOf: $0) }
        }
        return bytes
    }
}
