#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What capture costs the hot path: one gateway with it, one without, the same load in turns.

    overhead.py --load PROGRAM --prompts FILE --direct PORT --on PORT:PID --off PORT:PID --rounds N --seconds S

CPU is that of the event-loop thread alone, by exchange (/proc/PID/task/TID/schedstat). Added latency is twofold: as Weir itself measures it
(`weir_gateway_added_latency_seconds`), and as the callers see it, less what the provider answers without a gateway. A round's figure for
one is divided by the same round's for the other; told are the medians of both, of the ratio, and its least and most.
"""
import argparse
import collections
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import time
import urllib.request

CASES = {
    # Where the gateway is not the bottleneck: latency counts.
    "r2000": ("-c", "64", "-r", "2000"),
    # As fast as it goes: CPU counts.
    "max64": ("-c", "64"),
    "s200": ("-s", "-c", "200", "-m", "mock-50-10000"),
}
CPU_BOUND, LATENCY_BOUND = 1.20, 1.20


def loop_ns(pid):
    """Processor time of the event-loop threads."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/comm") as file:
            if not file.read().startswith("NIO-"):
                continue
        with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
            total += int(file.read().split()[0])
    return total


def all_ns(pid):
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
            total += int(file.read().split()[0])
    return total


def buckets(port):
    """Cumulative counts of the added latency by bound, in seconds."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    found = {float(bound.replace("+Inf", "inf")): float(count) for bound, count in
             re.findall(r'weir_gateway_added_latency_seconds_bucket\{[^}]*le="([^"]+)"[^}]*\} (\S+)', text)}
    return found, {name: float(value) for name, value in re.findall(r"^(weir_capture_\w+_total)(?:\{[^}]*\})? (\S+)$", text, re.M)}


def quantile(before, after, share):
    """A quantile between two looks, within its bucket by straight line; microseconds."""
    bounds = sorted(after)
    counts = [after[bound] - before.get(bound, 0) for bound in bounds]
    if not counts or counts[-1] <= 0:
        return None
    wanted, low, below = share * counts[-1], 0.0, 0.0
    for bound, count in zip(bounds, counts):
        if count >= wanted:
            if bound == float("inf"):
                return low * 1e6
            return (low + (bound - low) * ((wanted - below) / max(1e-9, count - below))) * 1e6
        low, below = bound, count
    return None


def rest(pid):
    """Waits until a process does next to nothing, so that the next one is not charged for it."""
    for _ in range(100):
        before = all_ns(pid)
        time.sleep(0.2)
        if all_ns(pid) - before < 6_000_000:
            return


def measure(args, case, port, pid):
    command = ["taskset", "-c", "1", args.load, "-p", str(port), "-t", str(args.seconds), "-w", "0.5", *([] if case[0] == "s" else ["-f", args.prompts]), *CASES[case]]
    before = (loop_ns(pid), all_ns(pid), buckets(port)[0]) if pid else None
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    result = json.loads(done.stdout)
    row = {"p50": result["lat"]["p50"], "p99": result["lat"]["p99"], "rps": result["rps"], "errors": result["errors"], "done": result["done_all"]}
    if pid:
        # The loop's own time is whole as soon as the load ends; the rest of the process is awaited for the next one's sake.
        row["loop_us"] = (loop_ns(pid) - before[0]) / 1000 / result["done_all"]
        rest(pid)
        after = buckets(port)[0]
        row["all_us"] = (all_ns(pid) - before[1]) / 1000 / result["done_all"]
        row["in50"], row["in99"] = quantile(before[2], after, 0.5), quantile(before[2], after, 0.99)
    return row


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("load", "prompts", "direct", "on", "off"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--cases", default=",".join(CASES))
    args = parser.parse_args()
    targets = {"direct": (int(args.direct), None)}
    for name in ("on", "off"):
        port, pid = getattr(args, name).split(":")
        targets[name] = (int(port), int(pid))
    rows = collections.defaultdict(list)
    cases, failed = args.cases.split(","), 0
    for number in range(-1, args.rounds):
        for case in cases:
            # Who comes first changes from round to round; the round before the first warms up.
            order = list(targets)
            random.Random(f"{number}/{case}").shuffle(order)
            for name in order:
                row = measure(args, case, *targets[name])
                failed += row["errors"]
                if number >= 0:
                    rows[case, name].append(row)
        print(f"round {number + 1} of {args.rounds}", file=sys.stderr, flush=True)
    verdict = []
    print("\n| case | measure | off | on | on / off: median (least to most) | wanted | |\n|---|---|---:|---:|---:|---|---|")
    for case in cases:
        on, off, direct = rows[case, "on"], rows[case, "off"], rows[case, "direct"]
        measures = [("CPU of the event loop, us an exchange", [r["loop_us"] for r in off], [r["loop_us"] for r in on], CPU_BOUND if case[0] != "s" else None),
                    ("CPU of the process, us an exchange", [r["all_us"] for r in off], [r["all_us"] for r in on], None)]
        if all(r["in99"] is not None for r in on + off):
            bound = LATENCY_BOUND if case[0] == "r" else None
            measures += [("added by Weir's own clock, p50 us", [r["in50"] for r in off], [r["in50"] for r in on], None),
                         ("added by Weir's own clock, p99 us", [r["in99"] for r in off], [r["in99"] for r in on], bound)]
        if case[0] != "s":
            bound = LATENCY_BOUND if case[0] == "r" else None
            # A direct p99 of the same round may lie above: then the difference says nothing, and the median of all rounds is taken.
            base = {key: statistics.median(r[key] for r in direct) for key in ("p50", "p99")}
            measures += [(f"added as callers see it, {key} us", [max(1, r[key] - base[key]) for r in off], [max(1, r[key] - base[key]) for r in on],
                          bound if key == "p99" else None) for key in ("p50", "p99")]
        for name, without, with_it, bound in measures:
            ratios = [a / b for a, b in zip(with_it, without)]
            # The ratio of medians is the figure: single rounds are noisy, least and most say how much.
            ratio = statistics.median(with_it) / statistics.median(without)
            met = "" if bound is None else "met" if ratio <= bound else "MISSED"
            verdict += [f"{case}, {name}: {ratio:.2f} {met}"] if bound else []
            print(f"| {case} | {name} | {statistics.median(without):.1f} | {statistics.median(with_it):.1f} | {ratio:.2f}; {spread(ratios)} | "
                  f"{'' if bound is None else f'at most {bound}'} | {met} |")
        print(f"| {case} | exchanges a second | {statistics.median(r['rps'] for r in off):.0f} | {statistics.median(r['rps'] for r in on):.0f} | | | |")
    account = buckets(targets["on"][0])[1]
    admitted, written = (int(account.get(f"weir_capture_{what}_total", 0)) for what in ("exchanges_admitted", "records_written"))
    dropped = sum(int(value) for name, value in account.items() if "dropped" in name)
    print(f"\nload {os.getloadavg()[0]:.1f}; admitted {admitted}, written {written}, dropped {dropped}, failed requests {failed}")
    print("overhead: " + "; ".join(verdict))
    return 0 if failed == 0 and dropped == 0 and admitted == written else 1


if __name__ == "__main__":
    # What was started is ended on SIGTERM too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
