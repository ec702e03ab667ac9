// SPDX-License-Identifier: Apache-2.0
import Capture
import Platform
import Pricing
import SegmentLog

extension Configuration {
    /// How capture writes its segments.
    ///
    /// - Parameter files: where the key file lies.
    /// - Returns: the settings.
    /// - Throws: `VerbFailure` where the key file cannot be used.
    func segmentSettings(_ files: any FileSystem) throws -> CaptureSegments {
        var settings = CaptureSegments()
        settings.sync =
            switch resolution.text("segments.sync") {
            case "always": .always
            case "never": .never
            default: .interval(us: resolution.number("segments.sync_interval") * 1_000)
            }
        settings.limits.segmentBytes = resolution.number("segments.roll_bytes")
        settings.limits.segmentAgeUs = resolution.number("segments.roll_age") * 1_000
        settings.keys = try segmentKeys(files)
        return settings
    }

    private func segmentKeys(_ files: any FileSystem) throws -> SegmentKeys {
        guard let path = resolution.text("segments.key_file") else { return .none }
        do { return try SegmentKeys(file: path, files: files) } catch {
            throw VerbFailure.usage("segments.key_file: \(error.message) (\(path))")
        }
    }

    /// What the index thread does with the segments.
    ///
    /// - Parameter directory: where the data lies.
    /// - Returns: the plan.
    /// - Throws: as `segmentSettings`.
    func backgroundPlan(_ directory: DataDirectory) throws -> BackgroundPlan {
        let files = PosixFileSystem()
        var retention = RetentionPolicy()
        retention.ageUs = optionalNumber("segments.retain").map { $0 * 1_000 }
        retention.bytes = optionalNumber("segments.retain_bytes")
        retention.factsAgeUs = optionalNumber("segments.retain_facts").map { $0 * 1_000 }
        var plan = BackgroundPlan(
            paths: directory.paths,
            log: SegmentDirectory(files: files, path: directory.segments, keys: try segmentKeys(files)),
            seals: resolution.flag("segments.seal"), retention: retention,
            pricer: BookPricer(try PriceFiles(directory).book()))
        plan.declared = try metadataDimensions()
        plan.control = directory.control
        return plan
    }

    private func metadataDimensions() throws -> [String]? {
        guard case .list(let keys) = resolution["metadata_dimensions"] else { return nil }
        return try MetadataDimensions.checked(keys, setting: "metadata_dimensions")
    }

    private func optionalNumber(_ path: String) -> Int64? {
        if case .number(let number) = resolution[path] { number } else { nil }
    }
}
