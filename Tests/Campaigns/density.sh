#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Size and speed of the log, hot and sealed, against stock zstd on the same bytes (set `conversations-1` with the corpus). MB (96: bytes of the
# set), ROUNDS (5), WEIR_BIN and WEIR_BENCH_BIN name other programs, REPORT=FILE keeps a copy of the table, KEEP=1 the files. Exit 1
# where an exchange is missing, never for a figure.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ -d "$shared/traces" ]] || skip "the traces are not here ($shared/traces)"
need_weir
need_bench
compile stockzstd -lzstd

say "Writing the set"
corpus=()
[[ ! -d "$shared/corpus" ]] || corpus=(--corpus "$shared/corpus")
python3 "$here/conversations.py" "$scratch/set.ndjson" --traces "$shared/traces" "${corpus[@]}" --mb "${MB:-96}"

say "Measuring"
python3 "$here/density.py" --weir "$weir" --bench "$bench" --stock "$scratch/stockzstd" --set "$scratch/set.ndjson" --folder "$scratch" \
    --rounds "${ROUNDS:-5}" | tee "$scratch/report.md" || fail "an exchange is missing; see above"
[[ -z "${REPORT:-}" ]] || cp "$scratch/report.md" "$REPORT"
