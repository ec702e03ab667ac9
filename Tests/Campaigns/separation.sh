#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Data sets that never overlap: a planted set (CONVERSATIONS, 2000) comes in as BUILDS (5) parts, in ROUNDS (2) orders, with a build after each; the
# checker of Tests/Oracles, which shares nothing with Weir, compares every training row with every eval row that there ever was. Eval
# rows must stay byte for byte, and the same records give the same bytes under another locale and time zone, and in another order of records.
# SEED (1), STRICT=1 asks for G4 too, WEIR_BIN and WEIR_BENCH_BIN name other programs, REPORT=FILE keeps a copy of the table, KEEP=1 the files.
# Exit 1 where one row of training is not apart, or a byte differs.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
oracles=$root/Tests/Oracles
builds=${BUILDS:-5} seed=${SEED:-1}
strict=()
[[ -z "${STRICT:-}" ]] || strict=(--strict)
need_weir
need_bench
find_python json || fail "python3 is needed"

printf 'name: planted\ngroup_by: [customer]\nstrict: %s\n' "$([[ -n "${STRICT:-}" ]] && echo true || echo false)" >"$scratch/planted.yaml"

# build DATA OUT [VARIABLE=VALUE...]: the one place that knows the verb. OUT gets train.jsonl, eval.jsonl and the rest.
build() {
    local data=$1 out=$2
    shift 2
    env "$@" "$weir" dataset build "$scratch/planted.yaml" --data "$data" --out "$out" >>"$scratch/builds.log" 2>&1 \
        || fail "the build of $out failed: $(tail -n 3 "$scratch/builds.log")"
}

# sums DIRECTORY: the SHA-256 of every file of a data set.
sums() { (cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum); }

# same DIRECTORY DIRECTORY WHAT
same() {
    if diff <(sums "$1") <(sums "$2") >"$scratch/differs"; then return; fi
    say "$3: other bytes in $(awk '/^>/ { print $3 }' "$scratch/differs" | tr '\n' ' ')"
    status=1
}

# captured RECORDS DATA: the lines as segments, beside those that are there.
captured() { "$bench" records "$1" --unchanged --directory "$2" >>"$scratch/records.log" || fail "no segments of $1"; }

status=0
# A scalar that one of the two does not know yet may be read otherwise by it.
say "Unicode of the gate and of the checker: $("$bench" separation --megabytes 0 --train-rows 0) and $("$python" -c 'import unicodedata; print(unicodedata.unidata_version)')"
say "Making ${CONVERSATIONS:-2000} conversations"
"$python" "$oracles/planted_set.py" make --seed "$seed" --conversations "${CONVERSATIONS:-2000}" "$scratch/planted" | tee "$scratch/planted.json"
"$python" "$oracles/planted_set.py" stray "$scratch/planted" >"$scratch/stray.log" || fail "conversations are near that should not be: $(tail -n 3 "$scratch/stray.log")"

for ((round = 1; round <= ${ROUNDS:-2}; round++)); do
    order=$([[ $((round % 2)) == 1 ]] && echo time || echo mixed)
    folder=$scratch/round$round
    mkdir "$folder"
    "$python" "$oracles/planted_set.py" parts "$scratch/planted" --parts "$builds" --order "$order" --seed "$((seed * 100 + round))" "$folder/part"
    for ((n = 1; n <= builds; n++)); do
        captured "$folder/part.$n" "$folder/data"
        cp -a "$folder/data" "$folder/copy"
        build "$folder/data" "$folder/set.$n"
        build "$folder/copy" "$folder/copied" LC_ALL=tr_TR.UTF-8 LANG=tr_TR.UTF-8 TZ=Pacific/Chatham
        same "$folder/set.$n" "$folder/copied" "Round $round, build $n, another locale and time zone"
        rm -rf "$folder/copy" "$folder/copied"
    done
    say "Round $round, order by $order: every training row against every eval row that there was"
    "$python" "$here/separation.py" --builds "$builds" "${strict[@]}" "$folder" | tee -a "$scratch/report.md" || status=1
done

say "The same records in another order, at once"
captured "$scratch/planted" "$scratch/sorted"
"$python" "$oracles/planted_set.py" parts "$scratch/planted" --parts 1 --order mixed --seed "$seed" "$scratch/shuffled"
captured "$scratch/shuffled.1" "$scratch/mixed"
build "$scratch/sorted" "$scratch/set.sorted"
build "$scratch/mixed" "$scratch/set.mixed"
same "$scratch/set.sorted" "$scratch/set.mixed" "Another order of records"

[[ -z "${REPORT:-}" ]] || cp "$scratch/report.md" "$REPORT"
((status == 0)) || fail "the sets are not apart, or not stable"
say "Separate, stable, and the same bytes"
