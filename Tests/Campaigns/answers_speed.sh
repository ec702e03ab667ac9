#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How fast answers come out of a large index: percentiles from rollups, and exact ones under a filter against DuckDB and chdb on the same
# rows in the same run, one thread each. FACTS (2000000) exchanges over 90 days in 200 combinations of dimensions, lengths after
# ../shared/traces where they are; ROUNDS (9), SEED (1), WEIR_BENCH_BIN names another program, REPORT=FILE keeps a copy of the table,
# KEEP=1 the files, DATA=DIR an index that is there already. Exit 1 where an answer differs, never for a figure.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
need_bench
need_python duckdb chdb numpy pyarrow

data=${DATA:-$scratch/data}
if [[ ! -e "$data/index.sqlite" ]]; then
    lengths=()
    trace=$(find "$shared/traces" -name '*conv*.csv' 2>/dev/null | sort | head -n 1 || true)
    [[ -z "$trace" ]] || lengths=(--lengths "$trace")
    say "Filling an index with ${FACTS:-2000000} exchanges"
    "$bench" facts --data "$data" --count "${FACTS:-2000000}" --days 90 --seed "${SEED:-1}" "${lengths[@]}" | tee "$scratch/filled.json"
fi
say "Asking"
"$python" "$here/answers_speed.py" --bench "$bench" --data "$data" --rounds "${ROUNDS:-9}" | tee "$scratch/report.md" || fail "answers differ"
[[ -z "${REPORT:-}" ]] || cp "$scratch/report.md" "$REPORT"
