#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Size and speed of the log on the set `conversations-1` with the corpus, held against stock zstd on the same bytes in the same run.

    density.py --weir PROGRAM --bench PROGRAM --stock PROGRAM --set FILE --folder DIR --rounds N

The exchanges of the set pass through a tap, the arena and the capture thread; what the segments then hold is the text that stock zstd
gets. Processor time throughout, the best of N rounds, taken in turns. Prints one table; exit 1 where an exchange is missing, never
for a figure.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys

HOT_RATIO, HOT_SPEED, SEALED_RATIO, SEALED_SPEED, READ_MS = 0.9, 0.6, 0.95, 0.6, 40


def run(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()[-500:]}")
    return done.stdout


def sizes(weir, data):
    rows = [json.loads(line) for line in run([weir, "segment", "ls", "--json", "--data", data]).splitlines()]
    return sum(row["records"] for row in rows), sum(row["raw_bytes"] for row in rows), sum(row["file_bytes"] for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for text in ("weir", "bench", "stock", "set", "folder"):
        parser.add_argument("--" + text, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    lines_path = os.path.join(args.folder, "lines.ndjson")
    stock, capture, sealing, sealed, reads = None, None, None, None, None
    for number in range(args.rounds):
        data = os.path.join(args.folder, "data")
        shutil.rmtree(data, ignore_errors=True)
        made = json.loads(run([args.bench, "records", args.set, "--directory", data]))
        if made["written"] != made["exchanges"] or made["reduced"] or made["dropped"]:
            print(f"density: FAILED: not every exchange was kept whole: {made}")
            return 1
        capture = min(capture or 1e9, made["capture_thread_s"])
        # The lines of two rounds differ by the digits of their times.
        before = sizes(args.weir, data)
        if number == 0:
            records, raw, hot = before
            with open(lines_path, "wb") as out:
                subprocess.run([args.weir, "segment", "cat", "--data", data], stdout=out, check=True)
        now = json.loads(run([args.stock, lines_path, args.set + ".keys", "1"]))
        stock = {key: max(value, stock[key]) if key.endswith("mb_s") else value for key, value in now.items()} if stock else now
        run([args.weir, "index", "--data", data])
        done = json.loads(run([args.bench, "seal", "--directory", data]))
        sealing = min(sealing or 1e9, done["cpu_s"])
        again = sizes(args.weir, data)
        if again[:2] != before[:2]:
            print(f"density: FAILED: {before[0]} records of {before[1]} bytes before sealing, {again[0]} of {again[1]} after")
            return 1
        sealed = again[2]
        reads = json.loads(run([args.bench, "reads", "--directory", data]))
    if records != made["exchanges"] or os.path.getsize(lines_path) != raw:
        print(f"density: FAILED: {made['exchanges']} exchanges, {records} records; {raw} bytes of lines, {os.path.getsize(lines_path)} printed")
        return 1
    verdict = []
    print(f"\n{records} records, {raw} bytes of lines, zstd {stock['zstd']}, load {os.getloadavg()[0]:.1f}\n")
    print("| measure | stock zstd | weir | ratio | wanted | |\n|---|---:|---:|---:|---|---|")

    def row(name, theirs, ours, bound, unit=""):
        ratio = ours / theirs
        met = "met" if ratio >= bound else "MISSED"
        verdict.append(f"{name} {ratio:.2f} {met}")
        print(f"| {name} | {theirs:.2f}{unit} | {ours:.2f}{unit} | {ratio:.2f} | at least {bound} | {met} |")

    print(f"| one frame a record, level 1 | x{stock['record_ratio']:.2f}, {stock['record_mb_s']:.0f} MB/s | | | | |")
    row("hot ratio against 1 MiB frames of level 1", stock["mib_ratio"], raw / hot, HOT_RATIO)
    row("capture thread against 1 MiB frames of level 1, MB/s", stock["mib_mb_s"], raw / capture / 1e6, HOT_SPEED)
    print(f"| level 3, long 27, in order of arrival | x{stock['long_unsorted_ratio']:.2f} | | | | |")
    row("sealed ratio against level 3, long 27, by conversation", stock["long_ratio"], raw / sealed, SEALED_RATIO)
    row("sealing against level 3, long 27, MB/s", stock["long_mb_s"], raw / sealing / 1e6, SEALED_SPEED)
    met = "met" if reads["p99_us"] < READ_MS * 1000 else "MISSED"
    verdict.append(f"read p99 {reads['p99_us'] / 1000:.1f} ms {met}")
    print(f"| one payload out of a sealed segment, p50 / p99 / most of {reads['reads']}, ms | | {reads['p50_us'] / 1000:.1f} / {reads['p99_us'] / 1000:.1f} / "
          f"{reads['most_us'] / 1000:.1f} | | p99 under {READ_MS} | {met} |")
    print("\ndensity: " + "; ".join(verdict))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
