#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How fast near duplicates are found, against rensa and datatrove on the same rows in the same run, two threads or processes each: SIZE (20) MB of
# text by SEED (1), with planted families, of which each program says what it finds. datatrove, the slowest by far, gets the first SLOW (10) MB, and Weir
# those too; PEERS (SIZE) MB go to rensa. Then the exact gate: ROWS (100000) training rows against 10,000 eval rows. PEERS_PYTHON names a Python that has both;
# else an environment is made in .venv (a package index is needed). WEIR_BENCH_BIN names another program, REPORT=FILE keeps a copy
# of the table, KEEP=1 the files. Exit 1 where a program fails, never for a figure.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
size=${SIZE:-20}
need_bench

wanted=(rensa==0.5.0 datatrove==0.10.1 spacy==3.8.18 orjson==3.11.4)
python=${PEERS_PYTHON:-$root/.venv/peers/bin/python}
if ! "$python" -c 'import rensa, datatrove, spacy, orjson, numpy' 2>/dev/null; then
    [[ -z "${PEERS_PYTHON:-}" ]] || fail "$PEERS_PYTHON lacks rensa, datatrove, spacy, orjson or numpy"
    say "Installing ${wanted[*]} into .venv/peers"
    "${PYTHON:-python3}" -m venv "$root/.venv/peers"
    "$root/.venv/peers/bin/pip" install -q --disable-pip-version-check "${wanted[@]}" numpy nltk regex xxhash || fail "the peers cannot be installed"
fi

say "Making $size MB of text"
"$python" "$here/separation_speed.py" make --mb "$size" --seed "${SEED:-1}" "$scratch/rows"
say "Looking for near duplicates"
"$python" "$here/separation_speed.py" compare --bench "$bench" --peers-mb "${PEERS:-$size}" --slow-mb "${SLOW:-10}" "$scratch/rows" | tee "$scratch/report.md"
say "Asking the gate"
"$bench" separation --megabytes 0 --train-rows "${ROWS:-100000}" --eval-rows 10000 | tee "$scratch/gate.json"
"$python" "$here/separation_speed.py" gate "$scratch/gate.json" | tee -a "$scratch/report.md"
[[ -z "${REPORT:-}" ]] || cp "$scratch/report.md" "$REPORT"
