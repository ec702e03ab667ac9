# SPDX-License-Identifier: Apache-2.0
"""Puts every question of `queries/` to SQLite, DuckDB and ClickHouse (chdb) over the same facts and compares the rows.

twins.py QUERIES CASES

Runs beside `weir-data`, which holds `index.sqlite` and the facts of the same exchanges in `segments/*.facts.ndjson.zst`; lines in
`facts.ndjson` beside it are made such a file first. CASES is a file of JSON lines, each an object of parameters; one with the key
`query` is put to that question alone. Prints a JSON line for each difference, and last one with counts.
"""
import glob
import json
import os
import re
import sqlite3
import sys

PARAMETERS = (
    "since_us until_us model provider task environment api status outcome key metadata by now_us p1 p2 p3 p4 top".split())


def pack():
    """Makes `facts.ndjson` a sidecar of sealed segments."""
    if not os.path.exists("facts.ndjson"):
        return
    import zstandard

    os.makedirs("weir-data/segments", exist_ok=True)
    with open("facts.ndjson", "rb") as lines, open("weir-data/segments/n1-1-1.0.facts.ndjson.zst", "wb") as out:
        out.write(zstandard.ZstdCompressor(level=1).compress(lines.read()))


class SQLite:
    name = "SQLite"

    def __init__(self, queries):
        self.queries = queries
        self.base = sqlite3.connect("file:weir-data/index.sqlite?mode=ro", uri=True)

    def rows(self, query, parameters):
        text = open(f"{self.queries}/{query}.sql").read()
        cursor = self.base.execute(text, {name: parameters.get(name) for name in PARAMETERS})
        return [column[0] for column in cursor.description], cursor.fetchall()


class DuckDB:
    name = "DuckDB"

    def __init__(self, queries):
        import duckdb

        self.queries = f"{queries}/duckdb"
        self.base = duckdb.connect()
        self.base.execute("SET threads = 1")
        self.base.execute(open(f"{self.queries}/facts.sql").read())
        self.base.execute("CREATE TABLE held AS SELECT * FROM facts; CREATE OR REPLACE VIEW facts AS SELECT * FROM held")
        self.set = {}

    def rows(self, query, parameters):
        for name in self.set.keys() - parameters.keys():
            self.base.execute(f'RESET VARIABLE "{name}"')
        for name, value in parameters.items():
            literal = str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
            self.base.execute(f'SET VARIABLE "{name}" = {literal}')
        self.set = parameters
        cursor = self.base.execute(open(f"{self.queries}/{query}.sql").read())
        return [column[0] for column in cursor.description], cursor.fetchall()


class ClickHouse:
    name = "ClickHouse"

    def __init__(self, queries):
        from chdb import session

        self.queries = f"{queries}/clickhouse"
        self.base = session.Session()
        for statement in re.split(r";\n", open(f"{self.queries}/facts.sql").read()):
            if statement.strip():
                self.base.query(statement)
        self.base.query("CREATE TABLE held ENGINE = Memory AS SELECT * FROM facts")
        self.base.query("CREATE OR REPLACE VIEW facts AS SELECT * FROM held")
        self.set = {}

    def rows(self, query, parameters):
        for name in self.set.keys() - parameters.keys():
            self.base.query(f"SET param_{name} = '\\\\N'")
        for name, value in parameters.items():
            # A parameter's text is unescaped once more than a literal.
            text = str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
            text = text.replace("\\", "\\\\").replace("'", "\\'")
            self.base.query(f"SET param_{name} = '{text}'")
        self.set = parameters
        answer = str(self.base.query(open(f"{self.queries}/{query}.sql").read(), "JSONCompactEachRowWithNames"))
        lines = [json.loads(line) for line in answer.splitlines()]
        return lines[0], lines[1:]


def plain(columns, rows):
    """Rows as lists of None, text, integers and floats, so that 1, True and Decimal(1) are one."""
    def value(x):
        if x is None or isinstance(x, str):
            return x
        return x if isinstance(x, float) else int(x)

    return list(columns), [[value(x) for x in row] for row in rows]


def main(queries, cases):
    pack()
    engines = [SQLite(queries), DuckDB(queries), ClickHouse(queries)]
    names = sorted(os.path.basename(path)[:-4] for path in glob.glob(f"{queries}/*.sql"))
    counts = {"queries": len(names), "cases": 0, "rows": 0, "answered": 0, "differences": 0}
    answered = set()
    for line in open(cases):
        case = json.loads(line)
        counts["cases"] += 1
        for query in [case["query"]] if "query" in case else names:
            parameters = {name: value for name, value in case.items() if name != "query" and value is not None}
            found = []
            for engine in engines:
                try:
                    found.append(plain(*engine.rows(query, parameters)))
                except Exception as error:
                    found.append(([f"{type(error).__name__}: {error}"[:600]], []))
            counts["rows"] += len(found[0][1])
            if found[0][1]:
                answered.add(query)
            for engine, other in zip(engines[1:], found[1:]):
                if other == found[0]:
                    continue
                counts["differences"] += 1
                at = next((i for i, (a, b) in enumerate(zip(found[0][1], other[1])) if a != b), None)
                rows = [found[0][0], other[0]] if found[0][0] != other[0] else [len(found[0][1]), len(other[1])]
                rows = rows if at is None or found[0][0] != other[0] else [found[0][1][at], other[1][at]]
                print(json.dumps({"query": query, "engine": engine.name, "parameters": parameters, "sqlite_and_other": rows}), flush=True)
    counts["answered"] = len(answered)
    print(json.dumps(counts), flush=True)


main(sys.argv[1], sys.argv[2])
