#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Size and speed of the log on the set `conversations-1` with the corpus, held against stock zstd on the same bytes in the same run.

    density.py --weir PROGRAM --bench PROGRAM --stock PROGRAM --set FILE --folder DIR --rounds N

The exchanges of the set pass through a tap, the arena and the capture thread; what the segments then hold is the text that stock zstd
gets. Processor time throughout, in N rounds: stock zstd, ours, stock zstd, and so on. A machine that is shared runs at one speed now and
at another later, so a ratio of speeds is the median over the rounds of ours to the mean of stock before and after. Prints one table;
exit 1 where an exchange is missing, never for a figure.
"""
import argparse
import json
import os
import shutil
import statistics
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
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    lines_path = os.path.join(args.folder, "lines.ndjson")
    stock, capture, sealing, sealed, reads = [], [], [], None, None

    data = os.path.join(args.folder, "data")

    def measure_stock():
        stock.append(json.loads(run([args.stock, lines_path, args.set + ".keys", "1"])))

    def write():
        shutil.rmtree(data, ignore_errors=True)
        made = json.loads(run([args.bench, "records", args.set, "--directory", data]))
        if made["written"] != made["exchanges"] or made["reduced"] or made["dropped"]:
            raise SystemExit(f"density: FAILED: not every exchange was kept whole: {made}")
        return made, sizes(args.weir, data)

    made, (records, raw, hot) = write()
    with open(lines_path, "wb") as out:
        subprocess.run([args.weir, "segment", "cat", "--data", data], stdout=out, check=True)
    measure_stock()
    for _ in range(args.rounds):
        # The lines of two rounds differ by the digits of their times.
        made, before = write()
        capture.append(raw / made["capture_thread_s"] / 1e6)
        run([args.weir, "index", "--data", data])
        done = json.loads(run([args.bench, "seal", "--directory", data]))
        sealing.append(raw / done["cpu_s"] / 1e6)
        measure_stock()
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
    sizes_of_stock = stock[0]
    print(f"\n{records} records, {raw} bytes of lines, zstd {sizes_of_stock['zstd']}, load {os.getloadavg()[0]:.1f}\n")
    print("| measure | stock zstd | weir | ratio | wanted | |\n|---|---:|---:|---:|---|---|")

    def judge(name, theirs, ours, ratio, bound, spread=""):
        met = "met" if ratio >= bound else "MISSED"
        verdict.append(f"{name} {ratio:.2f} {met}")
        print(f"| {name} | {theirs:.2f} | {ours:.2f} | {ratio:.2f}{spread} | at least {bound} | {met} |")

    def judge_size(name, key, ours, bound):
        judge(name, sizes_of_stock[key], ours, ours / sizes_of_stock[key], bound)

    def judge_speed(name, key, ours, bound):
        around = [(before[key] + after[key]) / 2 for before, after in zip(stock, stock[1:])]
        ratios = [mine / theirs for mine, theirs in zip(ours, around)]
        judge(f"{name}, MB/s", statistics.median(around), statistics.median(ours), statistics.median(ratios), bound,
              f" ({min(ratios):.2f} to {max(ratios):.2f})")

    print(f"| one frame a record, level 1 | x{sizes_of_stock['record_ratio']:.2f}, {sizes_of_stock['record_mb_s']:.0f} MB/s | | | | |")
    judge_size("hot ratio against 1 MiB frames of level 1", "mib_ratio", raw / hot, HOT_RATIO)
    judge_speed("capture thread against 1 MiB frames of level 1", "mib_mb_s", capture, HOT_SPEED)
    print(f"| level 3, long 27, in order of arrival | x{sizes_of_stock['long_unsorted_ratio']:.2f} | | | | |")
    judge_size("sealed ratio against level 3, long 27, by conversation", "long_ratio", raw / sealed, SEALED_RATIO)
    judge_speed("sealing against level 3, long 27", "long_mb_s", sealing, SEALED_SPEED)
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
