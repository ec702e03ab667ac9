#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a gateway holds in memory, and how soon it is ready.

    memory.py small --load PROGRAM --prompts FILE --gateway PORT --pid PID --data DIR --exchanges N
    memory.py idle --gateway PORT --provider PORT --pid PID --streams N
    memory.py ready --weir PROGRAM --folder DIR --starts N

`small` samples memory at every tenth of N small exchanges, `idle` with N streams open of which nothing more comes (it is the
provider too), `ready` times starts with an empty data directory. Each prints one table; exit 1 where a bound on memory or
the account of exchanges does not hold, never for a time.
"""
import argparse
import os
import re
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

ANON_MB, GROWTH_KB, STREAM_KB = 80, 4096, 64
EVENT = b'data: {"id":"c","object":"chat.completion.chunk","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def sizes(pid):
    """Kilobytes: anonymous, mapped files, shared."""
    with open(f"/proc/{pid}/status") as file:
        status = file.read()
    return [int(re.search(key + r":\s+(\d+)", status).group(1)) for key in ("RssAnon", "RssFile", "RssShmem")]


def metrics(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if line and line[0] != "#"}


def total(counters, name, **labels):
    """The sum of a metric over all its series with these labels."""
    return int(sum(
        value for series, value in counters.items()
        if series.split("{")[0] == name and all(f'{key}="{wanted}"' in series for key, wanted in labels.items())))


def settled(port):
    """The counters when nothing runs on and every exchange is written."""
    for _ in range(1200):
        now = metrics(port)
        admitted, dropped = (total(now, f"weir_capture_exchanges_{what}_total") for what in ("admitted", "dropped"))
        if now["weir_gateway_exchanges_in_flight"] == 0 and total(now, "weir_capture_records_written_total") + dropped >= admitted:
            break
        time.sleep(0.1)
    return now


def verdict(checks):
    print("\n| check | |\n|---|---|")
    for name, holds in checks.items():
        print(f"| {name} | {'yes' if holds else 'NO'} |")
    print(flush=True)
    return 0 if all(checks.values()) else 1


def account(counters):
    """The checks every run has to pass: admitted is written, nothing lost or thinned."""
    admitted = total(counters, "weir_capture_exchanges_admitted_total")
    print(f"\nadmitted {admitted}, written {total(counters, 'weir_capture_records_written_total')}, "
          f"dropped {total(counters, 'weir_capture_exchanges_dropped_total')}, reduced {total(counters, 'weir_capture_exchanges_reduced_total')}")
    for series, value in counters.items():
        if series.startswith("weir_capture_exchanges_dropped_total") and value:
            print(f"{series} {value:.0f}")
    return {
        "every exchange is recorded": total(counters, "weir_capture_records_written_total") == admitted > 0,
        "none is dropped": total(counters, "weir_capture_exchanges_dropped_total") == 0,
        "none is reduced": total(counters, "weir_capture_exchanges_reduced_total") == 0,
    }


# ---- small exchanges

def small(args):
    print("| exchanges | s | RssAnon MB | RssFile MB | RssShmem MB | segments MB |\n|---:|---:|---:|---:|---:|---:|")
    began, rows, step = time.time(), [], max(1, args.exchanges // 10)

    def row(done):
        anon, file, shared = sizes(args.pid)
        disk = sum(entry.stat().st_size for entry in os.scandir(os.path.join(args.data, "segments")) if entry.is_file())
        rows.append((done, anon))
        print(f"| {done} | {time.time() - began:.0f} | {anon / 1024:.1f} | {file / 1024:.1f} | {shared / 1024:.1f} | {disk / 1e6:.0f} |", flush=True)

    row(0)
    load = subprocess.Popen(
        [args.load, "-p", str(args.gateway), "-c", "64", "-t", "86400", "-w", "0", "-f", args.prompts], stdout=subprocess.DEVNULL)
    try:
        while rows[-1][0] < args.exchanges:
            if load.poll() is not None:
                sys.exit(f"the load generator ended with status {load.returncode}")
            time.sleep(0.1)
            done = total(metrics(args.gateway), "weir_gateway_exchanges_total")
            if done >= len(rows) * step:
                row(done)
    finally:
        load.kill()
        load.wait()
    counters = settled(args.gateway)
    row(total(counters, "weir_gateway_exchanges_total"))
    half = [(x, y) for x, y in rows if x >= args.exchanges / 2]
    growth = half[-1][1] - half[0][1]
    print(f"\nRssAnon over the last half: {growth:+} KB (at most {GROWTH_KB}); most {max(y for _, y in rows) / 1024:.1f} MB (at most {ANON_MB})")
    checks = account(counters)
    checks[f"RssAnon is at most {ANON_MB} MB"] = max(y for _, y in rows) <= ANON_MB * 1024
    if args.exchanges >= 1_000_000:
        checks["RssAnon is flat over the last half"] = growth <= GROWTH_KB
    return verdict(checks)


# ---- idle streams

def waiting_provider(port):
    """Answers every request with a head and two events, and then with nothing until the gateway hangs up."""
    door = socket.create_server(("127.0.0.1", port), backlog=4096)
    door.setblocking(False)
    pick = selectors.DefaultSelector()
    pick.register(door, selectors.EVENT_READ)
    chunk = b"%x\r\n%s\r\n" % (len(EVENT), EVENT)
    while True:
        for key, _ in pick.select():
            if key.fileobj is door:
                link, _ = door.accept()
                pick.register(link, selectors.EVENT_READ, bytearray())
                continue
            try:
                read = key.fileobj.recv(65536)
            except OSError:
                read = b""
            if not read:
                pick.unregister(key.fileobj)
                key.fileobj.close()
                continue
            key.data.extend(read)
            head, found, body = bytes(key.data).partition(b"\r\n\r\n")
            if found and len(body) >= int(re.search(rb"(?i)content-length: *(\d+)", head).group(1)):
                key.data.clear()
                key.fileobj.sendall(HEAD + chunk + chunk)


def open_streams(port, count):
    """Streams whose two events have arrived."""
    text = b"What was said before the tide turned, and by whom? " * 18
    body = b'{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"%s"}]}' % text
    request = (b"POST /v1/chat/completions HTTP/1.1\r\nHost: w\r\nAuthorization: Bearer sk-idle\r\nUser-Agent: OpenAI/Python 2.0.0\r\n"
               b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    links = []
    for _ in range(count):
        link = socket.create_connection(("127.0.0.1", port))
        link.settimeout(60)
        link.sendall(request)
        links.append(link)
    for link in links:
        seen = b""
        while seen.count(EVENT) < 2:
            read = link.recv(65536)
            if not read:
                sys.exit("a stream ended that should have stayed open")
            seen += read
    return links


def steady(pid, seconds=3):
    """The sizes after a while without traffic."""
    time.sleep(seconds)
    return sizes(pid)


def idle(args):
    threading.Thread(target=waiting_provider, args=(args.provider,), daemon=True).start()
    time.sleep(0.3)
    for link in open_streams(args.gateway, 4):  # what the first exchange brings about is not a stream's
        link.close()
    print("| streams open | RssAnon MB | RssFile MB | RssShmem MB | descriptors | RssAnon KB a stream |\n|---:|---:|---:|---:|---:|---:|")
    base = None

    def row(count):
        nonlocal base
        anon, file, shared = steady(args.pid)
        base = anon if base is None else base
        each = (anon - base) / count if count else None
        print(f"| {count} | {anon / 1024:.1f} | {file / 1024:.1f} | {shared / 1024:.1f} | {len(os.listdir(f'/proc/{args.pid}/fd'))} | "
              f"{'' if each is None else f'{each:.1f}'} |", flush=True)
        return each

    row(0)
    each, begun = [], 4
    for _ in range(2):
        links = open_streams(args.gateway, args.streams)
        begun += args.streams
        running = int(metrics(args.gateway)["weir_gateway_exchanges_in_flight"])
        each.append(row(args.streams))
        for link in links:
            link.close()
        row(0)
    counters = settled(args.gateway)
    checks = account(counters)
    checks["all streams were open at once"] = running == args.streams
    checks["every stream is accounted for as client_closed"] = total(counters, "weir_gateway_exchanges_total", outcome="client_closed") == begun
    checks[f"a stream takes at most {STREAM_KB} KB of RssAnon"] = max(each) <= STREAM_KB
    return verdict(checks)


# ---- start to ready

def is_ready(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
            link.sendall(b"GET /readyz HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n")
            return link.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def ready(args):
    times = []
    for number in range(args.starts):
        folder = os.path.join(args.folder, f"start-{number}")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with open(os.path.join(args.folder, f"start-{number}.log"), "wb") as log:
            began = time.perf_counter()
            weir = subprocess.Popen([args.weir, "serve", "--listen", f"127.0.0.1:{port}", "--data", folder], stderr=log, stdout=log)
            while not is_ready(port):
                if weir.poll() is not None or time.perf_counter() - began > 30:
                    sys.exit(f"start {number}: not ready, status {weir.poll()}")
                time.sleep(0.0005)
            times.append((time.perf_counter() - began) * 1000)
        weir.terminate()
        if weir.wait(60) != 0:
            sys.exit(f"start {number}: ended with status {weir.returncode}")
        shutil.rmtree(folder)
    print("| starts | least ms | median ms | most ms | each |\n|---:|---:|---:|---:|---|")
    print(f"| {len(times)} | {min(times):.0f} | {statistics.median(times):.0f} | {max(times):.0f} | {' '.join(f'{t:.0f}' for t in times)} |\n", flush=True)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, run, texts, numbers in (
            ("small", small, ("load", "prompts", "data"), ("gateway", "pid", "exchanges")),
            ("idle", idle, (), ("gateway", "provider", "pid", "streams")), ("ready", ready, ("weir", "folder"), ("starts",))):
        verb = verbs.add_parser(name)
        for text in texts:
            verb.add_argument("--" + text, required=True)
        for number in numbers:
            verb.add_argument("--" + number, type=int, required=True)
        verb.set_defaults(run=run)
    args = parser.parse_args()
    return args.run(args)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
