# SPDX-License-Identifier: Apache-2.0
"""Conversations as captured traffic: the requests an agent sends, each with all that was said before, in the bytes of five APIs."""
import json
import zlib
from dataclasses import dataclass, field

STARTED_US = 1_795_000_000_000_000
SPAN_US = 5 * 86_400 * 1_000_000

MODELS = {"openai": ["gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18", "gpt-5-mini-2025-08-07"],
          "anthropic": ["claude-sonnet-4-20250514", "claude-haiku-4-5-20251001"], "gemini": ["gemini-2.5-flash", "gemini-2.5-pro"],
          "responses": ["gpt-5-2025-08-07"], "converse": ["anthropic.claude-sonnet-4-20250514-v1"]}
ROUTES = {"openai": ("openai", "openai-chat", "/v1/chat/completions", "https://api.openai.com"),
          "anthropic": ("anthropic", "anthropic-messages", "/v1/messages", "https://api.anthropic.com"),
          "gemini": ("gemini", "gemini-generate", "/v1beta/models/{model}:generateContent", "https://generativelanguage.googleapis.com"),
          "responses": ("openai", "openai-responses", "/v1/responses", "https://api.openai.com"),
          "converse": ("bedrock", "bedrock-converse", "/model/{model}/converse", "https://bedrock-runtime.us-east-1.amazonaws.com")}
TOOLS = {name: {"type": "object", "properties": {"query": {"type": "string"}, "limit": {"type": "number"}, "exact": {"type": "boolean"}}, "required": ["query"]}
         for name in ("search_orders", "read_file", "run_tests", "look_up_customer", "list_tickets", "convert_units")}


@dataclass
class Conversation:
    """One conversation: its turns (separation_terms.Turn, the system's not among them), and other ways it went.

    `branches` are whole lists of turns that begin as `turns` do. `retries` says how the exchange with that answer failed before. `ascii` is
    whether its client escapes all that is not ASCII, `bare` whether calls without arguments have an empty text, `unordered` whether results
    come in another order than the calls.
    """

    name: str
    dialect: str
    model: str
    task: str
    environment: str
    system: str
    turns: list
    branches: list = field(default_factory=list)
    retries: dict = field(default_factory=dict)
    respelled: bool = False
    ascii: bool = False
    bare: bool = False
    unordered: bool = False
    metadata: dict = field(default_factory=dict)


def dumped(value, ascii=False):
    return json.dumps(value, ensure_ascii=ascii, separators=(",", ":"))


def result_object(text):
    """What a tool gave, where it is an object; None of any other text."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def respelled(arguments):
    """The same arguments as another JSON library writes them."""
    value = json.loads(arguments)
    return json.dumps({name: value[name] for name in sorted(value, reverse=True)}, indent=1)


def call_id(conversation, turns, at, number):
    said = "".join(turn.text for turn in turns[:at])
    return f"call_{zlib.crc32(f'{conversation.name}/{at}/{number}/{said}'.encode()):08x}"


def numbered(conversation, turns):
    """Turns with the ids of their calls, and of the call that each tool's turn answers, as the client sends them."""
    together = []
    for one in in_order(conversation, turns):
        if one[0].role == "tool" and conversation.unordered:
            together.insert(0, one)
            continue
        yield from together
        together = []
        yield one
    yield from together


def in_order(conversation, turns):
    waiting = []
    for at, turn in enumerate(turns):
        ids = [call_id(conversation, turns, at, number) for number in range(len(turn.calls))]
        waiting += ids
        names = [name for name, _ in turn.calls]
        yield turn, ids, (waiting.pop(0) if turn.role == "tool" and waiting else None), names


def openai_message(turn, ids, answers, spell):
    if turn.role == "tool":
        return {"role": "tool", "tool_call_id": answers, "content": turn.text}
    message = {"role": turn.role, "content": turn.text or None}
    if len(turn.texts) > 1:
        message["content"] = [{"type": "text", "text": text} for text in turn.texts]
    if turn.calls:
        message["tool_calls"] = [{"id": identity, "type": "function", "function": {"name": name, "arguments": spell(arguments)}}
                                 for identity, (name, arguments) in zip(ids, turn.calls)]
    return message


def openai_request(conversation, turns, stream):
    spell = respelled if conversation.respelled else str
    if conversation.bare:
        spell = bare
    messages = [openai_message(turn, ids, answers, spell) for turn, ids, answers, _ in numbered(conversation, turns)]
    if conversation.system:
        messages.insert(0, {"role": "system", "content": conversation.system})
    body = {"model": conversation.model, "messages": messages, "temperature": 0.2}
    if has_tools(conversation):
        body["tools"] = [{"type": "function", "function": {"name": name, "description": f"The tool {name}.", "parameters": schema}} for name, schema in TOOLS.items()]
    if stream:
        body.update(stream=True, stream_options={"include_usage": True})
    return body


