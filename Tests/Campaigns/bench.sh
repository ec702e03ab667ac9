#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Direct, nginx and weir side by side in interleaved rounds, capture on; then the medians as tables, and weir held against nginx.
# WEIR_BIN names another program; ROUNDS (3), CASES (all that can run here), SERVE_FLAGS (--no-index: facts are
# made apart; with an empty value they are made in the process, on the same core), REPORT=FILE, RESULTS=FILE, KEEP=1.
# Only where CASES names it: b400c8, which asks of one core more than capture can give and so loses exchanges.
# Exit 1 where an exchange was dropped, reduced or not recorded, or a request failed; never for a figure.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

[[ -d "$shared/bench" ]] || skip "the load programs are not here ($shared/bench)"
need_weir
for tool in gcc taskset; do command -v "$tool" >/dev/null || fail "$tool is needed (apt-get install gcc util-linux)"; done
(exec 3<>/dev/tcp/127.0.0.1/9100) 2>/dev/null && fail "port 9100, the mock provider's, is taken"

rounds=${ROUNDS:-3}
targets=direct,mine
command -v nginx >/dev/null && targets=direct,nginx,mine || say "nginx is not installed: left out"
cases=${CASES:-}
if [[ -z "$cases" ]]; then
    cases=c1,c64rf,max64f,s10,s200,smax200,b400c1,b400r
    if command -v wrk >/dev/null; then cases=$cases,wrkf; else say "wrk is not installed: its case is left out"; fi
fi

say "Building the mock provider and the load generator"
mkdir "$scratch/bench"
cp -r "$shared/bench/." "$scratch/bench/"
chmod -R u+w "$scratch/bench"
cd "$scratch/bench"
gcc -O2 -o mock mock.c
gcc -O2 -o load load.c

say "Starting weir on CPU 0"
port=$(free_port)
flags=${SERVE_FLAGS---no-index}
# The flags are a list of words on purpose.
# shellcheck disable=SC2086
taskset -c 0 "$weir" serve --listen "127.0.0.1:$port" --provider openai=http://127.0.0.1:9100 --data "$scratch/data" \
    $flags >"$scratch/weir.log" 2>&1 &
weir_pid=$!
children+=("$weir_pid")
wait_for_port "$port" "$weir_pid" 30 weir

say "Measuring: $targets, $rounds rounds of $cases"
# The harness starts the mock provider and nginx, and ends them.
timeout --foreground -s INT -k 10 3600 python3 "$here/bench.py" run "$scratch/bench" -r "$rounds" -o results.jsonl \
    --targets "$targets" --cases "$cases" --url "mine=$port:$weir_pid" >&2

curl -sS --max-time 20 "http://127.0.0.1:$port/metrics" >"$scratch/metrics.txt"
count() { awk -v name="$1" '$1 ~ "^" name "($|{)" { sum += $2 } END { printf "%d", sum }' "$scratch/metrics.txt"; }
# The deadline grows with the traffic: a queue may have to be written first.
stop_gently "$weir_pid" 120 weir

sent=$(jq -s '[.[] | select(.target == "mine") | .done_all // 0] | add // 0' results.jsonl)
failed=$(jq -s '[.[] | (.errors // 0) + (if .error then 1 else 0 end)] | add // 0' results.jsonl)
kept=$(timeout --foreground 900 "$weir" segment cat --data "$scratch/data" | wc -l)
admitted=$(count weir_capture_exchanges_admitted_total)
dropped=$(count weir_capture_exchanges_dropped_total)
reduced=$(count weir_capture_exchanges_reduced_total)
report=${REPORT:-$scratch/report.md}
{
    python3 report.py results.jsonl
    printf '\nweir serve %s\n' "$flags"
    python3 "$here/bench.py" report results.jsonl
    printf '\n**Capture** (a figure counts only with its losses beside it; admitted exceeds requests by warm-up, probes and what a run breaks off)\n\n'
    printf '| requests counted by the load programs | admitted | records in segments | dropped | reduced | failed requests | bytes on disk |\n'
    printf '|---:|---:|---:|---:|---:|---:|---:|\n| %s | %s | %s | %s | %s | %s | %s |\n' \
        "$sent" "$admitted" "$kept" "$dropped" "$reduced" "$failed" "$(du -sb "$scratch/data" | cut -f1)"
} | tee "$report"
[[ -z "${RESULTS:-}" ]] || cp results.jsonl "$RESULTS"
((kept == admitted && admitted >= sent && dropped == 0 && reduced == 0 && failed == 0)) || fail "the account does not balance; see the last table"
