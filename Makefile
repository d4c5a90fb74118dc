SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help setup demo demo-world demo-complete-journey test test-end-to-end lint bench faults clean

DATA ?= world
WORKERS ?= 2
ARGS ?=

BIN := .venv/bin
export SPARK_CONF_DIR := $(CURDIR)/.cache/spark-conf
export PYSPARK_PYTHON := $(CURDIR)/$(BIN)/python
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
# Another Spark, or another environment, that this shell may be in.
unexport SPARK_HOME PYTHONPATH VIRTUAL_ENV

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install all that is needed, in this folder; nothing happens when it is there
	@./setup.sh

# The made-up retailer, whose truth is known; or a real grocer, with a lakehouse and sources of its own.
demo-world: export ORRERY_HOME ?= .lakehouse
demo-world: AS_OF ?= 2025-12-31
demo-world: SIMULATED := world --processes 2
demo-complete-journey: export ORRERY_HOME := $(if $(ORRERY_HOME),$(ORRERY_HOME),.lakehouse)/complete-journey
demo-complete-journey: export ORRERY_SOURCES := bronze/sources/complete_journey
demo-complete-journey: AS_OF ?= 2017-12-31
demo-complete-journey: SIMULATED := complete-journey

demo: demo-$(DATA) ## Run the whole lakehouse, from raw files to scores and a report; DATA=complete-journey: a real grocer's

demo-world demo-complete-journey: setup
	@export ORRERY_LANDING="$${ORRERY_LANDING:-$$ORRERY_HOME/landing}"; \
	$(BIN)/simulate $(SIMULATED) && $(BIN)/orrery run --as-of $(AS_OF) --workers $(WORKERS)

test: setup ## Run the tests; ARGS="tests/silver -k parties" runs some of them, ARGS="-n 0" in one process
	@$(BIN)/python -m pytest -m "not end_to_end" -n logical --maxprocesses 4 --dist worksteal $(ARGS)

test-end-to-end: setup ## Run whole commands on few rows: killed and run again, on full disks, run twice, the README's commands
	@$(BIN)/python -m pytest -m end_to_end $(ARGS)

define LINTERS
ruff check
ruff format --check
mypy
lint-imports --no-logo
sqlfluff lint dbt
dbt --quiet parse --project-dir dbt --profiles-dir dbt
endef
export LINTERS

lint: setup ## Check style, types, imports between layers, SQL and dbt
	@failed=0; \
	while read -r linter; do \
		echo "== $$linter"; \
		$(BIN)/$$linter </dev/null || failed=1; \
	done <<<"$$LINTERS"; \
	exit $$failed

bench: setup ## Measure speed and memory, ours beside plain Spark, and the demo
	@$(BIN)/python -m tests.benchmarks $(ARGS)

faults: setup ## Break files, let them drift, fill disks, run at once, kill jobs: nothing may be lost or doubled
	@failed=0; \
	for campaign in corrupt drift disks at_once killed; do $(BIN)/python -m tests.faults.$$campaign || failed=1; done; \
	$(BIN)/python -m tests.faults $(ARGS) || failed=1; \
	exit $$failed

clean: ## Remove all that was made here: environment, caches, the local lakehouse
	rm -rf .venv .cache .lakehouse dist build *.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	rm -rf dbt/target dbt/logs dbt/dbt_packages logs mlruns spark-warehouse metastore_db derby.log
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
