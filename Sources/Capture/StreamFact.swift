// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import Dialects

/// Whether an answer came as a stream (`record.md`, `response_stream`), settled where its bytes are decoded.
///
/// The loop tells by the label and by the first bytes that come: bytes of a content coding tell it nothing, and of a short first
/// read too little.
enum StreamFact {
    /// Bytes of the shortest event stream that could not be the beginning of something else.
    private static let fewestBytes = 6

    /// Settles it.
    ///
    /// - Parameters:
    ///   - isLabelled: what the loop said.
    ///   - body: the answer as it is stored, content coding undone where it could be; nil where none is held.
    /// - Returns: true for a stream.
    static func isStream(_ isLabelled: Bool, body: ByteRun?) -> Bool {
        guard !isLabelled, let body, body.count >= fewestBytes,
            unsafe !StreamDetection.isPlain(firstByte: body.base.load(as: UInt8.self))
        else { return isLabelled }
        let start = body.slice(0, min(body.count, DialectLimits.prefixBytes))
        return StreamDetection.isStream(contentType: nil, bodyPrefix: start.array)
    }

    /// Settles it of a body that is not stored: only its beginning is decoded.
    ///
    /// - Parameters:
    ///   - isLabelled: what the loop said.
    ///   - wire: the answer's bytes as they came.
    ///   - coding: its content coding; nil for none.
    /// - Returns: true for a stream.
    static func isStream(_ isLabelled: Bool, wire: ByteRun, coding: ByteRun?) -> Bool {
        guard !isLabelled, !wire.isEmpty else { return isLabelled }
        var none = ArrivalLog()
        guard let coding,
            let decoded = BodyDecoding(
                wire.array, coding: coding.text.lowercased(), limit: DialectLimits.prefixBytes, arrivals: &none)
        else { return isStream(isLabelled, body: wire) }
        return unsafe decoded.bytes.withUnsafeBytes { unsafe isStream(isLabelled, body: ByteRun($0)) }
    }
}
