// SPDX-License-Identifier: Apache-2.0
import ContentCoding
import ExchangeModel

/// A body with its content coding undone, off the hot path.
struct BodyDecoding {
    let bytes: [UInt8]
    /// Whether the limit cut it.
    let isCut: Bool

    /// The coding that a header names, in lower case, or nil for none.
    static func name(_ header: String?) -> String? {
        guard let header, !header.isEmpty, header.lowercased() != "identity" else { return nil }
        return header.lowercased()
    }

    /// Undoes the coding and moves the arrivals with it; nil where the body stays as it came.
    init?(_ content: [UInt8], coding: String, limit: Int, arrivals: inout ArrivalLog) {
        guard !content.isEmpty, let decoder = ContentDecoder(coding: coding) else { return nil }
        let items = arrivals.items
        let ends = items.indices.map { i in i + 1 < items.count ? Int(clamping: items[i + 1].offset) : content.count }
        let (decoded, produced) = decoder.decodeWithOffsets(content, marks: ends, limit: limit)
        guard decoded.error == nil || !decoded.bytes.isEmpty else { return nil }
        bytes = decoded.bytes
        isCut = decoded.error?.code == .limitReached
        arrivals.replace(zip(items, [0] + produced.dropLast()).map { ChunkArrival(offset: Int64($1), timeUs: $0.timeUs) })
    }
}
