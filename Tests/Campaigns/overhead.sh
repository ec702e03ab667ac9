#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Capture on against capture off in one run: CPU of the event loop for a small exchange, and added latency. ROUNDS (9), SECONDS_EACH (3),
# CASES, WEIR_BIN names another program, SERVE_FLAGS (--no-index: facts are made apart), REPORT=FILE keeps a copy of the table, KEEP=1 the
# files. The layout is that of the load harness: gateways on CPU 0, provider and callers on CPU 1. Exit 1 where an exchange was
# dropped or a request failed; never for a figure.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ -d "$shared/bench" ]] || skip "the load programs are not here ($shared/bench)"
need_weir
for tool in gcc taskset; do command -v "$tool" >/dev/null || fail "$tool is needed (apt-get install gcc util-linux)"; done
gcc -O2 -w -o "$scratch/mock" "$shared/bench/mock.c"
gcc -O2 -w -o "$scratch/load" "$shared/bench/load.c"
# Prompts that differ, the same everywhere: repeated bodies would flatter compression.
python3 - "$scratch/prompts.txt" <<'PY'
import json, random, sys
rng = random.Random(11)
syllables = "ka lo mi ne pu ra so ti vu ze bar den fol gim hut jas kel lop mon nir".split()
words = ["".join(rng.choices(syllables, k=rng.choice((1, 2, 2, 3)))) for _ in range(6000)]
weights, count = [1 / (i + 10) for i in range(len(words))], 0
with open(sys.argv[1], "w") as file:
    while count < 8 << 20:
        text = " ".join(rng.choices(words, weights, k=rng.randrange(60, 260)))
        line = json.dumps({"model": "mock-50-0", "stream": False, "messages": [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": text}]})
        file.write(line + "\n")
        count += len(line)
PY

say "Starting the provider, and weir with capture and without"
mock_port=$(free_port)
taskset -c 1 "$scratch/mock" "$mock_port" >"$scratch/mock.log" 2>&1 &
mock_pid=$!
children+=("$mock_pid")
wait_for_port "$mock_port" "$mock_pid" 10 mock
declare -A port pid
for name in on off; do
    mode=full
    [[ "$name" == on ]] || mode=off
    port[$name]=$(free_port)
    # SERVE_FLAGS is a list of words on purpose.
    # shellcheck disable=SC2086
    WEIR_CAPTURE_MODE=$mode taskset -c 0 "$weir" serve --listen "127.0.0.1:${port[$name]}" --provider "openai=http://127.0.0.1:$mock_port" \
        --data "$scratch/data-$name" ${SERVE_FLAGS---no-index} >"$scratch/$name.log" 2>&1 &
    pid[$name]=$!
    children+=("${pid[$name]}")
    wait_for_port "${port[$name]}" "${pid[$name]}" 30 "$name"
done

say "Measuring"
arguments=()
[[ -z "${CASES:-}" ]] || arguments+=(--cases "$CASES")
status=0
python3 "$here/overhead.py" --load "$scratch/load" --prompts "$scratch/prompts.txt" --direct "$mock_port" --on "${port[on]}:${pid[on]}" \
    --off "${port[off]}:${pid[off]}" --rounds "${ROUNDS:-9}" --seconds "${SECONDS_EACH:-3}" "${arguments[@]}" | tee "$scratch/report.md" || status=$?
[[ -z "${REPORT:-}" ]] || cp "$scratch/report.md" "$REPORT"
for name in on off; do stop_gently "${pid[$name]}" 60 "$name"; done
((status == 0)) || fail "an exchange was dropped, or a request failed"
