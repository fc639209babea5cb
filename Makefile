PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
STAMP := .venv/.installed
ESCNN := escnn==1.0.11

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-long fuzz kill check format format-check lint types imports coverage docs site bench clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Exact pins keep the environment reproducible. escnn's own metadata asks for a Fortran compiler and an
# old numpy, neither of which it needs here, so it is installed without its dependencies.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[all]'
	$(BIN)/python -m pip install -q --no-deps $(ESCNN)
	@touch $@

demo: $(STAMP)  ## discover groups in embedded real data, and train a network that uses one
	$(BIN)/grouplearn discover sky chloroplast box-drawings digits --patch-size 3 --window 2 --out runs/demo --overwrite
	$(BIN)/grouplearn train digits --rotated --epochs 20 --batch-size 32 --parameters 8000 --out runs/demo-network --overwrite

# A worker has one thread: more of them wait for one another.
test test-slow test-long fuzz kill: export OMP_NUM_THREADS = 1

# Tests of one file share what they set up, so a worker takes whole files.
test: $(STAMP)  ## tests and doctests; COVERAGE=1 also measures line and branch coverage, at least 95 %
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile $(if $(COVERAGE),--cov --cov-report=term)

test-slow: $(STAMP)  ## the tests marked slow
	$(BIN)/python -m pytest -q -n $(WORKERS) -m slow

test-long: $(STAMP)  ## the laws on at least 20,000 random examples
	HYPOTHESIS_PROFILE=long GROUPLEARN_MIN_EXAMPLES=20000 $(BIN)/python -m pytest -q -n $(WORKERS) tests/laws -m ""

fuzz: $(STAMP)  ## read 5,000 broken and hostile files, in some minutes
	$(BIN)/python -m tests.robustness.fuzz

kill: $(STAMP)  ## kill every command at 200 random moments, in a quarter of an hour
	$(BIN)/python -m tests.robustness.kill

check: COVERAGE = 1
check: format-check lint types imports test test-slow site  ## everything a commit must pass

format: $(STAMP)  ## rewrite the sources in the project's format
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

format-check: $(STAMP)
	$(BIN)/ruff format --check

lint: $(STAMP)  ## ruff
	$(BIN)/ruff check

types: $(STAMP)  ## mypy --strict and pyright
	$(BIN)/mypy
	$(BIN)/pyright --warnings

imports: $(STAMP)  ## the direction of imports
	$(BIN)/lint-imports

coverage: COVERAGE = 1
coverage: test  ## the lines and branches no test reaches, as a page in build/htmlcov/
	$(BIN)/coverage html -q -d build/htmlcov

docs: $(STAMP)  ## build the site in docs/_build/html; warnings are errors
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

site: docs  ## build the site, and try every link and, where there is a browser, its accessibility
	GROUPLEARN_SITE=docs/_build/html $(BIN)/python -m pytest -q -n $(WORKERS) tests/browser/test_site.py

bench: $(STAMP)  ## run every benchmark
	@set -e; for script in benchmarks/[a-z]*.py; do echo "$$script"; $(BIN)/python "$$script"; done

clean:  ## remove what the other targets made, except .venv
	rm -rf build dist *.egg-info .coverage .coverage.* coverage.xml runs docs/_build docs/jupyter_execute
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find grouplearn domains tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +
