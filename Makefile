# Needs Python 3.11 or newer, make and a package index. Every target builds .venv first if it must,
# and test-ib-async a second environment: the two IB clients must never meet in one.

PY := .venv/bin/python
READY := .venv/.ready
READY_IB_ASYNC := .venv-ib-async/.ready

# The first interpreter new enough; asked only when .venv is built. Override: make PYTHON=...
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11 python
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
PYTHON ?= $(shell for each in $(CANDIDATES); do "$$each" $(NEW_ENOUGH) && echo "$$each" && break; done)

# Settings of the caller's shell that would bend a locked install or the imports of a run.
unexport PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX PIP_NO_DEPS PIP_REQUIRE_HASHES

.PHONY: help demo test test-ib-async coverage lint types bench lock clean .venv .venv-ib-async
.DEFAULT_GOAL := help

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' Makefile

demo: $(READY) ## Walk through one reconciliation on paper; VENUE=bybit, mexc, ib: emulated
	@.venv/bin/trueup demo $(if $(VENUE),--venue "$(VENUE)")

test: $(READY) ## Run the test suite
	$(PY) -m pytest -n $(WORKERS) --dist worksteal

# One more than there are cores: many tests wait for a clock or for another process.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1)))

IB_SUITES = tests/core/brokers/ib tests/venues/ib tests/test_locks.py $(wildcard tests/rounds/test_ib_*.py)

test-ib-async: $(READY_IB_ASYNC) ## Run the IB suites with ib_async in the place of ib_insync
	TRUEUP_TEST_IB_LIBRARY=ib_async .venv-ib-async/bin/python -m pytest -n $(WORKERS) --dist worksteal $(IB_SUITES)

coverage: $(READY) ## Run the tests and hold the coverage figures
	$(PY) -m pytest -n $(WORKERS) --dist worksteal --cov --cov-report=
	$(PY) -m coverage report --skip-covered --include='core/plan/*,core/decide/*,core/apply/*' --fail-under=100
	$(PY) -m coverage report --skip-covered --fail-under=90

lint: $(READY) ## Check style, types and import directions
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports

types: $(READY) ## Check types alone
	$(PY) -m mypy

bench: $(READY) ## Print the timing ratios
	$(PY) -m bench

LOCK = uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

lock: ## Refresh all lock files (needs uv); make lock UPGRADE=--upgrade takes newer releases
	@command -v uv >/dev/null || { echo "make lock needs uv on the PATH (pipx install uv)"; exit 1; }
	$(LOCK) $(UPGRADE) -o requirements.lock
	$(LOCK) $(UPGRADE) -o requirements-dev.lock --group dev -c requirements.lock
	$(LOCK) $(UPGRADE) -o requirements-ib-async.lock --group dev -c requirements-dev.lock \
		--overrides requirements-ib-async.in

clean: ## Remove both environments and everything the tools left behind
	rm -rf .venv .venv-ib-async build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv: $(READY)
.venv-ib-async: $(READY_IB_ASYNC)

# $(call build,VENV,LOCK). The stamp comes last, so an interrupted build is begun again. A lock for
# development holds the runtime's packages and the build backend: nothing unlocked is fetched. Compat
# mode is a plain .pth line, which spares every start of trueup an import hook.
define build
	@"$(PYTHON)" $(NEW_ENOUGH) || { echo "No Python 3.11 or newer: tried $(or $(PYTHON),$(CANDIDATES))."; \
		echo "Install one, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Building $(1): a virtual environment of $$("$(PYTHON)" --version) ..."
	@"$(PYTHON)" -m venv --clear $(1)
	@echo "Building $(1): installing $$(grep -c '^[a-z].*==' $(2)) locked packages, about a minute ..."
	@$(1)/bin/python $(PIP_INSTALL) --require-hashes -r $(2)
	@echo "Building $(1): installing trueup itself ..."
	@$(1)/bin/python $(PIP_INSTALL) --no-deps --no-build-isolation --config-settings editable_mode=compat -e .
	@touch $(1)/.ready
endef
PIP_INSTALL := -m pip --disable-pip-version-check --no-input -qq install

$(READY): requirements-dev.lock
	$(call build,.venv,requirements-dev.lock)

$(READY_IB_ASYNC): requirements-ib-async.lock
	$(call build,.venv-ib-async,requirements-ib-async.lock)
