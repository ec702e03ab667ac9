// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Platform

/// A mark on a segment: it may be neither removed by age or size nor rewritten by an erasure, until it is lifted.
package struct SegmentHold: Sendable, Equatable {
    /// Why, in the words of who set it.
    package var reason: String
    /// When it was set, microseconds since the Unix epoch.
    package var atUs: Int64

    /// A hold.
    package init(reason: String, atUs: Int64) {
        self.reason = reason
        self.atUs = atUs
    }

    fileprivate static let bytesLimit = 64 << 10

    fileprivate static func read(_ bytes: [UInt8]) -> SegmentHold {
        // A mark whose words cannot be read is still a mark.
        let root = JSONDocument.read(bytes)?.root
        return SegmentHold(reason: root?["reason"]?.string ?? "unreadable", atUs: root?["at_us"]?.int ?? 0)
    }
}

extension SegmentDirectory {
    /// The hold on a segment, or nil; one that cannot be looked up counts as set.
    ///
    /// - Parameter stem: the segment.
    /// - Returns: the mark.
    package func hold(of stem: SegmentStem) -> SegmentHold? {
        let path = holdPath(stem)
        do throws(PlatformError) {
            guard try files.status(of: path) != nil else { return nil }
            return SegmentHold.read(try files.readFile(path, limit: SegmentHold.bytesLimit))
        } catch {
            return SegmentHold(reason: error.message, atUs: 0)
        }
    }

    /// Sets a hold, in place of one that is there.
    ///
    /// - Parameters:
    ///   - hold: the mark.
    ///   - stem: the segment.
    /// - Throws: `SegmentError` of code `writeFailed`.
    package func set(_ hold: SegmentHold, on stem: SegmentStem) throws(SegmentError) {
        var json = JSONWriter()
        json.beginObject()
        json.key("reason")
        json.value(hold.reason)
        json.key("at_us")
        json.value(hold.atUs)
        json.endObject()
        json.newline()
        do { try files.replaceFile(holdPath(stem), with: json.bytes) } catch {
            throw SegmentError(.writeFailed, "The hold cannot be written.", segment: stem.description, cause: error)
        }
    }

    /// Lifts a hold; harmless where there is none.
    ///
    /// - Parameter stem: the segment.
    /// - Throws: `SegmentError` of code `writeFailed`.
    package func liftHold(on stem: SegmentStem) throws(SegmentError) {
        do throws(PlatformError) {
            guard try files.status(of: holdPath(stem)) != nil else { return }
            try files.unlink(holdPath(stem))
            try files.syncDirectory(path)
        } catch {
            throw SegmentError(.writeFailed, "The hold cannot be lifted.", segment: stem.description, cause: error)
        }
    }

    private func holdPath(_ stem: SegmentStem) -> String {
        PathText.join(path, SegmentName(stem, .hold).description)
    }
}
