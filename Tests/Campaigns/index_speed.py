# SPDX-License-Identifier: Apache-2.0
"""Speed of `weir index` over segments, against DuckDB on the same lines, one thread each, in one run.

    index_speed.py make --count N --bytes N --seed N FILE     record lines, a request and an answer of BYTES together
    index_speed.py time --weir PROGRAM --rounds N FOLDER...   FOLDER.ndjson are the lines that FOLDER was made of

Of four exchanges one is a plain OpenAI chat, two are streams of it, one is a stream of Anthropic's. An index is made anew in each
round; CPU is that of the whole process. DuckDB reads the lines from a file that is not compressed, takes model and tokens of the
plain answers out of the bodies and sums them by model: less than an index needs. Exit 1 where tokens of plain answers differ.
"""
import argparse
import json
import os
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import time

import duckdb

WANTED_A_SECOND, WANTED_MB_A_SECOND = 20_000, 150
STARTED_US = 1_795_000_000_000_000


def words(draw, count):
    letters = "etaoinshrdlucmfw"
    known = ["".join(draw.choices(letters, k=draw.randint(2, 9))) for _ in range(4_000)]
    return [draw.choice(known) for _ in range(count)]


class Maker:
    def __init__(self, seed):
        self.draw = random.Random(seed)
        self.pool = words(self.draw, 200_000)

    def text(self, size):
        first = self.draw.randrange(len(self.pool))
        taken, length = [], 0
        while length < size:
            word = self.pool[(first + len(taken)) % len(self.pool)]
            taken.append(word)
            length += len(word) + 1
        return " ".join(taken)[:size]

    def compact(self, value):
        return json.dumps(value, separators=(",", ":"))

    def openai_usage(self):
        given, made = self.draw.randint(100, 2_000), self.draw.randint(10, 800)
        return {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made,
                "prompt_tokens_details": {"cached_tokens": given // 3, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": made // 5, "audio_tokens": 0, "accepted_prediction_tokens": 0,
                                              "rejected_prediction_tokens": 0}}

    def openai(self, i, size, stream):
        model = self.draw.choice(["gpt-4o-mini", "gpt-4o", "gpt-5-mini"])
        asked = size * (5 if size > 10_000 else 1) // (6 if size > 10_000 else 2)
        request = {"model": model, "messages": [{"role": "system", "content": "You are helpful."},
                                                {"role": "user", "content": self.text(max(10, asked - 150))}], "temperature": 0.2}
        shared = {"id": f"chatcmpl-{i}", "created": 1_795_000_000, "model": model + "-2026-08-01", "service_tier": "default"}
        left = max(10, size - asked - 500)
        if not stream:
            answer = {**shared, "object": "chat.completion", "choices": [
                {"index": 0, "message": {"role": "assistant", "content": self.text(left), "refusal": None}, "logprobs": None,
                 "finish_reason": "stop"}], "usage": self.openai_usage()}
            return "openai", "openai-chat", "/v1/chat/completions", request, self.compact(answer)
        request.update(stream=True, stream_options={"include_usage": True})
        events = []
        for piece in self.pieces(left, 200):
            events.append({**shared, "object": "chat.completion.chunk", "choices": [
                {"index": 0, "delta": {"content": piece}, "logprobs": None, "finish_reason": None}], "usage": None})
        events.append({**shared, "object": "chat.completion.chunk", "choices": [
            {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}], "usage": None})
        events.append({**shared, "object": "chat.completion.chunk", "choices": [], "usage": self.openai_usage()})
        answer = "".join(f"data: {self.compact(event)}\n\n" for event in events) + "data: [DONE]\n\n"
        return "openai", "openai-chat", "/v1/chat/completions", request, answer

    def anthropic(self, i, size):
        model = self.draw.choice(["claude-sonnet-4-5", "claude-haiku-4-5"])
        asked = size * (5 if size > 10_000 else 1) // (6 if size > 10_000 else 2)
        request = {"model": model, "max_tokens": 1_024, "stream": True, "system": "You are helpful.",
                   "messages": [{"role": "user", "content": self.text(max(10, asked - 150))}]}
        given, made = self.draw.randint(100, 2_000), self.draw.randint(10, 800)
        events = [("message_start", {"type": "message_start", "message": {
            "id": f"msg_{i}", "type": "message", "role": "assistant", "model": model + "-20260801", "content": [],
            "stop_reason": None, "stop_sequence": None,
            "usage": {"input_tokens": given, "cache_creation_input_tokens": 0, "cache_read_input_tokens": given // 2,
                      "output_tokens": 1}}}),
            ("content_block_start", {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})]
        for piece in self.pieces(max(10, size - asked - 800), 120):
            events.append(("content_block_delta", {"type": "content_block_delta", "index": 0,
                                                   "delta": {"type": "text_delta", "text": piece}}))
        events += [("content_block_stop", {"type": "content_block_stop", "index": 0}),
                   ("message_delta", {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                                      "usage": {"output_tokens": made}}), ("message_stop", {"type": "message_stop"})]
        answer = "".join(f"event: {name}\ndata: {self.compact(event)}\n\n" for name, event in events)
        return "anthropic", "anthropic-messages", "/v1/messages", request, answer

    def pieces(self, size, envelope):
        """Pieces of a word or two, as many as leave their stream about so long."""
        count = max(1, size // (envelope + 10))
        text = self.text(count * 10)
        return [text[at:at + 10] for at in range(0, len(text), 10)]

    def record(self, i, size):
        kind = i % 4
        provider, api, path, request, answer = self.anthropic(i, size) if kind == 3 else self.openai(i, size, kind != 0)
        body = self.compact(request)
        stream = kind != 0
        breaks = [at + 2 for at in range(len(answer)) if stream and answer.startswith("\n\n", at)]
        starts = [0] + [at for at in breaks if at < len(answer)]
        step = 700_000 // len(starts)
        chunks = [[at, 300_000 + n * step] for n, at in enumerate(starts)] if stream else []
        return {
            "v": 1, "id": f"{(STARTED_US + i * 1_000) // 1_000 >> 16:08x}-{(STARTED_US + i * 1_000) // 1_000 & 0xFFFF:04x}-7287-b4f9-{i:012x}",
            "node": "g", "started_at_us": STARTED_US + i * 1_000, "environment": "production", "task": f"t{i % 20}",
            "metadata": {"team": f"team-{i % 12}"}, "key_id": None, "trace_id": None, "parent_span_id": None,
            "client_request_id": None, "provider": provider, "deployment": None, "api": api, "method": "POST", "path": path,
            "query": "", "upstream_url": f"https://api.{provider}.com{path}", "status": 200, "outcome": "completed",
            "error_source": None, "error_code": None, "attempts": [
                {"n": 1, "deployment": None, "upstream_url": f"https://api.{provider}.com{path}", "started_us": 140,
                 "connected_us": None, "request_sent_us": 170, "first_byte_us": 300_000, "ended_us": 1_000_000, "status": 200,
                 "outcome": "completed", "retry_reason": None}], "request_received_us": 130, "upstream_sent_us": 170,
            "first_byte_us": 300_000, "last_byte_us": 1_000_000, "ended_us": 1_000_050,
            "request_headers": [["content-type", "application/json"], ["accept", "*/*"]],
            "response_headers": [["content-type", "text/event-stream" if stream else "application/json"], ["x-request-id", f"req_{i}"]],
            "request_body": body, "response_body": answer, "request_body_encoding": "utf8", "response_body_encoding": "utf8",
            "request_content_coding": None, "response_content_coding": None, "request_body_kept": "full",
            "response_body_kept": "full", "request_body_bytes": len(body), "response_body_bytes": len(answer),
            "request_body_sha256": None, "response_body_sha256": None, "response_stream": stream, "response_chunks": chunks,
        }


def make(args):
    maker = Maker(args.seed)
    with open(args.file, "w") as file:
        for i in range(args.count):
            file.write(maker.compact(maker.record(i, args.bytes)) + "\n")


def cpu_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def index(weir, folder):
    for name in os.listdir(folder):
        if name.startswith("index"):
            os.remove(os.path.join(folder, name))
    began, cpu = time.perf_counter(), cpu_of_children()
    done = subprocess.run([weir, "index", "--data", folder, "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"weir index: {done.stderr.strip()[-500:]}")
    return time.perf_counter() - began, cpu_of_children() - cpu


def duck(lines):
    db = duckdb.connect()
    db.execute("SET threads = 1")
    began = time.perf_counter()
    rows = db.execute(
        f"""
        SELECT model, count(*), sum(given), sum(made) FROM (
            SELECT response_body::JSON->>'$.model' AS model, (response_body::JSON->>'$.usage.prompt_tokens')::BIGINT AS given,
                (response_body::JSON->>'$.usage.completion_tokens')::BIGINT AS made
            FROM read_json('{lines}', format = 'newline_delimited', maximum_object_size = 67108864,
                columns = {{response_stream: 'BOOLEAN', response_body: 'VARCHAR', id: 'VARCHAR', started_at_us: 'BIGINT',
                    provider: 'VARCHAR', status: 'BIGINT', task: 'VARCHAR', ended_us: 'BIGINT'}})
            WHERE NOT response_stream) GROUP BY model ORDER BY model""").fetchall()
    return time.perf_counter() - began, rows


def tokens(folder):
    db = sqlite3.connect(f"file:{folder}/index.sqlite?mode=ro", uri=True)
    return db.execute(
        """SELECT model_responded, count(*), sum(usage_input_total), sum(usage_output_total) FROM facts WHERE NOT response_stream
           GROUP BY 1 ORDER BY 1""").fetchall(), db.execute("SELECT count(*) FROM facts WHERE usage_source = 'reported'").fetchone()[0]


def measure(args):
    print("\n| set | exchanges | payload MB | weir, wall s | weir, CPU s | exchanges a CPU second | payload MB a CPU second | wanted | | DuckDB, s |")
    print("|---|---:|---:|---:|---:|---:|---:|---|---|---:|")
    differ = False
    for folder in args.folders:
        lines = folder + ".ndjson"
        count, payload = 0, 0
        with open(lines) as file:
            for line in file:
                record = json.loads(line)
                count += 1
                payload += record["request_body_bytes"] + record["response_body_bytes"]
        walls, cpus, theirs, rows = [], [], [], None
        for _ in range(args.rounds):
            wall, cpu = index(args.weir, folder)
            walls.append(wall)
            cpus.append(cpu)
            took, rows = duck(lines)
            theirs.append(took)
        ours, reported = tokens(folder)
        if [tuple(row) for row in ours] != [tuple(row) for row in rows] or reported != count:
            differ = True
            print(f"index_speed: FAILED: {folder}: {ours}, usage of {reported} of {count}; by DuckDB {rows}")
        wall, cpu = statistics.median(walls), statistics.median(cpus)
        a_second, megabytes = count / cpu, payload / cpu / 1e6
        is_small = payload / count < 10_000
        wanted = f"{WANTED_A_SECOND} a second" if is_small else f"{WANTED_MB_A_SECOND} MB a second"
        met = a_second >= WANTED_A_SECOND if is_small else megabytes >= WANTED_MB_A_SECOND
        print(f"| {os.path.basename(folder)} | {count} | {payload / 1e6:.0f} | {wall:.2f} | {cpu:.2f} | {a_second:.0f} | "
              f"{megabytes:.0f} | {wanted} | {'met' if met else 'MISSED'} | {statistics.median(theirs):.2f} |")
    return 1 if differ else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    maker = verbs.add_parser("make")
    maker.add_argument("--count", type=int, required=True)
    maker.add_argument("--bytes", type=int, required=True)
    maker.add_argument("--seed", type=int, default=1)
    maker.add_argument("file")
    timer = verbs.add_parser("time")
    timer.add_argument("--weir", required=True)
    timer.add_argument("--rounds", type=int, default=5)
    timer.add_argument("folders", nargs="+")
    args = parser.parse_args()
    if args.verb == "make":
        return make(args)
    return measure(args)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
