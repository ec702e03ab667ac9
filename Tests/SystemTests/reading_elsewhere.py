# SPDX-License-Identifier: Apache-2.0
"""Runs the blocks of notebooks-docs/reading-elsewhere.md beside `weir-data` and prints what each gives, one JSON line each.

page PAGE     every block of the page, and last a count of our own that knows none of the tools
golden FILE   count, distinct ids and characters of `text` of one segment, by DuckDB and by ClickHouse
"""
import glob
import json
import re
import subprocess
import sys


def duckdb_row(sql):
    import duckdb

    return duckdb.sql(sql).fetchall()[0]


def clickhouse_row(sql):
    import chdb

    return json.loads(str(chdb.query(sql, "JSONCompactEachRow")).splitlines()[0])


def pandas_row(code):
    names = {}
    exec(code, names)
    return names["row"]


def jq_row(code):
    done = subprocess.run(["/bin/bash", "-o", "pipefail", "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


RUNNERS = {"DuckDB": duckdb_row, "ClickHouse": clickhouse_row, "pandas": pandas_row, "jq": jq_row}


def lines(pattern):
    """Every line of the files, by frames found in the bytes: no reader of files that end early without a word."""
    import zstandard

    for path in sorted(glob.glob(pattern)):
        data = open(path, "rb").read()
        at = 0
        text = b""
        while at < len(data):
            magic = int.from_bytes(data[at : at + 4], "little")
            if magic & 0xFFFFFFF0 == 0x184D2A50:
                at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
                continue
            frame = zstandard.ZstdDecompressor().decompressobj()
            text += frame.decompress(data[at:])
            at = len(data) - len(frame.unused_data)
        for line in text.splitlines():
            yield json.loads(line)


def total(rows, *paths):
    sums = [0] * (1 + len(paths))
    for row in rows:
        sums[0] += 1
        for i, path in enumerate(paths):
            value = row
            for key in path.split("."):
                value = value[key]
            sums[i + 1] += value or 0
    return sums


def emit(tool, what, row):
    print(json.dumps({"tool": tool, "what": what, "row": [int(value) for value in row]}), flush=True)


def page(path):
    for section in re.split(r"^## ", open(path).read(), flags=re.M)[1:]:
        name = section.split("\n", 1)[0]
        for block in re.findall(r"^```\w+\n(.*?)^```", section, flags=re.M | re.S):
            emit(name, "records" if ".records." in block else "facts", RUNNERS[name](block))
    own = lines("weir-data/segments/*.records.ndjson.zst")
    emit("own", "records", total(own, "request_body_bytes", "response_body_bytes", "ended_us"))
    own = lines("weir-data/segments/*.facts.ndjson.zst")
    emit("own", "facts", total(own, "duration_us", "usage.input_total", "usage.output_total"))


def golden(path):
    columns = "columns = {id: 'VARCHAR', text: 'VARCHAR'}, format = 'newline_delimited', compression = 'zstd'"
    emit("DuckDB", "golden", duckdb_row(f"SELECT count(*), count(DISTINCT id), sum(length(text)) FROM read_json('{path}', {columns})"))
    source = f"file('{path}', JSONEachRow, 'id String, text String', 'zstd')"
    emit("ClickHouse", "golden", clickhouse_row(f"SELECT count(), uniqExact(id), sum(lengthUTF8(text)) FROM {source}"))


{"page": page, "golden": golden}[sys.argv[1]](sys.argv[2])
