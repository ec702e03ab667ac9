#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The named set `conversations-1` for figures of size and speed: agent and chat conversations as a gateway records them.

    conversations.py OUT --traces DIR [--corpus DIR] [--mb N] [--seed N]

Arrivals, prompt and answer lengths and shared prompt prefixes are those of public traces (Mooncake: one id for each block of a prompt, equal
ids are equal blocks, here 2,048 bytes of text each; Azure: lengths only). Texts are ours, from the seed: prose of a Zipf
vocabulary with recurring phrases, code, tool answers in JSON and listings. OUT gets one record line for each exchange in order of arrival,
OUT.keys the conversation of each line. The same arguments give the same bytes. With --corpus the recorded exchanges of the
corpus are spread among them.
"""
import argparse
import csv
import datetime
import hashlib
import itertools
import json
import os
import random
import sys

VERSION = "conversations-1"
BLOCK_BYTES, TOKEN_BYTES = 2048, 4
STARTED_US = 1_790_000_000_000_000


class Words:
    """A vocabulary with Zipf frequencies, and phrases made of it."""
    SYLLABLES = ("the re in con ver ta ti on al de com pro pre ex ter men ly er est un dis ab sta tion ness for ward log ic sys tem ser vi ce "
                 "re quest an swer tok en mod el can not with out if then each val ue list in put out file name path line code read write").split()

    def __init__(self, rng):
        common = ("the of to and a in is that for it as with was on be by this are or an from at which but not have has were their can will "
                  "you we if all more when no so what about up out into them then other some these two may any only new also should must").split()
        made = {"".join(rng.choice(self.SYLLABLES) for _ in range(rng.choice((1, 2, 2, 2, 3, 3, 4)))) for _ in range(40_000)}
        self.words = common + sorted(made - set(common), key=lambda word: hashlib.md5(word.encode()).digest())[:24_000]
        self.cumulative = list(itertools.accumulate(1 / (rank + 2.7) for rank in range(len(self.words))))
        self.phrases = [" ".join(self.take(rng, rng.randrange(2, 7))) for _ in range(6_000)]
        self.phrase_weights = list(itertools.accumulate(1 / (rank + 8) for rank in range(len(self.phrases))))

    def take(self, rng, count):
        return rng.choices(self.words, cum_weights=self.cumulative, k=count)


class Writer:
    """Texts of some length, each from a seed of its own."""

    def __init__(self, seed):
        rng = random.Random(f"{VERSION}/{seed}")
        self.words, self.seed = Words(rng), seed
        self.idents = ["".join(part.capitalize() for part in self.words.take(rng, rng.randrange(1, 4))) for _ in range(3_000)]
        self.paths = ["/".join(self.words.take(rng, rng.randrange(2, 6))) + rng.choice((".py", ".swift", ".ts", ".md", ".json")) for _ in range(800)]
        self.memory = {}

    def block(self, key):
        """The text of a block: the same for the same key, and then the same object."""
        if key not in self.memory:
            rng = random.Random(f"{self.seed}/{key}")
            self.memory[key] = self.text(rng, BLOCK_BYTES)
        return self.memory[key]

    def text(self, rng, size):
        shape = rng.random()
        make = self.prose if shape < 0.45 else self.code if shape < 0.70 else self.answer if shape < 0.90 else self.listing
        # Words of its own that a passage keeps coming back to.
        topic = self.words.take(rng, 40) + [rng.choice(self.idents) for _ in range(12)]
        parts, held = [], 0
        while held < size:
            parts.append(make(rng, topic))
            held += len(parts[-1])
        return "".join(parts)[:size]

    def prose(self, rng, topic):
        words = []
        for _ in range(rng.randrange(5, 14)):
            kind = rng.random()
            if kind < 0.36:
                words += rng.choices(self.words.phrases, cum_weights=self.words.phrase_weights)
            elif kind < 0.58:
                words.append(rng.choice(topic))
            else:
                words += self.words.take(rng, 2)
        return " ".join(words).capitalize() + rng.choice((". ", ". ", ", ", "; ", ".\n", ".\n\n"))

    def code(self, rng, topic):
        name, other = rng.choice(topic), rng.choice(topic)
        return rng.choice((
            f"def {name.lower()}(self, {other.lower()}, limit={rng.randrange(100)}):\n    if {other.lower()} is None:\n        raise ValueError(\"{name} is missing\")\n",
            f"    {other.lower()} = self.{name.lower()}.get(\"{rng.choice(topic)}\", {rng.randrange(1000)})\n    self.log.debug(\"%s: %d\", {other.lower()}, {rng.randrange(10)})\n",
            f"    for item in {name.lower()}:\n        result.append({{\"{other}\": item, \"count\": {rng.randrange(5000)}}})\n    return result\n\n",
            f"    # {self.prose(rng, topic).strip()}\n",
            f"import {name.lower()}\nfrom {other.lower()} import {rng.choice(topic)}\n"))

    def answer(self, rng, topic):
        rows = [{"id": rng.getrandbits(40), "path": rng.choice(self.paths), "kind": rng.choice(topic), "score": round(rng.random(), 4),
                 "tags": rng.sample(topic, 2)} for _ in range(rng.randrange(2, 6))]
        return json.dumps({"ok": True, "took_ms": rng.randrange(900), "results": rows}) + "\n"

    def listing(self, rng, topic):
        return "".join(f"{rng.choice(self.paths)}:{rng.randrange(900)}: {' '.join(rng.choices(topic, k=rng.randrange(3, 8)))}\n" for _ in range(4))


def arrivals(traces):
    """Requests of all traces by time: (ms, name, blocks, bytes of the last, bytes of the answer, conversation)."""
    found = []
    for name in ("conversation", "synthetic"):
        roots = {}
        with open(os.path.join(traces, f"mooncake_{name}.jsonl")) as file:
            for number, line in enumerate(file):
                row = json.loads(line)
                ids = row["hash_ids"]
                # Who repeats more than the block that all begin with goes on with that conversation.
                known = max((i for i, block in enumerate(ids) if block in roots), default=-1)
                key = roots[ids[known]] if known >= 1 or (known == 0 and name == "synthetic") else f"{name}-{number}"
                for block in ids[1 if name == "conversation" else 0:]:
                    roots.setdefault(block, key)
                last = (row["input_length"] - 512 * (len(ids) - 1)) * TOKEN_BYTES
                found.append((row["timestamp"], name, [f"{name}-{block}" for block in ids], max(16, min(BLOCK_BYTES, last)),
                              row["output_length"] * TOKEN_BYTES, key))
    for name in ("conv", "code"):
        with open(os.path.join(traces, f"azure_{name}_2023.csv")) as file:
            start = None
            for number, row in enumerate(csv.DictReader(file)):
                at = datetime.datetime.fromisoformat(row["TIMESTAMP"][:26]).timestamp() * 1000
                start = at if start is None else start
                size = int(row["ContextTokens"]) * TOKEN_BYTES
                blocks = [f"{name}-{number}-{i}" for i in range(max(1, (size + BLOCK_BYTES - 1) // BLOCK_BYTES))]
                found.append((int(at - start), name, blocks, max(16, size - BLOCK_BYTES * (len(blocks) - 1)), int(row["GeneratedTokens"]) * TOKEN_BYTES,
                              f"{name}-{number}"))
    return found


# Share of the set's bytes by trace, percent.
SHARES = {"synthetic": 50, "conversation": 32, "conv": 9, "code": 9}


def chosen(found, budget, seed):
    """Whole conversations, picked by the hash of their names until each trace has its share, in order of arrival.

    A part of the hour with all of its turns, and not the first minutes of it: what repeats, repeats within the set.
    """
    picked = []
    for name, share in SHARES.items():
        groups = {}
        for item in found:
            if item[1] == name:
                groups.setdefault(item[5], []).append(item)
        held = 0
        for key in sorted(groups, key=lambda key: hashlib.sha256(f"{seed}/{key}".encode()).digest()):
            # What an answer weighs as events, about.
            size = sum(sum(BLOCK_BYTES for _ in item[2]) + item[4] * 15 + 3_000 for item in groups[key])
            if held + size > budget * share // 100 * 1.02:
                continue
            held += size
            picked += groups[key]
            if held >= budget * share // 100:
                break
    picked.sort(key=lambda item: (item[0], item[1], item[5]))
    return picked


def rendered(rng, writer, name, blocks, last, answer_size):
    """(API, request, answer, pieces of it): the blocks become messages, so that equal beginnings are equal bytes."""
    texts = [writer.block(block) for block in blocks[:-1]] + [writer.block(blocks[-1])[:last]]
    answer = writer.text(rng, max(16, answer_size))
    tokens = {"in": sum(map(len, texts)) // TOKEN_BYTES, "out": answer_size // TOKEN_BYTES}
    is_stream = rng.random() < 0.35
    if name in ("synthetic", "code"):
        return anthropic(rng, texts, answer, tokens, is_stream)
    return openai(rng, texts, answer, tokens, is_stream)


def dumped(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def pieces_of(rng, text):
    at = 0
    while at < len(text):
        size = rng.choice((2, 3, 4, 5, 6, 7))
        yield text[at:at + size]
        at += size


def openai(rng, texts, answer, tokens, is_stream):
    roles = itertools.cycle(("user", "assistant"))
    messages = [{"role": "system", "content": texts[0]}] + [{"role": next(roles), "content": text} for text in texts[1:]]
    if len(messages) == 1:
        messages = [{"role": "user", "content": texts[0]}]
    request = {"model": "gpt-4o-mini-2024-07-18", "messages": messages, "temperature": 0.2, "stream": is_stream}
    identity = f"chatcmpl-{rng.getrandbits(128):032x}"
    usage = {"prompt_tokens": tokens["in"], "completion_tokens": tokens["out"], "total_tokens": tokens["in"] + tokens["out"]}
    if not is_stream:
        body = {"id": identity, "object": "chat.completion", "created": 1790000000, "model": "gpt-4o-mini-2024-07-18", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": answer, "refusal": None}, "logprobs": None, "finish_reason": "stop"}], "usage": usage}
        return "openai-chat", dumped(request), [dumped(body)], False
    request["stream_options"] = {"include_usage": True}

    def event(delta, finish=None, **more):
        return "data: " + dumped({"id": identity, "object": "chat.completion.chunk", "created": 1790000000, "model": "gpt-4o-mini-2024-07-18",
                                  "service_tier": "default", "system_fingerprint": "fp_560af6e559",
                                  "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}] if delta is not None else [], **more}) + "\n\n"
    pieces = [event({"role": "assistant", "content": "", "refusal": None})] + [event({"content": piece}) for piece in pieces_of(rng, answer)]
    return "openai-chat", dumped(request), pieces + [event({}, "stop"), event(None, usage=usage), "data: [DONE]\n\n"], True


def anthropic(rng, texts, answer, tokens, is_stream):
    roles = itertools.cycle(("user", "assistant"))
    messages = [{"role": next(roles), "content": [{"type": "text", "text": text}]} for text in texts[1:] or texts]
    request = {"model": "claude-sonnet-4-20250514", "max_tokens": 8192, "stream": is_stream,
               "system": [{"type": "text", "text": texts[0], "cache_control": {"type": "ephemeral"}}], "messages": messages}
    identity = f"msg_{rng.getrandbits(96):024x}"
    head = {"id": identity, "type": "message", "role": "assistant", "model": "claude-sonnet-4-20250514"}
    usage = {"input_tokens": tokens["in"], "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": tokens["out"]}
    if not is_stream:
        return "anthropic-messages", dumped(request), [dumped({**head, "content": [{"type": "text", "text": answer}], "stop_reason": "end_turn",
                                                               "stop_sequence": None, "usage": usage})], False

    def event(kind, value):
        return f"event: {kind}\ndata: {dumped({'type': kind, **value})}\n\n"
    pieces = [event("message_start", {"message": {**head, "content": [], "stop_reason": None, "stop_sequence": None, "usage": {**usage, "output_tokens": 1}}})
              + event("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}})]
    pieces += [event("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": piece}}) for piece in pieces_of(rng, answer + " " * 40)]
    return "anthropic-messages", dumped(request), pieces + [
        event("content_block_stop", {"index": 0}), event("message_delta", {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": tokens["out"]}}),
        event("message_stop", {})], True


def record(rng, api, at_us, request, pieces, is_stream, task):
    """A record line as Weir writes it (formats/record)."""
    provider, path, host = {"openai-chat": ("openai", "/v1/chat/completions", "https://api.openai.com"),
                            "anthropic-messages": ("anthropic", "/v1/messages", "https://api.anthropic.com")}[api]
    millis = at_us // 1000
    identity = f"{millis:012x}7{rng.getrandbits(12):03x}{0x8000 | rng.getrandbits(14):04x}{rng.getrandbits(48):012x}"
    identity = f"{identity[:8]}-{identity[8:12]}-{identity[12:16]}-{identity[16:20]}-{identity[20:]}"
    answer, chunks, clock, offset = "".join(pieces), [], 400_000 + rng.randrange(400_000), 0
    first = clock
    for piece in pieces:
        # Events that come close together arrive in one read.
        if not chunks or rng.random() < 0.5:
            chunks.append([offset, clock])
        offset += len(piece.encode())
        clock += rng.randrange(2_000, 30_000)
    sent, last = rng.randrange(150, 900), chunks[-1][1]
    body_bytes, answer_bytes = len(request.encode()), len(answer.encode())
    request_headers = [["Host", "gateway.internal:8080"], ["Accept", "application/json"], ["Accept-Encoding", "identity"], ["Authorization", "Bearer [redacted]"],
                       ["Content-Type", "application/json"], ["User-Agent", "OpenAI/Python 1.99.0" if provider == "openai" else "Anthropic/Python 0.71.0"],
                       ["X-Stainless-Lang", "python"], ["X-Stainless-OS", "Linux"], ["X-Stainless-Arch", "x64"], ["X-Stainless-Retry-Count", "0"],
                       ["x-inference-task-id", task], ["x-inference-environment", "production"], ["Content-Length", str(body_bytes)]]
    response_headers = [["Date", "Sun, 22 Nov 2026 18:00:00 GMT"], ["Content-Type", "text/event-stream; charset=utf-8" if is_stream else "application/json"],
                        ["openai-processing-ms" if provider == "openai" else "anthropic-organization-id", str(rng.randrange(200, 4000))],
                        ["x-request-id", f"req_{rng.getrandbits(128):032x}"], ["x-ratelimit-remaining-tokens", str(rng.randrange(150_000))],
                        ["CF-RAY", f"{rng.getrandbits(64):016x}-FRA"], ["Transfer-Encoding", "chunked"]]
    url = host + path
    return {
        "v": 1, "id": identity, "node": "gateway-1", "started_at_us": at_us, "environment": "production", "task": task, "metadata": {},
        "key_id": "5d0c1a7be4f2", "trace_id": None, "parent_span_id": None, "client_request_id": None, "provider": provider, "deployment": None,
        "api": api, "method": "POST", "path": path, "query": "", "upstream_url": url, "status": 200, "outcome": "completed", "error_source": None,
        "error_code": None,
        "attempts": [{"n": 1, "deployment": None, "upstream_url": url, "started_us": 60, "connected_us": 61, "request_sent_us": sent, "first_byte_us": first,
                      "ended_us": last + 40, "status": 200, "outcome": "completed", "retry_reason": None}],
        "request_received_us": sent - 40, "upstream_sent_us": sent, "first_byte_us": first, "last_byte_us": last, "ended_us": last + 50,
        "request_headers": request_headers, "response_headers": response_headers, "request_body": request, "response_body": answer,
        "request_body_encoding": "utf8", "response_body_encoding": "utf8", "request_body_bytes": body_bytes, "response_body_bytes": answer_bytes,
        "request_content_coding": None, "response_content_coding": None, "request_body_kept": "full", "response_body_kept": "full",
        "request_body_sha256": None, "response_body_sha256": None, "response_stream": is_stream, "response_chunks": chunks[:4096]}


def corpus_records(folder, writer_seed):
    """The recorded exchanges of the corpus as records; the API families that are not read are left opaque."""
    rng = random.Random(f"{VERSION}/corpus/{writer_seed}")
    apis = {"openai-chat", "openai-responses", "openai-embeddings", "anthropic-messages"}
    with open(os.path.join(folder, "exchanges.jsonl")) as file:
        for line in file:
            row = json.loads(line)
            if "text" not in (row["request_body_encoding"], "text") or row["response_body_encoding"] != "text":
                continue
            request, answer = row["request_body"] or "", row["response_body"] or ""
            made = record(rng, "openai-chat", 0, request, [piece + "\n\n" for piece in answer.split("\n\n")] if row["is_stream"] else [answer], row["is_stream"], "corpus")
            made.update(provider=row["provider"], api=row["api_kind"] if row["api_kind"] in apis else None, method=row["method"], path=row["path"],
                        query="", status=row["status"], response_body=answer, response_body_bytes=len(answer.encode()),
                        upstream_url=f"https://{row['provider_host']}{row['path']}",
                        request_headers=row["request_headers"], response_headers=row["response_headers"])
            yield made, "corpus-" + row["source_path"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--traces", required=True)
    parser.add_argument("--corpus")
    parser.add_argument("--mb", type=int, default=96)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    writer, rng = Writer(args.seed), random.Random(f"{VERSION}/{args.seed}/records")
    corpus = list(corpus_records(args.corpus, args.seed)) if args.corpus else []
    plan = chosen(arrivals(args.traces), (args.mb << 20) - sum(len(dumped(made)) for made, _ in corpus), args.seed)
    every = max(1, len(plan) // max(1, len(corpus)))
    written = count = 0
    with open(args.out, "w") as out, open(args.out + ".keys", "w") as keys:

        def put(made, key):
            nonlocal written, count
            line = dumped(made) + "\n"
            out.write(line)
            keys.write(key + "\n")
            written += len(line.encode())
            count += 1

        for number, (millis, name, blocks, last, answer_size, key) in enumerate(plan):
            at_us = STARTED_US + millis * 1000 + number % 1000
            api, request, pieces, is_stream = rendered(rng, writer, name, blocks, last, answer_size)
            put(record(rng, api, at_us, request, pieces, is_stream, {"conversation": "assistant", "synthetic": "agent", "conv": "chat", "code": "completion"}[name]), key)
            if corpus and number % every == 0:
                made, corpus_key = corpus.pop()
                made["started_at_us"] = at_us
                put(made, corpus_key)
        while corpus:  # the rest of it, so that all of it is in the set
            made, corpus_key = corpus.pop()
            made["started_at_us"] = at_us
            put(made, corpus_key)
    with open(args.out, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    print(f"{VERSION}: {count} records, {written} bytes, sha256 {digest[:16]}", file=sys.stderr)


if __name__ == "__main__":
    main()
