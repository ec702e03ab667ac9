# SPDX-License-Identifier: Apache-2.0
"""Judge of successive builds: FOLDER/set.1 to set.N, each made after more traffic had come in.

    separation.py --builds N [--strict] FOLDER

For every build: its training rows against all eval rows of this build and those before (Tests/Oracles/separation_check.py), its lineage's
groups on both sides, and the eval rows of the build before, which must all be there, byte for byte. How many training rows of builds
before are near a new eval row is said and not judged: what was exported cannot be taken back. Exit 1 where a rule is broken.
"""
import argparse
import json
import os
import sys
import unicodedata
from collections import Counter

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Oracles"))
import separation_check  # noqa: E402


def lines(path):
    with open(path, "rb") as file:
        return file.read().splitlines()


def rows(path, keys, strict):
    return list(separation_check.read_rows(path, keys, strict))


class Judge:
    def __init__(self, folder, strict):
        self.folder, self.strict, self.failed = folder, strict, False
        self.evals, self.trains, self.known = [], [], {}

    def path(self, build, name):
        return os.path.join(self.folder, f"set.{build}", name)

    def keys(self, build):
        lineage = self.path(build, "lineage.jsonl")
        return separation_check.read_keys([lineage]) if os.path.exists(lineage) else {}

    def near(self, train, evals):
        """Violations by rule, and the training rows that have one."""
        separation, found, touched = separation_check.Separation(evals, self.strict), Counter(), 0
        for row in train:
            broken = [rule for _, rule, _, _ in separation.violations(row)]
            found.update(broken)
            touched += bool(broken)
        return found, touched

    def taken(self, evals):
        """The eval rows that were in none before; one that was is kept once, with the group keys of every build."""
        new = []
        for row in evals:
            kept = self.known.get(row.identity)
            if kept is None:
                self.known[row.identity] = row
                new.append(row)
            else:
                kept.keys |= row.keys
        self.evals += new
        return new

    def build(self, number):
        keys = self.keys(number)
        train, evals = (rows(self.path(number, name), keys, self.strict) for name in ("train.jsonl", "eval.jsonl"))
        short = sum(row.is_short for row in evals)
        new = self.taken(evals)
        found, touched = self.near(train, self.evals)
        _, tainted = self.near(self.trains, new)
        before = Counter(lines(self.path(number - 1, "eval.jsonl"))) if number > 1 else Counter()
        lost = before - Counter(lines(self.path(number, "eval.jsonl")))
        self.trains += train
        said = {"build": number, "train": len(train), "eval": len(evals), "new": len(new), "short": short, "violations": dict(sorted(found.items())),
                "train_in_violation": touched, "eval_lost": sum(lost.values()), "earlier_train_near_new_eval": tainted}
        self.failed |= bool(found or short or lost or not train or not evals)
        return said


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--builds", type=int, required=True)
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("folder")
    args = parser.parse_args()
    judge = Judge(args.folder, args.strict)
    print(f"The judge reads texts by Unicode {unicodedata.unidata_version}")
    print(f"\n| {os.path.basename(args.folder)}: build | training rows | eval rows | new | short | violations | training rows in one | eval rows lost | "
          "earlier training rows near a new eval row |\n|---|---:|---:|---:|---:|---|---:|---:|---:|")
    for number in range(1, args.builds + 1):
        said = judge.build(number)
        rules = ", ".join(f"{rule} {count}" for rule, count in said["violations"].items()) or "0"
        print(f"| {number} | {said['train']} | {said['eval']} | {said['new']} | {said['short']} | {rules} | {said['train_in_violation']} | {said['eval_lost']} | "
              f"{said['earlier_train_near_new_eval']} |", flush=True)
    print(json.dumps({"rows_of_training_ever": len(judge.trains), "eval_rows_ever": len(judge.evals), "failed": judge.failed}))
    return 1 if judge.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
