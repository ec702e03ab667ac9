#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares facts with what is known of the recorded exchanges, per API and field, and names each miss.

  compare_by_api.py --expected expected.jsonl --facts facts.jsonl [--kinds a,b] [--passes 2] [--least 100]
                    [--exceptions corpus_exceptions.json]
  compare_by_api.py --select expected.jsonl --kinds a,b       (prints the lines of these APIs)

"right" counts every exchange, and an unknown value must be unknown on both sides; "reported" counts those whose
provider reported the value. A value that --exceptions argues for, with its reason, is right. Without --kinds every API is
compared. Exit 1 when a field of an API is right less often than --least per cent, when an exchange was captured fewer than
--passes times, or when a fact is of no known exchange.
"""

import argparse
import json
import os
import sys
from collections import Counter, defaultdict

PLAIN = ("status", "model_requested", "model_responded", "stream", "finish_reason", "tool_calls")
USAGE = (
    "input_total", "input_uncached", "input_cached", "cache_write_total", "cache_write_5m", "cache_write_1h",
    "output_total", "output_visible", "output_reasoning", "input_audio", "output_audio", "input_image", "output_image",
    "tool_use_prompt",
)
TOTAL = "total_reported"


def lines(path):
    """The JSON objects of a file, one a line; a broken line ends the program with its number."""
    with open(path, encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            if not text.strip():
                continue
            try:
                yield json.loads(text)
            except ValueError as error:
                sys.exit(f"{path}:{number}: not a JSON object: {error}")


def wanted(exchange, field):
    """What the recording says."""
    if field == "stream":
        return exchange["stream_actual"]
    if field in USAGE or field == TOTAL:
        return exchange["tokens"].get(field)
    value = exchange.get(field)
    # Some recorders write enumerations as numbers; a finish reason is a name.
    return str(value) if field == "finish_reason" and isinstance(value, int) else value


def got(fact, field):
    """What we say."""
    if field in USAGE or field == TOTAL:
        return (fact.get("usage") or {}).get(field)
    return fact.get(field)


def same(want, have):
    """Equal in value and in kind: true is not 1, unknown is not 0."""
    return want == have and isinstance(want, bool) == isinstance(have, bool)


def text(value):
    """A value as the list of exceptions writes it."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def argued_for(exceptions, identity, field, want, have):
    """Whether the list argues for exactly this difference."""
    found = exceptions.get((identity, field))
    return found is not None and found["want"] == text(want) and found["got"] == text(have)


def compared(facts):
    """The fields that facts have: the provider's own total only where facts keep it."""
    keeps = any(TOTAL in (fact.get("usage") or {}) for listed in facts.values() for fact in listed)
    return PLAIN + USAGE + ((TOTAL,) if keeps else ())


def tally(expected, facts, exceptions):
    """Counts per API and field, and the misses with how often each happened."""
    right, total, reported_right, reported = Counter(), Counter(), Counter(), Counter()
    misses = Counter()
    fields = compared(facts)
    for identity, exchange in expected.items():
        for fact in facts[identity]:
            for field in fields:
                key = (exchange["api_kind"], field)
                want, have = wanted(exchange, field), got(fact, field)
                hit = same(want, have) or argued_for(exceptions, identity, field, want, have)
                total[key] += 1
                right[key] += hit
                if want is not None:
                    reported[key] += 1
                    reported_right[key] += hit
                if not hit:
                    misses[(exchange["api_kind"], field, identity, exchange["provider"], repr(want), repr(have))] += 1
    return right, total, reported_right, reported, misses


def percent(part, whole):
    return f"{100 * part / whole:.2f}" if whole else "-"


def show(kinds, right, total, reported_right, reported, least):
    """Prints the table; returns the fields below the limit."""
    low = []
    print(f"{'api':20} {'field':18} {'right':>6} {'total':>6} {'%':>7}   {'reported':>13} {'%':>7}")
    for kind in kinds:
        for field in PLAIN + USAGE + (TOTAL,):
            key = (kind, field)
            if not total[key]:
                continue
            below = 100 * right[key] < least * total[key]
            if below:
                low.append(f"{kind} {field}")
            of = f"{reported_right[key]}/{reported[key]}"
            print(
                f"{kind:20} {field:18} {right[key]:6} {total[key]:6} {percent(right[key], total[key]):>7}"
                f"   {of:>13} {percent(reported_right[key], reported[key]):>7}{'   LOW' if below else ''}")
    return low


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--expected")
    parser.add_argument("--facts")
    parser.add_argument("--select")
    parser.add_argument("--kinds", default="all")
    parser.add_argument("--exceptions")
    parser.add_argument("--passes", type=int, default=1)
    parser.add_argument("--least", type=float, default=100)
    options = parser.parse_args()
    kinds = options.kinds.split(",")
    if options.kinds == "all":
        kinds = sorted({exchange["api_kind"] for exchange in lines(options.select or options.expected or os.devnull)})
    if options.select:
        for exchange in lines(options.select):
            if exchange["api_kind"] in kinds:
                print(json.dumps(exchange))
        return 0
    if not options.expected or not options.facts:
        parser.error("--expected and --facts are needed")

    expected = {exchange["id"]: exchange for exchange in lines(options.expected) if exchange["api_kind"] in kinds}
    facts, strays = defaultdict(list), 0
    for fact in lines(options.facts):
        identity = (fact.get("metadata") or {}).get("replay-id")
        if identity in expected:
            facts[identity].append(fact)
        else:
            strays += 1
    short = [identity for identity in expected if len(facts[identity]) < options.passes]
    over = [identity for identity in expected if len(facts[identity]) > options.passes]
    exceptions = {}
    if options.exceptions:
        with open(options.exceptions, encoding="utf-8") as file:
            exceptions = {(one["id"], one["field"]): one for one in json.load(file)}
    right, total, reported_right, reported, misses = tally(expected, facts, exceptions)
    low = show(kinds, right, total, reported_right, reported, options.least)

    print(f"\n{len(misses)} different misses")
    for (kind, field, identity, provider, want, have), count in sorted(misses.items()):
        print(f"  {kind} {field}: {identity} ({provider}) want {want} got {have}" + (f" x{count}" if count > 1 else ""))
    print(
        f"\n{sum(map(len, facts.values()))} facts of {len(expected)} exchanges x {options.passes}: {len(short)} exchanges with"
        f" too few, {len(over)} with too many, {strays} facts of no known exchange")
    for identity in short[:20]:
        print(f"  too few: {identity} {expected[identity]['api_kind']} ({expected[identity]['provider']})")
    if low:
        print(f"below {options.least:g} %: " + ", ".join(low))
    return 1 if low or short or over or strays else 0


if __name__ == "__main__":
    sys.exit(main())
