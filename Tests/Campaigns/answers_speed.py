# SPDX-License-Identifier: Apache-2.0
"""Time of answers from a large index, against DuckDB and chdb on the same rows, one thread each, in one run.

    answers_speed.py --bench PROGRAM --data DIR --rounds N

The rows are taken from the tables of `index.sqlite` into columns of both engines, dictionary numbers as numbers, which is the cheapest
form for them. Wall time of one answer in a process that is open, the median of N rounds, engines in turns. Prints a table; exit 1
where the exact percentiles of the engines differ.
"""
import argparse
import json
import sqlite3
import statistics
import subprocess
import sys
import time

import duckdb
import numpy

PER_MILLE = (500, 750, 900, 990)
EPOCH_US = 1_798_761_600_000_000
WANTED_MS_A_MILLION, WANTED_ROLLUP_MS = 10, 50


def load(index):
    db = sqlite3.connect(f"file:{index}?mode=ro", uri=True)
    models, tasks, environments, teams = {}, {}, {}, {}
    shapes = {}
    for shape, model, task, environment in db.execute(
            "SELECT shape_id, coalesce(model_responded, model_requested), task, environment FROM shape JOIN dimension USING (dimension_id)"):
        shapes[shape] = tuple(names.setdefault(name, len(names)) for names, name in ((models, model), (tasks, task), (environments, environment)))
    sets = {row[0]: teams.setdefault(row[1], len(teams)) for row in db.execute("SELECT metadata_id, value FROM metadata WHERE key = 'team'")}
    columns = [[], [], [], [], []]
    cursor = db.execute("SELECT start, shape_id, metadata_id, ended_us, ttft_us FROM fact ORDER BY start")
    while rows := cursor.fetchmany(200_000):
        for column, values in zip(columns, zip(*rows)):
            column.append(numpy.array([-1 if value is None else value for value in values], dtype=numpy.int64))
    start, shape, metadata, duration, ttft = (numpy.concatenate(parts) for parts in columns)
    kinds = numpy.full((max(shapes) + 1, 3), -1, dtype=numpy.int32)
    for number, row in shapes.items():
        kinds[number] = row
    team = numpy.full(max(sets, default=0) + 2, -1, dtype=numpy.int32)
    for number, name in sets.items():
        team[number] = name
    table = {
        "start": start + EPOCH_US, "model": kinds[shape, 0], "task": kinds[shape, 1], "environment": kinds[shape, 2],
        "team": numpy.where(metadata >= 0, team[metadata], -1).astype(numpy.int32), "duration": duration, "ttft": ttft,
    }
    return table, {"model": models, "task": tasks, "environment": environments, "team": teams}


class Duck:
    def __init__(self, table):
        self.db = duckdb.connect()
        self.db.execute("SET threads = 1")
        frame = {name: values for name, values in table.items()}
        self.db.register("given", duckdb.from_arrow(arrow(frame), connection=self.db))
        self.db.execute("CREATE TABLE facts AS SELECT * REPLACE (nullif(duration, -1) AS duration, nullif(ttft, -1) AS ttft) FROM given")

    def ask(self, where):
        parts = [f"quantile_disc({column}, [{', '.join(str(p / 1000) for p in PER_MILLE)}])" for column in ("duration", "ttft")]
        rows = self.db.execute(f"SELECT model, count(*), {', '.join(parts)}, count(ttft) FROM facts WHERE {where} GROUP BY model").fetchall()
        return {row[0]: (row[1], [int(x) for x in row[2]], row[4], [int(x) for x in row[3]] if row[3] else None) for row in rows}


class House:
    def __init__(self, table):
        from chdb import session

        self.db = session.Session()
        self.db.query("CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic")
        self.db.query(
            "CREATE TABLE bench.facts (start Int64, model Int32, task Int32, environment Int32, team Int32, duration Int64, ttft Int64)"
            " ENGINE = MergeTree ORDER BY start")
        import os
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "rows.parquet")
            import pyarrow.parquet

            pyarrow.parquet.write_table(arrow(table), path, compression="none")
            self.db.query(f"INSERT INTO bench.facts SELECT * FROM file('{path}', Parquet)")

    def ask(self, where):
        levels = ", ".join(str(p / 1000) for p in PER_MILLE)
        parts = [f"quantilesExactLowIf({levels})({column}, {column} >= 0)" for column in ("duration", "ttft")]
        text = str(self.db.query(
            f"SELECT model, count(), {', '.join(parts)}, countIf(ttft >= 0) FROM bench.facts WHERE {where} GROUP BY model"
            " SETTINGS max_threads = 1", "JSONCompactEachRow"))
        return len(text.splitlines())


