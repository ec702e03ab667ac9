#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Files of every export format, in both profiles, each over 10 MB with the rarest shape in its last row, through readers that are not ours: `datasets`
# (current and 3.6), `inspect-ai`, `mistral-common`, and rules of OpenAI and others written down apart in dataset_formats.py. Needs Python 3.11 or newer in
# PYTHON and a package index for pip, or environments in DATASETS_PYTHON and DATASETS36_PYTHON. BYTES (11000000), SEED (1), KEEP=1.
# SET names a data set that a build wrote: its files go through the same readers instead, and nothing is written.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-python3}

# environment DIRECTORY REQUIREMENT...: makes an environment and prints its Python.
environment() {
    local directory=$1
    shift
    "$python" -m venv "$directory" && "$directory/bin/pip" install -q --disable-pip-version-check "$@" >&2 || return 1
    echo "$directory/bin/python"
}

current=${DATASETS_PYTHON:-$(environment "$scratch/current" datasets inspect-ai mistral-common)} || skip "datasets, inspect-ai and mistral-common cannot be installed"
older=${DATASETS36_PYTHON:-$(environment "$scratch/older" 'datasets==3.6.0')} || skip "datasets 3.6 cannot be installed"

folder=${SET:-$scratch/files}
if [[ -z "${SET:-}" ]]; then
    cd "${PACKAGE:-$root}"
    say "Writing the files"
    WEIR_FORMATS_OUT="$folder" WEIR_FORMATS_BYTES="${BYTES:-11000000}" SEED="${SEED:-1}" \
        swift test --filter FormatFilesTests.writesFilesForTheCampaign >"$scratch/write.log" 2>&1 || { tail -n 20 "$scratch/write.log" >&2; fail "the files cannot be written"; }
fi

status=0
export HF_HOME="$scratch/cache" HF_HUB_OFFLINE=1
say "datasets (current), inspect-ai, mistral-common, written rules"
"$current" "$here/dataset_formats.py" "$folder" --need datasets,inspect_ai,mistral_common | tee "$scratch/current.jsonl" | grep -v '"problem": null' || true
[[ $(tail -n 1 "$scratch/current.jsonl") == '{"failures": 0}' ]] || status=1
say "datasets 3.6"
"$older" "$here/dataset_formats.py" "$folder" --need datasets | tee "$scratch/older.jsonl" | grep -v '"problem": null' || true
[[ $(tail -n 1 "$scratch/older.jsonl") == '{"failures": 0}' ]] || status=1
if [[ -n "${REPORT:-}" ]]; then cat "$scratch/current.jsonl" "$scratch/older.jsonl" >"$REPORT"; fi
((status == 0)) || fail "a reader refuses a file"
say "All readers take all files"
