#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The two ends of a soak: a scripted provider, and callers that finish, stream, cancel, err and misbehave.

    soak.py provider PORT
    soak.py drive --gateway PORT --pid PID --exchanges N [--workers 64] [--seed 7] --report FILE

The driver counts every exchange it begins by kind, samples the gateway's memory, descriptors and metrics, and writes JSON.
What an exchange becomes follows from its kind alone, so that the driver's account and the gateway's must be equal.
"""
import argparse
import asyncio
import json
import os
import random
import re
import socket
import struct
import sys
import time

PLAIN = json.dumps({
    "id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "A fairly short answer. " * 8}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 12, "completion_tokens": 40, "total_tokens": 52},
}).encode()
ERROR = b'{"error":{"message":"slow down","type":"rate_limit_error","param":null,"code":"rate_limited"}}'
EVENT = b'data: {"id":"c","object":"chat.completion.chunk","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


# ---- the provider

async def serve(reader, writer):
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            if length:
                await reader.readexactly(int(length.group(1)))
            found = re.search(rb"(?i)\r\nx-soak: *(\w+)", head)
            kind = found.group(1) if found else b"plain"
            if kind == b"early":
                break
            if kind == b"error":
                writer.write(b"HTTP/1.1 429 Too Many\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(ERROR), ERROR))
            elif kind == b"stream":
                writer.write(STREAM_HEAD + chunk(EVENT))
                for _ in range(6):
                    await asyncio.sleep(0.001)
                    writer.write(chunk(EVENT))
                writer.write(chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
            elif kind == b"cancel":
                writer.write(STREAM_HEAD + chunk(EVENT))
                for _ in range(400):
                    await asyncio.sleep(0.05)
                    if writer.is_closing():
                        return
                    writer.write(chunk(EVENT))
                    await writer.drain()
                writer.write(b"0\r\n\r\n")
            elif kind == b"broken":
                writer.write(STREAM_HEAD + chunk(EVENT))
                await writer.drain()
                await asyncio.sleep(0.002)
                break
            else:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(PLAIN), PLAIN))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, OSError):
        pass
    finally:
        writer.close()


async def provider(port):
    server = await asyncio.start_server(serve, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


# ---- the callers

KINDS = [("plain", 70), ("stream", 14), ("cancel", 4), ("cancel_reset", 2), ("error", 5), ("broken", 2), ("early", 1), ("unrouted", 1), ("malformed", 1)]
# How the gateway must account for each kind.
OUTCOMES = {
    "plain": "completed", "stream": "completed", "error": "completed", "cancel": "client_closed", "cancel_reset": "client_closed",
    "broken": "upstream_failed", "early": "upstream_failed", "unrouted": "refused", "malformed": "refused",
}


def request(kind, rng):
    if kind == "malformed":
        return b"POST /v1/chat/completions HTTP/1.1\r\nHost: w\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n"
    words = " ".join(rng.choice(("ship", "the", "late", "invoice", "summary", "and", "reply")) for _ in range(rng.randrange(10, 120)))
    body = json.dumps({"model": "gpt-4o-mini", "stream": kind not in ("plain", "error"), "messages": [{"role": "user", "content": words}]}).encode()
    path = b"/nowhere" if kind == "unrouted" else b"/v1/chat/completions"
    soak = b"cancel" if kind == "cancel_reset" else kind.encode()
    return b"POST %s HTTP/1.1\r\nHost: w\r\nAuthorization: Bearer sk-soak\r\nX-Soak: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (path, soak, len(body), body)


async def read_answer(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    if length:
        await reader.readexactly(int(length.group(1)))
    else:
        while True:
            size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
            await reader.readexactly(size + 2)
            if size == 0:
                break
    return status, b"\r\nconnection: close" in head.lower()


class Drive:
    def __init__(self, args):
        self.args = args
        self.left = args.exchanges
        self.begun = {kind: 0 for kind, _ in KINDS}
        self.wrong = {}
        self.done = 0

    def note(self, text):
        self.wrong[text] = self.wrong.get(text, 0) + 1

    async def worker(self, number):
        rng = random.Random(self.args.seed * 100_003 + number)
        bag = [kind for kind, weight in KINDS for _ in range(weight)]
        link = None
        while self.left > 0:
            self.left -= 1
            kind = rng.choice(bag)
            if link is None:
                link = await asyncio.open_connection("127.0.0.1", self.args.gateway)
            keeps = False
            try:
                keeps = await asyncio.wait_for(self.exchange(kind, link, rng), 60)
            except (asyncio.TimeoutError, asyncio.IncompleteReadError, ConnectionError, OSError, ValueError) as error:
                self.note(f"{kind}: {type(error).__name__}")
            self.done += 1
            if not keeps:
                link[1].close()
                link = None
        if link:
            link[1].close()

    async def exchange(self, kind, link, rng):
        """Runs one exchange; whether the connection may be used again."""
        reader, writer = link
        writer.write(request(kind, rng))
        self.begun[kind] += 1
        await writer.drain()
        if kind in ("cancel", "cancel_reset"):
            await reader.readuntil(b"\n\n")
            if kind == "cancel_reset":
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            return False
        if kind == "broken":
            await reader.readuntil(b"\n\n")
            try:
                rest = await reader.read()
                if rest.endswith(b"0\r\n\r\n"):
                    self.note("broken: looks whole")
            except ConnectionError:
                pass
            return False
        status, closes = await read_answer(reader)
        wanted = {"plain": 200, "stream": 200, "error": 429, "early": 502, "unrouted": 404, "malformed": 400}[kind]
        if status != wanted:
            self.note(f"{kind}: status {status}")
        return not closes

    # ---- watching the gateway

    def watch(self):
        status = open(f"/proc/{self.args.pid}/status").read()
        sample = {
            "at": round(time.time() - self.began, 1), "exchanges": self.done,
            "rss_anon_kb": int(re.search(r"RssAnon:\s+(\d+)", status).group(1)),
            "descriptors": len(os.listdir(f"/proc/{self.args.pid}/fd")),
        }
        if self.args.data:
            files = [name for _, _, names in os.walk(os.path.join(self.args.data, "segments")) for name in names]
            sample["segments"] = len(files)
        return sample

    async def metrics(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.args.gateway)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n")
        text = (await reader.read()).decode()
        writer.close()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.split("\r\n\r\n", 1)[1].splitlines() if line and line[0] != "#"}

    async def sampler(self):
        while True:
            self.samples.append(self.watch())
            await asyncio.sleep(self.every)

    async def run(self):
        self.began = time.time()
        self.samples = []
        self.every = 0.5 if self.args.exchanges < 200_000 else 5
        sampler = asyncio.create_task(self.sampler())
        workers = [asyncio.create_task(self.worker(n)) for n in range(self.args.workers)]
        await asyncio.gather(*workers)
        took = time.time() - self.began
        sampler.cancel()
        self.samples.append(self.watch())
        # The cancelled ones end a moment later, and the capture thread catches up.
        for _ in range(600):
            metrics = await self.metrics()
            written = metrics.get("weir_capture_records_written_total", -1)
            if metrics["weir_gateway_exchanges_in_flight"] == 0 and written >= sum(self.begun.values()):
                break
            await asyncio.sleep(0.1)
        return self.report(took, metrics)

    def report(self, took, metrics):
        begun = sum(self.begun.values())
        expected = {}
        for kind, count in self.begun.items():
            expected[OUTCOMES[kind]] = expected.get(OUTCOMES[kind], 0) + count
        seen = {}
        dropped = 0
        for name, value in metrics.items():
            found = re.match(r'weir_gateway_exchanges_total\{.*outcome="(\w+)"', name)
            if found:
                seen[found.group(1)] = seen.get(found.group(1), 0) + int(value)
            if name.startswith("weir_capture_exchanges_dropped_total"):
                dropped += int(value)
        half = [s for s in self.samples if s["exchanges"] >= self.args.exchanges / 2]
        growth = slope(half) * (half[-1]["exchanges"] - half[0]["exchanges"]) if len(half) > 2 else 0.0
        spread = max(s["descriptors"] for s in half) - min(s["descriptors"] for s in half)
        facts = {
            "begun": begun, "admitted": int(metrics["weir_capture_exchanges_admitted_total"]),
            "written": int(metrics["weir_capture_records_written_total"]), "dropped": dropped,
            "reduced": int(metrics["weir_capture_exchanges_reduced_total"]),
        }
        checks = {
            "every exchange is admitted": facts["admitted"] == begun,
            "every exchange is written": facts["written"] == begun,
            "none is dropped": dropped == 0,
            "none runs on": metrics["weir_gateway_exchanges_in_flight"] == 0,
            "outcomes are those of the kinds": seen == expected,
            "callers got what was meant for them": not self.wrong,
            "memory is flat over the last half": growth <= self.args.growth_kb,
            # Each caller may have a connection on both sides; cancelled ones overlap with their successors.
            "descriptors are flat over the last half": spread <= 4 * self.args.workers,
        }
        return {
            "exchanges": self.args.exchanges, "seconds": round(took, 1), "per_second": round(begun / took), "kinds": self.begun,
            "outcomes_expected": expected, "outcomes_seen": seen, "account": facts, "wrong": self.wrong,
            "rss_anon_growth_last_half_kb": round(growth), "rss_anon_last_kb": self.samples[-1]["rss_anon_kb"],
            "rss_anon_max_kb": max(s["rss_anon_kb"] for s in self.samples), "descriptors_max": max(s["descriptors"] for s in self.samples),
            "descriptor_spread_last_half": spread, "checks": checks, "samples": thin(self.samples, 200),
        }


def slope(samples):
    """Kilobytes of anonymous memory per exchange, by least squares."""
    n = len(samples)
    x = sum(s["exchanges"] for s in samples) / n
    y = sum(s["rss_anon_kb"] for s in samples) / n
    spread = sum((s["exchanges"] - x) ** 2 for s in samples)
    return sum((s["exchanges"] - x) * (s["rss_anon_kb"] - y) for s in samples) / spread if spread else 0.0


def thin(samples, count):
    step = max(1, len(samples) // count)
    return samples[::step]


def table(report):
    print("| exchanges | s | RssAnon KB | descriptors | segments |\n|---:|---:|---:|---:|---:|")
    for sample in thin(report["samples"], 12):
        print(f"| {sample['exchanges']} | {sample['at']} | {sample['rss_anon_kb']} | {sample['descriptors']} | {sample.get('segments', '')} |")
    print(f"\n{report['per_second']} exchanges/s; anonymous memory grew by {report['rss_anon_growth_last_half_kb']} KB over the last half\n")
    print("| check | |\n|---|---|")
    for name, holds in report["checks"].items():
        print(f"| {name} | {'yes' if holds else 'NO'} |")
    print("\n" + json.dumps({key: report[key] for key in ("account", "outcomes_expected", "outcomes_seen", "wrong")}))


def main():
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("provider").add_argument("port", type=int)
    drive = verbs.add_parser("drive")
    drive.add_argument("--gateway", type=int, required=True)
    drive.add_argument("--pid", type=int, required=True)
    drive.add_argument("--exchanges", type=int, required=True)
    drive.add_argument("--workers", type=int, default=64)
    drive.add_argument("--seed", type=int, default=7)
    drive.add_argument("--data")
    drive.add_argument("--growth-kb", type=int, default=4096)
    drive.add_argument("--report", required=True)
    args = parser.parse_args()
    if args.verb == "provider":
        asyncio.run(provider(args.port))
        return 0
    report = asyncio.run(Drive(args).run())
    with open(args.report, "w") as file:
        json.dump(report, file, indent=1)
    table(report)
    return 0 if all(report["checks"].values()) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
