# GeneScribe on one machine, without conda. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CORES ?= all
PYTHON ?= python3
PIP_FLAGS ?=
CUFFCOMPARE ?= 0
# Programs of .venv come first, as the workflow's rules call plain `python`.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Each test process has one core: two of them share a small machine. Tests of one file share what it sets up.
TEST := OMP_NUM_THREADS=1 pytest --numprocesses 2 --dist loadfile

DEMO := results/benchmark/Escherichia_coli_K12

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "  Variables: CORES=$(CORES) PYTHON=$(PYTHON) PIP_FLAGS=... CUFFCOMPARE=1 (where gffcompare is missing)"

.PHONY: setup
setup: ## install what is missing: Debian packages, and .venv with the command genescribe
	@PYTHON="$(PYTHON)" PIP_FLAGS="$(PIP_FLAGS)" CUFFCOMPARE="$(CUFFCOMPARE)" scripts/setup.sh

.PHONY: demo
demo: setup ## from the bundled E. coli genome to a scored annotation and a report, on two cores in 20 minutes
	@snakemake --cores $(CORES) --configfile config/demo.yaml --quiet host reason
	@genescribe scoretable $(DEMO)/scores/*.json
	@echo "report: results/report/demo.html"
	@echo "genes:  results/annotation/Escherichia_coli_K12/genescribe.gff3"

.PHONY: lint
lint: setup ## ruff, mypy, snakefmt and snakemake --lint
	ruff check
	ruff format --check
	mypy
	snakefmt --check Snakefile workflow
	snakemake --lint --configfile config/demo.yaml

.PHONY: test
test: lint ## lint, and all tests but the slow ones
	$(TEST) -m "not slow"

.PHONY: test-all
test-all: lint ## lint, and all tests
	$(TEST)
