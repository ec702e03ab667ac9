# SPDX-License-Identifier: Apache-2.0
"""Percentiles of `weir query` under random filters against DuckDB and against a plain sort, over the same facts.

Runs beside `weir-data`, which holds `index.sqlite` and the facts of the same exchanges in `segments/*.facts.ndjson.zst` (lines in
`facts.ndjson` beside it are made such a file first). Each round draws a filter of up to four keys whose values occur, a time range
that cuts hours, percentiles and what the rows are for; then `weir query` answers, DuckDB answers the same from the sidecar by a
statement that knows nothing of `queries/`, and Python sorts. All three must agree to the last digit, group by group.
Prints a JSON line for each difference and a last one with counts; exit 1 where anything differs.
"""
import argparse
import json
import os
import random
import subprocess
import sys

import duckdb

# Question: what is ranked, by the name of its columns.
QUESTIONS = {
    "tail-latency": {"duration": "duration_us", "ttft": "ttft_us"},
    "overhead": {"overhead": "overhead_us"},
    "payload-sizes": {"request": "request_body_bytes", "response": "response_body_bytes"},
}
UNITS = {"duration": "us", "ttft": "us", "overhead": "us", "request": "bytes", "response": "bytes"}
GROUPS = {
    "model": "coalesce(model_responded, model_requested)", "task": "task", "environment": "environment", "key": "key_id",
    "provider": "provider", "status": "CAST(status AS VARCHAR)",
}


def pack():
    if not os.path.exists("facts.ndjson"):
        return
    import zstandard

    os.makedirs("weir-data/segments", exist_ok=True)
    with open("facts.ndjson", "rb") as lines, open("weir-data/segments/n1-1-1.0.facts.ndjson.zst", "wb") as out:
        out.write(zstandard.ZstdCompressor(level=1).compress(lines.read()))


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def nearest_rank(values, per_mille):
    """The smallest value that at least so many of the values do not exceed."""
    ordered = sorted(values)
    return next((x for i, x in enumerate(ordered) if (i + 1) * 1000 >= per_mille * len(ordered)), None)


