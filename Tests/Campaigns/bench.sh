#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Direct, nginx and weir side by side in interleaved rounds, capture on; then the medians as tables.
# WEIR_BIN names another program; ROUNDS (3), CASES (all that can run here), SERVE_FLAGS, REPORT=FILE, KEEP=1.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ -d "$shared/bench" ]] || skip "the load programs are not here ($shared/bench)"
[[ -x "$weir" ]] || fail "$weir is not built: run make release"
for tool in gcc taskset; do command -v "$tool" >/dev/null || fail "$tool is needed (apt-get install gcc util-linux)"; done
(exec 3<>/dev/tcp/127.0.0.1/9100) 2>/dev/null && fail "port 9100, the mock provider's, is taken"

rounds=${ROUNDS:-3}
targets=direct,mine
command -v nginx >/dev/null && targets=direct,nginx,mine || say "nginx is not installed: left out"
cases=${CASES:-}
if [[ -z "$cases" ]]; then
    cases=c1,c64rf,max64f,s10,s200,smax200
    if command -v wrk >/dev/null; then cases=c1,c64rf,wrkf,max64f,s10,s200,smax200; else say "wrk is not installed: its case is left out"; fi
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
# SERVE_FLAGS is a list of words on purpose.
# shellcheck disable=SC2086
taskset -c 0 "$weir" serve --listen "127.0.0.1:$port" --provider openai=http://127.0.0.1:9100 --data "$scratch/data" \
    ${SERVE_FLAGS:-} >"$scratch/weir.log" 2>&1 &
weir_pid=$!
children+=("$weir_pid")
wait_for_port "$port" "$weir_pid" 30 weir

say "Measuring: $targets, $rounds rounds of $cases"
# bench.py starts the mock provider and nginx, and ends them.
timeout --foreground -s INT -k 10 1800 python3 bench.py -r "$rounds" -o results.jsonl --targets "$targets" --cases "$cases" \
    --url "mine=$port:$weir_pid" >&2

# The deadline grows with the traffic: a queue may have to be written first.
stop_gently "$weir_pid" 120 weir

report=${REPORT:-$scratch/report.md}
{
    python3 report.py results.jsonl
    printf '\n**Capture** (a figure counts only with its losses beside it)\n\n'
    sent=$(jq -s '[.[] | select(.target == "mine") | .done_all // 0] | add // 0' results.jsonl)
    kept=$(timeout --foreground 600 "$weir" segment cat --data "$scratch/data" | wc -l || echo unknown)
    printf '| requests counted by the load programs | records in segments | bytes on disk |\n|---:|---:|---:|\n'
    printf '| %s | %s | %s |\n' "$sent" "$kept" "$(du -sb "$scratch/data" | cut -f1)"
    printf '\nRecords may exceed requests: warm-up and probes are captured too.\n'
} | tee "$report"
