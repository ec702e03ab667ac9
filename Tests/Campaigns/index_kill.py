#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills `weir index` at random instants and holds what it ends with against an index made at a stretch.

    index_kill.py --weir PROGRAM --data DIR --rounds N --seed N

Each index is grown over several kills from no file at all; after the last the pass is let through. Demanded: its dump (facts and rollups) is
that of the index made at a stretch, at any moment each exchange is there once, sums over facts equal sums over rollups, and the exchanges are
those of the segments. Where `faketime` is installed the indexing takes place eight days later, so that hours, days and the week are over and
rolled up.
"""
import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

SUMS = ["usage_input_total", "usage_input_uncached", "usage_input_cached", "usage_output_total", "usage_output_reasoning", "cost_total_nanousd",
        "response_body_bytes"]


AHEAD = ["faketime", "-f", "+8d"] if shutil.which("faketime") else []


def index_files(data):
    return [os.path.join(data, "index.sqlite" + suffix) for suffix in ("", "-wal", "-shm")]


def remove_index(data):
    for path in index_files(data):
        if os.path.exists(path):
            os.unlink(path)


def run(args, *words):
    done = subprocess.run([*AHEAD, args.weir, *words, "--data", args.data], capture_output=True)
    if done.returncode != 0:
        raise SystemExit(f"weir {' '.join(words)}: {done.returncode}: {done.stderr.decode()[-400:]}")
    return done.stdout


def tidy(pid):
    """Removes what a killed `faketime` left: the next one with its number would refuse to start."""
    for path in (f"/dev/shm/faketime_shm_{pid}", f"/dev/shm/sem.faketime_sem_{pid}"):
        if os.path.exists(path):
            os.unlink(path)


def dump(args):
    out = run(args, "index", "--dump")
    return hashlib.sha256(out).hexdigest(), out.count(b"\n")


def figures(data):
    """Facts, distinct ids, the sums over them, and the sums over hours."""
    with sqlite3.connect(f"file:{os.path.join(data, 'index.sqlite')}?mode=ro", uri=True) as db:
        sums = ", ".join(f"sum({name})" for name in SUMS)
        facts = db.execute(f"SELECT count(*), count(DISTINCT id), {sums} FROM facts").fetchone()
        rolled = db.execute(f"SELECT sum(exchanges), {sums} FROM rollup_hour").fetchone()
        covered = db.execute(
            f"SELECT count(*), {sums} FROM fact_entry WHERE EXISTS (SELECT 1 FROM rolled_hour WHERE exchanges >= 0 AND hour <= start"
            " AND start < hour + 3600000000)").fetchone()
    return facts, rolled, covered


def weeks(data):
    with sqlite3.connect(f"file:{os.path.join(data, 'index.sqlite')}?mode=ro", uri=True) as db:
        return db.execute("SELECT count(*) FROM rolled_week WHERE exchanges > 0").fetchone()[0]


def recorded(args):
    """Exchanges and their answers' bytes by the segments alone."""
    ids, size = set(), 0
    for line in run(args, "segment", "cat").splitlines():
        record = json.loads(line)
        if record["id"] not in ids:
            ids.add(record["id"])
            size += record["response_body_bytes"]
    return len(ids), size


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--weir", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    exchanges, size = recorded(args)
    if not AHEAD:
        # What began less than a minute ago is not rolled up yet: wait, so that all indexes roll up the same hours.
        time.sleep(61)
    remove_index(args.data)
    began = time.monotonic()
    run(args, "index")
    whole = time.monotonic() - began
    expected = dump(args)
    kills = indexes = 0
    faults = []
    at = {}
    if AHEAD and not weeks(args.data):
        faults.append("no week was rolled up")
    while kills < args.rounds and not faults:
        remove_index(args.data)
        indexes += 1
        for _ in range(rng.randint(2, 12)):
            process = subprocess.Popen(
                [*AHEAD, args.weir, "index", "--data", args.data], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True)
            time.sleep(rng.uniform(0, 1.1) ** 2 * whole)
            if process.poll() is None:
                # `faketime` runs the program as its child: both die.
                os.killpg(process.pid, signal.SIGKILL)
                kills += 1
            process.wait()
            tidy(process.pid)
            try:
                facts, rolled, covered = figures(args.data)
            except sqlite3.OperationalError:
                at["no tables yet"] = at.get("no tables yet", 0) + 1
                continue
            at["part" if facts[0] < exchanges else "all facts"] = at.get("part" if facts[0] < exchanges else "all facts", 0) + 1
            if facts[0] != facts[1]:
                faults.append(f"{facts[0] - facts[1]} exchanges are there twice after a kill")
            if (rolled[0] or 0) != covered[0] or (rolled[0] and rolled[1:] != covered[1:]):
                faults.append(f"after a kill rollups say {rolled}, their facts {covered}")
        run(args, "index")
        facts, rolled, covered = figures(args.data)
        if dump(args) != expected:
            faults.append(f"index {indexes} differs from the one made at a stretch")
        if facts[0] != exchanges or facts[2 + SUMS.index("response_body_bytes")] != size:
            faults.append(f"{exchanges} exchanges of {size} bytes in segments, facts say {facts}")
    run(args, "index", "--rebuild")
    if dump(args) != expected:
        faults.append("a rebuilt index differs")
    for text in faults:
        print("  " + text)
    where = ", ".join(f"{count} with {name}" for name, count in sorted(at.items()))
    if expected[1] == exchanges:
        print("  no hour was over: rollups were not tried (apt-get install faketime)")
    print(f"index kill: {'held' if not faults else 'FAILED'}: {kills} kills over {indexes} indexes of {exchanges} exchanges ({where}); dump of "
          f"{expected[1]} lines equal each time and after a rebuild; a pass takes {whole:.2f} s; seed {args.seed}", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
