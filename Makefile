# SPDX-License-Identifier: Apache-2.0
# Weir: `make demo` and `make test` do everything on a fresh Debian machine with Swift; `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -e -u -o pipefail -c
.ONESHELL:
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help setup build release release-bench venv test lint format demo clean crash index-kill lag powercut faults fuzz bench corpus answers answers-speed dataset-formats index-speed separation separation-speed dataset-speed soak memory density overhead redaction-quality notebooks

APT_BUILD := libsqlite3-dev libzstd-dev libcurl4-openssl-dev zlib1g-dev libbrotli-dev
APT_TEST := zstd jq python3-venv sqlite3 faketime
SWIFT_MIN := 6.2
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
VENV := $(CURDIR)/.venv
# Inlined across modules; overlapping accesses are looked for in debug builds, where the tests run (decision 0011).
OPTIMISED := -Xswiftc -cross-module-optimization -Xswiftc -enforce-exclusivity=unchecked
IMPORTS := --explicit-target-dependency-import-check error
FILTER ?=
DEMO_FLAGS ?=
say = printf '\033[1m==> %s\033[0m\n'

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-15s %s\n", $$1, $$2 }'

setup: ## install the Debian packages and check Swift (asks for sudo only when something is missing)
	@missing=()
	for name in $(APT_BUILD) $(APT_TEST); do
	    state=$$(dpkg-query -W -f '$${db:Status-Status}' "$$name" 2>/dev/null || true)
	    [[ "$$state" == installed ]] || missing+=("$$name")
	done
	if (( $${#missing[@]} > 0 )); then
	    command -v apt-get >/dev/null || { echo "setup: no apt-get here; install these yourself: $${missing[*]}" >&2; exit 1; }
	    as_root=(); if (( EUID != 0 )); then as_root=(sudo); fi
	    $(say) "Installing $${missing[*]}"
	    "$${as_root[@]}" apt-get update -q
	    "$${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$${missing[@]}"
	else
	    $(say) "Debian packages: all there"
	fi
	if ! command -v swift >/dev/null; then
	    echo "setup: swift is not on the PATH. Install Swift $(SWIFT_MIN) or newer from https://www.swift.org/install/linux/ and open a new shell." >&2
	    exit 1
	fi
	version=$$(swift --version 2>&1 | sed -nE 's/.*Swift version ([0-9]+(\.[0-9]+)*).*/\1/p' | head -n 1)
	if [[ -z "$$version" || "$$(printf '%s\n' "$(SWIFT_MIN)" "$$version" | sort -V | head -n 1)" != "$(SWIFT_MIN)" ]]; then
	    echo "setup: Swift $${version:-of unknown version} is too old; $(SWIFT_MIN) or newer is needed: https://www.swift.org/install/linux/" >&2
	    exit 1
	fi
	$(say) "Swift $$version"

build: setup ## build everything, debug
	@$(say) "Building (debug)"
	swift build $(IMPORTS)

release: setup ## build the program, optimised
	@$(say) "Building weir (release); the first time takes some minutes"
	swift build -c release --product weir $(OPTIMISED)

venv: setup $(VENV)/.installed ## make the Python environment of the SDK tests

# Made anew when the pinned versions change. What cannot be had is named; its tests then say why they are skipped.
$(VENV)/.installed: Tests/requirements.txt Tests/requirements-litellm.txt
	@$(say) "Installing the official SDKs into .venv (a minute or two)"
	rm -rf "$(VENV)"
	fetch() {
	    $(PYTHON) -m venv "$$1"
	    local pip=("$$1/bin/pip" install -q --disable-pip-version-check --no-compile)
	    "$${pip[@]}" -r "$$2" && return
	    while read -r wanted; do
	        [[ "$$wanted" == \#* ]] || "$${pip[@]}" "$$wanted" || echo "venv: $$wanted cannot be installed; its tests will be skipped" >&2
	    done <"$$2"
	}
	fetch "$(VENV)" Tests/requirements.txt
	fetch "$(VENV)/litellm" Tests/requirements-litellm.txt
	touch "$@"

release-bench: release ## build the benchmark workloads, optimised
	@$(say) "Building weir-bench (release)"
	swift build -c release --product weir-bench $(OPTIMISED)

lint: setup ## check the format
	@$(say) "Checking the format"
	swift format lint --strict -r Package.swift Sources Tests queries

format: ## format all Swift files in place
	@swift format -i -r Package.swift Sources Tests queries

test: setup venv lint ## format check, build with import check, all tests (FILTER=Name runs some)
	@$(say) "Building with tests; the first time takes some minutes"
	swift build --build-tests $(IMPORTS)
	$(say) "Testing"
	WEIR_PYTHON="$(VENV)/bin/python" swift test --skip-build $(IMPORTS) $(if $(FILTER),--filter '$(FILTER)')
	$(say) "All tests passed"

demo: release ## real traffic through a real gateway, no API key (DEMO_FLAGS=--keep leaves it up)
	@$(say) "Running the demo"
	"$$(swift build -c release --show-bin-path)/weir" demo $(DEMO_FLAGS)

notebooks: venv ## the notebooks over $WEIR_DATA (by default the newest demo) as pages in .build/notebooks
	@$(say) "Executing the notebooks"
	if [[ -n "$${WEIR_DATA:-}" ]]; then export WEIR_DATA=$$(realpath -- "$$WEIR_DATA"); fi
	if [[ -n "$${WEIR_DATASET:-}" ]]; then export WEIR_DATASET=$$(realpath -- "$$WEIR_DATASET"); fi
	PYTHONDONTWRITEBYTECODE=1 "$(VENV)/bin/python" -B -m nbconvert --to html --execute --ExecutePreprocessor.timeout=600 \
	    --log-level ERROR --output-dir .build/notebooks notebooks-docs/notebooks/*.ipynb
	$(say) "Written: .build/notebooks/*.html"

crash: release ## campaign: kill -9 under load, and death at every call that writes; every exchange held against its caller's ledger
	@Tests/Campaigns/crash.sh

index-kill: release ## campaign: `weir index` killed at random instants; what it ends with equals an index made at a stretch
	@Tests/Campaigns/index_kill.sh

lag: release ## campaign: how soon an exchange is in the index at 500 a second, by its caller's ledger
	@Tests/Campaigns/lag.sh

powercut: release ## campaign: power cuts of an ext4 disk under load (needs root, FUSE, loop devices)
	@Tests/Campaigns/powercut.sh

faults: release ## campaign: full, failing, slow, read-only and removed disks under load (needs root, strace)
	@Tests/Campaigns/faults.sh

fuzz: setup ## campaign: the seeded tests with many more rounds, ten million inputs for the readers (needs gcc)
	@Tests/Campaigns/fuzz.sh

corpus: release venv ## campaign: recorded provider traffic through the gateway, whole and cut off, byte for byte (needs ../shared)
	@Tests/Campaigns/corpus.sh

answers: release venv ## campaign: every question in three engines, and percentiles under random filters against DuckDB
	@Tests/Campaigns/answers.sh

answers-speed: release-bench venv ## campaign: time of answers from a large index, against DuckDB and chdb on the same rows
	@Tests/Campaigns/answers_speed.sh

dataset-formats: setup ## campaign: every export format, over 10 MB a file, through `datasets`, inspect-ai and mistral-common (needs a package index)
	@Tests/Campaigns/dataset_formats.sh

index-speed: release release-bench venv ## campaign: speed of `weir index` over small and large exchanges, beside DuckDB on the same lines
	@Tests/Campaigns/index_speed.sh

separation: release release-bench ## campaign: data sets of a planted set, built as it comes in, held apart by a checker that shares nothing with Weir
	@Tests/Campaigns/separation.sh

separation-speed: release-bench ## campaign: near duplicates beside rensa and datatrove on the same rows, and the gate (needs a package index; SIZE in MB)
	@Tests/Campaigns/separation_speed.sh

dataset-speed: release release-bench venv ## campaign: `weir dataset build` from segments to files, time and memory (SIZE in MB of canonical text)
	@Tests/Campaigns/dataset_speed.sh

bench: release ## campaign: direct, nginx and weir side by side (needs ../shared, gcc, wrk, nginx)
	@Tests/Campaigns/bench.sh

density: release-bench ## campaign: size and speed of the log against stock zstd on the same bytes (needs ../shared, gcc)
	@Tests/Campaigns/density.sh

redaction-quality: release-bench ## campaign: recall and precision of redaction beside presidio and detect-secrets, and its speed (PYTHON names one that has them)
	@Tests/Campaigns/redaction_quality.sh

overhead: release ## campaign: capture on against capture off in one run (needs ../shared, gcc)
	@Tests/Campaigns/overhead.sh

soak: release ## campaign: mixed traffic with cancellations, cuts and errors; memory, descriptors, every exchange accounted for
	@Tests/Campaigns/soak.sh

memory: release ## campaign: memory after a million exchanges and with 2,000 idle streams; start to ready (needs ../shared, gcc)
	@Tests/Campaigns/memory.sh

clean: ## delete what was built, not what was captured
	@rm -rf .build .venv
