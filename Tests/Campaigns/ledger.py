# SPDX-License-Identifier: Apache-2.0
"""Holds a callers' ledger (ledger.c) against the records of a gateway; shared by crash.py, powercut.py and faults.py."""
import base64
import collections
import hashlib
import json
import mmap
import os
import re
import socket
import struct
import subprocess
import time
import urllib.request

POOL_BYTES, SLICE = 4 << 20, 24
MASK = (1 << 64) - 1
Line = collections.namedtuple("Line", "n kind request answer events id status state got start_us end_us")
# What a record must say of an exchange whose answer the caller saw end.
OUTCOME = {"whole": "completed", "cancelled": "client_closed"}


def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


class Texts:
    """The bodies of every exchange, made anew from its line."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.pool = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def slice(self, seed, count):
        at = mix(seed) % (POOL_BYTES - count)
        return self.pool[at:at + count]

    def request(self, line):
        return b'{"model":"gpt-4o-mini","stream":%s,"user":"n-%d","messages":[{"role":"user","content":"%s"}]}' % (
            b"true" if line.events else b"false", line.n, self.slice(2 * line.n + 1, line.request))

    def answer(self, line):
        if line.kind == "error":
            return b'{"error":{"message":"slow down %d","type":"rate_limit_error"}}' % line.n
        if line.events:
            text = self.slice(2 * line.n, line.events * SLICE)
            event = b'data: {"id":"chatcmpl-%d","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n'
            return b"".join(event % (line.n, text[i * SLICE:(i + 1) * SLICE]) for i in range(line.events)) + b"data: [DONE]\n\n"
        return (b'{"id":"chatcmpl-%d","object":"chat.completion","model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"'
                b'%s"},"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":40,"total_tokens":52}}'
                % (line.n, self.slice(2 * line.n, line.answer)))


def read_ledger(path):
    """The whole lines of a ledger; one that is being written may end within a line."""
    lines = []
    with open(path) as file:
        for text in file:
            words = text.split()
            if not text.endswith("\n") or len(words) != 11:
                continue
            lines.append(Line(int(words[0]), words[1], *map(int, words[2:5]), words[5], int(words[6]), words[7], *map(int, words[8:11])))
    return lines


def body_bytes(record, side):
    text = record[side + "_body"]
    if text is None:
        return b""
    return base64.b64decode(text) if record[side + "_body_encoding"] == "base64" else text.encode()


KINDS = ("plain", "stream", "slow_stream", "large_request", "large_answer", "huge_answer", "error", "cancel")


def asked(record):
    """The line of an exchange whose end its caller has not seen, as its request's head tells; None where the head is not there."""
    for name, value in record["request_headers"]:
        if name.lower() == "x-ledger":
            n, kind, answer, events, request = map(int, value.split())
            return Line(n, KINDS[kind], request, answer, events, "-", 0, "open", 0, 0, 0)
    return None


def is_reduced(record):
    """Whether not all of both bodies is there."""
    return any(record[side + "_body_kept"] != "full" for side in ("request", "response"))


def body_fault(record, side, expected, at_least, needs_digest):
    """What is wrong with a body, or None. At least so many of its bytes must have been seen."""
    held, kept, wire = body_bytes(record, side), record[side + "_body_kept"], record[side + "_body_bytes"]
    if kept != "full" and record["outcome"] == "gateway_crashed":
        at_least = 0  # what lay beside the arena went with the process
    if wire > len(expected) or wire < at_least:
        return f"{side} of {wire} bytes, sent {len(expected)}, seen {at_least}"
    if kept == "full":
        return None if held == expected[:wire] else f"{side} differs"
    # A beginning, perhaps with an end behind it, and the digest of the whole where it is known.
    same = len(os.path.commonprefix((held, expected)))
    if not expected[:wire].endswith(held[same:]):
        return f"what is kept of {side} differs at byte {same}"
    digest = record[side + "_body_sha256"]
    if record["outcome"] == "gateway_crashed" and side == "response" and digest:
        return "a digest of an answer that never ended"
    if needs_digest and not digest:
        return f"{side} is kept {kept} and has no digest"
    if digest and digest != hashlib.sha256(expected[:wire]).hexdigest():
        return f"digest of {side} differs"
    return None


