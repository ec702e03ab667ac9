#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The disk under the capture fails in ten ways while traffic goes on. FAULTS names some of them (full, full_long, full_stop, write,
# write_some, sync, sync_some, read_only, removed, slow), WEIR_BIN another program, KEEP=1 leaves the files. Needs root, strace and loop devices.
set -euo pipefail
# In a mount namespace of its own: elsewhere a process that copies the namespace would keep our file systems mounted.
if [[ -z "${CAMPAIGN_MOUNTS:-}" ]] && ((EUID == 0)); then CAMPAIGN_MOUNTS=own exec unshare -m "$0" "$@"; fi
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
need_weir
((EUID == 0)) || skip "mounting and tracing need root"
for tool in strace mkfs.ext4 e2fsck; do command -v "$tool" >/dev/null || fail "$tool is needed (apt-get install strace e2fsprogs)"; done
compile ledger

# Whatever happens, nothing stays mounted.
unmount() {
    for place in "$scratch"/*/place; do
        while mountpoint -q "$place"; do umount "$place" || umount -l "$place"; done
    done
}
trap 'code=$?; set +e; unmount; (exit "$code"); finish' EXIT

say "Failing disks"
arguments=()
[[ -z "${FAULTS:-}" ]] || arguments+=(--faults "$FAULTS")
[[ -z "${KEEP:-}" ]] || arguments+=(--keep)
python3 "$here/faults.py" --weir "$weir" --ledger "$scratch/ledger" --folder "$scratch" "${arguments[@]}" || fail "a fault was not borne; see above"
