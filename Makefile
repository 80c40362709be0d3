# Everything a newcomer types.  A fresh machine needs git, make and Python >= 3.11 with venv.
PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
UV := .uv/bin/uv
ARGS ?=
SEEDS ?= 300
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
# the machine's own certificates, also behind a proxy that has its own
export UV_SYSTEM_CERTS := 1
# where it is set, each of the hundreds of processes of a run compiles every module anew: more than half of its start
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test check simulate bench bench-peers lock lock-peers clean
help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## the locked environment in .venv

$(UV):
	@echo "setting up uv $(UV_VERSION)"
	@$(PYTHON) -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Vigil needs Python 3.11 or newer with venv: install it, or name one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv .uv && .uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.ready: requirements.lock pyproject.toml $(UV)
	@echo "installing the locked environment"
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	@$(UV) pip sync --quiet --require-hashes requirements.lock
	@$(UV) pip install --quiet --no-deps --editable .
	@touch $@

demo: setup ## the whole path, live; ARGS="--for 90 --summary out/summary.json"
	@$(BIN)/vigil demo $(ARGS)

test: setup ## lint, types, layers, every test; says first what it cannot run here
	@$(BIN)/python -m tests.everything $(ARGS)

check: setup ## lint, types and layers alone
	@$(BIN)/python -m tests.everything --only-static

simulate: setup ## many seeds of faults on virtual time, on all cores; SEEDS=20000, or ARGS="--seed 17 --trace" for one
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS) $(ARGS)

bench: setup ## the table of speed and memory, as ratios of one run
	@$(BIN)/python -m benchmarks $(ARGS)

bench-peers: setup ## Vigil beside other stream processors, one table; ARGS="--picture docs/images/peers.svg"
	@$(BIN)/python -m benchmarks.peers $(ARGS)

lock: $(UV) ## resolve again for all roles; versions stay where they may
	@$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --all-extras --output-file requirements.lock pyproject.toml

lock-peers: $(UV) ## the same for the peers' own environment
	@$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --output-file benchmarks/peers/requirements.lock benchmarks/peers/requirements.in

clean: ## what make made here (the download cache stays)
	rm -rf $(VENV) .venv-peers .uv out
