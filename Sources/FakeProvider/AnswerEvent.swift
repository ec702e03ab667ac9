// SPDX-License-Identifier: Apache-2.0

/// One server-sent event and when it belongs.
struct AnswerEvent {
    enum Pace { case opening, content, closing }

    var bytes: [UInt8]
    var pace: Pace

    /// An event that has data only.
    static func data(_ json: [UInt8], _ pace: Pace) -> AnswerEvent {
        AnswerEvent(bytes: Array("data: ".utf8) + json + [0x0A, 0x0A], pace: pace)
    }

    /// An event with a name.
    static func named(_ name: String, _ json: [UInt8], _ pace: Pace) -> AnswerEvent {
        AnswerEvent(bytes: Array("event: \(name)\ndata: ".utf8) + json + [0x0A, 0x0A], pace: pace)
    }
}
