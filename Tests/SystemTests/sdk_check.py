# SPDX-License-Identifier: Apache-2.0
"""Drives the official SDKs at a provider, directly and through Weir, and compares what they return.

Usage: sdk_check.py DIRECT_BASE_URL WEIR_BASE_URL

Every difference ends the script with a traceback. Standard output holds one JSON object a line: what Weir should have
recorded of each exchange, in the order in which they were made.
"""

import asyncio
import json
import sys

import anthropic
import openai

from sdk_common import PROVIDER_KEY, TAGS, dump

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say something about rivers."}]}
RESPONSES = {"model": "gpt-4.1", "input": "Say something about weirs."}
EMBEDDINGS = {"model": "text-embedding-3-small", "input": ["one", "two and three"]}
MESSAGES = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 200,
    "messages": [{"role": "user", "content": "Say something about lakes."}],
}


def tags(tells):
    """The headers for Weir; the provider itself must never see them."""
    return TAGS if tells else {}


def tell(api, model, stream, usage=None, status=200):
    """Says what Weir should have recorded."""
    fact = {"api": api, "model": model, "stream": stream, "status": status, "input": None, "output": None}
    if usage is not None:
        chat = hasattr(usage, "prompt_tokens")
        fact["input"] = usage.prompt_tokens if chat else usage.input_tokens
        fact["output"] = getattr(usage, "completion_tokens", None) if chat else usage.output_tokens
    print(json.dumps(fact), flush=True)


def chat(client, tells):
    """A chat completion, plain and streamed."""
    plain = client.chat.completions.create(**CHAT)
    chunks = list(client.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].usage is not None, "the last chunk carries usage"
    said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert said, "the stream says something"
    if tells:
        tell("openai-chat", plain.model, False, plain.usage)
        tell("openai-chat", chunks[-1].model, True, chunks[-1].usage)
    return [dump(plain), [dump(c) for c in chunks], said]


def responses(client, tells):
    """A response, plain and streamed."""
    plain = client.responses.create(**RESPONSES)
    events = list(client.responses.create(**RESPONSES, stream=True))
    final = events[-1].response
    assert events[-1].type == "response.completed", events[-1].type
    said = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert said == final.output_text, "the deltas are the text"
    if tells:
        tell("openai-responses", plain.model, False, plain.usage)
        tell("openai-responses", final.model, True, final.usage)
    return [dump(plain), [dump(e) for e in events], said]


def embeddings(client, tells):
    """Embeddings."""
    answer = client.embeddings.create(**EMBEDDINGS)
    assert len(answer.data) == 2
    if tells:
        tell("openai-embeddings", answer.model, False, answer.usage)
    return dump(answer)


def messages(client, tells):
    """An Anthropic message, plain, streamed as events, and streamed by the helper."""
    plain = client.messages.create(**MESSAGES)
    events = list(client.messages.create(**MESSAGES, stream=True))
    with client.messages.stream(**MESSAGES) as stream:
        said = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert said == final.content[0].text
    if tells:
        tell("anthropic-messages", plain.model, False, plain.usage)
        tell("anthropic-messages", final.model, True, final.usage)
        tell("anthropic-messages", final.model, True, final.usage)
    return [dump(plain), [dump(e) for e in events], dump(final)]


def errors(client, create, api, library, tells):
    """Errors become the SDK's own exceptions."""
    seen = []
    for status, kind in [(429, library.RateLimitError), (401, library.AuthenticationError), (500, library.InternalServerError)]:
        try:
            create(extra_headers={"x-fake": f"status={status}"})
        except kind as error:
            assert error.status_code == status
            # Each answer has a request id of its own; the error itself must be the same.
            seen.append([status, type(error).__name__, (error.body or {}).get("error", error.body)])
        else:
            raise AssertionError(f"status {status} raised nothing")
        if tells:
            tell(api, None, False, status=status)
    return seen


async def asynchronous(base, tells):
    """The asynchronous clients: four exchanges, one after the other."""
    async with openai.AsyncOpenAI(base_url=base + "/v1", api_key=PROVIDER_KEY, max_retries=0, default_headers=tags(tells)) as client:
        plain = await client.chat.completions.create(**CHAT, seed=1)
        chunks = [c async for c in await client.chat.completions.create(**CHAT, seed=1, stream=True, stream_options={"include_usage": True})]
    async with anthropic.AsyncAnthropic(base_url=base, api_key=PROVIDER_KEY, max_retries=0, default_headers=tags(tells)) as client:
        message = await client.messages.create(**MESSAGES, system="Be brief.")
        events = [e async for e in await client.messages.create(**MESSAGES, system="Be brief.", stream=True)]
    if tells:
        tell("openai-chat", plain.model, False, plain.usage)
        tell("openai-chat", chunks[-1].model, True, chunks[-1].usage)
        tell("anthropic-messages", message.model, False, message.usage)
        tell("anthropic-messages", message.model, True)
    return [dump(plain), [dump(c) for c in chunks], dump(message), [dump(e) for e in events]]


def everything(base, tells):
    """All checks against one base URL."""
    ours = openai.OpenAI(base_url=base + "/v1", api_key=PROVIDER_KEY, max_retries=0, default_headers=tags(tells))
    theirs = anthropic.Anthropic(base_url=base, api_key=PROVIDER_KEY, max_retries=0, default_headers=tags(tells))
    return {
        "chat": chat(ours, tells),
        "responses": responses(ours, tells),
        "embeddings": embeddings(ours, tells),
        "messages": messages(theirs, tells),
        "openai errors": errors(ours, lambda **k: ours.chat.completions.create(**CHAT, **k), "openai-chat", openai, tells),
        "anthropic errors": errors(theirs, lambda **k: theirs.messages.create(**MESSAGES, **k), "anthropic-messages", anthropic, tells),
        "asynchronous": asyncio.run(asynchronous(base, tells)),
    }


def main():
    """Compares, part by part."""
    direct = everything(sys.argv[1], tells=False)
    through = everything(sys.argv[2], tells=True)
    for name, expected in direct.items():
        assert through[name] == expected, f"{name} differs:\n{through[name]}\n{expected}"


if __name__ == "__main__":
    main()
