// SPDX-License-Identifier: Apache-2.0
import Platform

/// Copies damaged ranges of segments into a folder beside them, where whoever looks for what they held finds them.
struct DamagedCopies {
    let directory: String
    let files: any FileSystem
    let limits: SegmentLimits

    /// Copies ranges that were not copied before.
    ///
    /// - Parameters:
    ///   - file: the segment.
    ///   - damage: the ranges; of each at most `SegmentLimits.setAsideBytes` are copied.
    ///   - paths: gets the paths of the copies, old ones included.
    /// - Returns: what could not be done, in words.
    func make(of file: SegmentFile, _ damage: ArraySlice<SegmentDamage>, noting paths: inout [String]) -> [String] {
        var problems: [String] = []
        for range in damage.map(\.range) {
            do throws(PlatformError) {
                paths.append(try copy(range, of: file))
            } catch {
                problems.append("Damage of \(file.name) at \(range.lowerBound) cannot be copied aside: \(error.message)")
            }
        }
        return problems
    }

    /// The same for whom the paths do not matter.
    func make(of file: SegmentFile, _ damage: ArraySlice<SegmentDamage>) -> [String] {
        var paths: [String] = []
        return make(of: file, damage, noting: &paths)
    }

    /// Removes all copies of a segment's ranges.
    static func remove(of stem: SegmentStem, in directory: SegmentDirectory) throws(PlatformError) {
        let folder = PathText.join(directory.path, SegmentFormat.damagedFolder)
        guard try directory.files.status(of: folder) != nil else { return }
        let copies = try directory.files.list(folder).filter { $0.hasPrefix("\(stem).") }
        for name in copies { try directory.files.unlink(PathText.join(folder, name)) }
        if !copies.isEmpty { try directory.files.syncDirectory(folder) }
    }

    private func copy(_ range: Range<Int64>, of file: SegmentFile) throws(PlatformError) -> String {
        let folder = PathText.join(directory, SegmentFormat.damagedFolder)
        let path = PathText.join(folder, "\(file.name)-\(range.lowerBound).bin")
        guard try files.status(of: path) == nil else { return path }
        try files.createDirectories(folder)
        let source = try files.open(file.path, .read)
        defer { source.close() }
        let length = min(range.upperBound - range.lowerBound, Int64(limits.setAsideBytes))
        try files.replaceFile(path, with: source.read(at: range.lowerBound, count: Int(length)))
        return path
    }
}
