#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the shared load harness with more cases and with CPU per thread; prints what the harness's own report leaves out.

    bench.py run FOLDER [the harness's own arguments]      (FOLDER holds the harness: bench.py, mock, load, targets.json)
    bench.py report results.jsonl

More cases: b400c1, b400c8 (closed loop on 1 and 8 connections) and b400r (8 connections, 100 requests a second), each with
bodies of 400 KB, every one another slice of the varied prompts. A case ends when the target has worked off what it was sent,
so that its threads' CPU is whole and the next target is not charged for it.
"""
import json
import os
import statistics
import sys
import time
from collections import defaultdict

BODY = 400_000
TICK = os.sysconf("SC_CLK_TCK")


def threads(pids):
    """User and system seconds by thread: {(pid, tid): (name, user, system)}."""
    found = {}
    for pid in pids:
        try:
            ids = os.listdir(f"/proc/{pid}/task")
        except OSError:
            continue
        for tid in ids:
            try:
                with open(f"/proc/{pid}/task/{tid}/stat") as file:
                    name, rest = file.read().split("(", 1)[1].rsplit(")", 1)
            except OSError:
                continue
            fields = rest.split()
            found[pid, tid] = (name, int(fields[11]) / TICK, int(fields[12]) / TICK)
    return found


def spent(before, after):
    """User and system seconds by thread name; what ended meanwhile is lost."""
    result = defaultdict(lambda: [0.0, 0.0])
    for key, (name, user, system) in after.items():
        _, user_before, system_before = before.get(key, (name, 0.0, 0.0))
        result[name][0] += user - user_before
        result[name][1] += system - system_before
    return result


def rest(pids, most=30.0):
    """Waits until the processes do next to nothing."""
    end = time.time() + most
    while pids and time.time() < end:
        before = threads(pids)
        time.sleep(0.3)
        if sum(user + system for user, system in spent(before, threads(pids)).values()) < 0.03:
            return


def run(folder, arguments):
    path = os.path.join(folder, "bench.py")
    with open(path) as file:
        source = file.read().rstrip()
    if not source.endswith("\nmain()"):
        sys.exit(f"{path} does not end in main(): the harness has changed")
    sys.argv = [path, *arguments]
    harness = {"__file__": path, "__name__": "harness"}
    exec(compile(source[: -len("main()")], path, "exec"), harness)
    cases, load, cpu = harness["CASES"], harness["load"], harness["cpu"]
    prompts = os.path.join(folder, "run", "prompts.txt")
    sizes = ("-b", BODY, "-f", prompts)
    cases["b400c1"] = lambda port, slow: None if slow else load(port, "-c", 1, "-t", 2, "-w", 0.3, *sizes)
    cases["b400c8"] = lambda port, slow: None if slow else load(port, "-c", 8, "-t", 3, "-w", 0.5, *sizes)
    cases["b400r"] = lambda port, slow: None if slow else load(port, "-c", 8, "-r", 100, "-t", 3, "-w", 0.5, *sizes)
    last = {}

    def cpu_and_threads(pids):
        # The harness reads CPU before a case and after it, and nothing else with these pids in between.
        last["pids"], last["threads"] = pids, threads(pids)
        return cpu(pids)

    def with_threads(case):
        def measured(port, slow):
            pids, before = last["pids"], last["threads"]
            result = case(port, slow)
            if result:
                rest(pids)
                done = result.get("done_all") or 1
                result["threads"] = {name: [u * 1e6 / done, s * 1e6 / done] for name, (u, s) in spent(before, threads(pids)).items()}
            return result
        return measured

    harness["cpu"] = cpu_and_threads
    for name in list(cases):
        cases[name] = with_threads(cases[name])
    harness["main"]()


# ---- the report

def medians(rows, *path):
    values = []
    for row in rows:
        for key in path:
            row = row.get(key) if isinstance(row, dict) else None
        if row is not None:
            values.append(row)
    return statistics.median(values) if values else None


def number(value, digits=1):
    return "-" if value is None else f"{value:.{digits}f}"


def minus(left, right):
    return None if left is None or right is None else left - right


# Name, case, what is measured, whether direct's is taken off, the bound on weir's as a multiple of nginx's (at least when negative).
BOUNDS = (
    ("CPU us per small exchange", "max64f", ("cpu_us",), False, 1.4),
    ("throughput on one core, req/s", "max64f", ("rps",), False, -0.7),
    ("added p50 at 2,000 req/s, us", "c64rf", ("lat", "p50"), True, 1.3),
    ("p99 at 2,000 req/s, us", "c64rf", ("lat", "p99"), False, None),
    ("added TTFT p50, 200 streams, us", "s200", ("ttft", "p50"), True, 1.5),
    ("added chunk delay p50, 200 streams, us", "s200", ("chunk", "p50"), True, 1.5),
    ("added p50, 400 KB bodies, 1 connection, us", "b400c1", ("lat", "p50"), True, 2.0),
    ("added p50, 400 KB bodies, 100 req/s, us", "b400r", ("lat", "p50"), True, 2.0),
    ("added p50, 400 KB bodies, 8 connections, us", "b400c8", ("lat", "p50"), True, None),
    ("CPU us per exchange, 400 KB bodies", "b400c8", ("cpu_us",), False, None),
)


def report(path):
    by = defaultdict(lambda: defaultdict(list))
    with open(path) as file:
        for line in file:
            row = json.loads(line)
            if not row.get("error"):
                by[row["case"]][row["target"]].append(row)
    large = [case for case in ("b400c1", "b400r", "b400c8") if case in by]
    if large:
        print("\n**400 KB request bodies, varied**\n")
        print("| case | target | req/s | p50 us | +p50 | p99 us | CPU us/req | RSS MB | errors |\n|---|---|---:|---:|---:|---:|---:|---:|---:|")
        for case in large:
            direct = medians(by[case].get("direct", []), "lat", "p50")
            for target, rows in by[case].items():
                p50 = medians(rows, "lat", "p50")
                print(f"| {case} | {target} | {number(medians(rows, 'rps'), 0)} | {number(p50)} | {number(minus(p50, direct))} | {number(medians(rows, 'lat', 'p99'))} | "
                      f"{number(medians(rows, 'cpu_us'))} | {number(medians(rows, 'rss_mb'), 0)} | {sum(row.get('errors', 0) for row in rows)} |")
    print("\n**CPU us per exchange by thread**, until all is worked off\n\n| case | target | thread | user | system | both |\n|---|---|---|---:|---:|---:|")
    for case, targets in by.items():
        for target, rows in targets.items():
            names = sorted(
                {name for row in rows for name in row.get("threads", {})},
                key=lambda name: -statistics.median(row.get("threads", {}).get(name, [0, 0])[0] for row in rows))
            total = [0.0, 0.0]
            for name in names:
                user, system = (statistics.median(row.get("threads", {}).get(name, [0, 0])[part] for row in rows) for part in (0, 1))
                total = [total[0] + user, total[1] + system]
                if user + system >= 0.05:
                    print(f"| {case} | {target} | {name} | {user:.1f} | {system:.1f} | {user + system:.1f} |")
            if len(names) > 1:
                print(f"| {case} | {target} | all | {total[0]:.1f} | {total[1]:.1f} | {sum(total):.1f} |")
    print("\n**Against nginx in the same run** (medians of the rounds)\n\n| measure | case | nginx | weir | ratio | wanted | |\n|---|---|---:|---:|---:|---:|---|")
    for name, case, path, added, bound in BOUNDS:
        values = {target: medians(by[case].get(target, []), *path) for target in ("direct", "nginx", "mine")}
        if added:
            values = {target: minus(value, values["direct"]) for target, value in values.items()}
        if values["nginx"] is None or values["mine"] is None:
            continue
        ratio = values["mine"] / values["nginx"] if values["nginx"] > 0 else None
        wanted = "" if bound is None else f"at most {bound}" if bound > 0 else f"at least {-bound}"
        met = "" if bound is None or ratio is None else "met" if (ratio <= bound if bound > 0 else ratio >= -bound) else "MISSED"
        print(f"| {name} | {case} | {number(values['nginx'])} | {number(values['mine'])} | {number(ratio, 2)} | {wanted} | {met} |")


if __name__ == "__main__":
    if len(sys.argv) >= 3 and sys.argv[1] == "run":
        run(sys.argv[2], sys.argv[3:])
    elif len(sys.argv) == 3 and sys.argv[1] == "report":
        report(sys.argv[2])
    else:
        sys.exit(__doc__)
