# SPDX-License-Identifier: Apache-2.0
"""The openai SDK's streams where Weir asks for their usage and keeps it from callers that do not.

Usage: sdk_usage.py PROVIDER_BASE_URL WEIR_BASE_URL, with a gateway under `usage_opt_in: inject_and_strip`
"""

import sys

import openai

from sdk_common import CONTRACTS, check, dump, left_early

# What is put into a request must not change the fake provider's answer.
SAME = "seed=7;tokens=200"
ASK = {
    "model": "gpt-4o-mini", "messages": [{"role": "user", "content": "How warm is it at the weir?"}], "stream": True,
    "extra_headers": {"x-fake": SAME},
}


def client(side):
    """The SDK's client."""
    return openai.OpenAI(
        base_url=side.base("openai") + "/v1", api_key=side.key, max_retries=0, default_headers=side.headers)


def silent(side):
    """A caller that does not ask: every chunk has a choice, and none tells usage."""
    raw = client(side).chat.completions.with_raw_response.create(**ASK)
    told = raw.headers.get("x-weir-stream-usage")
    assert told == (None if side.contract is None else "stripped"), told
    chunks = list(raw.parse())
    assert chunks and all(chunk.choices and chunk.usage is None for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason
    side.tell("openai", "openai-chat", stream=True, model=chunks[0].model, usage_source="reported")
    return [dump(chunk) for chunk in chunks]


def asking(side):
    """A caller that asks gets its chunk."""
    chunks = list(client(side).chat.completions.create(**ASK, stream_options={"include_usage": True}))
    usage = chunks[-1].usage
    assert not chunks[-1].choices and usage.total_tokens > 0
    side.tell(
        "openai", "openai-chat", stream=True, input=usage.prompt_tokens, output=usage.completion_tokens, usage_source="reported")
    return [dump(chunk) for chunk in chunks]


def declining(side):
    """A caller that says no is taken at its word."""
    chunks = list(client(side).chat.completions.create(**ASK, stream_options={"include_usage": False}))
    assert all(chunk.choices for chunk in chunks)
    side.tell("openai", "openai-chat", stream=True, usage_source="absent")
    return [dump(chunk) for chunk in chunks]


def cancel(side):
    """The caller goes away in the middle of a stream."""
    stream = client(side).chat.completions.create(**(ASK | {"extra_headers": {"x-fake": SAME + ";ttft_ms=5;gap_ms=20"}}))
    return left_early(side, stream, 3, "openai", "openai-chat")


if __name__ == "__main__":
    check(
        sys.argv[1], sys.argv[2],
        [
            ("silent", silent, CONTRACTS), ("asking", asking, CONTRACTS), ("declining", declining, CONTRACTS),
            ("cancel", cancel, ["current"]),
        ])
