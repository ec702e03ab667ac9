// SPDX-License-Identifier: Apache-2.0
import ByteCoding
package import Platform

/// What two data sets have in common and what not, by the exchanges that their rows were made of.
package struct DatasetDifference: Equatable, Sendable {
    /// Rows of one side: in both, only in the first, only in the second.
    package struct Counts: Equatable, Sendable {
        /// In both.
        package var both: Int64 = 0
        /// Only in the first.
        package var onlyFirst: Int64 = 0
        /// Only in the second.
        package var onlySecond: Int64 = 0

        /// Nothing counted.
        package init() {}
    }

    /// By side.
    package private(set) var counts: [DatasetSide: Counts] = [:]
    /// Exchanges that changed sides; at most `DatasetLimits.differenceNames`.
    package private(set) var moved: [String] = []
    /// How many changed sides.
    package private(set) var movedCount: Int64 = 0

    /// Compares the lineages of two data sets.
    ///
    /// - Throws: `PlatformError` where a file cannot be read, `DatasetError` `.damagedSet` for a line that is none of a lineage.
    package init(_ first: CatalogEntry, _ second: CatalogEntry, files: any DirectoryFileSystem) throws {
        let a = try DatasetDifference.sides(of: first, files)
        let b = try DatasetDifference.sides(of: second, files)
        for side in DatasetSide.allCases { counts[side] = Counts() }
        var changed: [String] = []
        for (record, side) in a {
            switch b[record] {
            case side?: counts[side]?.both += 1
            case nil: counts[side]?.onlyFirst += 1
            case let other?:
                counts[side]?.onlyFirst += 1
                counts[other]?.onlySecond += 1
                changed.append(record)
            }
        }
        for (record, side) in b where a[record] == nil { counts[side]?.onlySecond += 1 }
        movedCount = Int64(changed.count)
        moved = Array(changed.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.prefix(DatasetLimits.differenceNames))
    }

    private static func sides(of entry: CatalogEntry, _ files: any DirectoryFileSystem) throws -> [String: DatasetSide] {
        var sides: [String: DatasetSide] = [:]
        try LineReading.forEachLine(of: PathText.join(entry.directory, "lineage.jsonl"), files) { line, number in
            let root = JSONDocument.read(line)?.root
            guard let record = root?["record"]?.string, let file = root?["file"]?.string,
                let side = DatasetSide(rawValue: file.split(separator: ".").first.map(String.init) ?? "")
            else {
                throw DatasetError(
                    .damagedSet, subject: entry.directory, "'\(entry.directory)': line \(number) of lineage.jsonl is broken.")
            }
            sides[record] = side
        }
        return sides
    }
}
