#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What share of training rows is near an eval row (G3) under the ways to split that others have, over record lines.

    split_headline.py RECORDS [--names FILE] [--percent 10] [--salt headline] [--json]

RECORDS are record lines of Weir, or exchanges of the corpus (`exchanges.jsonl`). A row is an exchange that ended well: its prompt and its
answer. Conversations are those of RECORDS.plants or of --names (a name a line, RECORDS.keys is found by itself); where there is neither, exchanges
that share a node (G2). Under every rule the eval rows with under 20 tokens in a view are left out, as they would be.
"""
import argparse
import hashlib
import json
import os
import sys
from collections import defaultdict

import canonical_json
import separation_rows
import separation_terms as terms
from separation_terms import Turn


def events(body):
    for line in body.splitlines():
        if line.startswith("data:") and line[5:].strip() not in ("", "[DONE]"):
            yield json.loads(line[5:])


def openai_stream(body):
    text, calls = "", {}
    for event in events(body):
        for choice in (event.get("choices") or [])[:1]:
            delta = choice.get("delta") or {}
            text += delta.get("content") or ""
            for piece in delta.get("tool_calls") or []:
                call = calls.setdefault(piece.get("index", len(calls)), {"name": "", "arguments": ""})
                said = piece.get("function") or {}
                call["name"] = said.get("name") or call["name"]
                call["arguments"] += said.get("arguments") or ""
    return [Turn("assistant", [text] if text else [], [(call["name"], call["arguments"]) for call in calls.values()])]


def anthropic_stream(body):
    blocks = {}
    for event in events(body):
        block = blocks.setdefault(event.get("index"), {"text": "", "json": ""})
        if event["type"] == "content_block_start":
            block.update(event["content_block"])
        delta = event.get("delta") or {}
        block["text"] = (block.get("text") or "") + (delta.get("text") or "")
        block["json"] += delta.get("partial_json") or ""
    turn = Turn("assistant")
    for block in blocks.values():
        if block.get("type") == "text":
            turn.texts.append(block["text"])
        elif block.get("type") == "tool_use":
            turn.calls.append((block["name"], block["json"] or "{}"))
    return [turn]


def answer(api, body):
    """The turns of an answer; none of a stream that is not put together here."""
    if body.lstrip()[:1] in ("{", "["):
        value = canonical_json.parse(body)
        return separation_rows.response(value) if isinstance(value, dict) else []
    if api == "openai-chat":
        return openai_stream(body)
    return anthropic_stream(body) if api == "anthropic-messages" else []


def rows_of_records(path, skipped=None):
    """(id, turns) of each exchange that ended well and can be read."""
    with open(path, "rb") as file:
        for number, line in enumerate(file):
            record = json.loads(line)
            api = record.get("api", record.get("api_kind"))
            try:
                if record["status"] != 200 or record.get("outcome", "completed") != "completed":
                    raise separation_rows.BadRow("did not end well")
                asked = separation_rows.request(canonical_json.parse(record["request_body"] or ""))
                if not asked:
                    raise separation_rows.BadRow("no turns")
                yield record.get("id", f"line {number}"), asked + answer(api, record["response_body"] or "")
            except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
                if skipped is not None:
                    skipped.append(f"{type(error).__name__}: {error}"[:60])


class Exchange:
    def __init__(self, identity, turns):
        self.identity = identity
        self.links, self.nodes = terms.chain(turns), terms.nodes(turns)
        self.views = {"prompt": terms.prompt_view(turns), "first": terms.first_view(turns)}
        self.shingles = {name: terms.shingles(view) for name, view in self.views.items()}
        self.first = next((terms.n1(turn.text) for turn in turns if turn.role == "user"), "")

    @property
    def is_short(self):
        return min(map(len, self.views.values())) < terms.LEAST_EVAL_TOKENS


def read_names(path, names):
    """Conversation by id, or by line."""
    if names is None and os.path.exists(path + ".plants"):
        with open(path + ".plants", encoding="utf-8") as file:
            said = [one for one in map(json.loads, file) if "conversation" in one]
        return {identity: one["conversation"] for one in said for identity in one["records"]}
    names = names or (path + ".keys" if os.path.exists(path + ".keys") else None)
    if names is None:
        return None
    with open(path, "rb") as file, open(names, encoding="utf-8") as keys:
        return {json.loads(line).get("id"): key.strip() for line, key in zip(file, keys)}


def joined(rows):
    """The least id of those that are joined by nodes in common, by id."""
    root = {row.identity: row.identity for row in rows}

    def find(identity):
        while root[identity] != identity:
            root[identity] = root[root[identity]]
            identity = root[identity]
        return identity

    seen = {}
    for row in rows:
        for node in row.nodes:
            one, other = find(row.identity), find(seen.setdefault(node, row.identity))
            root[max(one, other)] = min(one, other)
    return {identity: find(identity) for identity in root}


def last_ones(rows):
    """Rows whose whole chain no other row goes on from; of equal ones the one with the least id."""
    passed = {link for row in rows for link in row.links[1:-1]}
    least = {}
    for row in rows:
        least[row.links[-1]] = min(least.get(row.links[-1], row.identity), row.identity)
    return [row for row in rows if row.links[-1] not in passed and least[row.links[-1]] == row.identity]


def near(train, evals):
    """How many training rows are near an eval row, exactly."""
    places = {view: defaultdict(list) for view in ("prompt", "first")}
    for at, row in enumerate(evals):
        for view, index in places.items():
            for shingle in row.shingles[view]:
                index[shingle].append(at)
    count = 0
    for row in train:
        count += any(is_near(row, evals, view, index) for view, index in places.items())
    return count


def is_near(row, evals, view, index):
    shared = defaultdict(int)
    for shingle in row.shingles[view]:
        for at in index.get(shingle, ()):
            shared[at] += 1
    return any(2 * both >= min(len(row.shingles[view]), len(evals[at].shingles[view])) for at, both in shared.items())


def measure(rows, key, percent, salt):
    """One split: the key of a row decides its side."""
    bar = percent * 2 ** 64 // 100
    sides = {True: [], False: []}
    for row in rows:
        value = hashlib.sha256(salt.encode() + b"\0" + key(row).encode()).digest()
        sides[int.from_bytes(value[:8], "big") < bar].append(row)
    evals, train = [row for row in sides[True] if not row.is_short], sides[False]
    leaking = near(train, evals)
    return {"eval": len(evals), "train": len(train), "near": leaking, "share": round(leaking / len(train), 4) if train else None}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records")
    parser.add_argument("--names")
    parser.add_argument("--percent", type=int, default=10)
    parser.add_argument("--salt", default="headline")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    skipped = []
    rows = [Exchange(identity, turns) for identity, turns in rows_of_records(args.records, skipped)]
    names, chains = read_names(args.records, args.names), joined(rows)
    conversation = (lambda row: names[row.identity]) if names else (lambda row: chains[row.identity])
    leaves = last_ones(rows)
    splits = [("each request by its hash", rows, lambda row: row.identity), ("hash of the first user turn", rows, lambda row: row.first),
              ("by conversation", rows, conversation), ("by shared nodes (G2)", rows, lambda row: chains[row.identity]),
              ("by conversation, last request only", leaves, conversation), ("by shared nodes, last request only", leaves, lambda row: chains[row.identity])]
    print_rows(args, rows, skipped, [(name, measure(some, key, args.percent, args.salt)) for name, some, key in splits])
    return 0


def print_rows(args, rows, skipped, measured):
    if args.json:
        for name, said in measured:
            print(json.dumps({"records": os.path.basename(args.records), "split": name, **said}))
        return
    print(f"\n{os.path.basename(args.records)}: {len(rows)} rows, {len(skipped)} exchanges are none\n")
    print("| split | eval rows | training rows | near an eval row | share |\n|---|---:|---:|---:|---:|")
    for name, said in measured:
        print(f"| {name} | {said['eval']} | {said['train']} | {said['near']} | {100 * (said['share'] or 0):.1f} % |")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
