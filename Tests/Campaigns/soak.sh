#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Plain answers, streams, cancellations and errors for as long as it takes; memory, descriptors and the account of exchanges.
# WEIR_SOAK_EXCHANGES (20000; the full run is 3000000), WORKERS (64), WEIR_BIN names another program, REPORT=FILE keeps the JSON.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ -x "$weir" ]] || fail "$weir is not built: run make release"
campaigns=$(dirname "${BASH_SOURCE[0]}")
exchanges=${WEIR_SOAK_EXCHANGES:-20000}
# Small runs end while pools and caches still fill.
growth=$((exchanges >= 1000000 ? 4096 : 16384))
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true

say "Starting the scripted provider and weir"
provider_port=$(free_port)
python3 "$campaigns/soak.py" provider "$provider_port" >"$scratch/provider.log" 2>&1 &
provider_pid=$!
children+=("$provider_pid")
wait_for_port "$provider_port" "$provider_pid" 10 provider

port=$(free_port)
"$weir" serve --listen "127.0.0.1:$port" --provider "openai=http://127.0.0.1:$provider_port" --data "$scratch/data" \
    >"$scratch/weir.log" 2>&1 &
weir_pid=$!
children+=("$weir_pid")
wait_for_port "$port" "$weir_pid" 30 weir

say "Driving $exchanges exchanges"
status=0
python3 "$campaigns/soak.py" drive --gateway "$port" --pid "$weir_pid" --exchanges "$exchanges" --workers "${WORKERS:-64}" \
    --data "$scratch/data" --growth-kb "$growth" --report "$scratch/report.json" || status=$?
[[ -f "$scratch/report.json" ]] || fail "the driver ended without a report"

stop_gently "$weir_pid" 300 weir
records=$("$weir" segment cat --data "$scratch/data" | wc -l)
begun=$(jq .account.begun "$scratch/report.json")
printf '\n| exchanges begun | records in segments | bytes on disk |\n|---:|---:|---:|\n| %s | %s | %s |\n' \
    "$begun" "$records" "$(du -sb "$scratch/data" | cut -f1)"
jq --argjson records "$records" '. + {records_in_segments: $records}' "$scratch/report.json" >"$scratch/final.json"
[[ -z "${REPORT:-}" ]] || cp "$scratch/final.json" "$REPORT"
((records == begun)) || fail "$begun exchanges were begun, $records are recorded"
((status == 0)) || fail "a check failed; see the table"
say "Soaked: every exchange accounted for"
