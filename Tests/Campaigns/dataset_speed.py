# SPDX-License-Identifier: Apache-2.0
"""How fast `weir dataset build` is, over captured conversations of three providers made by seed.

    dataset_speed.py make --mb N [--seed N] [--threads N] FOLDER       record lines, FOLDER/part.N, and FOLDER/made.json: what is in them
    dataset_speed.py time --weir PROGRAM --data DIR FOLDER             index and build, beside yardsticks over the same records, as a table

Canonical text is what the build reads: of every exchange all texts of its request's turns and of its answer, and arguments of calls, in UTF-8, without
the JSON around them. A conversation of k requests is thus read k times over, as it was captured; what of it is in the rows is said too.
Memory is the most that the program ever held (VmHWM). The yardsticks parse the JSON of the same records once, in one process, and print
the lines (`weir segment cat`).
"""
import argparse
import json
import multiprocessing
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Oracles"))
from planted_traffic import MODELS, TOOLS, Conversation, dumped, exchanges  # noqa: E402
from separation_speed import Text, measured  # noqa: E402
from separation_terms import Turn  # noqa: E402

WANTED_MB_S, WANTED_MB = 20, 1536
PART_CONVERSATIONS = 200
TASKS = ("support-triage", "code-review", "order-lookup", "summaries", "sql-help")


class Traffic:
    """Conversations of some turns; one in twenty is another one with a few words changed."""

    def __init__(self, seed):
        self.seed, self.text = seed, Text(seed)
        self.systems = [self.said(self.text.templates[at % 8]) + self.said(self.text.taken(self.text.numpy.random.default_rng([seed, 2, at]), 120)) for at in range(12)]

    def said(self, row):
        words, stops = row[:2]
        return "".join(part for pair in zip(self.text.words[words], self.text.stops[stops]) for part in pair)

    def drawn(self, rng):
        """The turns of one: (role, words, stops, call)."""
        turns = []
        for _ in range(1 + min(5, rng.geometric(0.5))):
            turns.append(("user", *self.text.taken(rng, int(min(3_000, max(25, rng.lognormal(4.8, 0.9))))), None))
            if rng.random() < 0.3:
                query = self.said(self.text.taken(rng, 6)).strip()
                call = (str(rng.choice(list(TOOLS))), json.dumps({"query": query, "limit": int(rng.integers(1, 50)), "exact": bool(rng.random() < 0.5)}))
                turns.append(("assistant", *self.text.taken(rng, 8), call))
                turns.append(("tool", *self.text.taken(rng, int(min(2_000, max(15, rng.lognormal(4.5, 0.8))))), None))
            turns.append(("assistant", *self.text.taken(rng, int(min(1_500, max(8, rng.lognormal(4.3, 0.8))))), None))
        return turns

    def changed(self, rng, turns):
        made = []
        for role, words, stops, call in turns:
            other, _ = self.text.taken(rng, len(words))
            made.append((role, self.text.numpy.where(rng.random(len(words)) < 0.02, other, words), stops, call))
        return made

    def part(self, number):
        """(lines, exchanges, bytes of canonical text, bytes of it in the last exchanges) of some conversations."""
        rng, dice = self.text.numpy.random.default_rng([self.seed, 3, number]), random.Random(f"dataset-1/{self.seed}/{number}")
        lines, held, last, drawn = [], 0, 0, None
        for at in range(PART_CONVERSATIONS):
            drawn = self.changed(rng, drawn) if at and rng.random() < 0.05 else self.drawn(rng)
            turns = [Turn(role, [self.said((words, stops)).strip()], [call] if call else []) for role, words, stops, call in drawn]
            dialect = dice.choice(["openai", "openai", "anthropic", "gemini"])
            made = Conversation(f"d{number}-{at}", dialect, dice.choice(MODELS[dialect]), dice.choice(TASKS), "production", dice.choice(self.systems), turns)
            records, _ = exchanges(dice, made)
            lines += [(record["started_at_us"], dumped(record)) for record in records]
            size = len(made.system.encode())
            for turn in turns:
                size += len(turn.text.encode()) + sum(len(name.encode()) + len(arguments.encode()) for name, arguments in turn.calls)
                if turn.role == "assistant":
                    held, last = held + size, size if turn is turns[-1] else last
            lines[-1] += (last,)
        rows = sum(line[2] for line in lines if len(line) > 2)
        lines.sort()
        return [line[1] for line in lines], held, rows


traffic = None


def start_traffic(seed):
    global traffic
    traffic = Traffic(seed)


def made_part(number):
    return traffic.part(number)


