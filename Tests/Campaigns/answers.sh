#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Answers over the traffic of the demo: percentiles under random filters against DuckDB and a plain sort (answers.py), and every
# question in SQLite, DuckDB and ClickHouse (twins.py). WEIR_BIN names another program; EXCHANGES (2000), ROUNDS (200), SEED (1),
# REPORT=FILE keeps a copy of the counts, KEEP=1 keeps the files. Exit 1 where a figure differs.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exchanges=${EXCHANGES:-2000} rounds=${ROUNDS:-200} seed=${SEED:-1}
need_weir
need_python duckdb chdb zstandard

cd "$scratch"
say "Recording $exchanges exchanges of the demo's traffic"
"$weir" demo --exchanges "$exchanges" --seed "$seed" --data weir-data >demo.log 2>&1 || say "The demo ended early; see $scratch/demo.log"
"$weir" index --data weir-data >>demo.log 2>&1 || fail "indexing failed; see $scratch/demo.log"
"$weir" segment seal --data weir-data >>demo.log 2>&1 || fail "sealing failed; see $scratch/demo.log"

status=0
say "Percentiles under $rounds random filters: weir, DuckDB and a plain sort"
"$python" "$here/answers.py" --weir "$weir" --queries "$root/queries" --rounds "$rounds" --seed "$seed" | tee counts.jsonl || status=1

say "Every question in SQLite, DuckDB and ClickHouse"
started=$(date +%s)
for by in null '"model"' '"task"' '"environment"' '"key"' '"provider"' '"status"' '"day"' '"hour"' '"meta.chat"' '"meta.user"'; do
    for filter in '' ', "provider": "openai"' ', "status": 200' ', "task": "nobody"'; do
        printf '{"by": %s%s, "now_us": %s000000}\n' "$by" "$filter" "$started"
    done
done >cases
"$python" "$root/Tests/SystemTests/twins.py" "$root/queries" cases | tee twins.jsonl || status=1
[[ $(tail -n 1 twins.jsonl) == *'"differences": 0}' ]] || status=1

if [[ -n "${REPORT:-}" ]]; then cat counts.jsonl twins.jsonl >"$REPORT"; fi
((status == 0)) || fail "answers differ"
say "All answers agree"
