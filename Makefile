# Everything a newcomer needs, on a fresh Debian or Ubuntu with Python 3.11 or newer. `make` explains itself.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
HOST ?= 127.0.0.1
PORT ?= 8000
# One worker more than processors, since browsers and databases are waited for; no more than memory carries.
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$(( n > 5 ? 6 : n + 1 )))
ARGS ?=
BIN := $(VENV)/bin
DISTRICTS := run/xiangheyuan run/yingze

# One file's tests stay in one worker, so that what a module builds is built once; tests/conftest.py says in which order.
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
QUICK := not slow and not browser
# The tests that reach the kernels are those that name the engine.
ENGINE_TESTS = $(shell grep -lE "^(from|import) geo_service\.engine" tests/test_*.py)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help run test test-quick test-long test-nojit check lint bench

help: ## Say what can be made (this list)
	@echo "make TARGET [NAME=value]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-11s %s\n", $$1, $$2}' Makefile
	@echo "Names: HOST=$(HOST) PORT=$(PORT) (run), WORKERS=$(WORKERS) ARGS='-k words' (tests), PYTHON=$(PYTHON) VENV=$(VENV)"

run: $(VENV)/.installed $(DISTRICTS) ## Make the demo districts if absent, and serve them
	@echo
	@echo "  Open http://$(HOST):$(PORT)/xiangheyuan/ or http://$(HOST):$(PORT)/yingze/ (Ctrl-C ends)"
	@echo "  Both districts are made up: streets, places and hours are synthetic."
	@echo
	@exec $(BIN)/geo-service serve $(DISTRICTS) --host $(HOST) --port $(PORT)

# Built aside and renamed when whole by `init` itself; one that stands is never touched.
run/%: | $(VENV)/.installed
	@mkdir -p run
	$(BIN)/geo-service init $@ --demo $*

test: $(VENV)/.installed-dev ## Run every test; says at the end what was skipped and how to get it
	$(PYTEST) $(ARGS)

test-quick: $(VENV)/.installed-dev ## Run the tests that take under a minute together
	$(PYTEST) -m "$(QUICK)" $(ARGS)

test-long: $(VENV)/.installed-dev ## Run every test with all random examples (for an hour or two)
	GEO_SERVICE_LONG_TESTS=1 $(PYTEST) $(ARGS)

test-nojit: $(VENV)/.installed-dev ## Run the engine's tests with the kernels as plain Python
	NUMBA_DISABLE_JIT=1 $(PYTEST) -m "$(QUICK) and not shared" $(ENGINE_TESTS) $(ARGS)

check: lint test ## Check style, types, docstrings and spelling, then run every test

lint: $(VENV)/.installed-dev ## Check style, types, docstrings and spelling only
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python tests/docstrings.py
	git ls-files -z | xargs -0 $(BIN)/codespell
	$(BIN)/python tests/repository_rules.py

bench: $(VENV)/.installed-bench ## Measure on the demo in a few minutes; says how to measure a real extract
	$(BIN)/python -m benchmarks.engine --quick $(ARGS)
	$(BIN)/python -m benchmarks.scale
	$(BIN)/python -m benchmarks.datum
	$(BIN)/python -m benchmarks.planning --quick

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) not found; apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.11 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "make: $(PYTHON) cannot make virtual environments; apt-get install python3-venv"; exit 1; }
	@echo "Making $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

# Editable, so that the code of the checkout runs; again only when the dependencies may have changed.
$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	@echo "Installing geo-service (a few minutes the first time) ..."
	@$(PIP) --editable '.[plan]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	@echo "Installing geo-service and what its tests need (a few minutes the first time) ..."
	@$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-bench: pyproject.toml | $(VENV)/bin/python
	@echo "Installing geo-service, its tests' needs and the peers it is measured against ..."
	@$(PIP) --editable '.[dev,bench]'
	@touch $@ $(VENV)/.installed $(VENV)/.installed-dev
