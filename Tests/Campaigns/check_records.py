#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds records of replayed traffic against what was replayed: outcome, status and bodies, also of answers that were cut.

    check_records.py --corpus DIR --expect COUNT < records.jsonl

Each record names its exchange (metadata) and how its answer was served (the replay's option header). An answer that was cut
must be recorded as upstream_failed with the bytes up to the cut, any other as completed with all of them. A credential is
masked wherever it recurs (some recordings have a placeholder for one in their query). Prints one table, names each miss, exits
1 where there is one or where the records are not COUNT.
"""
import argparse
import base64
import json
import os
import sys
import urllib.parse
from collections import Counter, defaultdict


def recorded(record, side):
    text = record[side + "_body"]
    if text is None:
        return b""
    return base64.b64decode(text) if record[side + "_body_encoding"] == "base64" else text.encode("utf-8", "surrogatepass")


def masked(exchange, body):
    """A body as it may be recorded: the request's own credential starred out."""
    for credential in urllib.parse.parse_qs(exchange["query"]).get("key", []):
        body = body.replace(credential.encode(), b"*" * len(credential))
    return body


def served(replay, record, exchange):
    """The options of the replay, the decoded answer, and whether it was cut."""
    options = next((value for name, value in record["request_headers"] if name.lower() == "x-replay-opts"), "")
    opts = replay.parse_opts(options)
    whole = replay.final_body(exchange, opts)
    bodiless = exchange["method"] == "HEAD" or exchange["status"] in (204, 304)
    return options, opts, whole, not bodiless and 0 <= opts["cut"] < len(whole)


def misses(replay, record, exchange):
    """What is wrong with a record, and the variant it belongs to."""
    options, opts, whole, cut = served(replay, record, exchange)
    # The end of such an answer is the end of its connection: closed early, it looks whole to everyone.
    hidden = cut and opts["te"] == "close" and opts["cutmode"] == "fin"
    wanted = "upstream_failed" if cut and not hidden else "completed"
    found = []
    if record["outcome"] != wanted:
        found.append(f"outcome {record['outcome']} instead of {wanted}")
    if record["status"] != exchange["status"]:
        found.append(f"status {record['status']} instead of {exchange['status']}")
    if record["request_body_kept"] == "full" and recorded(record, "request") != masked(exchange, replay.body(exchange, "request")):
        found.append("another request body")
    if record["response_body_kept"] != "full":
        found.append("response body kept: " + record["response_body_kept"])
        return options, cut, found
    body = recorded(record, "response")
    sent = masked(exchange, whole[:opts["cut"]] if cut else whole)
    if record["response_content_coding"] and cut:
        # What a decoder makes of a broken frame is up to it: a beginning of the answer, or the bytes as they came.
        if not masked(exchange, whole).startswith(body) and len(body) != record["response_body_bytes"]:
            found.append("coded answer is no beginning of what was sent")
    elif cut and opts["cutmode"] == "rst":
        if not sent.startswith(body):
            found.append("answer is no beginning of what was sent")
    elif body != sent:
        found.append(f"answer differs ({len(body)} bytes, {len(sent)} sent)")
    return options, cut, found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--expect", type=int, required=True)
    args = parser.parse_args()
    sys.path.insert(0, args.corpus)
    import replaylib as replay

    exchanges = replay.load(os.path.join(args.corpus, "exchanges.jsonl"))
    rows, wrong, examples, strays = defaultdict(Counter), Counter(), {}, 0
    for line in sys.stdin:
        record = json.loads(line)
        exchange = exchanges.get((record["metadata"] or {}).get("replay-id"))
        if exchange is None:
            strays += 1
            continue
        options, cut, found = misses(replay, record, exchange)
        row = rows[options or "as recorded"]
        row["records"] += 1
        row["cut"] += cut
        row[record["outcome"]] += 1
        row["wrong"] += bool(found)
        for what in found:
            wrong[(options, exchange["api_kind"], what)] += 1
            examples.setdefault((options, exchange["api_kind"], what), record["metadata"]["replay-id"])
    count = sum(row["records"] for row in rows.values()) + strays
    print("| variant | records | cut | completed | upstream_failed | other | wrong |\n|---|---:|---:|---:|---:|---:|---:|")
    for options, row in rows.items():
        other = row["records"] - row["completed"] - row["upstream_failed"]
        print(f"| {options} | {row['records']} | {row['cut']} | {row['completed']} | {row['upstream_failed']} | {other} | {row['wrong']} |")
    for key, times in wrong.most_common(40):
        print(f"  {key[0]} {key[1]}: {key[2]} x{times}, for instance {examples[key]}")
    print(f"\n{count} records of {args.expect} exchanges, {strays} of no known exchange, {sum(row['wrong'] for row in rows.values())} wrong")
    return 1 if wrong or strays or count != args.expect else 0


if __name__ == "__main__":
    sys.exit(main())
