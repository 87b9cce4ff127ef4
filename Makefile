# make run   the study of config.yaml       make test   lint, format and the whole test suite
# make fuzz  many damaged inputs for every reader: make fuzz CASES=20000 SEED=1
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export TF_CPP_MIN_LOG_LEVEL := 3

CASES ?= 20000
SEED ?= 0

.PHONY: run test fuzz lint

run: .venv/installed
	snakemake results/summary.csv results/report.html

test: lint
	pytest -n 2 --dist loadfile --no-loadscope-reorder

fuzz: .venv/installed
	python tests/fuzz/run.py --cases $(CASES) --seed $(SEED)

lint: .venv/installed
	ruff check .
	ruff format --check .
	PYTHONPATH=scripts lint-imports --no-cache
	snakefmt --check Snakefile rules
	snakemake --lint

.venv/installed: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	ln -sf ../../convstudy $(BIN)/convstudy
	touch $@
