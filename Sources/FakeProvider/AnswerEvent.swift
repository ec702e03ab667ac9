// SPDX-License-Identifier: Apache-2.0

/// One event of a stream and when it belongs.
struct AnswerEvent {
    enum Pace { case opening, content, closing }

    var bytes: [UInt8]
    var pace: Pace

    /// A server-sent event that has data only.
    static func data(_ json: [UInt8], _ pace: Pace, end: String = "\n\n") -> AnswerEvent {
        AnswerEvent(bytes: Array("data: ".utf8) + json + Array(end.utf8), pace: pace)
    }

    /// A server-sent event with a name.
    static func named(_ name: String, _ json: [UInt8], _ pace: Pace) -> AnswerEvent {
        AnswerEvent(bytes: Array("event: \(name)\ndata: ".utf8) + json + [0x0A, 0x0A], pace: pace)
    }

    /// A line of JSON.
    static func line(_ json: [UInt8], _ pace: Pace) -> AnswerEvent { AnswerEvent(bytes: json + [0x0A], pace: pace) }

    /// A frame of an AWS event stream.
    static func frame(_ type: String, _ json: [UInt8], _ pace: Pace) -> AnswerEvent {
        AnswerEvent(bytes: EventStreamFrame.event(type, payload: json), pace: pace)
    }
}
