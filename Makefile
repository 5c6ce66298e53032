# Needs only make and Python (3.11 or later). Everything else goes to .venv, in the versions of constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
unexport PYTHONDONTWRITEBYTECODE  # every daemon that a test starts would compile the package anew

.DEFAULT_GOAL := help
.PHONY: help run test check proof bench docs bundle peers

help:  ## show what there is to make
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: $(READY)  ## set up, then run the demo estate with the daemon over it
	$(BIN)/pacs-monitor demo

test: check  ## set up, install the test counterparts (Debian), run all checks and tests
	$(BIN)/pytest -n 4 --dist worksteal -m "not proof and not alone"  # four, since many tests wait for others
	$(BIN)/pytest -m "alone and not proof"

check: $(READY) peers  ## format, lint, types, floors, configuration, rules
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --package pacs_monitor
	$(BIN)/mypy deploy/bundle/bundle.py
	$(BIN)/lint-imports
	$(BIN)/pacs-monitor check-config monitor.yaml
	promtool check rules rules/*.yaml
	promtool test rules rules/tests/*.yaml
	$(BIN)/python -m dashboards --check

proof: $(READY) peers  ## the long forms of the proofs: kill storms, loads; what they saw goes to docs/reliability.md
	$(BIN)/pytest -m proof --timeout 3600 --write-reliability

bench: $(READY) peers  ## measure against peers; the table goes to benchmarks/results/
	$(BIN)/python -m benchmarks.echo --repeat 5
	$(BIN)/python -m benchmarks.transfer
	$(BIN)/python -m benchmarks.decisions
	$(BIN)/python -m benchmarks.report
	$(BIN)/python -m benchmarks.pages
	$(BIN)/python -m benchmarks.scrape

docs: $(READY)  ## these pages as a site of files, to build/docs: no server, no network; every link is checked
	scripts/build-docs

bundle: $(READY)  ## wheels, installer and manifest for machines without a network (PLATFORM=, FOR_PYTHON=, EXTRAS=)
	BIN=$(BIN) scripts/make-bundle

peers:
	scripts/install-test-peers

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "pacs_monitor needs Python 3.11 or later, this is " + sys.version.split()[0] + "; name another one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV) || { echo "On Debian: apt install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,postgres]'
	@touch $@
