// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ControlStore
import Platform

/// Corrections on disk, to be read back by place: one may have 256 KiB, too much for memory where there are many.
struct CorrectionSpill {
    static let name = "corrections.spill"

    /// Where one correction lies.
    struct Place: Equatable {
        let offset: Int64
        let count: Int
        let isJSON: Bool
    }

    private let file: any OpenFile
    private let files: any FileSystem
    private var buffer: [UInt8] = []
    private var end: Int64 = 0

    init(in directory: String, files: any FileSystem) throws(PlatformError) {
        self.files = files
        file = try files.open(PathText.join(directory, CorrectionSpill.name), .readWrite)
    }

    mutating func append(_ correction: FeedbackCorrection) throws(PlatformError) -> Place {
        let (bytes, isJSON): ([UInt8], Bool) =
            switch correction {
            case .text(let text): (Array(text.utf8), false)
            case .json(let bytes): (bytes, true)
            }
        let place = Place(offset: end, count: bytes.count, isJSON: isJSON)
        buffer += bytes
        end += Int64(bytes.count)
        if buffer.count >= DatasetLimits.writeBytes { try flush() }
        return place
    }

    /// Writes what is held; to be called before the first read.
    mutating func flush() throws(PlatformError) {
        guard !buffer.isEmpty else { return }
        try file.append(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    /// The assistant's turn at a place; nil where the disk gives other bytes than it was given.
    func read(_ place: Place) throws(PlatformError) -> CanonicalTurn? {
        let bytes = try file.read(at: place.offset, count: place.count)
        guard bytes.count == place.count else { return nil }
        return CorrectionTurn.turn(place.isJSON ? .json(bytes) : .text(String(decoding: bytes, as: UTF8.self)))
    }

    /// Removes the file.
    func remove() throws(PlatformError) {
        file.close()
        try files.unlink(file.path)
    }
}

/// What the assistant says where a correction stands in the place of its answer.
enum CorrectionTurn {
    /// The turn, or nil where the correction is no answer that a row can hold.
    ///
    /// A text is the answer's text. JSON that is an object with `"role": "assistant"` is a message as chat completions have it, calls of tools
    /// included; any other JSON is the answer's text as it was written.
    static func turn(_ correction: FeedbackCorrection) -> CanonicalTurn? {
        do throws(DropReason) {
            let turn = try read(correction)
            try ConversationReader.check(turn)
            try DatasetRow.check(answer: turn)
            return turn
        } catch {
            return nil
        }
    }

    private static func read(_ correction: FeedbackCorrection) throws(DropReason) -> CanonicalTurn {
        switch correction {
        case .text(let text): return CanonicalTurn(role: .assistant, blocks: [.text(text)])
        case .json(let bytes):
            guard let root = JSONDocument.read(bytes)?.root, root["role"]?.equals("assistant") == true else {
                return CanonicalTurn(role: .assistant, blocks: [.text(String(decoding: bytes, as: UTF8.self))])
            }
            var changes: RowChanges = []
            return try ChatReader.assistant(root, malformed: .answerMalformed, changes: &changes)
        }
    }
}
