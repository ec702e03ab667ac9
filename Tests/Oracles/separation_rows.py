# SPDX-License-Identifier: Apache-2.0
"""Rows of JSONL files as turns: OpenAI messages and what is built on them, Anthropic, Gemini, Responses, ShareGPT, Catalyst's two shapes.

What separation.md does not say about dialects is chosen here: `ReaderTests` shows each choice.
"""
import json

import canonical_json
from canonical_json import Number
from separation_terms import Turn

ROLES = {"system": "system", "developer": "system", "user": "user", "human": "user", "assistant": "assistant", "model": "assistant",
         "gpt": "assistant", "chatgpt": "assistant", "bot": "assistant", "tool": "tool", "function": "tool", "observation": "tool",
         "function_response": "tool"}


class BadRow(ValueError):
    """A row that no reader here understands."""


def scalars(text):
    """A lone surrogate has no UTF-8: it is U+FFFD."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def role_of(name):
    if name not in ROLES:
        raise BadRow(f"role {name!r} is not known")
    return ROLES[name]


def plain(value):
    """JSON text of a value as it stands, numbers as they are spelled."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(map(plain, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(plain(name) + ":" + plain(item) for name, item in value.items()) + "}"
    return json.dumps(scalars(value) if isinstance(value, str) else value, ensure_ascii=False)


def arguments(value):
    """Arguments as a text: a string is the model's own spelling; nothing at all is an empty object."""
    if value is None:
        return "{}"
    return scalars(value) if isinstance(value, str) and not isinstance(value, Number) else plain(value)


def result_text(value):
    """What a tool gave: a text, or JSON in its own order, without escapes that JSON does not need."""
    if isinstance(value, str) and not isinstance(value, Number):
        return scalars(value)
    return plain(value)


def response_text(value):
    """What a Gemini function gave: of an object with nothing but a text under `output` or `error`, that text."""
    if isinstance(value, dict) and len(value) == 1:
        name, only = next(iter(value.items()))
        if name in ("output", "error") and isinstance(only, str) and not isinstance(only, Number):
            return scalars(only)
    return result_text(value)


def expect(value, kind, what):
    if not isinstance(value, kind):
        raise BadRow(f"{what} is {type(value).__name__}, not {kind.__name__}")
    return value


def call_name(holder):
    return scalars(expect(holder.get("name"), str, "a call's name"))


def blocks_of(content, what):
    """A content as blocks, a text as one of them."""
    if content is None:
        return []
    if isinstance(content, str):
        return [{"text": content}]
    if isinstance(content, dict):
        return [content]
    return [{"text": block} if isinstance(block, str) else expect(block, dict, what) for block in expect(content, list, what)]


def block_text(block):
    """The text of a block that is a text; None of thoughts, images, files, refusals."""
    if block.get("thought") is True or block.get("type") in ("thinking", "redacted_thinking", "reasoning"):
        return None
    text = block.get("text")
    return scalars(text) if isinstance(text, str) else None


def block_call(block):
    if block.get("type") == "tool_use":
        return call_name(block), arguments(block.get("input"))
    for key, given in (("toolUse", "input"), ("functionCall", "args"), ("function_call", "args")):
        if isinstance(block.get(key), dict):
            return call_name(block[key]), arguments(block[key].get(given))
    return None


def tool_texts(content):
    texts = []
    for block in blocks_of(content, "a tool's result"):
        if "json" in block:
            texts.append(result_text(block["json"]))
        elif block_text(block) is not None:
            texts.append(block_text(block))
    return texts


def block_result(block):
    """A tool's turn of a block that holds what a tool gave."""
    if block.get("type") == "tool_result":
        return Turn("tool", tool_texts(block.get("content")))
    if isinstance(block.get("toolResult"), dict):
        return Turn("tool", tool_texts(block["toolResult"].get("content")))
    for key in ("functionResponse", "function_response"):
        if isinstance(block.get(key), dict):
            return Turn("tool", [response_text(block[key].get("response"))])
    return None


def turns_of_content(role, content, calls=()):
    """The turns of one message: what tools gave comes first, each a turn, then what is left."""
    results, left = [], Turn(role, [], list(calls))
    for block in blocks_of(content, "content"):
        result, call, text = block_result(block), block_call(block), block_text(block)
        if result is not None:
            results.append(result)
        elif call is not None:
            left.calls.append(call)
        elif text is not None:
            left.texts.append(text)
    if results and not left.texts and not left.calls:
        return results
    return results + [left]


def openai_calls(message):
    calls = []
    for call in expect(message.get("tool_calls") or [], list, "tool_calls"):
        said = expect(expect(call, dict, "a call").get("function", call), dict, "a call's function")
        calls.append((call_name(said), arguments(said.get("arguments"))))
    old = message.get("function_call")
    if isinstance(old, dict):
        calls.append((call_name(old), arguments(old.get("arguments"))))
    return calls


