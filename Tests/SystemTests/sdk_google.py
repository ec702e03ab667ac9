# SPDX-License-Identifier: Apache-2.0
"""The google-genai SDK at Gemini and at Vertex AI.

Usage: sdk_google.py PROVIDER_BASE_URL WEIR_BASE_URL
"""

import sys

from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials

from sdk_common import SLOW, WEATHER, check, dump, raises

MODEL = "gemini-2.5-flash"
ASK = "How warm is it at the weir?"
TOOLS = types.GenerateContentConfig(
    tools=[types.Tool(function_declarations=[{"name": "weather", "parameters_json_schema": WEATHER}])],
    tool_config=types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode="ANY")),
    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True))


def options(side, provider, fake=None):
    """Where the client points, and its headers."""
    headers = dict(side.headers)
    if fake:
        headers["x-fake"] = fake
    return types.HttpOptions(base_url=side.base(provider), headers=headers)


def gemini(side, fake=None):
    """The client with a Gemini key."""
    return genai.Client(api_key=side.key, http_options=options(side, "gemini", fake))


def vertex(side, fake=None):
    """The client with a Google Cloud token."""
    return genai.Client(
        vertexai=True, project="p", location="us-central1", credentials=Credentials(token=side.key),
        http_options=options(side, "vertex-ai", fake))


def conversation(make, provider):
    """Plain, streamed and with a tool call."""

    def run(side):
        client = make(side)
        plain = client.models.generate_content(model=MODEL, contents=ASK)
        side.tell(
            provider, "gemini-generate", stream=False, model=MODEL, input=plain.usage_metadata.prompt_token_count,
            output=plain.usage_metadata.candidates_token_count)
        assert plain.text
        chunks = list(client.models.generate_content_stream(model=MODEL, contents=ASK))
        side.tell(provider, "gemini-generate", stream=True, model=MODEL, output=chunks[-1].usage_metadata.candidates_token_count)
        assert len(chunks) > 3 and all(c.text for c in chunks)
        called = client.models.generate_content(model=MODEL, contents=ASK, config=TOOLS)
        side.tell(provider, "gemini-generate", stream=False)
        assert called.function_calls[0].name == "weather"
        return [bare(plain), [bare(c) for c in chunks], bare(called)]

    return run


def bare(answer):
    """An answer without the headers of its own HTTP message."""
    data = dump(answer)
    data.pop("sdk_http_response", None)
    return data


def error(make, provider):
    """A provider's refusal."""

    def run(side):
        client = make(side, "status=429")
        refused = raises(errors.ClientError, lambda: client.models.generate_content(model=MODEL, contents=ASK))
        side.tell(provider, "gemini-generate", status=429)
        return [refused.code, refused.status, refused.message]

    return run


def cancel(side):
    """The caller goes away in the middle of a stream."""
    client = gemini(side, SLOW)
    stream = client.models.generate_content_stream(model=MODEL, contents=ASK)
    first = [bare(next(stream)) for _ in range(3)]
    stream.close()
    client.close()
    side.tell("gemini", "gemini-generate", outcome="client_closed")
    return first


def resources(side):
    """Token counts, vectors and models."""
    client = gemini(side)
    count = client.models.count_tokens(model=MODEL, contents=ASK)
    side.tell("gemini", "gemini-count-tokens")
    vectors = client.models.embed_content(
        model="gemini-embedding-001", contents=["one", "two"], config=types.EmbedContentConfig(output_dimensionality=16))
    side.tell("gemini", "gemini-embed")
    assert len(vectors.embeddings) == 2 and len(vectors.embeddings[0].values) == 16
    model = client.models.get(model=MODEL)
    side.tell("gemini", None)
    return [bare(count), bare(vectors), dump(model)]


if __name__ == "__main__":
    check(
        sys.argv[1], sys.argv[2],
        [
            ("gemini", conversation(gemini, "gemini"), ["current", "older", "prefix"]),
            ("vertex", conversation(vertex, "vertex-ai"), ["current", "older"]),
            ("gemini error", error(gemini, "gemini"), ["current"]),
            ("vertex error", error(vertex, "vertex-ai"), ["current"]),
            ("cancel", cancel, ["current"]), ("resources", resources, ["current"]),
        ])
