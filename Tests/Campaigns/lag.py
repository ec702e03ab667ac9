# SPDX-License-Identifier: Apache-2.0
"""How soon an exchange can be asked for: callers at a rate, a gateway that indexes beside them, and a look at the index every 50 ms.

The lag of an exchange is from its last byte at its caller (the ledger) to the first look that finds it in the `facts` view, by another
process and stock SQLite. Demanded: every exchange that ended more than LIMIT before the last look is there, and none came later than LIMIT.
"""
import argparse
import os
import sqlite3
import subprocess
import sys
import time

import ledger


class Watch:
    """The index as another process sees it."""

    def __init__(self, path):
        self.path, self.database, self.seen = path, None, {}

    def look(self):
        if self.database is None:
            if not os.path.exists(self.path):
                return
            self.database = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, isolation_level=None)
        # What began within the last seconds: lags beyond are found at the end.
        since_us = int(time.time() * 1e6) - 8_000_000
        try:
            found = self.database.execute("SELECT id FROM facts WHERE started_at_us >= ?", (since_us,)).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error) and "locked" not in str(error):
                raise
            return  # not made yet
        now_us = time.monotonic_ns() // 1000
        for (identity,) in found:
            self.seen.setdefault(identity, now_us)


def main():
    parser = argparse.ArgumentParser()
    for name in ("weir", "ledger", "folder"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--mix", default="mixed")
    parser.add_argument("--limit-ms", type=int, default=2000)
    args = parser.parse_args()
    data, pool, path = (os.path.join(args.folder, name) for name in ("data", "pool.txt", "ledger.txt"))
    subprocess.run([args.ledger, "pool", pool], check=True)
    port = ledger.free_port()
    provider = subprocess.Popen([args.ledger, "provider", str(port), pool])
    weir = ledger.Process(args.weir, data, port, os.path.join(args.folder, "weir.log"))
    watch, metric = Watch(os.path.join(data, "index.sqlite")), 0.0
    try:
        if not weir.wait_ready():
            raise SystemExit(f"no start; see {weir.log}")
        driver = ledger.Driver(args.ledger, pool, weir.port, 1, path, callers=96, mix_name=args.mix, rate=args.rate)
        end, asked = time.monotonic() + args.seconds, 0.0
        while time.monotonic() < end:
            watch.look()
            if time.monotonic() - asked > 0.5:
                asked = time.monotonic()
                metric = max(metric, weir.metrics()["weir_index_lag_seconds"])
            time.sleep(0.05)
        watch.look()
        looked_us = time.monotonic_ns() // 1000
        lines = driver.finish()
        if weir.stop() != 0:
            raise SystemExit(f"the gateway did not stop cleanly; see {weir.log}")
    finally:
        provider.kill()
        if weir.process.poll() is None:
            weir.kill()
    limit_us = args.limit_ms * 1000
    due = [line for line in lines if line.state == "whole" and line.end_us <= looked_us - limit_us]
    lags = [watch.seen[line.id] - line.end_us for line in due if line.id in watch.seen]
    late = [lag for lag in lags if lag > limit_us]
    missing = len(due) - len(lags)
    fine = len(due) > args.rate * args.seconds / 2 and not late and not missing
    at = [ledger.percentile(lags, rank) // 1000 for rank in (500, 900, 990)] if lags else []
    print(f"lag: {'held' if fine else 'FAILED'}: {len(due)} exchanges in {args.seconds:.0f} s ({len(due) / args.seconds:.0f}/s); from last byte to index p50, p90, p99 {at} ms, "
          f"most {max(lags, default=0) // 1000} ms; {len(late)} later than {args.limit_ms} ms, {missing} missing; weir_index_lag_seconds at most {metric:.2f}", flush=True)
    return 0 if fine else 1


sys.exit(main())