def make(args):
    os.makedirs(args.folder, exist_ok=True)
    said = {"exchanges": 0, "conversations": 0, "text_bytes": 0, "row_text_bytes": 0, "record_bytes": 0, "parts": 0}
    number, out = 0, None
    with multiprocessing.Pool(args.threads, start_traffic, (args.seed,)) as pool:
        while said["text_bytes"] < args.mb * 1_000_000:
            for lines, held, rows in pool.map(made_part, range(number, number + args.threads), chunksize=1):
                if said["text_bytes"] >= args.mb * 1_000_000:
                    break
                if out is None or out.tell() > 64_000_000:
                    said["parts"] += 1
                    out = open(os.path.join(args.folder, f"part.{said['parts']}"), "wb")
                for line in lines:
                    said["record_bytes"] += out.write(line.encode() + b"\n")
                said["exchanges"] += len(lines)
                said["conversations"] += PART_CONVERSATIONS
                said["text_bytes"] += held
                said["row_text_bytes"] += rows
            number += args.threads
    out.close()
    with open(os.path.join(args.folder, "made.json"), "w") as file:
        json.dump(said, file)
    print(json.dumps(said))
    return 0


def parse(args):
    """The yardstick: JSON of record, request and whole answer, once; streams are split into events."""
    texts = 0
    for part in range(1, args.parts + 1):
        with open(os.path.join(args.folder, f"part.{part}"), "rb") as file:
            for line in file:
                record = json.loads(line)
                texts += len(json.loads(record["request_body"]))
                answer = record["response_body"]
                if record["response_stream"]:
                    texts += sum(len(json.loads(event[6:])) for event in answer.split("\n") if event.startswith("data: {"))
                else:
                    texts += len(json.loads(answer))
    print(texts)
    return 0


def time_build(args):
    with open(os.path.join(args.folder, "made.json")) as file:
        made = json.load(file)
    size, out, log = made["text_bytes"] / 1e6, os.path.join(args.folder, "set"), os.path.join(args.folder, "log")
    print(f"\n{made['exchanges']} exchanges of {made['conversations']} conversations, {made['record_bytes'] / 1e6:.0f} MB of record lines, {size:.0f} MB of canonical text, "
          f"of which {made['row_text_bytes'] / 1e6:.0f} MB in last exchanges\n")
    print("| step | s | CPU s | MB of canonical text a second | memory MB |\n|---|---:|---:|---:|---:|", flush=True)
    steps = [
        ("yardstick: JSON parsed once, by Python", [sys.executable, os.path.abspath(__file__), "parse", "--parts", str(made["parts"]), args.folder]),
        ("yardstick: `weir segment cat`", [args.weir, "segment", "cat", "--data", args.data]),
        ("`weir index`", [args.weir, "index", "--data", args.data]),
        ("`weir dataset build`", [args.weir, "dataset", "build", "--name", "speed", "--data", args.data, "--out", out, "--json"])]
    for name, command in steps:
        seconds, cpu, most = measured(command, os.devnull if "cat" in command else log)
        print(f"| {name} | {seconds:.1f} | {cpu:.1f} | {size / seconds:.1f} | {most:.0f} |", flush=True)
    with open(log) as file:
        said = json.loads(file.read().strip().splitlines()[-1])
    written = sum(os.path.getsize(os.path.join(out, name)) for name in os.listdir(out))
    print(f"\n{said['train_rows']} training rows, {said['eval_rows']} eval rows, {written / 1e6:.0f} MB written; dropped: {json.dumps(said['drops'])}")
    fast, small = size / seconds > WANTED_MB_S, most <= WANTED_MB
    print(f"dataset build: {size / seconds:.1f} MB/s of canonical text (at least {WANTED_MB_S}: {'met' if fast else 'MISSED'}), "
          f"{made['row_text_bytes'] / 1e6 / seconds:.1f} MB/s of what is in rows; memory {most:.0f} MB (at most {WANTED_MB}: {'met' if small else 'MISSED'})")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    maker = verbs.add_parser("make")
    maker.add_argument("--mb", type=int, required=True)
    maker.add_argument("--seed", type=int, default=1)
    maker.add_argument("--threads", type=int, default=2)
    parser_ = verbs.add_parser("parse")
    parser_.add_argument("--parts", type=int, required=True)
    timer = verbs.add_parser("time")
    timer.add_argument("--weir", required=True)
    timer.add_argument("--data", required=True)
    for verb in (maker, parser_, timer):
        verb.add_argument("folder")
    args = parser.parse_args()
    return {"make": make, "parse": parse, "time": time_build}[args.verb](args)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
