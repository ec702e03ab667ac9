# SPDX-License-Identifier: Apache-2.0
# Shared by the campaigns: paths, what they need, children that never outlive the script, free ports. Sourced, not run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
shared=${WEIR_SHARED:-$(cd "$root/.." && pwd)/shared}
weir=${WEIR_BIN:-$root/.build/release/weir}
bench=${WEIR_BENCH_BIN:-$root/.build/release/weir-bench}
export PYTHONDONTWRITEBYTECODE=1

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
fail() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }
skip() { printf '%s: skipped: %s\n' "$(basename "$0")" "$*" >&2; exit 0; }

# The programs, built.
need_weir() { [[ -x "$weir" ]] || fail "$weir is not built: run make release"; }
need_bench() { [[ -x "$bench" ]] || fail "$bench is not built: run make release-bench"; }

# find_python MODULE...: sets python, that of `make venv` where there is one; false where it lacks a module.
find_python() {
    local IFS=,
    python=$root/.venv/bin/python
    [[ -x "$python" ]] || python=python3
    "$python" -c "import $*" 2>/dev/null
}

# need_python MODULE...: the same, and the end of the campaign where it lacks one.
need_python() {
    find_python "$@" && return
    local names=$1 verb=is
    if (($# > 1)); then
        names="${*:1:$#-1}"
        names="${names// /, } and ${*:$#}" verb=are
    fi
    fail "$names $verb needed: run make venv"
}

children=()
scratch=$(mktemp -d -t weir-campaign.XXXXXX)

# Ends our children, by their ids; keeps the scratch folder when KEEP is set or the campaign failed.
finish() {
    local status=$?
    trap - EXIT INT TERM
    for pid in "${children[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in "${children[@]}"; do
        for _ in {1..50}; do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
        kill -KILL "$pid" 2>/dev/null || true
    done
    if [[ -n "${KEEP:-}" || $status -ne 0 ]]; then say "Files are in $scratch"; else rm -rf "$scratch"; fi
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# wait_for_port PORT PID SECONDS NAME
wait_for_port() {
    local port=$1 pid=$2 seconds=$3 name=$4
    for ((i = 0; i < seconds * 10; i++)); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return 0; fi
        kill -0 "$pid" 2>/dev/null || fail "$name ended before it accepted connections; its log: $(tail -n 5 "$scratch/$name.log" 2>/dev/null)"
        sleep 0.1
    done
    fail "$name did not accept connections on port $port within $seconds s"
}

# stop_gently PID SECONDS NAME: SIGTERM, wait, demand exit code 0.
stop_gently() {
    local pid=$1 seconds=$2 name=$3 status=0
    kill -TERM "$pid" 2>/dev/null || fail "$name was gone before it was stopped; see $scratch/$name.log"
    for ((i = 0; i < seconds * 10; i++)); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    if kill -0 "$pid" 2>/dev/null; then fail "$name did not drain within $seconds s"; fi
    wait "$pid" || status=$?
    ((status == 0)) || fail "$name ended with status $status instead of 0"
}

# compile NAME [FLAG...]: NAME.c of this folder becomes $scratch/NAME.
compile() {
    local name=$1
    shift
    command -v gcc >/dev/null || fail "gcc is needed (apt-get install gcc)"
    gcc -O2 -Wall -Wextra -o "$scratch/$name" "$root/Tests/Campaigns/$name.c" "$@"
}
