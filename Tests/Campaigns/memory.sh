#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the gateway holds in memory after a million small exchanges and with 2,000 idle streams, and how soon it is ready.
# EXCHANGES (1000000), STREAMS (2000), STARTS (10), PARTS="small idle ready", WEIR_BIN names another program, SERVE_FLAGS,
# REPORT=FILE keeps a copy of the tables, KEEP=1 the files. Exit 1 where a bound on memory or an account does not hold.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
need_weir
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
streams=${STREAMS:-2000}
(($(ulimit -n) >= 2 * streams + 200)) || fail "$streams streams need $((2 * streams + 200)) open files, ulimit -n is $(ulimit -n)"

status=0
report=$scratch/report.md
: >"$report"

# start_weir NAME PROVIDER_PORT: sets weir_pid, weir_port, data
start_weir() {
    weir_port=$(free_port)
    data=$scratch/data-$1
    # SERVE_FLAGS is a list of words on purpose.
    # shellcheck disable=SC2086
    "$weir" serve --listen "127.0.0.1:$weir_port" --provider "openai=http://127.0.0.1:$2" --data "$data" \
        ${SERVE_FLAGS:-} >"$scratch/weir.log" 2>&1 &
    weir_pid=$!
    children+=("$weir_pid")
    wait_for_port "$weir_port" "$weir_pid" 30 weir
}

note() { printf '\n**%s**\n\n' "$1" | tee -a "$report"; }

small() {
    local exchanges=${EXCHANGES:-1000000}
    [[ -d "$shared/bench" ]] || { say "small exchanges: skipped, the load programs are not here ($shared/bench)"; return; }
    command -v gcc >/dev/null || fail "gcc is needed (apt-get install gcc)"
    gcc -O2 -w -o "$scratch/mock" "$shared/bench/mock.c"
    gcc -O2 -w -o "$scratch/load" "$shared/bench/load.c"
    # Prompts that differ, the same on every machine.
    python3 - "$scratch/prompts.txt" <<'PY'
import random, sys
rng = random.Random(11)
syllables = "ka lo mi ne pu ra so ti vu ze bar den fol gim hut jas kel lop mon nir".split()
words = ["".join(rng.choices(syllables, k=rng.choice((1, 2, 2, 3)))) for _ in range(6000)]
with open(sys.argv[1], "w") as file:
    file.write(" ".join(rng.choices(words, [1 / (i + 10) for i in range(len(words))], k=1_500_000)))
PY
    local mock_port mock_pid
    mock_port=$(free_port)
    "$scratch/mock" "$mock_port" >"$scratch/mock.log" 2>&1 &
    mock_pid=$!
    children+=("$mock_pid")
    wait_for_port "$mock_port" "$mock_pid" 10 mock
    start_weir small "$mock_port"
    note "$exchanges small exchanges on 64 connections, varied prompts"
    python3 "$here/memory.py" small --load "$scratch/load" --prompts "$scratch/prompts.txt" --gateway "$weir_port" --pid "$weir_pid" \
        --data "$data" --exchanges "$exchanges" | tee -a "$report" || status=1
    stop_gently "$weir_pid" 300 weir
    kill "$mock_pid"
}

idle() {
    local provider_port
    provider_port=$(free_port)
    start_weir idle "$provider_port"
    note "$streams open streams of which nothing more comes"
    python3 "$here/memory.py" idle --gateway "$weir_port" --provider "$provider_port" --pid "$weir_pid" --streams "$streams" \
        | tee -a "$report" || status=1
    stop_gently "$weir_pid" 60 weir
    local records
    records=$("$weir" segment cat --data "$data" | wc -l)
    printf '%s records of %s streams\n' "$records" "$((2 * streams + 4))" | tee -a "$report"
    ((records == 2 * streams + 4)) || status=1
}

ready() {
    note "Start to ready (/readyz says 200), empty data directory"
    mkdir -p "$scratch/starts"
    python3 "$here/memory.py" ready --weir "$weir" --folder "$scratch/starts" --starts "${STARTS:-10}" | tee -a "$report" || status=1
}

for part in ${PARTS:-small idle ready}; do
    case $part in
        small | idle | ready) say "Measuring: $part"; "$part" ;;
        *) fail "no such part: $part (small, idle, ready)" ;;
    esac
done
[[ -z "${REPORT:-}" ]] || cp "$report" "$REPORT"
((status == 0)) || fail "a bound or an account does not hold; see the tables"
