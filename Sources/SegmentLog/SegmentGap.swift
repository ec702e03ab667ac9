// SPDX-License-Identifier: Apache-2.0
package import ByteCoding

/// A counted loss: exchanges that have no record, why, and when.
///
/// It lies in the log in its place, in a batch of its own that stock tools pass over. Where a sync failed it may lie there twice: gaps
/// that are equal and name an exchange are one.
package struct SegmentGap: Sendable, Hashable {
    /// Why, a low-cardinality name.
    package var reason: String
    /// Exchanges that have no record.
    package var count: UInt64
    /// When the first of them began, microseconds since the Unix epoch.
    package var firstAtUs: Int64
    /// When the last of them began.
    package var lastAtUs: Int64
    /// Id of the first of them, where it is known.
    package var firstID: String?
    /// Id of the last of them, where it is known.
    package var lastID: String?

    /// A gap from its parts.
    package init(
        reason: String, count: UInt64, firstAtUs: Int64, lastAtUs: Int64, firstID: String? = nil, lastID: String? = nil
    ) {
        self.reason = reason
        self.count = count
        self.firstAtUs = min(firstAtUs, lastAtUs)
        self.lastAtUs = max(firstAtUs, lastAtUs)
        self.firstID = firstID
        self.lastID = lastID
    }

    /// Writes the gap as a JSON object.
    ///
    /// - Parameter json: where to write.
    package func write(to json: inout JSONWriter) {
        json.beginObject()
        json.key("reason")
        json.value(reason)
        json.key("count")
        json.value(Int64(clamping: count))
        json.key("first_at_us")
        json.value(firstAtUs)
        json.key("last_at_us")
        json.value(lastAtUs)
        json.key("first_id")
        json.value(firstID)
        json.key("last_id")
        json.value(lastID)
        json.endObject()
    }

    /// The gap that a JSON object says, or nil where it says none.
    package init?(_ node: JSONNode) {
        guard let reason = node["reason"]?.string, let count = node["count"]?.int, count >= 0,
            let first = node["first_at_us"]?.int, let last = node["last_at_us"]?.int, first <= last
        else { return nil }
        self.init(
            reason: reason, count: UInt64(count), firstAtUs: first, lastAtUs: last, firstID: node["first_id"]?.string,
            lastID: node["last_id"]?.string)
    }

    /// The gap as the bytes of its batch's payload.
    func encoded() -> [UInt8] {
        var json = JSONWriter()
        write(to: &json)
        return json.bytes
    }

    init?(encoded bytes: [UInt8]) {
        guard let document = JSONDocument.read(bytes) else { return nil }
        self.init(document.root)
    }
}

/// A gap in its place in a segment.
package struct SegmentGapBatch: Sendable {
    /// Where its header begins.
    package let offset: Int64
    /// Where the next batch begins.
    package let next: Int64
    /// What is missing.
    package let gap: SegmentGap
}