def bare(arguments):
    return "" if arguments == "{}" else arguments


def has_tools(conversation):
    return any(turn.calls for turns in [conversation.turns] + conversation.branches for turn in turns)


def openai_answer(conversation, turns, at, stream):
    _, ids, _, _ = list(in_order(conversation, turns[:at + 1]))[at]
    message = openai_message(turns[at], ids, None, str)
    finish = "tool_calls" if turns[at].calls else "stop"
    shared = {"id": "chatcmpl-" + call_id(conversation, turns, at, 99), "created": 1_795_000_000, "model": conversation.model}
    usage = {"prompt_tokens": 900, "completion_tokens": 90, "total_tokens": 990}
    if not stream:
        return [dumped({**shared, "object": "chat.completion", "choices": [
            {"index": 0, "message": {**message, "refusal": None}, "logprobs": None, "finish_reason": finish}], "usage": usage})]

    def event(delta, finish=None):
        return "data: " + dumped({**shared, "object": "chat.completion.chunk", "choices": [
            {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}], "usage": None}) + "\n\n"

    pieces = [event({"role": "assistant", "content": "", "refusal": None})] + [event({"content": piece}) for piece in cut(turns[at].text)]
    for number, call in enumerate(message.get("tool_calls", [])):
        pieces.append(event({"tool_calls": [{"index": number, **call, "function": {"name": call["function"]["name"], "arguments": ""}}]}))
        pieces += [event({"tool_calls": [{"index": number, "function": {"arguments": piece}}]}) for piece in cut(call["function"]["arguments"])]
    last = "data: " + dumped({**shared, "object": "chat.completion.chunk", "choices": [], "usage": usage}) + "\n\n"
    return pieces + [event({}, finish), last, "data: [DONE]\n\n"]


def cut(text, size=40):
    return [text[at:at + size] for at in range(0, len(text), size)]


def anthropic_blocks(turn, ids):
    blocks = [{"type": "text", "text": text} for text in turn.texts if text]
    return blocks + [{"type": "tool_use", "id": "toolu_" + identity, "name": name, "input": json.loads(arguments)}
                     for identity, (name, arguments) in zip(ids, turn.calls)]


def anthropic_request(conversation, turns, stream):
    messages = []
    for turn, ids, answers, _ in numbered(conversation, turns):
        if turn.role == "tool":
            block = {"type": "tool_result", "tool_use_id": "toolu_" + answers, "content": turn.text}
            if messages[-1]["role"] == "user":
                messages[-1]["content"].append(block)
            else:
                messages.append({"role": "user", "content": [block]})
        else:
            messages.append({"role": turn.role, "content": anthropic_blocks(turn, ids)})
    body = {"model": conversation.model, "max_tokens": 4_096, "messages": messages}
    if conversation.system:
        body["system"] = [{"type": "text", "text": conversation.system, "cache_control": {"type": "ephemeral"}}]
    if has_tools(conversation):
        body["tools"] = [{"name": name, "description": f"The tool {name}.", "input_schema": schema} for name, schema in TOOLS.items()]
    return {**body, "stream": True} if stream else body


