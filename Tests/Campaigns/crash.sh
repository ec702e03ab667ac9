#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Death of the process under load: SIGKILL at random instants, then strace-injected death at every call that writes; each time the records
# are held against the callers' own ledger. ROUNDS (100; the full run is 1000), SEED, PARTS="random points", MOST (60: calls of one
# kind and thread in a run), WEIR_BIN names another program, KEEP=1 leaves the files.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
need_weir
compile ledger
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true

status=0
for part in ${PARTS:-random points}; do
    mkdir -p "$scratch/$part"
    case $part in
        random)
            say "Killing and restarting, ${ROUNDS:-100} rounds"
            python3 "$here/crash.py" random --weir "$weir" --ledger "$scratch/ledger" --folder "$scratch/random" --rounds "${ROUNDS:-100}" \
                --seed "${SEED:-$(date +%s)}" || status=1
            ;;
        points)
            if ! command -v strace >/dev/null; then say "points: skipped: strace is not installed"; continue; fi
            say "Dying at every call that writes"
            python3 "$here/crash.py" points --weir "$weir" --ledger "$scratch/ledger" --folder "$scratch/points" --most "${MOST:-60}" || status=1
            ;;
        *) fail "no such part: $part (random, points)" ;;
    esac
done
((status == 0)) || fail "something was lost, doubled or changed; see above"
