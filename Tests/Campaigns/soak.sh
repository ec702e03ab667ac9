#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Plain answers, streams, cancellations, cuts and errors for as long as it takes; memory, descriptors and the account of exchanges.
# WEIR_SOAK_EXCHANGES (100000; the full run is 3000000), CALLERS (96), SEED (7), WEIR_BIN names another program, SERVE_FLAGS,
# FACTS=1 indexes the rest and counts the facts too (0 leaves it out; so do runs beyond 200,000 where it is not asked for),
# REPORT=FILE keeps the JSON, KEEP=1 the data.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

need_weir
campaigns=$(dirname "${BASH_SOURCE[0]}")
exchanges=${WEIR_SOAK_EXCHANGES:-100000}
# Small runs end while pools and caches still fill.
growth=$((exchanges >= 1000000 ? 4096 : 16384))
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true

say "Starting the scripted provider and weir"
compile soak
provider_port=$(free_port)
"$scratch/soak" provider "$provider_port" >"$scratch/provider.log" 2>&1 &
provider_pid=$!
children+=("$provider_pid")
wait_for_port "$provider_port" "$provider_pid" 10 provider

port=$(free_port)
# SERVE_FLAGS is a list of words on purpose.
# shellcheck disable=SC2086
"$weir" serve --listen "127.0.0.1:$port" --provider "openai=http://127.0.0.1:$provider_port" --data "$scratch/data" \
    ${SERVE_FLAGS:-} >"$scratch/weir.log" 2>&1 &
weir_pid=$!
children+=("$weir_pid")
wait_for_port "$port" "$weir_pid" 30 weir

say "Driving $exchanges exchanges"
status=0
python3 "$campaigns/soak.py" drive --driver "$scratch/soak" --gateway "$port" --pid "$weir_pid" --exchanges "$exchanges" \
    --callers "${CALLERS:-96}" --seed "${SEED:-7}" --data "$scratch/data" --growth-kb "$growth" --report "$scratch/report.json" || status=$?
[[ -f "$scratch/report.json" ]] || fail "the driver ended without a report; weir's log: $(tail -n 3 "$scratch/weir.log")"

stop_gently "$weir_pid" 600 weir
say "Counting what was recorded"
"$weir" segment verify --data "$scratch/data" >"$scratch/verify.log" 2>&1 || { status=1; tail -n 5 "$scratch/verify.log" >&2; }
"$weir" segment cat --data "$scratch/data" | python3 "$campaigns/soak.py" records --report "$scratch/report.json" || status=1
if [[ "${FACTS:-$((exchanges <= 200000))}" == 1 ]]; then
    say "Indexing what the gateway had not indexed yet"
    for _ in {1..50}; do
        "$weir" index --data "$scratch/data" >"$scratch/index.log" 2>&1 || true
        grep -q 'not finished' "$scratch/index.log" || break
    done
    facts=$("$weir" query exchanges --data "$scratch/data" --json | wc -l)
    printf '\n%s facts\n' "$facts"
    [[ "$facts" == "$exchanges" ]] || status=1
fi
printf '\n%s bytes on disk\n' "$(du -sb "$scratch/data" | cut -f1)"
[[ -z "${REPORT:-}" ]] || cp "$scratch/report.json" "$REPORT"
((status == 0)) || fail "a check failed; see the tables"
say "Soaked: every exchange accounted for"
