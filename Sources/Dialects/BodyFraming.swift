// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// How an answer's messages lie in its body.
enum BodyFraming: Equatable {
    /// One JSON text, or no JSON at all.
    case plain
    /// Server-sent events.
    case serverSentEvents
    /// Amazon's binary event stream.
    case eventStream
    /// A JSON array that grows.
    case jsonArray
    /// One JSON text a line.
    case jsonLines
    /// WebSocket frames.
    case webSocket

    /// Decides by what the body looks like; only where that says nothing does the mark made at capture decide.
    ///
    /// - Parameters:
    ///   - record: the answer's.
    ///   - body: its bytes.
    /// - Returns: the framing.
    static func of(_ record: ExchangeRecord, _ body: [UInt8]) -> BodyFraming {
        switch BodyPrefixShape(body) {
        case .serverSentEvents: .serverSentEvents
        case .json: ofJSON(record, body)
        // No WebSocket frame begins with a bracket: an upgrade that was refused is a plain answer.
        case .unknown where record.head.api == .openaiRealtime: .webSocket
        case .unknown: EventStreamFrames.begins(body) ? .eventStream : record.head.responseStream ? .serverSentEvents : .plain
        }
    }

    /// An array is one message, unless it is a streamed answer; an object is one line of several only in a stream.
    private static func ofJSON(_ record: ExchangeRecord, _ body: [UInt8]) -> BodyFraming {
        guard body.first == UInt8(ascii: "{") else {
            let prefix = Array(body.prefix(DialectLimits.prefixBytes))
            return StreamDetection.isStream(contentType: nil, bodyPrefix: prefix) ? .jsonArray : .plain
        }
        guard record.head.responseStream else { return .plain }
        guard let stop = JSONText.end(of: body, from: 0, to: body.count) else { return .plain }
        // More than one text: lines. A single one, however it is laid out, is a plain answer.
        return body[stop...].contains { !JSONText.isSpace($0) } ? .jsonLines : .plain
    }
}

/// A run of stored bytes that follow each other on the wire.
struct BodyPart: Equatable {
    let range: Range<Int>
    /// Whether bytes before it are missing.
    let startsCut: Bool
    /// Whether bytes after it are missing.
    let endsCut: Bool

    /// The parts of a body: one, or head and tail.
    static func parts(of body: RecordedBody) -> [BodyPart] {
        let count = body.content?.count ?? 0
        guard body.kept == .headTail else { return [BodyPart(range: 0..<count, startsCut: false, endsCut: false)] }
        guard let joint = body.joint, joint >= 0, joint <= count else {
            return [BodyPart(range: 0..<count, startsCut: false, endsCut: true)]
        }
        return [
            BodyPart(range: 0..<joint, startsCut: false, endsCut: true),
            BodyPart(range: joint..<count, startsCut: true, endsCut: false),
        ]
    }
}