def arrow(table):
    import pyarrow

    return pyarrow.table({name: pyarrow.array(values) for name, values in table.items()})


def weir(bench, data, rounds, *more):
    done = subprocess.run([bench, "answer", "--data", data, "--rounds", str(rounds), *more], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"weir-bench answer: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)


def timed(ask, where, rounds):
    took, found = [], None
    for _ in range(rounds):
        began = time.perf_counter()
        found = ask(where)
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took), found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    table, names = load(args.data + "/index.sqlite")
    count = len(table["start"])
    first, last = int(table["start"][0]), int(table["start"][-1])
    # Cuts hours on both sides.
    since, until = first + (last - first) // 10 + 1_234_567, last - (last - first) // 10 - 7_654_321
    task, environment, team = (sorted(names[key], key=lambda name: (name is None, name))[0] for key in ("task", "environment", "team"))
    inside = f"start >= {since} AND start < {until}"
    cases = [
        ("all of it", "true", []),
        ("a range that cuts hours", inside, ["--since", str(since), "--until", str(until)]),
        ("task, environment, team, that range",
         f"task = {names['task'][task]} AND environment = {names['environment'][environment]} AND team = {names['team'][team]} AND {inside}",
         ["--task", task, "--environment", environment, "--meta", f"team={team}", "--since", str(since), "--until", str(until)]),
    ]
    duck, house = Duck(table), House(table)
    print(f"\n{count} exchanges; exact p50, p75, p90, p99 of duration and TTFT by model; ms an answer, ms a million rows scanned\n")
    print("| question | exchanges in it | weir | DuckDB | chdb | weir a million rows | wanted | |\n|---|---:|---:|---:|---:|---:|---|---|")
    differ = False
    for name, where, flags in cases:
        ours = weir(args.bench, args.data, args.rounds, *flags)
        theirs, rows = timed(duck.ask, where, args.rounds)
        others, _ = timed(house.ask, where, args.rounds)
        scanned = count if where == "true" else int(((table["start"] >= since) & (table["start"] < until)).sum())
        took = ours["median_us"] / 1000
        by_number = {number: model for model, number in names["model"].items()}
        wanted = {by_number[number]: row for number, row in rows.items()}
        for row in ours["rows"]:
            exchanges, durations, measured, ttfts = wanted[row[0]]
            mine = [row[1], *row[2:6], row[6], *row[7:11]]
            expected = [str(x) for x in (exchanges, *durations, measured, *(ttfts or ["-"] * 4))]
            if mine != expected:
                differ = True
                print(f"answers_speed: FAILED: {row[0]}: {mine} and by DuckDB {expected}")
        is_filtered = "--task" in flags
        met = took <= min(theirs, others) and (not is_filtered or took / scanned * 1e6 <= WANTED_MS_A_MILLION)
        print(f"| {name} | {ours['exchanges']} | {took:.1f} | {theirs:.1f} | {others:.1f} | {took / scanned * 1e6:.1f} | "
              f"{f'{WANTED_MS_A_MILLION} ms, ' if is_filtered else ''}faster than both | {'met' if met else 'MISSED'} |")
    near = weir(args.bench, args.data, args.rounds, "--approximate")
    took = near["median_us"] / 1000
    print(f"\nfrom rollups, all of it: {took:.1f} ms (at most {WANTED_ROLLUP_MS}: {'met' if took <= WANTED_ROLLUP_MS else 'MISSED'}), "
          f"CPU {near['cpu_median_us'] / 1000:.1f} ms")
    for question in ("spend", "tokens", "error-rate"):
        took = weir(args.bench, args.data, args.rounds, "--question", question)["median_us"] / 1000
        print(f"{question}, all of it: {took:.1f} ms")
    return 1 if differ else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
