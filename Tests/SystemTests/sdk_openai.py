# SPDX-License-Identifier: Apache-2.0
"""The openai SDK on everything beside plain conversations, by every contract.

Usage: sdk_openai.py PROVIDER_BASE_URL WEIR_BASE_URL
"""

import io
import sys

import openai

from sdk_common import CONTRACTS, SLOW, WEATHER, check, collector, dump, left_early, raises

ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "How warm is it at the weir?"}]}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": WEATHER}}]
EVERY_BYTE = bytes(range(256)) * 40


def client(side):
    """The SDK's client."""
    return openai.OpenAI(
        base_url=side.base("openai") + "/v1", api_key=side.key, max_retries=0, default_headers=side.headers)


def tools(side):
    """A tool call, plain and streamed, and the turn after it."""
    ours = client(side)
    plain = ours.chat.completions.create(**ASK, tools=TOOLS, tool_choice="required")
    side.tell("openai", "openai-chat", stream=False, model=plain.model, output=plain.usage.completion_tokens)
    call = plain.choices[0].message.tool_calls[0]
    assert call.function.name == "weather" and "city_id" in call.function.arguments
    chunks = list(ours.chat.completions.create(**ASK, tools=TOOLS, tool_choice="required", stream=True))
    side.tell("openai", "openai-chat", stream=True, model=plain.model)
    turn = ASK["messages"] + [plain.choices[0].message.model_dump(exclude_none=True)]
    turn.append({"role": "tool", "tool_call_id": call.id, "content": "21 degrees"})
    last = ours.chat.completions.create(model=ASK["model"], messages=turn, tools=TOOLS)
    side.tell("openai", "openai-chat", stream=False, input=last.usage.prompt_tokens)
    return [dump(plain), [dump(c) for c in chunks], dump(last)]


def responses(side):
    """A response, plain and streamed."""
    ours = client(side)
    plain = ours.responses.create(model="gpt-4.1", input="Say something about weirs.")
    side.tell("openai", "openai-responses", stream=False, output=plain.usage.output_tokens)
    events = list(ours.responses.create(model="gpt-4.1", input="Say something about weirs.", stream=True))
    side.tell("openai", "openai-responses", stream=True)
    return [dump(plain), [dump(e) for e in events]]


def error(side):
    """A provider's refusal, before and in the middle of a stream."""
    ours = client(side)
    limited = raises(
        openai.RateLimitError,
        lambda: ours.chat.completions.create(**ASK, extra_headers={"x-fake": "status=429;retry_after=3"}))
    side.tell("openai", "openai-chat", status=429)
    assert limited.response.headers["retry-after"] == "3"
    broken = raises(
        openai.APIError,
        lambda: list(ours.chat.completions.create(**ASK, stream=True, extra_headers={"x-fake": "error_after=2"})))
    side.tell("openai", "openai-chat", stream=True)
    return [limited.body, broken.body]


def cancel(side):
    """The caller goes away in the middle of a stream."""
    stream = client(side).chat.completions.create(**ASK, stream=True, extra_headers={"x-fake": SLOW})
    return left_early(side, stream, 3, "openai", "openai-chat")


def resources(side):
    """Everything that is no conversation."""
    ours = client(side)
    found, told = collector(side, "openai")
    told(ours.embeddings.create(model="text-embedding-3-small", input=["one", "two"]), "openai-embeddings")
    told(ours.images.generate(model="gpt-image-1", prompt="a weir at dawn"), "openai-images")
    told(ours.moderations.create(input="The water is calm."), "openai-moderations")
    told(ours.models.list())
    told(ours.models.retrieve("gpt-4.1"))
    speech = ours.audio.speech.create(model="tts-1", voice="alloy", input="The water runs on.")
    told(speech.read().hex(), "openai-audio")
    with ours.audio.speech.with_streaming_response.create(model="tts-1", voice="alloy", input="And on.") as streamed:
        told(b"".join(streamed.iter_bytes(1000)).hex(), "openai-audio")
    sound = io.BytesIO(EVERY_BYTE)
    sound.name = "weir.wav"
    told(ours.audio.transcriptions.create(model="whisper-1", file=sound), "openai-audio")
    upload = ours.files.create(file=("lines.jsonl", EVERY_BYTE), purpose="batch")
    assert upload.bytes == len(EVERY_BYTE)
    told(upload.filename)
    told(ours.files.retrieve("file-7"))
    told(ours.files.content("file-7").read().hex())
    told(ours.files.list())
    told(ours.files.delete("file-7"))
    told(ours.batches.create(input_file_id="file-7", endpoint="/v1/chat/completions", completion_window="24h"))
    told(ours.batches.retrieve("batch_7"))
    return found


if __name__ == "__main__":
    check(
        sys.argv[1], sys.argv[2],
        [
            ("tools", tools, CONTRACTS), ("responses", responses, CONTRACTS), ("error", error, CONTRACTS),
            ("cancel", cancel, ["current"]), ("resources", resources, CONTRACTS),
        ])