def record_fault(record, line, texts, may_be_reduced=True, needs_digest=False):
    """What is wrong with the record of an exchange that the caller's line tells of, or None.

    `may_be_reduced`: whether one that was completed may lack bytes of its bodies. `needs_digest`: whether it then must have their digest, as
    where the process that saw it end also wrote it.
    """
    if line.id != "-" and line.id != record["id"]:
        return f"record {record['id']} bears the request of {line.id}"
    outcome = record["outcome"]
    if line.state in OUTCOME and outcome not in (OUTCOME[line.state], "completed", "gateway_crashed" if line.state == "cancelled" else ""):
        return f"outcome {outcome} of an exchange that was {line.state}"
    ended = outcome == "completed"
    if ended and not may_be_reduced and is_reduced(record):
        return f"completed and reduced: {record['request_body_kept']}, {record['response_body_kept']}"
    needs_digest = needs_digest and ended
    request, answer = texts.request(line), texts.answer(line)
    return (body_fault(record, "request", request, len(request) if ended or line.status else 0, needs_digest)
            or body_fault(record, "response", answer, len(answer) if ended else line.got, needs_digest))


class Process:
    """A gateway under test."""

    def __init__(self, weir, data, provider, log, flags=(), wrap=(), port=None, env=None):
        self.port = port or free_port()
        self.log = log
        self.command = [*wrap, weir, "serve", "--listen", f"127.0.0.1:{self.port}", "--provider", f"openai=http://127.0.0.1:{provider}",
                        "--data", data, *flags]
        self.file = open(log, "ab")
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=self.file, stderr=self.file,
                                        env={**{k: v for k, v in os.environ.items() if not k.startswith("WEIR_")}, **(env or {})})
        self.pid = self.process.pid

    def wait_ready(self, seconds=30):
        """True once it accepts; False where it ended before."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if is_ready(self.port):
                return True
            if self.process.poll() is not None:
                return False
            time.sleep(0.002)
        raise SystemExit(f"not ready within {seconds} s; see {self.log}")

    def kill(self):
        self.process.kill()
        return self.ended()

    def stop(self, seconds=60):
        self.process.terminate()
        return self.ended(seconds)

    def ended(self, seconds=60):
        status = self.process.wait(seconds)
        self.file.close()
        return status

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        found = collections.Counter()
        for line in lines:
            if line and line[0] != "#":
                found[re.split(r"[{ ]", line, maxsplit=1)[0]] += float(line.rsplit(" ", 1)[1])
                found[line.rsplit(" ", 1)[0]] = float(line.rsplit(" ", 1)[1])
        return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_ready(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
            link.sendall(b"GET /readyz HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n")
            return link.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


class Driver:
    """The callers; their ledger is a file."""

    def __init__(self, program, pool, port, first, path, callers=48, mix_name="mixed", rate=0):
        self.path = path
        self.file = open(path, "wb")
        self.process = subprocess.Popen(
            [program, "drive", str(port), pool, str(first), str(callers), mix_name, str(rate)], stdin=subprocess.DEVNULL, stdout=self.file)

    def finish(self, seconds=120, ask=True):
        if ask:
            self.process.terminate()
        status = self.process.wait(seconds)
        self.file.close()
        if status != 0:
            raise SystemExit(f"the callers ended with status {status}")
        return read_ledger(self.path)


def segment_names(data):
    folder = os.path.join(data, "segments")
    # What a sealer has not published yet (.tmp) is no segment.
    return sorted(name for name in os.listdir(folder) if name.endswith((".hot", ".records.ndjson.zst"))) if os.path.isdir(folder) else []


def epoch_of(name):
    return int(re.match(r".*-([0-9a-f]{16})-\d{8}\.", name).group(1), 16)


def records(weir, data, names=None, bears_damage=False):
    """The records of some segments, or of all, as Weir's own reader gives them."""
    if names is not None and not names:
        return
    command = [weir, "segment", "cat", *(names or []), "--data", data]
    cat = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for line in cat.stdout:
        yield json.loads(line)
    said = cat.stderr.read().decode()
    if cat.wait() != 0 and not (bears_damage and "damaged ranges were skipped" in said):
        raise SystemExit(f"{' '.join(command)}: {said}")


def arena_counters(data):
    """Admitted and dropped exchanges of the arenas that lie there, as the process that died left them; None where there is none."""
    total, found = [0, 0], False
    folder = os.path.join(data, "arenas")
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        if not name.endswith(".arena"):
            continue
        with open(os.path.join(folder, name), "rb") as file:
            head = file.read(4096)
        if len(head) < 4096 or head[:8] != b"WEIRARNA":
            continue
        found = True
        admitted, = struct.unpack_from("<Q", head, 1024)
        full, stopped = struct.unpack_from("<QQ", head, 1048)
        refused, = struct.unpack_from("<Q", head, 2056)
        total = [total[0] + admitted, total[1] + full + stopped + refused]
    return tuple(total) if found else None


def percentile(values, per_mille):
    ordered = sorted(values)
    return ordered[(per_mille * len(ordered) + 999) // 1000 - 1] if ordered else None
