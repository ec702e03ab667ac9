# SPDX-License-Identifier: Apache-2.0
"""The table of notebooks-docs/operations.md, row by row: each SDK by way of Weir, with Weir down, and past Weir.

Usage: sdk_bypass.py PROVIDER_BASE_URL WEIR_BASE_URL

Past Weir an SDK asks its provider's own host over TLS; the name leads to a front of this test, which passes on to the fake.
"""

import os
import socket
import sys
import tempfile
import traceback

import anthropic
import boto3
import botocore.config
import cerebras.cloud.sdk
import google.genai
import groq
import mistralai.client
import openai

from sdk_common import PROVIDER_KEY, Side, TLSFront, raises

ASK = [{"role": "user", "content": "How warm is it at the weir?"}]
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
HOSTS = [
    "api.openai.com", "api.anthropic.com", "generativelanguage.googleapis.com", "api.groq.com", "api.cerebras.ai",
    "api.mistral.ai", "bedrock-runtime.us-east-1.amazonaws.com",
]
QUICK = {"api_key": PROVIDER_KEY, "max_retries": 0}


def chat(client, model):
    """What a model says to `ASK`."""
    return client.chat.completions.create(model=model, messages=ASK).choices[0].message.content


def ask_openai(_):
    """openai."""
    return chat(openai.OpenAI(**QUICK), "gpt-4o-mini")


def ask_anthropic(_):
    """anthropic."""
    answer = anthropic.Anthropic(**QUICK).messages.create(model="claude-sonnet-4-5", max_tokens=200, messages=ASK)
    return answer.content[0].text


def ask_google(_):
    """google-genai."""
    client = google.genai.Client(api_key=PROVIDER_KEY)
    return client.models.generate_content(model="gemini-2.5-flash", contents=ASK[0]["content"]).text


def ask_groq(_):
    """groq."""
    return chat(groq.Groq(**QUICK), "llama-3.3-70b-versatile")


def ask_cerebras(_):
    """cerebras-cloud-sdk."""
    return chat(cerebras.cloud.sdk.Cerebras(**QUICK, warm_tcp_connection=False), "llama3.1-8b")


def ask_mistral(url):
    """mistralai, which reads no variable."""
    client = mistralai.client.Mistral(api_key=PROVIDER_KEY, **({"server_url": url} if url else {}))
    return client.chat.complete(model="mistral-small-latest", messages=ASK).choices[0].message.content


def ask_boto(_):
    """boto3 with a Bedrock API key."""
    config = botocore.config.Config(retries={"total_max_attempts": 1})
    client = boto3.client("bedrock-runtime", region_name="us-east-1", config=config)
    answer = client.converse(modelId=CLAUDE, messages=[{"role": "user", "content": [{"text": ASK[0]["content"]}]}])
    return answer["output"]["message"]["content"][0]["text"]


# What asks, the variable it reads, what follows Weir's address, and the record.
ROWS = [
    (ask_openai, "OPENAI_BASE_URL", "/v1", ("openai", "openai-chat")),
    (ask_anthropic, "ANTHROPIC_BASE_URL", "", ("anthropic", "anthropic-messages")),
    (ask_google, "GOOGLE_GEMINI_BASE_URL", "", ("gemini", "gemini-generate")),
    (ask_groq, "GROQ_BASE_URL", "", ("groq", "openai-chat")),
    (ask_cerebras, "CEREBRAS_BASE_URL", "/p/cerebras", ("cerebras", "openai-chat")),
    (ask_mistral, None, "/p/mistral", ("mistral", "openai-chat")),
    (ask_boto, "AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "/p/bedrock", ("bedrock", "bedrock-converse")),
]


def nobody_listens(error):
    """The page's own test: whether no connection came about, after which nothing can have been sent."""
    while error is not None:
        if type(error).__name__ in ("ConnectError", "EndpointConnectionError"):
            return True
        error = error.__cause__
    return False


def asked(ask, variable, url):
    """An answer with the base URL in the environment, or with none there."""
    if variable:
        os.environ.pop(variable, None)
        if url:
            os.environ[variable] = url
    return ask(url)


def falling_back(ask, variable, urls):
    """The client that keeps two addresses: the second one only where nobody listens at the first."""
    try:
        return asked(ask, variable, urls[0])
    except Exception as error:
        if not nobody_listens(error):
            raise
        return asked(ask, variable, urls[1])


def row(ask, variable, path, record, side, closed):
    """One row of the table."""
    said = asked(ask, variable, side.root + path)
    side.tell(record[0], record[1], task="default", environment=None)
    assert said, "an answer by way of Weir"
    assert nobody_listens(raises(Exception, lambda: asked(ask, variable, closed + path))), "told from other failures"
    assert asked(ask, variable, None), "an answer past Weir"
    assert falling_back(ask, variable, [closed + path, None]), "an answer after falling back"


def main():
    """All rows; ends with 1 where one does not hold."""
    provider, weir = sys.argv[1:3]
    folder = tempfile.mkdtemp(prefix="weir-sdk-")
    front = TLSFront(folder, names=HOSTS)
    way = int(front.secure(provider).rpartition(":")[2])
    lookup = socket.getaddrinfo
    socket.getaddrinfo = lambda host, port, *rest, **more: (
        lookup("127.0.0.1", way, *rest, **more) if host in HOSTS else lookup(host, port, *rest, **more))
    os.environ |= {
        "SSL_CERT_FILE": front.certificate, "AWS_CA_BUNDLE": front.certificate, "AWS_BEARER_TOKEN_BEDROCK": PROVIDER_KEY}
    # Bound, so that nobody else gets the port, and never listening: whoever connects is refused.
    unused = socket.socket()
    unused.bind(("127.0.0.1", 0))
    closed = f"127.0.0.1:{unused.getsockname()[1]}"
    failed = 0
    for ask, *rest in ROWS:
        # boto3 sends an API key over TLS only.
        over_tls = ask is ask_boto
        side = Side(front.secure(weir) if over_tls else weir, "variable")
        try:
            row(ask, *rest, side, ("https://" if over_tls else "http://") + closed)
        except Exception:
            failed += 1
            print(f"--- {ask.__doc__}\n{traceback.format_exc()}", file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
