# SPDX-License-Identifier: Apache-2.0
"""What the checks of the SDKs share: where a client points, what is compared, what Weir should have recorded.

A check is a function of a `Side`. It is run at the provider and then through Weir, and must return the same data. Standard
output holds one JSON object a line: what Weir should have recorded of each exchange, in the order in which they were made.
"""

import json
import re
import sys
import traceback

PROVIDER_KEY = "provider-key"
PROJECT_KEY = "project-key"
TAGS = {"x-inference-environment": "test", "x-inference-task-id": "sdk", "x-inference-metadata-chat-id": "7"}
SLOW = "ttft_ms=5;gap_ms=20;tokens=400"
WEATHER = {
    "type": "object",
    "properties": {"city_id": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "kelvin"]}},
    "required": ["city_id"],
}


class Side:
    """Where the clients of one run point: at the provider itself, or at Weir by one of its contracts."""

    def __init__(self, base, contract=None):
        self.root = base
        self.contract = contract
        self.key = PROJECT_KEY if contract == "current" else PROVIDER_KEY
        self.headers = {}
        if contract == "current":
            self.headers = TAGS | {"x-inference-provider-api-key": PROVIDER_KEY}
        elif contract == "older":
            self.headers = TAGS | {"x-inference-observability-api-key": PROJECT_KEY}

    def base(self, provider, direct=""):
        """The base URL for a provider; `direct` is the path of its wire at the fake provider."""
        if self.contract is None:
            return self.root + direct
        if self.contract == "prefix":
            return f"{self.root}/p/{provider}/t/sdk/e/test"
        return self.root

    def tell(self, provider, api, **fact):
        """Says what Weir should have recorded; nothing where Weir was not asked."""
        if self.contract is None:
            return
        whole = {"provider": provider, "api": api, "status": 200, "outcome": "completed", "task": "sdk", "environment": "test"}
        print(json.dumps(whole | fact), flush=True)


def dump(value):
    """A model of an SDK as plain data."""
    return value.model_dump(mode="json")


def check(provider_url, weir_url, checks):
    """Runs (name, function, contracts) in order; ends with 1 where anything differed."""
    failed = 0
    for name, function, contracts in checks:
        for contract in contracts:
            try:
                expected = function(Side(provider_url))
                through = function(Side(weir_url, contract))
                assert same(through) == same(expected), f"differs:\n{through}\n{expected}"
            except Exception:
                failed += 1
                print(f"--- {name} ({contract})\n{traceback.format_exc()}", file=sys.stderr)
    sys.exit(1 if failed else 0)


def same(value):
    """Data without what differs by its nature: request ids and the port in an URL."""
    text = json.dumps(value, sort_keys=True, default=str)
    return re.sub(r"127\.0\.0\.1:\d+", "HOST", text)


def raises(kind, act):
    """The error that an act must end with."""
    try:
        act()
    except kind as error:
        return error
    raise AssertionError(f"no {kind}")
