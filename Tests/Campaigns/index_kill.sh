#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Death while indexing: `weir index` is killed at random instants over and over, from making the database to rolling up, and has to end with an
# index that equals one made at a stretch: facts and rollups by their dump, sums over facts, rollups and segments. ROUNDS (200), SEED,
# EXCHANGES (4000 of the demo's traffic), WEIR_BIN names another program, KEEP=1 leaves the files.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
need_weir
say "Making ${EXCHANGES:-4000} exchanges"
"$weir" demo --data "$scratch/data" --exchanges "${EXCHANGES:-4000}" >"$scratch/demo.txt" 2>&1 || { tail "$scratch/demo.txt" >&2; fail "no traffic"; }
say "Killing and going on, ${ROUNDS:-200} kills"
python3 "$here/index_kill.py" --weir "$weir" --data "$scratch/data" --rounds "${ROUNDS:-200}" --seed "${SEED:-$(date +%s)}"
