#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the driver of soak.c, watches the gateway meanwhile, and holds the account.

    soak.py drive --driver PROGRAM --gateway PORT --pid PID --exchanges N --data DIR --report FILE [--callers 96] [--seed 7]
    soak.py records --report FILE < records.jsonl

`drive` samples the gateway's memory and descriptors, then compares the driver's account with the gateway's counters.
`records` reads what was recorded (one JSON record a line) and compares it with the same account; each prints its table and
exits 1 where something does not balance.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter


def say(text):
    print(time.strftime("%H:%M:%S ") + text, file=sys.stderr, flush=True)


class Watch:
    """Samples of a process: memory apart by kind, descriptors, and what lies on disk."""

    def __init__(self, pid, data):
        self.pid, self.data, self.began, self.samples = pid, data, time.time(), []

    def sample(self, done):
        with open(f"/proc/{self.pid}/status") as file:
            status = file.read()
        size = {key: int(re.search(key + r":\s+(\d+)", status).group(1)) for key in ("RssAnon", "RssFile", "RssShmem")}
        files = [entry for entry in os.scandir(os.path.join(self.data, "segments")) if entry.is_file()]
        self.samples.append({
            "at": round(time.time() - self.began, 1), "exchanges": done, "rss_anon_kb": size["RssAnon"],
            "rss_mapped_kb": size["RssFile"] + size["RssShmem"], "descriptors": len(os.listdir(f"/proc/{self.pid}/fd")),
            "segments": len(files), "segment_mb": round(sum(entry.stat().st_size for entry in files) / 1e6),
        })
        return self.samples[-1]


def metrics(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if line and line[0] != "#"}


def settled(port, begun):
    """The gateway's counters when nothing runs on and the capture thread has caught up."""
    for _ in range(1200):
        now = metrics(port)
        dropped = sum(value for name, value in now.items() if name.startswith("weir_capture_exchanges_dropped_total"))
        if now["weir_gateway_exchanges_in_flight"] == 0 and now.get("weir_capture_records_written_total", -1) + dropped >= begun:
            break
        time.sleep(0.1)
    return now


def slope(samples):
    """Kilobytes of anonymous memory per exchange, by least squares."""
    n = len(samples)
    x = sum(s["exchanges"] for s in samples) / n
    y = sum(s["rss_anon_kb"] for s in samples) / n
    spread = sum((s["exchanges"] - x) ** 2 for s in samples)
    return sum((s["exchanges"] - x) * (s["rss_anon_kb"] - y) for s in samples) / spread if spread else 0.0


