#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How fast `weir index` reads segments: SMALL (60000) exchanges of 2 KB and LARGE (600) of 400 KB, whole answers and streams of OpenAI
# and Anthropic, against DuckDB taking the counts of tokens and the models out of the same lines in the same run, one thread.
# ROUNDS (5), SEED (1), WEIR_BIN and WEIR_BENCH_BIN name other programs, REPORT=FILE keeps a copy of the table, KEEP=1 the files.
# Exit 1 where the tokens differ, never for a figure.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
need_weir
need_bench
need_python duckdb

say "Making exchanges"
"$python" "$here/index_speed.py" make --count "${SMALL:-60000}" --bytes 2048 --seed "${SEED:-1}" "$scratch/small.ndjson"
"$python" "$here/index_speed.py" make --count "${LARGE:-600}" --bytes 400000 --seed "${SEED:-1}" "$scratch/large.ndjson"
for set in small large; do "$bench" records "$scratch/$set.ndjson" --unchanged --directory "$scratch/$set" > "$scratch/$set.json"; done
say "Indexing"
"$python" "$here/index_speed.py" time --weir "$weir" --rounds "${ROUNDS:-5}" "$scratch/small" "$scratch/large" \
    | tee "$scratch/report.md" || fail "tokens differ"
[[ -z "${REPORT:-}" ]] || cp "$scratch/report.md" "$REPORT"
