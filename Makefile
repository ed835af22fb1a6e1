# Needs Python 3.11 or newer, make and a package index. Every target builds .venv first if it must.

PY := .venv/bin/python
READY := .venv/.ready
PIP := $(PY) -m pip --disable-pip-version-check --no-input -qq

# The first interpreter new enough; asked only when .venv is built. Override: make PYTHON=...
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11 python
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
PYTHON ?= $(shell for each in $(CANDIDATES); do "$$each" $(NEW_ENOUGH) && echo "$$each" && break; done)

# Settings of the caller's shell that would bend a locked install or the imports of a run.
unexport PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX PIP_NO_DEPS PIP_REQUIRE_HASHES

.PHONY: help demo test coverage lint types bench lock clean .venv
.DEFAULT_GOAL := help

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' Makefile

demo: $(READY) ## Walk through one reconciliation on the paper broker
	@.venv/bin/trueup demo

test: $(READY) ## Run the test suite
	$(PY) -m pytest -n auto --dist worksteal

coverage: $(READY) ## Run the tests and hold the coverage figures
	$(PY) -m pytest -n auto --dist worksteal --cov --cov-report=
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

lock: ## Refresh both lock files (needs uv); make lock UPGRADE=--upgrade takes newer releases
	@command -v uv >/dev/null || { echo "make lock needs uv on the PATH (pipx install uv)"; exit 1; }
	$(LOCK) $(UPGRADE) -o requirements.lock
	$(LOCK) $(UPGRADE) -o requirements-dev.lock --group dev -c requirements.lock

clean: ## Remove .venv and everything the tools left behind
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv: $(READY)

# The stamp comes last, so an interrupted build is begun again. The development lock holds the
# runtime lock and the build backend: nothing unlocked is fetched. Compat mode is a plain .pth line,
# which spares every start of trueup an import hook.
$(READY): requirements-dev.lock
	@"$(PYTHON)" $(NEW_ENOUGH) || { echo "No Python 3.11 or newer: tried $(or $(PYTHON),$(CANDIDATES))."; \
		echo "Install one, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Building .venv: a virtual environment of $$("$(PYTHON)" --version) ..."
	@"$(PYTHON)" -m venv --clear .venv
	@echo "Building .venv: installing $$(grep -c '^[a-z].*==' requirements-dev.lock) locked packages, about a minute ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@echo "Building .venv: installing trueup itself ..."
	@$(PIP) install --no-deps --no-build-isolation --config-settings editable_mode=compat -e .
	@touch $(READY)
