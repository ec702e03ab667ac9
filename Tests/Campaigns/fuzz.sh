#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The seeded tests with many more rounds, built for release with their checks: mutated bodies through the dialect readers, the JSON reader and the
# framings, none of which may take more of malloc than a small multiple of its input; the segment reader and the arena's recovery over damaged
# files. WEIR_READER_ROUNDS (840000: about ten million inputs), WEIR_FUZZ_ROUNDS (400000), WEIR_DAMAGE_ROUNDS (3000), FILTER.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cd "$root"
compile allocwatch -shared -fPIC
say "Building the tests for release"
swift build -c release --build-tests -Xswiftc -enable-testing --scratch-path .build/fuzz >"$scratch/build.log" 2>&1 \
    || { tail -n 20 "$scratch/build.log" >&2; fail "the tests cannot be built"; }
export WEIR_FUZZ_ROUNDS="${WEIR_FUZZ_ROUNDS:-400000}" WEIR_DAMAGE_ROUNDS="${WEIR_DAMAGE_ROUNDS:-3000}"
export WEIR_READER_ROUNDS="${WEIR_READER_ROUNDS:-840000}"
say "$WEIR_READER_ROUNDS rounds of the readers"
LD_PRELOAD="$scratch/allocwatch" swift test -c release -Xswiftc -enable-testing --scratch-path .build/fuzz --skip-build \
    --filter "${FILTER:-DifferentialTests|ArenaRecoveryTests|FuzzCampaignTests}"
