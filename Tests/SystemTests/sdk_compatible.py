# SPDX-License-Identifier: Apache-2.0
"""The SDKs of providers that speak OpenAI's chat completions, each in its own way.

Usage: sdk_compatible.py NAME PROVIDER_BASE_URL WEIR_BASE_URL, with NAME groq, cerebras, mistral, azure or openrouter
"""

import sys

from sdk_common import CONTRACTS, SLOW, WEATHER, check, dump, left_early, raises

ASK = {"messages": [{"role": "user", "content": "How warm is it at the weir?"}]}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": WEATHER}}]
API = "openai-chat"


def groq():
    """Groq's own SDK."""
    import groq as sdk

    def make(side):
        return sdk.Groq(base_url=side.base("groq"), api_key=side.key, max_retries=0, default_headers=side.headers)

    return stainless(sdk, make, "groq", "llama-3.3-70b-versatile", CONTRACTS)


def cerebras():
    """The SDK of Cerebras, which shares its paths with OpenAI: the provider is named."""
    from cerebras.cloud import sdk

    def make(side):
        headers = side.headers | ({"x-inference-provider": "cerebras"} if side.headers else {})
        return sdk.Cerebras(
            base_url=side.base("cerebras", "/cerebras"), api_key=side.key, max_retries=0, default_headers=headers,
            warm_tcp_connection=False)

    return stainless(sdk, make, "cerebras", "llama3.1-8b", CONTRACTS)


def azure():
    """The openai SDK at Azure."""
    import openai as sdk

    def make(side):
        return sdk.AzureOpenAI(
            azure_endpoint=side.base("azure-openai"), api_key=side.key, api_version="2024-10-21", max_retries=0,
            default_headers=side.headers)

    return stainless(sdk, make, "azure-openai", "gpt-4o-mini", CONTRACTS)


def openrouter():
    """The openai SDK at OpenRouter."""
    import openai as sdk

    def make(side):
        headers = side.headers | ({"x-inference-provider": "openrouter"} if side.headers else {})
        path = "/api/v1" if side.contract is None else "/v1"
        return sdk.OpenAI(
            base_url=side.base("openrouter") + path, api_key=side.key, max_retries=0, default_headers=headers)

    return stainless(sdk, make, "openrouter", "openai/gpt-4o-mini", CONTRACTS)


def stainless(sdk, make, provider, model, contracts):
    """The checks of the SDKs that are made from one mould."""
    asked = ASK | {"model": model}

    def conversation(side):
        client = make(side)
        plain = client.chat.completions.create(**asked)
        side.tell(provider, API, stream=False, input=plain.usage.prompt_tokens, output=plain.usage.completion_tokens)
        chunks = list(client.chat.completions.create(**asked, stream=True))
        side.tell(provider, API, stream=True)
        assert sum(bool(c.choices and c.choices[0].delta.content) for c in chunks) > 3
        called = client.chat.completions.create(**asked, tools=TOOLS, tool_choice="required")
        side.tell(provider, API, stream=False)
        assert called.choices[0].message.tool_calls[0].function.name == "weather"
        return [dump(plain), [dump(c) for c in chunks], dump(called)]

    def error(side):
        refused = raises(
            sdk.RateLimitError,
            lambda: make(side).chat.completions.create(**asked, extra_headers={"x-fake": "status=429"}))
        side.tell(provider, API, status=429)
        return refused.body

    def cancel(side):
        stream = make(side).chat.completions.create(**asked, stream=True, extra_headers={"x-fake": SLOW})
        return left_early(side, stream, 3, provider, API)

    return [("conversation", conversation, contracts), ("error", error, ["current"]), ("cancel", cancel, ["current"])]


def mistral():
    """Mistral's own SDK."""
    from mistralai.client import Mistral, errors

    asked = ASK | {"model": "mistral-small-latest"}
    name = "mistral"

    def make(side):
        return Mistral(api_key=side.key, server_url=side.base(name, "/mistral"))

    def headers(side, **more):
        return side.headers | ({"x-inference-provider": name} if side.headers else {}) | more

    def conversation(side):
        client = make(side)
        plain = client.chat.complete(**asked, http_headers=headers(side))
        side.tell(name, API, stream=False, input=plain.usage.prompt_tokens, output=plain.usage.completion_tokens)
        chunks = [event.data for event in client.chat.stream(**asked, http_headers=headers(side))]
        side.tell(name, API, stream=True)
        assert sum(bool(c.choices[0].delta.content) for c in chunks) > 3
        called = client.chat.complete(**asked, tools=TOOLS, tool_choice="any", http_headers=headers(side))
        side.tell(name, API, stream=False)
        assert called.choices[0].message.tool_calls[0].function.name == "weather"
        vectors = client.embeddings.create(model="mistral-embed", inputs=["one", "two"], http_headers=headers(side))
        side.tell(name, "openai-embeddings")
        return [dump(plain), [dump(c) for c in chunks], dump(called), dump(vectors)]

    def error(side):
        fake = {"x-fake": "status=429"}
        refused = raises(errors.SDKError, lambda: make(side).chat.complete(**asked, http_headers=headers(side) | fake))
        side.tell(name, API, status=429)
        return [refused.status_code, refused.body]

    def cancel(side):
        fake = {"x-fake": SLOW}
        with make(side).chat.stream(**asked, http_headers=headers(side) | fake) as stream:
            items = iter(stream)
            first = [dump(next(items).data) for _ in range(3)]
        side.tell(name, API, outcome="client_closed")
        return first

    return [("conversation", conversation, CONTRACTS), ("error", error, ["current"]), ("cancel", cancel, ["current"])]


if __name__ == "__main__":
    makers = {f.__name__: f for f in (groq, cerebras, mistral, azure, openrouter)}
    check(sys.argv[2], sys.argv[3], makers[sys.argv[1]]())
