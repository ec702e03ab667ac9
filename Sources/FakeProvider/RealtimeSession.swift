// SPDX-License-Identifier: Apache-2.0

import ByteCoding

/// The opening handshake of OpenAI's realtime API.
enum RealtimeUpgrade {
    /// The answer that switches protocols.
    static func answer(_ request: SeenRequest) throws(FakeProviderError) -> Playback {
        guard request.header("upgrade")?.lowercased() == "websocket", request.header("sec-websocket-version") == "13",
            let key = request.header("sec-websocket-key"), Base64.decode(Array(key.utf8)[...])?.count == 16
        else { throw QuestionReader.bad("This URL speaks WebSocket only: upgrade with version 13 and a key of 16 bytes.") }
        var headers = [
            SeenHeader(name: "Upgrade", value: "websocket"), SeenHeader(name: "Connection", value: "Upgrade"),
            SeenHeader(name: "Sec-WebSocket-Accept", value: WebSocketFrame.accept(key)),
        ]
        let offered = (request.header("sec-websocket-protocol") ?? "").split(separator: ",")
        if offered.contains(where: { $0.filter { $0 != " " } == "realtime" }) {
            headers.append(SeenHeader(name: "Sec-WebSocket-Protocol", value: "realtime"))
        }
        return Playback(status: 101, headers: headers, chunks: [], isChunked: false, headDueMicroseconds: 0)
    }
}

/// What a realtime session says to what it is told; pure.
struct RealtimeSession {
    private let script: FakeProviderScript
    private let order: FakeOrder
    private let model: String
    /// The first version of the API had other names for some events.
    private let isBeta: Bool
    private var random: SeededRandom
    private var asked: AskedQuestion
    private var wantsAudio = false

    init(script: FakeProviderScript, order: FakeOrder, request: SeenRequest) {
        self.script = script
        self.order = order
        let query = request.target.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
        let named = query.split(separator: "&").first { $0.hasPrefix("model=") }
        model = named.map { PercentDecoding.decoded(String($0.dropFirst(6))) } ?? "gpt-realtime"
        isBeta = request.header("openai-beta") == "realtime=v1"
        random = SeededRandom(seed: SeededRandom.hash(request.target.utf8, seed: script.seed))
        asked = AskedQuestion(api: .chat, model: model)
    }

    /// What is said first.
    mutating func open() -> [AnswerEvent] { [session("session.created")] }

    /// What is said to one text message.
    mutating func receive(_ message: [UInt8]) -> [AnswerEvent] {
        guard let root = JSONDocument.read(message)?.root, let type = root["type"]?.string else {
            return [failure("The server could not parse the message as a JSON object with a type.")]
        }
        switch type {
        case "session.update":
            noteModalities(root["session"])
            return [session("session.updated")]
        case "conversation.item.create":
            guard let item = root["item"], item.kind == .object else { return [failure("Missing required parameter: 'item'.")] }
            let text = QuestionReader.textOf(item["content"])
            asked.messages.append(AskedMessage(role: item["role"]?.string ?? "user", text: text))
            let name = isBeta ? "conversation.item.created" : "conversation.item.added"
            return [
                event(name, .opening) { writer in
                    writer.nullField("previous_item_id")
                    writer.key("item")
                    writer.raw(item.lexeme)
                }
            ]
        case "input_audio_buffer.append": return []
        case "input_audio_buffer.commit":
            let id = random.identifier("item_", length: 20)
            return [event("input_audio_buffer.committed", .opening) { $0.field("item_id", id) }]
        case "response.create":
            noteModalities(root["response"])
            return respond()
        default: return [failure("Invalid value: '\(type.prefix(80))'.")]
        }
    }

    private mutating func noteModalities(_ node: JSONNode?) {
        guard let list = node?["output_modalities"] ?? node?["modalities"] else { return }
        wantsAudio = list.elements.contains { $0.string == "audio" }
    }

