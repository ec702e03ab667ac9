# SPDX-License-Identifier: Apache-2.0
"""boto3 at Bedrock, with a bearer token or with signed requests.

Usage: sdk_bedrock.py bearer|signed PROVIDER_BASE_URL WEIR_BASE_URL

With `bearer` the SDK demands https: a small front of this test speaks TLS and passes the bytes on.
With `signed` the caller signs for Weir's host with a key that the provider does not know: what reaches the provider must
have been signed anew. Straight at the provider, the provider's own key signs.
"""

import json
import os
import sys
import tempfile

import boto3
import botocore.config
import botocore.exceptions

from sdk_common import SLOW, TAGS, WEATHER, TLSFront, check, raises

MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
MESSAGES = [{"role": "user", "content": [{"text": "How warm is it at the weir?"}]}]
TOOLS = {
    "tools": [{"toolSpec": {"name": "weather", "description": "The weather.", "inputSchema": {"json": WEATHER}}}],
    "toolChoice": {"any": {}},
}
NATIVE = json.dumps({
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 200,
    "messages": [{"role": "user", "content": "Say something about lakes."}],
})
SIGNED = sys.argv[1:2] == ["signed"]
FRONT = None if SIGNED else TLSFront(tempfile.mkdtemp(prefix="weir-sdk-"))


def client(side, fake=None):
    """A client whose requests bear Weir's headers, added after signing."""
    keys = {}
    if SIGNED:
        ours = side.contract is None
        keys = {
            "aws_access_key_id": "AKIDPROVIDER" if ours else "AKIDCALLER",
            "aws_secret_access_key": "provider-secret" if ours else "caller-secret",
        }
    else:
        os.environ["AWS_BEARER_TOKEN_BEDROCK"] = side.key
    config = botocore.config.Config(retries={"total_max_attempts": 1})
    url = side.base("bedrock")
    if not SIGNED:
        url = FRONT.secure(url)
        keys["verify"] = FRONT.certificate
    made = boto3.client("bedrock-runtime", endpoint_url=url, region_name="us-east-1", config=config, **keys)
    # A signed request needs no other key: only the tags go with it.
    more = {name: value for name, value in side.headers.items() if not SIGNED or name in TAGS}
    if fake:
        more["x-fake"] = fake

    def add(request, **_):
        for name, value in more.items():
            request.headers[name] = value

    made.meta.events.register("before-send.bedrock-runtime.*", add)
    return made


def bare(answer):
    """An answer without its HTTP message."""
    return {k: v for k, v in answer.items() if k not in ("ResponseMetadata", "stream", "body")}


def tell(side, api, **fact):
    """Says what Weir should have recorded."""
    side.tell("bedrock", api, **fact)


def converse(side):
    """Converse, plain, streamed and with a tool call."""
    ours = client(side)
    plain = ours.converse(modelId=MODEL, messages=MESSAGES)
    tell(side, "bedrock-converse", stream=False, input=plain["usage"]["inputTokens"], output=plain["usage"]["outputTokens"])
    events = list(ours.converse_stream(modelId=MODEL, messages=MESSAGES)["stream"])
    tell(side, "bedrock-converse", stream=True)
    said = "".join(e["contentBlockDelta"]["delta"]["text"] for e in events if "contentBlockDelta" in e)
    assert said and plain["output"]["message"]["content"][0]["text"]
    assert events[-1]["metadata"]["usage"]["totalTokens"] > 0
    called = ours.converse(modelId=MODEL, messages=MESSAGES, toolConfig=TOOLS)
    tell(side, "bedrock-converse", stream=False)
    assert called["stopReason"] == "tool_use"
    return [bare(plain), events, bare(called)]


def invoke(side):
    """InvokeModel, plain and streamed."""
    ours = client(side)
    plain = ours.invoke_model(modelId=MODEL, body=NATIVE)
    body = json.loads(plain["body"].read())
    tell(side, "bedrock-invoke", stream=False)
    stream = ours.invoke_model_with_response_stream(modelId=MODEL, body=NATIVE)
    events = [json.loads(e["chunk"]["bytes"]) for e in stream["body"]]
    tell(side, "bedrock-invoke", stream=True)
    assert events[-1]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] > 0
    return [body, events]


def error(side):
    """A provider's refusal, before and in the middle of a stream."""
    kind = botocore.exceptions.ClientError
    refused = raises(kind, lambda: client(side, "status=429").converse(modelId=MODEL, messages=MESSAGES))
    tell(side, "bedrock-converse", status=429)
    assert refused.response["Error"]["Code"] == "ThrottlingException"
    broken = raises(
        botocore.exceptions.EventStreamError,
        lambda: list(client(side, "error_after=2").converse_stream(modelId=MODEL, messages=MESSAGES)["stream"]))
    tell(side, "bedrock-converse", stream=True)
    return [refused.response["Error"], broken.response["Error"]]


def cancel(side):
    """The caller goes away in the middle of a stream."""
    stream = client(side, SLOW).converse_stream(modelId=MODEL, messages=MESSAGES)["stream"]
    items = iter(stream)
    first = [next(items) for _ in range(3)]
    stream.close()
    tell(side, "bedrock-converse", outcome="client_closed")
    return first


if __name__ == "__main__":
    contracts = ["older", "prefix"] if SIGNED else ["current", "older", "prefix"]
    check(
        sys.argv[2], sys.argv[3],
        [
            ("converse", converse, contracts), ("invoke", invoke, contracts), ("error", error, ["older"]),
            ("cancel", cancel, ["older"]),
        ])
