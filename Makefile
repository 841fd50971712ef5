# Two commands do everything on a fresh machine with Python 3.11+ and make: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
# Everything optional but the GPL decoder: tests use it all.
EXTRAS := classic,data,train,openvino,optuna,ray,mlflow
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow smoke lint format types docs schema bench bench-packages realism constraints clean tools

help:  ## List what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/base  ## Make .venv with the base install (no torch)

demo: setup  ## Run the main job on a synthetic study and name the report
	$(BIN)/microcalc demo --out demo

test: .venv/dev tools  ## Run the tests
	$(BIN)/pytest -m "not slow" --numprocesses 2 --dist worksteal

test-slow: .venv/dev tools  ## Run the slow tests too (minutes: 20 times the fuzzing)
	$(BIN)/pytest

smoke: .venv/dev  ## Run every recipe in its smoke form
	$(BIN)/pytest -m smoke

lint: .venv/dev  ## Check style and formatting (ruff)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: .venv/dev  ## Mend style and formatting
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: .venv/dev  ## Check types (mypy, strict, on src)
	$(BIN)/mypy

docs: .venv/dev  ## Build the documentation into site/
	$(BIN)/mkdocs build --strict --quiet

schema: .venv/base  ## Write the JSON Schemas of the result files into docs/reference/
	$(BIN)/python docs/write_schemas.py

bench: .venv/dev  ## Measure speed and accuracy as the docs quote them
	for script in $(filter-out benchmarks/common.py benchmarks/realism.py benchmarks/gradcam_peak.py benchmarks/bench_packages.py,$(wildcard benchmarks/*.py)); do \
		echo "== $$script"; $(BIN)/python $$script || exit 1; done

bench-packages: .venv/dev  ## Make every package that the comparison of detectors names (hours): out/packages
	$(BIN)/python benchmarks/bench_packages.py out/packages

realism: .venv/dev  ## Set phantoms beside the real images of REAL=DIR: out/realism/realism.html
	$(BIN)/python benchmarks/realism.py --real $(or $(REAL),$(error REAL=folder of real images)) --out out/realism

constraints: .venv/dev  ## Note the versions now installed as the tested ones
	$(BIN)/python -m pip freeze --exclude-editable --disable-pip-version-check > constraints.txt

clean:  ## Remove everything made
	rm -rf .venv site demo out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "microcalc needs Python 3.11 or later; set PYTHON=/path/to/it"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(call apt,python3-venv); }
	$(PYTHON) -m venv .venv

.venv/base: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable .
	@touch $@

.venv/dev: .venv/base
	$(PIP) --upgrade pip
	$(PIP) --editable '.[$(EXTRAS)]' --group dev --group docs
	@touch $@

# Outside witnesses of the tests: DICOM encoders and a validator, and a browser. Tests that miss one skip and say so.
tools:
	@command -v dcmcjpeg >/dev/null && command -v dciodvfy >/dev/null && command -v chromium >/dev/null || \
		{ $(call apt,dcmtk dicom3tools chromium); } || echo "some outside tools are missing; their tests will skip"

define apt
	if ! command -v apt-get >/dev/null; then echo "please install: $(1)"; false; \
	elif [ "$$(id -u)" = 0 ]; then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(1) >/dev/null; \
	elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then \
		sudo apt-get update -qq && sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(1) >/dev/null; \
	else echo "please install, as root: apt-get install $(1)"; false; fi
endef
