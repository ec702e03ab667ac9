#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Captured traffic with plants, made by seed: what a builder of data sets must keep apart, and what it need not.

    planted_set.py make [--seed N] [--conversations 2000] OUT        OUT: record lines; OUT.plants: what is planted where
    planted_set.py parts FILE --parts N --order time|mixed [--seed N] OUT     FILE as OUT.1 to OUT.N, as it might come in
    planted_set.py stray OUT                                         pairs that are near without being planted; there must be none

`planted_set.py --seed N OUT` is short for make. OUT.plants has a line for each conversation (`conversation`, `plant`, `dialect`, `task`, `model`,
`environment`, `records`, `leaves`: the ids of its exchanges and of the last one of each way it went) and one for each pair that was
planted (`a`, `b`, what was wanted, and for the whole prompt and the first user turn: shared shingles, Jaccard index, containment).
"""
import argparse
import hashlib
import json
import os
import random
import sys

from planted_families import Planter
from planted_traffic import dumped, exchanges
from separation_check import Row, Separation
from separation_terms import Turn


def make(args):
    planter = Planter(args.seed)
    planter.plant(args.conversations)
    rng, lines, said = random.Random(f"planted-1/{args.seed}/traffic"), [], []
    for made in planter.conversations:
        records, leaves = exchanges(rng, made)
        lines += [(record["started_at_us"], record["id"], dumped(record)) for record in records]
        said.append({"conversation": made.name, "plant": planter.plants[made.name], "dialect": made.dialect, "task": made.task, "model": made.model,
                     "environment": made.environment, "records": [record["id"] for record in records], "leaves": leaves})
    lines.sort()
    with open(args.out, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for _, _, line in lines)
    with open(args.out + ".plants", "w", encoding="utf-8") as file:
        file.writelines(dumped(one) + "\n" for one in said + [planter.measured(pair) for pair in planter.pairs])
    with open(args.out, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    print(dumped({"conversations": len(said), "pairs": len(planter.pairs), "records": len(lines), "bytes": os.path.getsize(args.out), "sha256": digest}))
    return 0


def parts(args):
    """By time, a conversation goes on in the next part; mixed, its later exchanges may come in before the earlier ones."""
    with open(args.file, "rb") as file:
        lines = file.readlines()
    rng = random.Random(f"planted-1/{args.seed}/parts")
    if args.order == "mixed":
        rng.shuffle(lines)
    for part in range(args.parts):
        cut = lines[len(lines) * part // args.parts:len(lines) * (part + 1) // args.parts]
        rng.shuffle(cut)
        with open(f"{args.out}.{part + 1}", "wb") as out:
            out.writelines(cut)
    return 0


def leaves_of(out):
    """(conversation, plant, turns) of the last exchange of each way that a conversation went."""
    import split_headline
    with open(out + ".plants", encoding="utf-8") as file:
        said = [one for one in map(json.loads, file) if "conversation" in one]
    whose = {leaf: one for one in said for leaf in one["leaves"]}
    for identity, turns in split_headline.rows_of_records(out):
        if identity in whose:
            yield whose[identity]["conversation"], whose[identity]["plant"], turns


def stray(args):
    with open(args.out + ".plants", encoding="utf-8") as file:
        said = [json.loads(line) for line in file]
    family = {one["conversation"]: one["conversation"] for one in said if "conversation" in one}

    def root(name):
        while family[name] != name:
            name = family[name]
        return name

    for pair in said:
        if "a" in pair:
            family[root(pair["b"])] = root(pair["a"])
    # Short prompts are few, and may well be the same.
    rows = [(name, plant, Row([turn for turn in turns if turn.role != "system"])) for name, plant, turns in leaves_of(args.out) if plant != "short"]
    separation, found = Separation([row for _, _, row in rows]), 0
    for at, row in enumerate(rows):
        row[2].number = at
    for name, plant, row in rows:
        for other, rule, view, measure in separation.violations(row):
            other_name, other_plant, _ = rows[other.number]
            if root(name) != root(other_name) and not plant == other_plant == "short_start" and not plant == other_plant == "heavy_template":
                found += 1
                print(f"{rule} {plant} {name}, {other_plant} {other_name}: {view} {measure}")
    print(f"{len(rows)} last exchanges, {found} strays")
    return 1 if found else 0


def main(arguments):
    if arguments and arguments[0] not in ("make", "parts", "stray", "-h", "--help"):
        arguments = ["make"] + arguments
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    maker = verbs.add_parser("make")
    maker.add_argument("--seed", type=int, default=1)
    maker.add_argument("--conversations", type=int, default=2_000)
    maker.add_argument("out")
    cutter = verbs.add_parser("parts")
    cutter.add_argument("file")
    cutter.add_argument("--parts", type=int, default=5)
    cutter.add_argument("--order", choices=("time", "mixed"), default="time")
    cutter.add_argument("--seed", type=int, default=1)
    cutter.add_argument("out")
    verbs.add_parser("stray").add_argument("out")
    args = parser.parse_args(arguments)
    return {"make": make, "parts": parts, "stray": stray}[args.verb](args)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