def thin(samples, count):
    """At most about `count` samples, evenly, the last among them."""
    step = max(1, len(samples) // count)
    kept = samples[::step]
    return kept if kept[-1] is samples[-1] else kept + samples[-1:]


def drive(args):
    watch = Watch(args.pid, args.data)
    last = {"begun": 0, "done": 0}
    driver = subprocess.Popen(
        [args.driver, "drive", str(args.gateway), str(args.exchanges), str(args.callers), str(args.seed)],
        stdout=subprocess.PIPE, text=True)

    def listen():
        for line in driver.stdout:
            last.update(json.loads(line))

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    every = max(0.5, min(10, args.exchanges / 200_000))
    spoken = 0
    while listener.is_alive():
        listener.join(every)
        sample = watch.sample(last["done"])
        if time.time() - spoken > 60:
            spoken = time.time()
            say(json.dumps(sample))
    if driver.wait() != 0 or "kinds" not in last:
        sys.exit(f"the driver ended with status {driver.returncode} after {last['done']} exchanges")
    counters = settled(args.gateway, last["begun"])
    watch.sample(last["done"])
    report = account(args, last, counters, watch.samples)
    with open(args.report, "w") as file:
        json.dump(report, file, indent=1)
    table(report)
    return 0 if all(report["checks"].values()) else 1


def account(args, driven, counters, samples):
    seen, dropped = Counter(), 0
    for name, value in counters.items():
        found = re.match(r'weir_gateway_exchanges_total\{.*outcome="(\w+)"', name)
        if found and value:
            seen[found.group(1)] += int(value)
        if name.startswith("weir_capture_exchanges_dropped_total"):
            dropped += int(value)
    half = [s for s in samples if s["exchanges"] >= args.exchanges / 2]
    growth = slope(half) * (half[-1]["exchanges"] - half[0]["exchanges"]) if len(half) > 2 else 0.0
    spread = max(s["descriptors"] for s in half) - min(s["descriptors"] for s in half)
    numbers = {
        "begun": driven["begun"], "admitted": int(counters["weir_capture_exchanges_admitted_total"]),
        "written": int(counters["weir_capture_records_written_total"]), "dropped": dropped,
        "reduced": int(sum(value for name, value in counters.items() if name.startswith("weir_capture_exchanges_reduced_total"))),
    }
    checks = {
        "every exchange is admitted": numbers["admitted"] == driven["begun"],
        "every exchange is written": numbers["written"] == driven["begun"],
        "none is dropped": dropped == 0,
        "none is reduced": numbers["reduced"] == 0,
        "none runs on": counters["weir_gateway_exchanges_in_flight"] == 0,
        "outcomes are those of the kinds": dict(seen) == driven["outcomes"],
        "callers got what was meant for them": not driven["wrong"],
        "memory is flat over the last half": growth <= args.growth_kb,
        # Each caller may have a connection on both sides; cancelled ones overlap with their successors.
        "descriptors are flat over the last half": spread <= 4 * args.callers,
    }
    return {
        "exchanges": args.exchanges, "seconds": driven["seconds"], "per_second": round(driven["begun"] / max(driven["seconds"], 0.001)),
        "kinds": driven["kinds"], "outcomes_expected": driven["outcomes"], "outcomes_seen": dict(seen), "account": numbers,
        "wrong": driven["wrong"], "rss_anon_growth_last_half_kb": round(growth), "rss_anon_last_kb": samples[-1]["rss_anon_kb"],
        "rss_anon_max_kb": max(s["rss_anon_kb"] for s in samples), "descriptors_max": max(s["descriptors"] for s in samples),
        "descriptor_spread_last_half": spread, "checks": checks, "samples": thin(samples, 200),
    }


def table(report):
    print("| exchanges | s | RssAnon KB | mapped KB | descriptors | segments | MB |\n|---:|---:|---:|---:|---:|---:|---:|")
    for s in thin(report["samples"], 16):
        print(f"| {s['exchanges']} | {s['at']} | {s['rss_anon_kb']} | {s['rss_mapped_kb']} | {s['descriptors']} | {s['segments']} | {s['segment_mb']} |")
    print(f"\n{report['per_second']} exchanges/s; anonymous memory grew by {report['rss_anon_growth_last_half_kb']} KB over the last half\n")
    print("| kind | begun |\n|---|---:|")
    for kind, count in report["kinds"].items():
        print(f"| {kind} | {count} |")
    print("\n| check | |\n|---|---|")
    for name, holds in report["checks"].items():
        print(f"| {name} | {'yes' if holds else 'NO'} |")
    print("\n" + json.dumps({key: report[key] for key in ("account", "outcomes_expected", "outcomes_seen", "wrong")}), flush=True)


def records(args):
    """Counts the records by outcome; every id once."""
    with open(args.report) as file:
        report = json.load(file)
    found = re.compile(rb'"outcome":"(\w+)","error_source"')
    identity = re.compile(rb'"id":"([0-9a-f-]{36})"')
    outcomes, ids, count, broken = Counter(), set(), 0, 0
    for line in sys.stdin.buffer:
        count += 1
        outcome, name = found.search(line), identity.search(line, 0, 200)
        if not outcome or not name or not line.endswith(b"}\n"):
            broken += 1
            continue
        outcomes[outcome.group(1).decode()] += 1
        ids.add(bytes.fromhex(name.group(1).replace(b"-", b"").decode()))
    names = sorted(set(outcomes) | set(report["outcomes_expected"]))
    print("\n| outcome | begun | counted by the gateway | recorded |\n|---|---:|---:|---:|")
    for name in names:
        print(f"| {name} | {report['outcomes_expected'].get(name, 0)} | {report['outcomes_seen'].get(name, 0)} | {outcomes[name]} |")
    print(f"| all | {report['account']['begun']} | {sum(report['outcomes_seen'].values())} | {count} |")
    print(f"\n{len(ids)} different ids, {broken} broken records")
    report["records"] = {"count": count, "outcomes": outcomes, "ids": len(ids), "broken": broken}
    with open(args.report, "w") as file:
        json.dump(report, file, indent=1)
    balanced = count == len(ids) == report["account"]["begun"] and not broken and dict(outcomes) == report["outcomes_expected"]
    return 0 if balanced else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("drive")
    verb.add_argument("--driver", required=True)
    verb.add_argument("--gateway", type=int, required=True)
    verb.add_argument("--pid", type=int, required=True)
    verb.add_argument("--exchanges", type=int, required=True)
    verb.add_argument("--callers", type=int, default=96)
    verb.add_argument("--seed", type=int, default=7)
    verb.add_argument("--data", required=True)
    verb.add_argument("--growth-kb", type=int, default=4096)
    verb.add_argument("--report", required=True)
    verb.set_defaults(run=drive)
    verb = verbs.add_parser("records")
    verb.add_argument("--report", required=True)
    verb.set_defaults(run=records)
    args = parser.parse_args()
    return args.run(args)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