def messages(value):
    turns = []
    for message in expect(value, list, "messages"):
        role = role_of(expect(message, dict, "a message").get("role"))
        turns += turns_of_content(role, message.get("content"), openai_calls(message))
    return turns


def system(content):
    if isinstance(content, dict) and "parts" in content:
        content = content["parts"]
    if not content:
        return []
    return [Turn("system", [text for text in map(block_text, blocks_of(content, "system")) if text is not None])]


def gemini(value):
    turns = []
    for content in expect(value, list, "contents") if not isinstance(value, str) else [{"parts": value}]:
        role = role_of(expect(content, dict, "a content").get("role") or "user")
        turns += turns_of_content(role, content.get("parts"))
    return turns


def responses(value):
    """Items of OpenAI's Responses; calls beside each other, and those after what the assistant said, are one turn."""
    if isinstance(value, str):
        return [Turn("user", [scalars(value)])]
    turns, is_open = [], False
    for item in expect(value, list, "input"):
        kind = expect(item, dict, "an item").get("type", "message")
        if kind == "message":
            made = turns_of_content(role_of(item.get("role")), item.get("content"))
            turns += made
            is_open = made[-1].role == "assistant"
        elif kind == "function_call":
            if not is_open:
                turns.append(Turn("assistant"))
            turns[-1].calls.append((call_name(item), arguments(item.get("arguments"))))
            is_open = True
        elif kind == "function_call_output":
            turns.append(Turn("tool", tool_texts(item.get("output"))))
            is_open = False
    return turns


def sharegpt(value):
    turns = []
    for said in expect(value, list, "conversations"):
        name, text = expect(said, dict, "a message").get("from", said.get("role")), said.get("value", said.get("content"))
        expect(text, str, "value")
        if name == "function_call":
            turns.append(sharegpt_call(text))
        else:
            turns.append(Turn(role_of(name), [scalars(text)]))
    return turns


def sharegpt_call(text):
    try:
        said = canonical_json.parse(text)
        calls = said if isinstance(said, list) else [said]
        return Turn("assistant", [], [(call_name(call), arguments(call.get("arguments"))) for call in calls])
    except (ValueError, AttributeError):
        return Turn("assistant", [scalars(text)])


def request(body):
    expect(body, dict, "request")
    if "contents" in body:
        return system(body.get("systemInstruction", body.get("system_instruction"))) + gemini(body["contents"])
    if "messages" in body:
        return system(body.get("system")) + messages(body["messages"])
    if "input" in body:
        return system(body.get("instructions")) + responses(body["input"])
    raise BadRow("a request without messages, contents or input")


def response(body):
    if body is None:
        return []
    expect(body, dict, "response")
    if isinstance(body.get("choices"), list) and body["choices"]:
        return messages([{"role": "assistant", **body["choices"][0]["message"]}])
    if isinstance(body.get("candidates"), list) and body["candidates"]:
        return gemini([{"role": "model", **body["candidates"][0].get("content", {})}])
    output = body.get("output")
    if isinstance(output, dict) and "message" in output:
        return messages([output["message"]])
    if isinstance(output, list):
        return responses(output)
    if "content" in body:
        return turns_of_content("assistant", body["content"])
    raise BadRow("a response without choices, candidates, content or output")


def answered(value):
    """What a row gives as its answer beside its prompt."""
    if value is None:
        return []
    if isinstance(value, str):
        return [Turn("assistant", [scalars(value)])]
    if isinstance(value, list) and value and isinstance(value[0], str):
        return answered(value[0])
    return messages(value if isinstance(value, list) else [value])


def turns_of_row(row):
    """The turns of a row in whichever shape it has."""
    expect(row, dict, "a row")
    if "request" in row:
        return request(row["request"]) + response(row.get("response"))
    if "conversations" in row:
        return system(row.get("system")) + sharegpt(row["conversations"])
    if "messages" in row or "contents" in row:
        return request(row)
    for asked, given in (("input", ("ideal", "target", "preferred_output")), ("prompt", ("completion", "chosen"))):
        if asked in row:
            left = row[asked]
            turns = request(left) if isinstance(left, dict) else [Turn("user", [scalars(left)])] if isinstance(left, str) else messages(left)
            return turns + answered(next((row[name] for name in given if name in row), None))
    raise BadRow("a row without messages, contents, conversations, request, input or prompt")


def read(path):
    """(number from 1, turns) of every row; BadRow names file and line."""
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                turns = turns_of_row(canonical_json.parse(line.decode()))
            except (UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise BadRow(f"{path}:{number}: {error}") from error
            if not turns:
                raise BadRow(f"{path}:{number}: no turns")
            yield number, turns
