#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Power cuts: an ext4 disk under load is copied at random moments as a cut would leave it, and a gateway started on each copy.
# ROUNDS (200), SEED, MARGIN_MS (1500: what ended longer ago must be there), RATE (250 exchanges a second), IMAGES (a folder in memory
# by default), ENCRYPTED=1 encrypts the segments, WEIR_BIN names another program, KEEP=1 leaves the files. Needs root, FUSE and loop devices.
set -euo pipefail
# In a mount namespace of its own: elsewhere a process that copies the namespace would keep our file systems mounted.
if [[ -z "${CAMPAIGN_MOUNTS:-}" ]] && ((EUID == 0)); then CAMPAIGN_MOUNTS=own exec unshare -m "$0" "$@"; fi
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
need_weir
((EUID == 0)) || skip "mounting needs root"
[[ -c /dev/fuse ]] || skip "there is no /dev/fuse"
losetup -f >/dev/null 2>&1 || skip "there is no free loop device"
command -v mkfs.ext4 >/dev/null || fail "mkfs.ext4 is needed (apt-get install e2fsprogs)"
compile ledger
compile cutdisk
images=$(mktemp -d -p "${IMAGES:-/dev/shm}" weir-powercut.XXXXXX)

# Whatever happens, nothing stays mounted.
unmount() {
    for place in copy live disk; do
        if mountpoint -q "$scratch/$place"; then umount "$scratch/$place" || umount -l "$scratch/$place"; fi
    done
    rm -rf "$images"
}
trap 'code=$?; set +e; unmount; (exit "$code"); finish' EXIT

status=0
arguments=()
[[ -z "${ENCRYPTED:-}" ]] || arguments+=(--encrypted)
say "Cutting the power, ${ROUNDS:-200} times"
python3 "$here/powercut.py" --weir "$weir" --ledger "$scratch/ledger" --cutdisk "$scratch/cutdisk" --folder "$scratch" --images "$images" \
    --rounds "${ROUNDS:-200}" --seed "${SEED:-$(date +%s)}" --margin-ms "${MARGIN_MS:-1500}" --rate "${RATE:-250}" --most-faults "${MOST_FAULTS:-20}" "${arguments[@]}" || status=$?
((status == 0)) || fail "something that was synced is lost, or a record is wrong; see above"
