#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How soon an exchange is in the index of a gateway under load, held against the callers' own ledger. RATE (540 a second: callers reach a
# little less), SECONDS_EACH (60), MIX (small, mixed, bulk), LIMIT_MS (2000), WEIR_BIN names another program, KEEP=1 leaves the files.
# Exit 1 where an exchange came later or not at all.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
need_weir
compile ledger
say "${RATE:-540} exchanges a second for ${SECONDS_EACH:-60} s"
python3 "$here/lag.py" --weir "$weir" --ledger "$scratch/ledger" --folder "$scratch" --rate "${RATE:-540}" --seconds "${SECONDS_EACH:-60}" \
    --mix "${MIX:-small}" --limit-ms "${LIMIT_MS:-2000}"
