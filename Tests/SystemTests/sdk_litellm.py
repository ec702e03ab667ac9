# SPDX-License-Identifier: Apache-2.0
"""litellm as a client: one library that speaks several wires.

Usage: sdk_litellm.py PROVIDER_BASE_URL WEIR_BASE_URL
"""

import os
import sys

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm

from sdk_common import check, raises

ASK = [{"role": "user", "content": "Say something about rivers."}]
litellm.suppress_debug_info = True
litellm.telemetry = False
litellm.num_retries = 0


def asking(model, provider, api, path=""):
    """A completion, plain and streamed, and a refusal."""

    def run(side):
        def ask(fake=None, **more):
            headers = side.headers | ({"x-fake": fake} if fake else {})
            return litellm.completion(
                model=model, messages=ASK, api_base=side.root + path, api_key=side.key, extra_headers=headers,
                max_tokens=200, max_retries=0, **more)

        plain = ask()
        side.tell(provider, api, stream=False, output=plain.usage.completion_tokens)
        chunks = list(ask(stream=True))
        side.tell(provider, api, stream=True)
        said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        assert said and plain.choices[0].message.content
        refused = raises(litellm.exceptions.RateLimitError, lambda: ask("status=429"))
        side.tell(provider, api, status=429)
        return [said, refused.status_code, plain.usage.prompt_tokens, plain.usage.completion_tokens]

    return run


if __name__ == "__main__":
    contracts = ["current", "older"]
    check(
        sys.argv[1], sys.argv[2],
        [
            ("openai", asking("openai/gpt-4o-mini", "openai", "openai-chat", "/v1"), contracts),
            ("anthropic", asking("anthropic/claude-sonnet-4-5", "anthropic", "anthropic-messages"), contracts),
        ])
