# SPDX-License-Identifier: Apache-2.0
"""What the checks of the SDKs share: where a client points, what is compared, what Weir should have recorded.

A check is a function of a `Side`. It is run at the provider and then through Weir, and must return the same data. Standard
output holds one JSON object a line: what Weir should have recorded of each exchange, in the order in which they were made.
"""

import json
import re
import socket
import ssl
import subprocess
import sys
import threading
import traceback
from urllib.parse import urlsplit

PROVIDER_KEY = "provider-key"
PROJECT_KEY = "project-key"
TAGS = {"x-inference-environment": "test", "x-inference-task-id": "sdk", "x-inference-metadata-chat-id": "7"}
CONTRACTS = ["current", "older", "prefix"]
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


def left_early(side, stream, count, provider, api):
    """The first events of a stream whose caller then goes away."""
    items = iter(stream)
    first = [dump(next(items)) for _ in range(count)]
    (stream.close if hasattr(stream, "close") else stream.response.close)()
    side.tell(provider, api, outcome="client_closed")
    return first


def collector(side, provider):
    """A list, and what notes an answer in it and says what Weir should have recorded."""
    found = []

    def told(value, api=None):
        side.tell(provider, api)
        found.append(value if isinstance(value, (str, list)) else dump(value))

    return found, told


def raises(kind, act):
    """The error that an act must end with."""
    try:
        act()
    except kind as error:
        return error
    raise AssertionError(f"no {kind}")


class TLSFront:
    """Speaks TLS on ports of its own and passes the bytes on to plain ones; for SDKs that refuse http."""

    def __init__(self, folder, names=()):
        self.certificate = f"{folder}/certificate.pem"
        self.fronts = {}
        key = f"{folder}/key.pem"
        made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        known = ",".join(["IP:127.0.0.1"] + [f"DNS:{name}" for name in names])
        made += ["-subj", "/CN=localhost", "-addext", f"subjectAltName={known}", "-keyout", key, "-out", self.certificate]
        subprocess.run(made, check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, key)

    def secure(self, url):
        """The https URL that leads to an http URL."""
        parts = urlsplit(url)
        if parts.port not in self.fronts:
            listener = socket.create_server(("127.0.0.1", 0))
            self.fronts[parts.port] = listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(listener, parts.port), daemon=True).start()
        return f"https://127.0.0.1:{self.fronts[parts.port]}{parts.path}"

    def _accept(self, listener, port):
        while True:
            raw, _ = listener.accept()
            threading.Thread(target=self._serve, args=(raw, port), daemon=True).start()

    def _serve(self, raw, port):
        try:
            with self.context.wrap_socket(raw, server_side=True) as caller, socket.create_connection(("127.0.0.1", port)) as behind:
                threading.Thread(target=self._pass, args=(caller, behind), daemon=True).start()
                self._pass(behind, caller)
        except OSError:
            pass

    @staticmethod
    def _pass(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for side in (source, sink):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
