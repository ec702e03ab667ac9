#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Recorded provider traffic through the gateway: bytes compared on both sides, then every record and fact with what is known of it.
# Every API is driven, whole and cut off mid-stream. The facts of every API are compared, or of those that KINDS names, and
# corpus_exceptions.json argues for each difference. WEIR_BIN names another program,
# ONLY=whole|cut runs one half, KEEP=1 keeps the files, REPORT=FILE keeps a copy of the tables.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

corpus=$shared/corpus
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kinds=${KINDS:-all}
[[ -d "$corpus" ]] || skip "the recorded traffic is not here ($corpus)"
need_weir
find_python brotli zstandard \
    || fail "the replay answers in br and zstd: run make venv, or install the Python packages brotli and zstandard"

say "Starting the replay of recorded answers"
replay_port=$(free_port)
"$python" "$corpus/replay.py" --port "$replay_port" >"$scratch/replay.log" 2>&1 &
replay_pid=$!
children+=("$replay_pid")
wait_for_port "$replay_port" "$replay_pid" 60 replay

status=0
report=$scratch/report.txt
: >"$report"
exchanges=$(wc -l <"$corpus/exchanges.jsonl")

# start_weir NAME: its own data directory, weir_pid and weir_port
start_weir() {
    weir_port=$(free_port)
    data=$scratch/data-$1
    passes=0
    passes_table=$scratch/passes-$1.md
    printf '| %s | exchanges | mismatches | late first tokens |\n|---|---:|---:|---:|\n' "pass" >"$passes_table"
    "$weir" serve --listen "127.0.0.1:$weir_port" --allow-private-upstreams --data "$data" >"$scratch/weir.log" 2>&1 &
    weir_pid=$!
    children+=("$weir_pid")
    wait_for_port "$weir_port" "$weir_pid" 30 weir
}

# drive NAME ARGUMENTS...: one pass over every exchange. A first token that came late is told apart: on a busy machine it says
# nothing, and a time fails no campaign.
drive() {
    local name=$1 details=$scratch/drive-${1//[^a-z0-9]/-}.json wrong late
    shift
    say "Sending every exchange: $name"
    passes=$((passes + 1))
    timeout --foreground 600 "$python" "$corpus/drive.py" --mode url --proxy "http://127.0.0.1:$weir_port" \
        --upstream "http://127.0.0.1:$replay_port" --report "$details" "$@" >"$scratch/drive.txt" 2>&1 || true
    cat "$scratch/drive.txt" >&2
    wrong=$(jq '[.rows[] | select(any(.errors[]; startswith("stream buffered") | not))] | length' "$details" || echo failed)
    late=$(jq '[.rows[] | select(any(.errors[]; startswith("stream buffered")))] | length' "$details" || echo failed)
    printf '| %s | %s | %s | %s |\n' "$name" "$(jq .n "$details" || echo none)" "$wrong" "$late" >>"$passes_table"
    [[ "$wrong" == 0 && "$(jq .n "$details")" == "$exchanges" ]] || status=1
}

# settle: drains weir, then demands admitted = written = sent, and each record as it must be
settle() {
    local sent=$((passes * exchanges)) admitted
    admitted=$(curl -sS --max-time 20 "http://127.0.0.1:$weir_port/metrics" | awk '/^weir_capture_exchanges_admitted_total/ { print $2 }')
    say "Draining weir"
    stop_gently "$weir_pid" 60 weir
    cat "$passes_table" >>"$report"
    printf '\n' >>"$report"
    say "Comparing records"
    { timeout --foreground 300 "$weir" segment cat --data "$data" | "$python" "$here/check_records.py" --corpus "$corpus" --expect "$sent"; } \
        | tee -a "$report" || status=1
    printf 'sent %s, admitted %s\n' "$sent" "$admitted" | tee -a "$report"
    [[ "$admitted" == "$sent" ]] || status=1
    say "Indexing"
    timeout --foreground 600 "$weir" index --data "$data" >&2
    timeout --foreground 300 "$weir" query exchanges --data "$data" --json >"$scratch/all-facts.jsonl"
    printf '%s facts\n\n' "$(wc -l <"$scratch/all-facts.jsonl")" | tee -a "$report"
    [[ "$(wc -l <"$scratch/all-facts.jsonl")" == "$sent" ]] || status=1
}

whole() {
    start_weir whole
    drive 'as recorded'
    drive 'v1 paths' --client-path v1
    # The same in other pieces, codings and framings, and with slow first bytes.
    local variant
    for variant in 'split=utf8' 'split=line' 'ce=gzip;force=1;split=rand:3:200' 'ce=br;force=1;split=rand:5:90' 'ce=zstd;force=1' \
        'ce=deflate;force=1' 'te=chunked;comments=1' 'te=close' 'first=30'; do
        drive "$variant" --opts "$variant"
    done
    drive 'fresh connections' --fresh-connections
    local whole_passes=$passes
    settle

    say "Comparing facts"
    # The driver's task names the API.
    jq -c --arg kinds "$kinds" \
        'select($kinds == "all" or ((.task | ltrimstr("corpus-")) as $kind | $kinds | split(",") | index($kind)))' \
        "$scratch/all-facts.jsonl" >"$scratch/facts.jsonl"
    "$python" "$here/compare_by_api.py" --expected "$corpus/expected.jsonl" --facts "$scratch/facts.jsonl" --kinds "$kinds" \
        --exceptions "$here/corpus_exceptions.json" --passes "$whole_passes" | tee -a "$report" || status=1
}

# Answers that break off: before the first byte, within the first events, further on; closed and reset; chunked, by length, compressed.
cut() {
    start_weir cut
    local variant
    for variant in 'cut=0' 'cut=1' 'cut=97' 'cut=1000' 'cut=300;te=chunked;split=rand:7:40' 'cut=300;te=cl' 'cut=301;split=utf8;te=chunked' \
        'cut=300;te=close' 'cut=0;cutmode=rst' 'cut=300;cutmode=rst' 'cut=300;te=close;cutmode=rst' 'cut=500;ce=gzip;force=1' \
        'cut=500;ce=br;force=1;split=rand:5:90' 'cut=500;ce=zstd;force=1;cutmode=rst'; do
        drive "$variant" --opts "$variant"
    done
    settle
}

[[ "${ONLY:-whole}" != whole ]] || whole
[[ "${ONLY:-cut}" != cut ]] || cut
say "The account"
cat "$report"
[[ -z "${REPORT:-}" ]] || cp "$report" "$REPORT"
((status == 0)) || fail "something differs; see the tables"
