#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Recall and precision of redaction on a planted set of values and near misses, beside presidio (blank English model) and detect-secrets, and its
# speed on text without finds. SEED (1), MB (1000: bytes of text), PYTHON (an interpreter that has both tools; without, they
# are installed into the scratch folder), WEIR_BENCH_BIN names another program, SHOW=1 lists what was missed, REPORT=FILE, KEEP=1.
# Exit 1 where ours misses a bar of redaction_quality.py, or is slower than 100 MB/s.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
need_bench

python=${PYTHON:-}
if [[ -z "$python" ]]; then
    say "Installing presidio and detect-secrets"
    python3 -m venv "$scratch/venv"
    python=$scratch/venv/bin/python
    "$python" -m pip install -q --disable-pip-version-check presidio-analyzer==2.2.366 detect-secrets==1.5.0 spacy ||
        say "They cannot be installed: ours alone"
fi

say "Writing the set, seed ${SEED:-1}"
python3 "$here/redaction_set.py" "$scratch/set.jsonl" --seed "${SEED:-1}"
show=()
[[ -z "${SHOW:-}" ]] || show=(--show)
say "Judging"
"$python" "$here/redaction_quality.py" --bench "$bench" --set "$scratch/set.jsonl" "${show[@]}" | tee "$scratch/report.md"

say "Measuring the speed on ${MB:-1000} MB of text without finds"
python3 "$here/redaction_text.py" "$scratch/text.jsonl" --mb 50
line=$("$bench" redaction "$scratch/text.jsonl" --rounds $(((${MB:-1000} + 49) / 50)))
printf '\n%s\n' "$line" | tee -a "$scratch/report.md"
[[ -z "${REPORT:-}" ]] || cp "$scratch/report.md" "$REPORT"
(($(jq .mb_s <<<"$line") >= 100)) || fail "slower than 100 MB/s"
(($(jq .values <<<"$line") == 0)) || fail "something was found in text that holds nothing"
