# SPDX-License-Identifier: Apache-2.0
"""The anthropic SDK on everything beside plain messages, by every contract.

Usage: sdk_anthropic.py PROVIDER_BASE_URL WEIR_BASE_URL
"""

import sys

import anthropic

from sdk_common import CONTRACTS, SLOW, WEATHER, check, collector, dump, left_early, raises

ASK = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 300,
    "messages": [{"role": "user", "content": "How warm is it at the weir?"}],
}
TOOLS = [{"name": "weather", "description": "The weather.", "input_schema": WEATHER}]


def client(side):
    """The SDK's client."""
    return anthropic.Anthropic(
        base_url=side.base("anthropic"), api_key=side.key, max_retries=0, default_headers=side.headers)


def tools(side):
    """A tool call, plain and streamed."""
    theirs = client(side)
    asked = ASK | {"tools": TOOLS, "tool_choice": {"type": "any"}}
    plain = theirs.messages.create(**asked)
    side.tell("anthropic", "anthropic-messages", stream=False, model=plain.model, output=plain.usage.output_tokens)
    assert plain.stop_reason == "tool_use" and "city_id" in plain.content[-1].input
    with theirs.messages.stream(**asked) as stream:
        final = stream.get_final_message()
    side.tell("anthropic", "anthropic-messages", stream=True, model=final.model, output=final.usage.output_tokens)
    return [dump(plain), dump(final)]


def error(side):
    """A provider's refusal, before and in the middle of a stream."""
    theirs = client(side)
    busy = raises(anthropic.APIStatusError, lambda: theirs.messages.create(**ASK, extra_headers={"x-fake": "status=529"}))
    side.tell("anthropic", "anthropic-messages", status=529)
    assert busy.status_code == 529
    broken = raises(
        anthropic.APIStatusError,
        lambda: list(theirs.messages.create(**ASK, stream=True, extra_headers={"x-fake": "error_after=2"})))
    side.tell("anthropic", "anthropic-messages", stream=True)
    return [busy.body["error"], broken.body["error"]]


def cancel(side):
    """The caller goes away in the middle of a stream."""
    stream = client(side).messages.create(**ASK, stream=True, extra_headers={"x-fake": SLOW})
    return left_early(side, stream, 4, "anthropic", "anthropic-messages")


def resources(side):
    """Token counts, batches and models."""
    theirs = client(side)
    found, told = collector(side, "anthropic")
    told(theirs.messages.count_tokens(model=ASK["model"], messages=ASK["messages"], system="Be brief."), "anthropic-count-tokens")
    told(theirs.messages.batches.create(requests=[{"custom_id": "one", "params": ASK}]))
    told(theirs.messages.batches.retrieve("msgbatch_7"))
    told(theirs.messages.batches.cancel("msgbatch_7"))
    told(theirs.messages.batches.list())
    told(theirs.models.list())
    told(theirs.models.retrieve("claude-haiku-4-5"))
    return found


if __name__ == "__main__":
    check(
        sys.argv[1], sys.argv[2],
        [
            ("tools", tools, CONTRACTS), ("error", error, CONTRACTS), ("cancel", cancel, ["current"]),
            ("resources", resources, CONTRACTS),
        ])
