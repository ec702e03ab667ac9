#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Are two sets of rows separate, as notebooks-docs/separation.md defines it? Every pair of rows, exactly; nothing of Weir's is used.

    separation_check.py TRAIN.jsonl EVAL.jsonl... [--strict] [--keys FILE]... [--json] [--brute] [--short keep|skip]

Several EVAL files are all eval sets that there ever were. Each violation is a line: rule, training row, eval row, view, measure.

    G1   equal prompt keys                          G2n  a node in common; G2k: a group key in common
    G3   half of the smaller one's shingles shared   G4r  a run of 13 tokens of the prompts of at most 10 eval rows
    E    an eval row with under 20 tokens in a view  G4c  half of the eval prompt's tokens lie in runs of 8 of the training prompt

By default an index over strings finds the pairs that share anything; `--brute` compares all pairs, and must say the same.
`--keys` is JSON lines with `file` (a path as it is given here, or its last part where no two files share it), `row` (from 1) and `keys` (texts) or `group` (a text). `--short skip` leaves
eval rows with under 20 tokens out altogether. Exit 0 none, 1 some, 2 bad input.
"""
import argparse
import json
import os
import sys
from collections import Counter, defaultdict

import canonical_json
import separation_rows
from separation_terms import LEAST_EVAL_TOKENS, chain, first_view, nodes, prompt_key, prompt_view, runs, shingles

VIEWS = ("prompt", "first")
RUN, COVER, BOILERPLATE = 13, 8, 10


class Row:
    """What the rules ask of a row, computed once."""

    def __init__(self, turns, file="", number=0, keys=(), strict=False):
        self.file, self.number, self.keys = file, number, set(keys)
        self.identity = chain(turns)[-1]
        self.prompt_key, self.nodes = prompt_key(turns), nodes(turns)
        views = {"prompt": prompt_view(turns), "first": first_view(turns)}
        self.sizes = {name: len(view) for name, view in views.items()}
        self.shingles = {name: shingles(view) for name, view in views.items()}
        self.runs = set(runs(views["prompt"], RUN)) if strict else set()
        self.cover = runs(views["prompt"], COVER) if strict else []
        self.cover_set = set(self.cover)

    @property
    def is_short(self):
        return min(self.sizes.values()) < LEAST_EVAL_TOKENS


def covered(row, of):
    """How many tokens of an eval row's prompt lie in runs of 8 that the other's prompt has too."""
    count = end = 0
    for at, run in enumerate(row.cover):
        if run in of.cover_set:
            count += at + COVER - max(at, end)
            end = at + COVER
    return count


class Separation:
    """All rules over one set of eval rows."""

    def __init__(self, evals, strict=False):
        self.evals, self.strict = evals, strict
        self.spread = defaultdict(set)  # a run of 13 tokens to the eval rows that have it; equal rows are one
        for row in evals:
            for run in row.runs:
                self.spread[run].add(row.identity)
        self.places = None

    def rare(self, run):
        return len(self.spread[run]) <= BOILERPLATE

    def pair(self, train, test):
        """(rule, view, measure) of every rule that a pair of rows breaks."""
        if train.prompt_key == test.prompt_key:
            yield "G1", "", test.prompt_key.hex()[:16]
        shared = train.nodes & test.nodes
        if shared:
            yield "G2n", "", f"{len(shared)} nodes"
        shared = train.keys & test.keys
        if shared:
            yield "G2k", "", f"{len(shared)} keys"
        for view in VIEWS:
            ours, theirs = train.shingles[view], test.shingles[view]
            both = len(ours & theirs)
            if ours and theirs and 2 * both >= min(len(ours), len(theirs)):
                yield "G3", view, f"{both} of {len(ours)} and {len(theirs)}"
        if self.strict:
            yield from self.strictly(train, test)

    def strictly(self, train, test):
        shared = sum(1 for run in train.runs & test.runs if self.rare(run))
        if shared:
            yield "G4r", "prompt", f"{shared} runs of {RUN}"
        tokens = covered(test, train)
        if test.sizes["prompt"] and 2 * tokens >= test.sizes["prompt"]:
            yield "G4c", "prompt", f"{tokens} of {test.sizes['prompt']} tokens"

    def signs(self, row):
        """Everything by which two rows can break a rule: rows that have no sign in common break none (runs of 8 and 13 hold shingles)."""
        yield "key", row.prompt_key
        for name, values in (("node", row.nodes), ("group", row.keys)):
            for value in values:
                yield name, value
        for view in VIEWS:
            for value in row.shingles[view]:
                yield view, value

    def candidates(self, train):
        if self.places is None:
            self.places = defaultdict(list)
            for at, row in enumerate(self.evals):
                for sign in self.signs(row):
                    self.places[sign].append(at)
        return sorted({at for sign in self.signs(train) for at in self.places.get(sign, ())})

    def violations(self, train, brute=False):
        """(eval row, rule, view, measure) of everything that a training row breaks."""
        for at in range(len(self.evals)) if brute else self.candidates(train):
            for found in self.pair(train, self.evals[at]):
                yield (self.evals[at], *found)


def read_keys(paths):
    """Group keys by (file as it is named there, row)."""
    keys = defaultdict(set)
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    said = json.loads(line)
                    found = said["keys"] if "keys" in said else [said["group"]]
                    keys[said["file"], said["row"]].update(f"{key}" for key in found)
                except (ValueError, KeyError, TypeError) as error:
                    raise separation_rows.BadRow(f"{path}:{number}: {type(error).__name__}: {error}") from error
    return keys


def named(path, others):
    """The names under which keys of a file may stand: its path, and its last part unless another file has it too."""
    last = os.path.basename(path)
    shared = sum(os.path.basename(other) == last for other in {os.path.normpath(one) for one in [path, *others]}) > 1
    return {path} if shared else {path, last}


def check_names(keys, paths):
    """Keys of a name that several files have belong to none of them: that is said, not guessed."""
    known = {name for path in paths for name in named(path, paths)}
    for file, row in keys:
        if file not in known and any(os.path.basename(path) == file for path in paths):
            raise separation_rows.BadRow(f"keys of {file}, row {row}: several files are named so: name it by its path as given")


def read_rows(path, keys, strict, others=()):
    names = named(path, others)
    for number, turns in separation_rows.read(path):
        found = set().union(*(keys.get((name, number), ()) for name in names))
        yield Row(turns, path, number, found, strict)


class Printer:
    """Says what is found, as lines for people or as JSON, and counts it."""

    def __init__(self, is_json, out=None):
        self.is_json, self.out, self.rules, self.trains, self.tests, self.pairs = is_json, out or sys.stdout, Counter(), set(), set(), set()

    def violation(self, train, test, rule, view, measure):
        self.rules[rule] += 1
        self.tests.add((test.file, test.number))
        if train:
            self.trains.add(train.number)
            self.pairs.add((train.number, test.file, test.number))
        if self.is_json:
            said = {"rule": rule, "train_row": train.number if train else None, "eval_file": os.path.basename(test.file),
                    "eval_row": test.number, "view": view or None, "measure": measure}
            print(json.dumps(said), file=self.out)
            return
        where = f"train {train.number}  " if train else ""
        print(f"{rule:<4} {where}{os.path.basename(test.file)} {test.number}  {view + '  ' if view else ''}{measure}", file=self.out)

    def summary(self, train_rows, eval_rows, short):
        counts = {rule: self.rules[rule] for rule in ("G1", "G2n", "G2k", "G3", "G4r", "G4c", "E") if self.rules[rule]}
        said = {"train_rows": train_rows, "eval_rows": eval_rows, "eval_rows_short": short, "violations": sum(self.rules.values()), "rules": counts,
                "pairs": len(self.pairs), "train_rows_in_violation": len(self.trains), "eval_rows_in_violation": len(self.tests)}
        if self.is_json:
            print(json.dumps({"summary": said}), file=self.out)
            return
        by_rule = ", ".join(f"{rule} {count}" for rule, count in counts.items()) or "none"
        print(f"{train_rows} training rows against {eval_rows} eval rows ({short} short): {said['violations']} violations ({by_rule}); "
              f"{said['pairs']} pairs, {len(self.trains)} training rows, {len(self.tests)} eval rows", file=self.out)


def check(args, out=None):
    keys, paths = read_keys(args.keys), [args.train, *args.evals]
    check_names(keys, paths)
    evals = [row for path in args.evals for row in read_rows(path, keys, args.strict, paths)]
    short = sum(row.is_short for row in evals)
    if args.short == "skip":
        evals = [row for row in evals if not row.is_short]
    separation, printer, count = Separation(evals, args.strict), Printer(args.json, out), 0
    for row in evals:
        if row.is_short:
            printer.violation(None, row, "E", "", " ".join(f"{view} {size}" for view, size in row.sizes.items()) + " tokens")
    for train in read_rows(args.train, keys, args.strict, paths):
        count += 1
        for found in separation.violations(train, args.brute):
            printer.violation(train, *found)
    printer.summary(count, len(evals), short)
    return 1 if printer.rules else 0


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("evals", nargs="+")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--keys", action="append", default=[])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--brute", action="store_true")
    parser.add_argument("--short", choices=("keep", "skip"), default="keep")
    args = parser.parse_args(arguments)
    try:
        return check(args)
    except (separation_rows.BadRow, canonical_json.NotCanonical, OSError) as error:
        print(f"separation_check: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(3)