    private mutating func respond() -> [AnswerEvent] {
        let composed = AnswerComposer(script: script, order: order).compose(asked, random: random.fork(3))
        let ids = (response: random.identifier("resp_", length: 20), item: random.identifier("item_", length: 20))
        // The shapes do not change while the events are made; only the ids are drawn on.
        let shape = self
        func place(_ writer: inout JSONWriter) {
            writer.field("response_id", ids.response)
            writer.field("item_id", ids.item)
            writer.field("output_index", 0)
            writer.field("content_index", 0)
        }
        var events = [
            event("response.created", .opening) { writer in
                writer.object("response") { shape.writeResponse(ids.response, "in_progress", nil, item: nil, &$0) }
            },
            item("response.output_item.added", ids, "in_progress", nil),
            event("response.content_part.added", .opening) { writer in
                place(&writer)
                writer.object("part") { shape.writePart("", &$0) }
            },
        ]
        let text =
            wantsAudio
            ? (isBeta ? "response.audio_transcript" : "response.output_audio_transcript")
            : (isBeta ? "response.text" : "response.output_text")
        let audio = isBeta ? "response.audio" : "response.output_audio"
        for piece in composed.pieces {
            events.append(
                event(text + ".delta", .content) { writer in
                    place(&writer)
                    writer.field("delta", piece)
                })
            guard wantsAudio else { continue }
            let sound = (0..<480).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            events.append(
                event(audio + ".delta", .content) { writer in
                    place(&writer)
                    writer.key("delta")
                    writer.value(utf8: Base64.encode(sound[...])[...])
                })
        }
        if wantsAudio { events.append(event(audio + ".done", .closing, place)) }
        events += [
            event(text + ".done", .closing) { writer in
                place(&writer)
                writer.field(shape.wantsAudio ? "transcript" : "text", composed.text)
            },
            event("response.content_part.done", .closing) { writer in
                place(&writer)
                writer.object("part") { shape.writePart(composed.text, &$0) }
            },
            item("response.output_item.done", ids, "completed", composed.text),
            event("response.done", .closing) { writer in
                writer.object("response") { writer in
                    shape.writeResponse(ids.response, "completed", composed.usage, item: (ids.item, composed.text), &writer)
                }
            },
        ]
        asked.messages.append(AskedMessage(role: "assistant", text: composed.text))
        return events
    }

    private mutating func event(
        _ type: String, _ pace: AnswerEvent.Pace, _ body: (inout JSONWriter) -> Void
    ) -> AnswerEvent {
        let id = random.identifier("event_", length: 20)
        let json = JSONWriter.objectBytes { writer in
            writer.field("type", type)
            writer.field("event_id", id)
            body(&writer)
        }
        return AnswerEvent(bytes: json, pace: pace)
    }

    private mutating func session(_ type: String) -> AnswerEvent {
        let id = random.fork(1)
        var ids = id
        let name = ids.identifier("sess_", length: 20)
        let (model, isBeta, wantsAudio) = (self.model, self.isBeta, self.wantsAudio)
        return event(type, .opening) { writer in
            writer.object("session") { writer in
                if !isBeta { writer.field("type", "realtime") }
                writer.field("object", "realtime.session")
                writer.field("id", name)
                writer.field("model", model)
                writer.array(isBeta ? "modalities" : "output_modalities") { $0.value(wantsAudio ? "audio" : "text") }
                writer.field("instructions", "")
            }
        }
    }

    private mutating func failure(_ message: String) -> AnswerEvent {
        event("error", .opening) { writer in
            writer.object("error") { writer in
                writer.field("type", "invalid_request_error")
                writer.field("code", "invalid_value")
                writer.field("message", message)
                writer.nullField("param")
                writer.nullField("event_id")
            }
        }
    }

    private mutating func item(
        _ type: String, _ ids: (response: String, item: String), _ status: String, _ text: String?
    ) -> AnswerEvent {
        let copy = self
        return event(type, .opening) { writer in
            writer.field("response_id", ids.response)
            writer.field("output_index", 0)
            writer.object("item") { copy.writeItem(ids.item, status, text, &$0) }
        }
    }

    private func writeItem(_ id: String, _ status: String, _ text: String?, _ writer: inout JSONWriter) {
        writer.field("id", id)
        writer.field("object", "realtime.item")
        writer.field("type", "message")
        writer.field("status", status)
        writer.field("role", "assistant")
        writer.array("content") { writer in
            if let text { writer.object { writePart(text, &$0) } }
        }
    }

    private func writePart(_ text: String, _ writer: inout JSONWriter) {
        let audio = isBeta ? "audio" : "output_audio"
        writer.field("type", wantsAudio ? audio : isBeta ? "text" : "output_text")
        writer.field(wantsAudio ? "transcript" : "text", text)
    }

    private func writeResponse(
        _ id: String, _ status: String, _ usage: FakeUsage?, item: (id: String, text: String)?, _ writer: inout JSONWriter
    ) {
        writer.field("object", "realtime.response")
        writer.field("id", id)
        writer.field("status", status)
        writer.nullField("status_details")
        writer.array("output") { writer in
            if let item { writer.object { writeItem(item.id, "completed", item.text, &$0) } }
        }
        guard let usage else { return writer.nullField("usage") }
        writer.object("usage") { writer in
            writer.field("total_tokens", usage.input + usage.output)
            writer.field("input_tokens", usage.input)
            writer.field("output_tokens", usage.output)
            writer.object("input_token_details") { writer in
                writer.field("text_tokens", usage.input)
                writer.field("audio_tokens", 0)
                writer.field("image_tokens", 0)
                writer.field("cached_tokens", usage.cacheRead)
            }
            writer.object("output_token_details") { writer in
                writer.field("text_tokens", wantsAudio ? 0 : usage.output)
                writer.field("audio_tokens", wantsAudio ? usage.output : 0)
            }
        }
    }
}
