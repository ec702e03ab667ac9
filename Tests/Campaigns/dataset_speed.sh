#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How fast a data set is built: SIZE (20) MB of canonical text, in captured conversations of three providers made by SEED (1), from segments to
# written files, with the memory it takes, beside yardsticks over the same records in the same run. What is counted as canonical text stands
# in dataset_speed.py. WEIR_BIN and WEIR_BENCH_BIN name other programs, PEERS_PYTHON a Python with numpy, REPORT=FILE keeps a copy of the table,
# KEEP=1 the files. Exit 1 where a program fails, never for a figure.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
need_weir
need_bench
if [[ -n "${PEERS_PYTHON:-}" ]]; then python=$PEERS_PYTHON; else need_python numpy; fi

say "Making ${SIZE:-20} MB of canonical text"
"$python" "$here/dataset_speed.py" make --mb "${SIZE:-20}" --seed "${SEED:-1}" "$scratch/made"
for part in "$scratch"/made/part.*; do "$bench" records "$part" --unchanged --directory "$scratch/data" >>"$scratch/records.log"; done
say "Building"
"$python" "$here/dataset_speed.py" time --weir "$weir" --data "$scratch/data" "$scratch/made" | tee "$scratch/report.md"
[[ -z "${REPORT:-}" ]] || cp "$scratch/report.md" "$REPORT"
