// SPDX-License-Identifier: Apache-2.0
import ByteCoding
import ExchangeModel

/// One walk over an answer's messages with the reader of its API.
///
/// Of a body kept as head and tail, the message across the joint is left out: the head's last message counts only where it is
/// whole, and the tail is read from its first whole message on.
struct AnswerWalk<Reader: DialectReader> {
    private let body: [UInt8]
    private let parts: [BodyPart]
    private let framing: BodyFraming
    private let headers: [HeaderPair]
    private var clock: ArrivalClock
    private(set) var reader: Reader
    private(set) var timing = ContentTiming()
    /// The first message that is JSON.
    private(set) var firstMessage: JSONNode?
    /// Why not everything could be read.
    private(set) var fault: ReadFault?
    /// Whether bytes are missing from the body.
    let isCut: Bool

    /// A walk that has not begun.
    ///
    /// - Parameters:
    ///   - answer: the body.
    ///   - framing: how its messages lie in it.
    ///   - headers: the answer's.
    ///   - chunks: when which of its bytes came.
    ///   - reader: of its API.
    init(_ answer: RecordedBody, framing: BodyFraming, headers: [HeaderPair], chunks: [ChunkArrival], reader: Reader) {
        body = answer.content ?? []
        parts = BodyPart.parts(of: answer)
        self.framing = framing
        self.headers = headers
        clock = ArrivalClock(chunks)
        isCut = answer.kept == .headTail
        if answer.content == nil, answer.kept == .none { fault = .bodyMissing }
        self.reader = reader
    }

    /// Takes every message.
    mutating func walk() {
        guard !body.isEmpty else { return }
        if isCut { fault = .bodyCut }
        if framing == .plain { return takePlain() }
        for part in parts {
            switch framing {
            case .plain, .serverSentEvents: takeEvents(part)
            case .eventStream: takeFrames(part)
            case .jsonArray:
                for piece in JSONArrayElements(body, in: part.range, startsCut: part.startsCut) { take(piece, part) }
            case .jsonLines:
                for piece in JSONLines(body, in: part.range, startsCut: part.startsCut) { take(piece, part) }
            case .webSocket: takeMessages(part)
            }
        }
    }

    /// Whether the answer says that it is JSON or, where it says nothing, begins like it.
    private var isToBeJSON: Bool {
        let type = headers.last { $0.name.lowercased() == "content-type" }?.value.lowercased()
        return type?.contains("json") ?? (BodyPrefixShape(body) == .json)
    }

    private mutating func takePlain() {
        let document: JSONDocument
        if isCut {
            guard let whole = CutJSON.stitched(body, joint: parts.count > 1 ? parts[1].range.lowerBound : nil) else { return }
            document = whole
        } else {
            do { document = try JSONDocument(body) } catch {
                if error.code == .tooDeep { fault = .tooDeep } else if isToBeJSON { fault = .notJSON }
                return
            }
        }
        firstMessage = document.root
        _ = reader.take(AnswerMessage(root: document.root, eventName: nil, isEvent: false))
    }

    private mutating func takeEvents(_ part: BodyPart) {
        for event in ServerSentEvents(body, in: part.range, startsCut: part.startsCut) {
            if part.endsCut, !event.isTerminated { continue }
            if event.data.elementsEqual("[DONE]".utf8) {
                reader.takeEndMark()
                continue
            }
            take(event.data, name: event.name, endOffset: event.endOffset)
        }
    }

    private mutating func takeFrames(_ part: BodyPart) {
        var frames = EventStreamFrames(body, in: part.range)
        while let frame = frames.next() {
            take(Array(body[frame.payload]), name: frame.name, endOffset: frame.endOffset, isException: frame.exception != nil)
        }
        // Bytes are missing around a joint, so that damage there says nothing.
        if frames.isDamaged, !isCut { fault = .badFraming }
    }

    private mutating func takeMessages(_ part: BodyPart) {
        guard !part.startsCut else { return }
        var messages = WebSocketMessages(body, in: part.range)
        while let message = messages.next() {
            if message.isText { take(message.payload, name: nil, endOffset: message.endOffset) }
        }
        if messages.isCompressed { fault = .compressedMessages } else if messages.isDamaged, !isCut { fault = .badFraming }
    }

    private mutating func take(_ piece: JSONPiece, _ part: BodyPart) {
        if part.endsCut, !piece.isWhole { return }
        take(Array(body[piece.range]), name: nil, endOffset: piece.range.upperBound)
    }

    private mutating func take(_ data: [UInt8], name: String?, endOffset: Int, isException: Bool = false) {
        let timeUs = clock.time(ofByteAt: endOffset - 1)
        timing.noteEvent(at: timeUs)
        guard let document = JSONDocument.read(data) else { return }
        if firstMessage == nil { firstMessage = document.root }
        let message = AnswerMessage(root: document.root, eventName: name, isEvent: true, isException: isException)
        guard let kind = reader.take(message) else { return }
        timing.note(kind, at: timeUs)
    }
}
