// SPDX-License-Identifier: Apache-2.0

/// A body with its content coding undone.
package struct DecodedBody: Sendable, Equatable {
    /// What was decoded; a prefix of the body where `isComplete` is false.
    package let bytes: [UInt8]
    /// Whether every coding reached its proper end.
    ///
    /// False for empty input of a coding other than `identity`.
    package let isComplete: Bool
    /// The first fault; nil also for a stream that was merely cut.
    package let error: ContentCodingError?
}

/// Undoes a content coding or a list of them.
///
/// A value, for any thread.
package struct ContentDecoder: Sendable {
    enum Coding: String, Sendable {
        case gzip, deflate, br, zstd
    }

    private let codings: [Coding]

    /// A decoder for the value of a `Content-Encoding` header, or nil where a name is unknown or there are more than four.
    ///
    /// - Parameter coding: one name or a list with commas, in the order of encoding; case does not matter; `identity` and
    ///   empty parts mean nothing, `x-gzip` means `gzip`.
    package init?(coding: String) {
        var found: [Coding] = []
        for part in coding.utf8.split(separator: UInt8(ascii: ",")) {
            let spaces: Set<UInt8> = [0x20, 0x09]
            let trimmed = part.drop(while: { spaces.contains($0) }).reversed().drop(while: { spaces.contains($0) }).reversed()
            let name = String(decoding: Array(trimmed), as: UTF8.self).lowercased()
            if name.isEmpty || name == "identity" { continue }
            guard let known = Coding(rawValue: name == "x-gzip" ? "gzip" : name) else { return nil }
            found.append(known)
        }
        guard found.count <= ContentCodingLimits.codings else { return nil }
        codings = found
    }

    /// Whether there is nothing to undo.
    package var isIdentity: Bool { codings.isEmpty }

    /// Decodes a whole body, or what there is of one.
    ///
    /// - Parameters:
    ///   - bytes: the body as it came.
    ///   - limit: the most bytes to give back.
    /// - Returns: the decoded bytes and how it ended; never throws.
    /// - Complexity: O(input + output).
    package func decode(_ bytes: [UInt8], limit: Int) -> DecodedBody {
        decodeWithOffsets(bytes, marks: [], limit: limit).0
    }

    /// Decodes a body and says how much of the output each part of the input had made available.
    ///
    /// - Parameters:
    ///   - bytes: the body as it came.
    ///   - marks: input offsets, ascending; one below its neighbour or outside the input counts as the nearest that is not.
    ///   - limit: the most bytes to give back.
    /// - Returns: the decoded body, and per mark the number of output bytes there once that many input bytes were decoded.
    /// - Complexity: O(input + output + marks).
    package func decodeWithOffsets(_ bytes: [UInt8], marks: [Int], limit: Int) -> (DecodedBody, [Int]) {
        var pipeline = DecodingPipeline(codings: codings, limit: max(0, limit))
        var available: [Int] = []
        available.reserveCapacity(marks.count)
        var position = 0
        for mark in marks {
            let end = min(max(mark, position), bytes.count)
            if end > position { pipeline.feed(bytes[position..<end]) }
            position = end
            available.append(pipeline.output.count)
        }
        if position < bytes.count { pipeline.feed(bytes[position...]) }
        return (pipeline.result(), available)
    }
}

/// The codings of one body being undone one after the other.
struct DecodingPipeline {
    private(set) var output: [UInt8] = []
    private let stages: [any DecodingStage]
    private let limit: Int
    private var error: ContentCodingError?
    private var betweenBytes: [Int]

    init(codings: [ContentDecoder.Coding], limit: Int) {
        self.limit = limit
        var made: [any DecodingStage] = []
        for coding in codings.reversed() {
            guard let stage = DecodingPipeline.makeStage(coding) else {
                error = ContentCodingError(code: .noMemory, coding: coding.rawValue)
                break
            }
            made.append(stage)
        }
        stages = made
        betweenBytes = [Int](repeating: 0, count: made.count)
    }

    private static func makeStage(_ coding: ContentDecoder.Coding) -> (any DecodingStage)? {
        switch coding {
        case .gzip: InflateStage(coding: coding.rawValue, wrapping: .gzip)
        case .deflate: InflateStage(coding: coding.rawValue, wrapping: .zlibOrRaw)
        case .br: BrotliStage()
        case .zstd: ZstdStage()
        }
    }

    mutating func feed(_ input: ArraySlice<UInt8>) {
        guard error == nil || error?.code == .trailingBytes else { return }
        var current = input
        for (index, stage) in stages.enumerated() {
            if index == stages.count - 1 {
                note(stage.feed(current, into: &output, limit: limit), stage)
                return
            }
            let allowed = limit.addingReportingOverflow(ContentCodingLimits.betweenSlackBytes)
            var between: [UInt8] = []
            let room = (allowed.overflow ? Int.max : allowed.partialValue) - betweenBytes[index]
            note(stage.feed(current, into: &between, limit: room), stage)
            betweenBytes[index] += between.count
            current = between[...]
        }
        if stages.isEmpty {
            let room = limit - output.count
            output.append(contentsOf: input.prefix(room))
            if input.count > room { error = ContentCodingError(code: .limitReached, coding: "identity") }
        }
    }

    func result() -> DecodedBody {
        let sound = error == nil || error?.code == .trailingBytes
        return DecodedBody(bytes: output, isComplete: sound && stages.allSatisfy { $0.isAtEnd }, error: error)
    }

    private mutating func note(_ code: ContentCodingError.Code?, _ stage: any DecodingStage) {
        guard let code, error == nil || error?.code == .trailingBytes else { return }
        error = ContentCodingError(code: code, coding: stage.coding)
    }
}