class Round:
    """One random question: flags for `weir query`, a condition for DuckDB, a predicate for Python."""

    def __init__(self, draw, facts):
        self.flags, self.sql, self.tests = [], [], []
        starts = sorted(fact["started_at_us"] for fact in facts)
        if draw.random() < 0.6:
            low, high = sorted(draw.randint(starts[0] - 1, starts[-1] + 2) for _ in range(2))
            if low < high:
                self.add(["--since", str(low), "--until", str(high)], f"started_at_us >= {low} AND started_at_us < {high}",
                         lambda fact: low <= fact["started_at_us"] < high)
        sample = draw.choice(facts)
        for key in draw.sample(["model", "provider", "task", "environment", "status", "key", "api", "outcome", "meta"], draw.randint(0, 3)):
            self.equal(key, sample, draw)
        self.question = draw.choice(sorted(QUESTIONS))
        self.by = draw.choice(sorted(GROUPS) + ["meta"])
        if self.by == "meta":
            names = sorted({name for fact in facts for name in fact["metadata"]}) or ["none"]
            self.by = "meta." + draw.choice(names)
        self.ranks = sorted(draw.sample(range(1, 1001), draw.randint(1, 4)))
        self.flags += ["--by", self.by, "--percentiles", ",".join(f"{rank // 10}.{rank % 10}" for rank in self.ranks)]

    def add(self, flags, sql, test):
        self.flags += flags
        self.sql.append(sql)
        self.tests.append(test)

    def equal(self, key, sample, draw):
        if key == "meta":
            if sample["metadata"]:
                name, value = draw.choice(sorted(sample["metadata"].items()))
                self.add(["--meta", f"{name}={value}"], f"metadata[{quoted(name)}] = {quoted(value)}",
                         lambda fact: fact["metadata"].get(name) == value)
            return
        if key == "model":
            model = sample["model_responded"] or sample["model_requested"]
            if model is not None:
                self.add(["--model", model], f"(model_requested = {quoted(model)} OR model_responded = {quoted(model)})",
                         lambda fact: model in (fact["model_requested"], fact["model_responded"]))
            return
        column = {"key": "key_id"}.get(key, key)
        value = sample[column]
        if value is not None:
            literal = str(value) if isinstance(value, int) else quoted(value)
            self.add([f"--{key}={value}"], f"{column} = {literal}", lambda fact: fact[column] == value)

    def group(self):
        return GROUPS.get(self.by) or f"metadata[{quoted(self.by[5:])}]"

    def key(self, fact):
        if self.by.startswith("meta."):
            return fact["metadata"].get(self.by[5:])
        if self.by == "model":
            return fact["model_responded"] or fact["model_requested"]
        value = fact[{"key": "key_id"}.get(self.by, self.by)]
        return None if value is None else str(value)

    def name(self, rank):
        return f"p{rank // 10}" if rank % 10 == 0 else f"p{rank // 10}_{rank % 10}"

    def by_weir(self, weir):
        command = [weir, "query", self.question, "--data", "weir-data", "--json"] + self.flags
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise SystemExit(f"{command} ended with {done.returncode}: {done.stderr}")
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return {row[self.by]: [row[f"{prefix}_{self.name(rank)}_{UNITS[prefix]}"] for prefix in QUESTIONS[self.question] for rank in self.ranks]
                for row in rows}

    def by_duckdb(self, base):
        ranked = ", ".join(
            f"list_sort(list({column}) FILTER (WHERE {column} IS NOT NULL))[({rank} * count({column}) + 999) // 1000]"
            for column in QUESTIONS[self.question].values() for rank in self.ranks)
        where = " AND ".join(self.sql) or "true"
        return {row[0]: list(row[1:]) for row in base.execute(f"SELECT {self.group()}, {ranked} FROM facts WHERE {where} GROUP BY 1").fetchall()}

    def by_sorting(self, facts):
        groups = {}
        for fact in facts:
            if all(test(fact) for test in self.tests):
                groups.setdefault(self.key(fact), []).append(fact)
        return {key: [nearest_rank([fact[column] for fact in group if fact[column] is not None], rank)
                      for column in QUESTIONS[self.question].values() for rank in self.ranks] for key, group in groups.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--weir", required=True)
    parser.add_argument("--queries", required=True)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    pack()
    base = duckdb.connect()
    base.execute(open(f"{options.queries}/duckdb/facts.sql").read())
    base.execute("CREATE TABLE held AS SELECT * FROM facts; CREATE OR REPLACE VIEW facts AS SELECT * FROM held")
    lines = subprocess.run([options.weir, "query", "exchanges", "--data", "weir-data", "--json"], capture_output=True, text=True, check=True)
    facts = [json.loads(line) for line in lines.stdout.splitlines()]
    held = base.execute("SELECT count(*) FROM facts").fetchone()[0]
    if not facts or held != len(facts):
        raise SystemExit(f"the index has {len(facts)} facts, the sidecars have {held}")
    draw = random.Random(options.seed)
    counts = {"rounds": options.rounds, "seed": options.seed, "facts": len(facts), "groups": 0, "percentiles": 0, "empty": 0, "differences": 0}
    for number in range(options.rounds):
        asked = Round(draw, facts)
        own, duck, plain = asked.by_weir(options.weir), asked.by_duckdb(base), asked.by_sorting(facts)
        counts["groups"] += len(own)
        counts["percentiles"] += sum(value is not None for row in own.values() for value in row)
        counts["empty"] += not own
        if not own == duck == plain:
            counts["differences"] += 1
            odd = [key for key in own.keys() | duck.keys() | plain.keys() if not own.get(key) == duck.get(key) == plain.get(key)][:3]
            rows = {str(key): [own.get(key), duck.get(key), plain.get(key)] for key in odd}
            print(json.dumps({"round": number, "question": asked.question, "flags": asked.flags, "weir_duckdb_sorted": rows}), flush=True)
    print(json.dumps(counts), flush=True)
    sys.exit(1 if counts["differences"] else 0)


main()
