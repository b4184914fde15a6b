# The commands for users and developers. Each target says what it runs; CONTRIBUTING.md lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --constraint constraints.txt
# What constraints.txt pins beyond the dependencies.
EXTRAS := dev,docs,environment,kubernetes,postgres,release,slurm,umap
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)

export DAGSTER_DISABLE_TELEMETRY := 1
export MPLBACKEND := Agg
export MLFLOW_DISABLE_TELEMETRY := true
export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.PHONY: help install demo test ui lint docs bench lock clean

help: ## Show this help
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

# torch is installed first and alone: otherwise other packages could require another build of it.
$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) torch
	$(PIP) --editable .
	touch $@

# The tests' data centre requires pymseed below 1, but works with the installed version.
$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) --editable '.[dev]'
	$(PIP) --no-deps portable-fdsnws-dataselect
	touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(PIP) --editable '.[docs]'
	touch $@

install: $(VENV)/.installed ## Create .venv with the pinned dependencies

demo: export RIS_COMPUTE := dask
demo: export RIS_WORKERS := $(CORES)
demo: $(VENV)/.installed ## Run the method on the embedded synthetic network, published, recommended and reviewed
	$(BIN)/ris run --config config/demo_published.yaml --without assess_stability --without analysis
	$(BIN)/ris run --config config/demo.yaml --without analysis --without score_against_truth
	$(BIN)/ris review --config config/demo.yaml --simulate truth --count 60
	$(BIN)/ris run --config config/demo.yaml --without assess_stability
	$(BIN)/ris scores config/demo_published.yaml config/demo.yaml

test: $(VENV)/.installed-dev ## Run all tests, file by file on all cores (pytest)
	$(BIN)/pytest -n logical --dist loadfile --no-loadscope-reorder

ui: $(VENV)/.installed ## Serve Dagster, MLflow and the explorer on 127.0.0.1 until Ctrl-C (ris ui)
	$(BIN)/ris ui

lint: $(VENV)/.installed-dev ## Check format, style, layers and types (ruff, import-linter, mypy)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

docs: export NO_MKDOCS_2_WARNING := 1
docs: $(VENV)/.installed-docs ## Run the tutorials, build the documentation into site/; a warning or broken link fails (mkdocs)
	$(BIN)/python -m bench.tutorials
	$(BIN)/mkdocs build --strict

bench: $(VENV)/.installed ## Measure the stages side by side (python -m bench.throughput)
	$(BIN)/python -m bench.throughput

# A fresh environment, so that nothing stays that no longer belongs to it. The Python is that of `make install`.
lock: ## Write constraints.txt anew: the newest versions that pyproject.toml allows (a fresh environment in .lock)
	$(PYTHON) -m venv --clear .lock
	.lock/bin/python -m pip install torch
	.lock/bin/python -m pip install --editable '.[$(EXTRAS)]'
	.lock/bin/python -m pip install --no-deps portable-fdsnws-dataselect
	{ head -n 1 constraints.txt; .lock/bin/python -m pip freeze --all --exclude-editable --exclude pip; } >.lock/constraints.txt
	mv .lock/constraints.txt constraints.txt
	rm -rf .lock

clean: ## Remove the virtual environment and caches; data are kept
	rm -rf $(VENV) site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage *.egg-info