def anthropic_answer(conversation, turns, at, stream):
    _, ids, _, _ = list(in_order(conversation, turns[:at + 1]))[at]
    blocks, reason = anthropic_blocks(turns[at], ids), "tool_use" if turns[at].calls else "end_turn"
    head = {"id": "msg_" + call_id(conversation, turns, at, 99), "type": "message", "role": "assistant", "model": conversation.model}
    usage = {"input_tokens": 900, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 90}
    if not stream:
        return [dumped({**head, "content": blocks, "stop_reason": reason, "stop_sequence": None, "usage": usage})]

    def event(kind, **value):
        return f"event: {kind}\ndata: {dumped({'type': kind, **value})}\n\n"

    pieces = [event("message_start", message={**head, "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage})]
    for index, block in enumerate(blocks):
        is_text = block["type"] == "text"
        pieces.append(event("content_block_start", index=index, content_block={**block, **({"text": ""} if is_text else {"input": {}})}))
        for piece in cut(block["text"] if is_text else json.dumps(block["input"], ensure_ascii=False)):
            delta = {"type": "text_delta", "text": piece} if is_text else {"type": "input_json_delta", "partial_json": piece}
            pieces.append(event("content_block_delta", index=index, delta=delta))
        pieces.append(event("content_block_stop", index=index))
    return pieces + [event("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, usage={"output_tokens": 90}), event("message_stop")]


def gemini_parts(turn):
    parts = [{"text": text} for text in turn.texts if text]
    return parts + [{"functionCall": {"name": name, "args": json.loads(arguments)}} for name, arguments in turn.calls]


def gemini_request(conversation, turns, stream):
    contents, called = [], []
    for turn, _, _, names in numbered(conversation, turns):
        called += names
        if turn.role == "tool":
            part = {"functionResponse": {"name": called.pop(0), "response": result_object(turn.text) or {"output": turn.text}}}
            if "functionResponse" in contents[-1]["parts"][0]:
                contents[-1]["parts"].append(part)
            else:
                contents.append({"role": "user", "parts": [part]})
        else:
            contents.append({"role": "model" if turn.role == "assistant" else "user", "parts": gemini_parts(turn)})
    body = {"contents": contents, "generationConfig": {"temperature": 0.2}}
    if conversation.system:
        body["systemInstruction"] = {"parts": [{"text": conversation.system}]}
    if has_tools(conversation):
        body["tools"] = [{"functionDeclarations": [{"name": name, "description": f"The tool {name}.", "parameters": schema} for name, schema in TOOLS.items()]}]
    return body


def gemini_answer(conversation, turns, at, stream):
    return [dumped({"candidates": [{"content": {"role": "model", "parts": gemini_parts(turns[at])}, "finishReason": "STOP", "index": 0}],
                    "usageMetadata": {"promptTokenCount": 900, "candidatesTokenCount": 90, "totalTokenCount": 990},
                    "modelVersion": conversation.model, "responseId": call_id(conversation, turns, at, 99)})]


def responses_items(turn, ids, answers, spell):
    if turn.role == "tool":
        return [{"type": "function_call_output", "call_id": answers, "output": turn.text}]
    kind = "output_text" if turn.role == "assistant" else "input_text"
    parts = [{"type": kind, "text": text} for text in turn.texts if text]
    items = [{"type": "message", "role": turn.role, "content": parts}] if parts else []
    return items + [{"type": "function_call", "call_id": identity, "name": name, "arguments": spell(arguments)}
                    for identity, (name, arguments) in zip(ids, turn.calls)]


def responses_request(conversation, turns, stream):
    spell = bare if conversation.bare else str
    items = [item for turn, ids, answers, _ in numbered(conversation, turns) for item in responses_items(turn, ids, answers, spell)]
    body = {"model": conversation.model, "input": items, "store": False}
    if conversation.system:
        body["instructions"] = conversation.system
    if has_tools(conversation):
        body["tools"] = [{"type": "function", "name": name, "description": f"The tool {name}.", "parameters": schema} for name, schema in TOOLS.items()]
    return body


def responses_answer(conversation, turns, at, stream):
    _, ids, _, _ = list(in_order(conversation, turns[:at + 1]))[at]
    return [dumped({"id": "resp_" + call_id(conversation, turns, at, 99), "object": "response", "status": "completed", "model": conversation.model,
                    "output": responses_items(turns[at], ids, None, str), "usage": {"input_tokens": 900, "output_tokens": 90, "total_tokens": 990}})]


def converse_blocks(turn, ids):
    blocks = [{"text": text} for text in turn.texts if text]
    return blocks + [{"toolUse": {"toolUseId": identity, "name": name, "input": json.loads(arguments)}} for identity, (name, arguments) in zip(ids, turn.calls)]


def converse_request(conversation, turns, stream):
    messages = []
    for turn, ids, answers, _ in numbered(conversation, turns):
        if turn.role == "tool":
            given = result_object(turn.text)
            block = {"toolResult": {"toolUseId": answers, "content": [{"json": given} if given else {"text": turn.text}]}}
            if messages[-1]["role"] == "user":
                messages[-1]["content"].append(block)
            else:
                messages.append({"role": "user", "content": [block]})
        else:
            messages.append({"role": turn.role, "content": converse_blocks(turn, ids)})
    body = {"messages": messages, "inferenceConfig": {"maxTokens": 4_096}}
    if conversation.system:
        body["system"] = [{"text": conversation.system}]
    if has_tools(conversation):
        body["toolConfig"] = {"tools": [{"toolSpec": {"name": name, "description": f"The tool {name}.", "inputSchema": {"json": schema}}} for name, schema in TOOLS.items()]}
    return body


def converse_answer(conversation, turns, at, stream):
    _, ids, _, _ = list(in_order(conversation, turns[:at + 1]))[at]
    return [dumped({"output": {"message": {"role": "assistant", "content": converse_blocks(turns[at], ids)}}, "stopReason": "tool_use" if turns[at].calls else "end_turn",
                    "usage": {"inputTokens": 900, "outputTokens": 90, "totalTokens": 990}})]


REQUESTS = {"openai": openai_request, "anthropic": anthropic_request, "gemini": gemini_request, "responses": responses_request, "converse": converse_request}
ANSWERS = {"openai": openai_answer, "anthropic": anthropic_answer, "gemini": gemini_answer, "responses": responses_answer, "converse": converse_answer}


def identity(rng, at_us):
    digits = f"{at_us // 1000:012x}7{rng.getrandbits(12):03x}{0x8000 | rng.getrandbits(14):04x}{rng.getrandbits(48):012x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def record(rng, conversation, at_us, request, pieces, stream, status=200, outcome="completed"):
    """A record line as Weir writes it."""
    provider, api, path, host = ROUTES[conversation.dialect]
    path = path.format(model=conversation.model)
    answer, chunks, clock, offset = "".join(pieces), [], 400_000 + rng.randrange(400_000), 0
    first = clock
    for piece in pieces:
        chunks.append([offset, clock])
        offset += len(piece.encode())
        clock += rng.randrange(2_000, 30_000)
    last, url = chunks[-1][1], host + path
    return {
        "v": 1, "id": identity(rng, at_us), "node": "gateway-1", "started_at_us": at_us, "environment": conversation.environment, "task": conversation.task,
        "metadata": conversation.metadata, "key_id": "5d0c1a7be4f2", "trace_id": None, "parent_span_id": None, "client_request_id": None, "provider": provider,
        "deployment": None, "api": api, "method": "POST", "path": path, "query": "", "upstream_url": url, "status": status, "outcome": outcome,
        "error_source": None, "error_code": None,
        "attempts": [{"n": 1, "deployment": None, "upstream_url": url, "started_us": 60, "connected_us": 61, "request_sent_us": 300, "first_byte_us": first,
                      "ended_us": last + 40, "status": status, "outcome": outcome, "retry_reason": None}],
        "request_received_us": 200, "upstream_sent_us": 300, "first_byte_us": first, "last_byte_us": last, "ended_us": last + 50,
        "request_headers": [["Content-Type", "application/json"], ["Accept", "application/json"]],
        "response_headers": [["Content-Type", "text/event-stream; charset=utf-8" if stream else "application/json"]],
        "request_body": request, "response_body": answer, "request_body_encoding": "utf8", "response_body_encoding": "utf8",
        "request_body_bytes": len(request.encode()), "response_body_bytes": len(answer.encode()), "request_content_coding": None,
        "response_content_coding": None, "request_body_kept": "full", "response_body_kept": "full", "request_body_sha256": None,
        "response_body_sha256": None, "response_stream": stream, "response_chunks": chunks[:4096]}


def exchanges(rng, conversation):
    """The record lines of a conversation, in the order of time, and the last exchange of each way that it went."""
    made, at_us, known, leaves = [], STARTED_US + rng.randrange(SPAN_US), set(), []
    for turns in [conversation.turns] + conversation.branches:
        for at, turn in enumerate(turns):
            said = dumped([[turn.role, turn.text, turn.calls] for turn in turns[:at + 1]])
            if turn.role != "assistant" or said in known or (at == 0):
                continue
            known.add(said)
            stream = conversation.dialect in ("openai", "anthropic") and rng.random() < 0.3
            request = dumped(REQUESTS[conversation.dialect](conversation, turns[:at], stream), conversation.ascii)
            for failure in conversation.retries.get(at, ()):
                made.append(failed(rng, conversation, at_us, request, turns, at, stream, failure))
                at_us += 2_000_000 + rng.randrange(1_000_000)
            made.append(record(rng, conversation, at_us, request, ANSWERS[conversation.dialect](conversation, turns, at, stream), stream))
            at_us += 5_000_000 + rng.randrange(3_600_000_000 if rng.random() < 0.15 else 60_000_000)
        leaves.append(made[-1]["id"])
    return made, leaves


def failed(rng, conversation, at_us, request, turns, at, stream, failure):
    """An exchange that did not end well, before the one that did: an error, a cut answer, or a good answer that its caller asked for again."""
    if failure == "error":
        return record(rng, conversation, at_us, request, [dumped({"error": {"type": "overloaded_error", "message": "overloaded"}})], False, status=503)
    pieces = ANSWERS[conversation.dialect](conversation, turns, at, stream)
    if failure == "cut":
        return record(rng, conversation, at_us, request, pieces[:max(1, len(pieces) // 2)] if stream else [pieces[0][:40]], stream, outcome="client_closed")
    return record(rng, conversation, at_us, request, pieces, stream)
