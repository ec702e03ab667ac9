#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Recorded provider traffic through the gateway: bytes compared on both sides, then every fact with what is known of it.
# Every API is driven; KINDS names those whose facts are compared. WEIR_BIN names another program, KEEP=1 keeps the files, REPORT=FILE keeps a copy of the table.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

corpus=$shared/corpus
kinds=${KINDS:-openai-chat,openai-responses,openai-embeddings,anthropic-messages}
[[ -d "$corpus" ]] || skip "the recorded traffic is not here ($corpus)"
[[ -x "$weir" ]] || fail "$weir is not built: run make release"

replay_port=$(free_port)
weir_port=$(free_port)
data=$scratch/data

say "Starting the replay of recorded answers"
python3 "$corpus/replay.py" --port "$replay_port" >"$scratch/replay.log" 2>&1 &
replay_pid=$!
children+=("$replay_pid")
wait_for_port "$replay_port" "$replay_pid" 60 replay

say "Starting weir"
"$weir" serve --listen "127.0.0.1:$weir_port" --allow-private-upstreams --data "$data" >"$scratch/weir.log" 2>&1 &
weir_pid=$!
children+=("$weir_pid")
wait_for_port "$weir_port" "$weir_pid" 30 weir

status=0
drive() {
    local name=$1
    shift
    say "Sending every exchange, $name paths"
    timeout --foreground 600 python3 "$corpus/drive.py" --mode url --proxy "http://127.0.0.1:$weir_port" \
        --upstream "http://127.0.0.1:$replay_port" --report "$scratch/drive-${name//[^a-z0-9]/-}.json" "$@" || status=1
}
drive recorded
drive v1 --client-path v1
# The same in other pieces, codings and framings, and with slow first bytes.
variants=('split=utf8' 'split=line' 'ce=gzip;force=1;split=rand:3:200' 'ce=br;force=1;split=rand:5:90' 'ce=zstd;force=1' \
    'ce=deflate;force=1' 'te=chunked;comments=1' 'te=close' 'first=30')
for variant in "${variants[@]}"; do drive "$variant" --opts "$variant"; done
drive fresh --fresh-connections

say "Draining weir"
stop_gently "$weir_pid" 30 weir

say "Indexing"
timeout --foreground 300 "$weir" index --data "$data" >&2
# The driver's task names the API: only those that are read have facts to compare.
timeout --foreground 300 "$weir" query exchanges --data "$data" --json \
    | jq -c --arg kinds "$kinds" 'select((.task | ltrimstr("corpus-")) as $kind | $kinds | split(",") | index($kind))' \
    >"$scratch/facts.jsonl"

say "Comparing facts"
here=$(dirname "${BASH_SOURCE[0]}")
python3 "$here/compare_by_api.py" --select "$corpus/expected.jsonl" --kinds "$kinds" >"$scratch/expected.jsonl"
cat >"$scratch/map.json" <<'MAP'
{"id": ["metadata.replay-id"], "status": "status", "model_requested": "model_requested", "model_responded": "model_responded",
 "stream": "stream", "finish_reason": "finish_reason", "tool_calls": "tool_calls",
 "input_total": "usage.input_total", "input_uncached": "usage.input_uncached", "input_cached": "usage.input_cached",
 "cache_write_total": "usage.cache_write_total", "cache_write_5m": "usage.cache_write_5m", "cache_write_1h": "usage.cache_write_1h",
 "output_total": "usage.output_total", "output_visible": "usage.output_visible", "output_reasoning": "usage.output_reasoning",
 "input_audio": "usage.input_audio", "output_audio": "usage.output_audio", "input_image": "usage.input_image",
 "output_image": "usage.output_image", "tool_use_prompt": "usage.tool_use_prompt"}
MAP
# Its exit status asks for 100 %; the verdict is the next program's.
python3 "$corpus/compare.py" "$scratch/facts.jsonl" --map "$scratch/map.json" --expected "$scratch/expected.jsonl" --show 0 || true
report=${REPORT:-$scratch/report.txt}
python3 "$here/compare_by_api.py" --expected "$corpus/expected.jsonl" --facts "$scratch/facts.jsonl" --kinds "$kinds" --passes "$((3 + ${#variants[@]}))" \
    | tee "$report" || status=1
exit "$status"
