# The workshop's commands. They need make and Python 3.11 only; everything else is fetched by the set-up, with checksums.

SHELL := /bin/bash
# the interpreter itself, not pyenv's shim: by a shim's path, uv takes an environment for another's and makes it anew
PYTHON ?= $(shell $$(command -v python3.11 || command -v python3) -c 'import sys; print(sys._base_executable)')
UV := $(shell command -v uv || echo .workshop/uv/bin/uv)
WORKSHOP := .venv/bin/workshop

# images for containers often set it; then every process compiles all that it imports, each time (a kernel: 2 s, a third of the tests' CPU)
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup workshop test check contracts lab site bench clean clients clusters refresh rehearsal handout

help: ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

workshop: setup ## run all notebooks in order on the local AWS; copies with outputs go to build/
	@$(WORKSHOP) run

# beside the contracts, pytest collects once: what it compiles is then there for all workers
test: setup ## run all tests: style, types, contracts, then everything, by three workers a core
	-@$(UV) sync --frozen --quiet --inexact --extra class # the hub of a class; without network its tests are skipped
	@.venv/bin/pytest -q --collect-only >/dev/null 2>&1 & $(MAKE) --no-print-directory contracts && wait
	@.venv/bin/pytest -q -n auto --dist loadfile --no-loadscope-reorder || (echo "What failed beside another worker is run once more, alone:"; \
	  .venv/bin/pytest -q --last-failed --last-failed-no-failures none)

check: setup ## the quick part of the tests, for the author at work: style, types, contracts, units
	@$(MAKE) --no-print-directory contracts & .venv/bin/pytest -q -m unit -n logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder; units=$$?; wait $$! && exit $$units

contracts: setup
	@.venv/bin/ruff check --quiet
	@.venv/bin/ruff format --quiet --check
	@.venv/bin/mypy --no-error-summary
	@told=$$(.venv/bin/lint-imports) || (echo "$$told"; exit 1)

lab: setup ## open JupyterLab on the first notebook, with the local AWS behind it
	@$(WORKSHOP) lab

site: setup ## make the website of the chapters: build/site/index.html, which works from the folder
	@.venv/bin/sphinx-build -q -W --keep-going -b html -d build/site-doctrees -c docs/site . build/site
	@echo "build/site/index.html"

bench: setup ## measure the local AWS, Spark and Flink (half an hour); writes docs/benchmarks.md
	@.venv/bin/python -m tests.bench

clients: setup ## run the suites that clients on PyPI carry (s3fs, dbt-athena) against the local AWS, in environments of their own
	@.venv/bin/python -m tests.clients

clusters: setup ## run chapters 03, 04 and 07 on a Spark cluster and a Flink session cluster of several processes (a quarter of an hour)
	@.venv/bin/python -m tests.engines.chapters_on_clusters

refresh: setup ## run all notebooks in a fresh lake and store their outputs in notebooks/
	@$(WORKSHOP) refresh

rehearsal: setup ## run all notebooks as a learner's role at a fifth of AWS's pace (half an hour); writes docs/rehearsal.md
	@$(WORKSHOP) rehearse

handout: setup ## write one page a chapter, its goals and figures, to build/handout (PDF where Chromium is installed)
	@$(WORKSHOP) handout

clean: ## stop the local AWS; remove its data, the environments and build/
	@if [ -x $(WORKSHOP) ]; then $(WORKSHOP) stop; fi
	@rm -rf .workshop .venv .venv-flink build

setup: .venv/.ready ## install everything (done once; the other commands do it by themselves)

.venv/.ready: pyproject.toml uv.lock $(UV) $(shell find infra/kernels infra/engines -name '*.py' -o -name '*.toml' -o -name '*.lock' -o -name '*.txt' 2>/dev/null)
	@echo "Installing the Python packages (1.6 GB on disk; about a minute)"
	@$(UV) sync --frozen --quiet --python $(PYTHON)
	@$(WORKSHOP) setup
	@touch $@

.workshop/uv/bin/uv: infra/uv.txt
	@echo "Fetching uv, the installer"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps --require-hashes --upgrade --target .workshop/uv -r infra/uv.txt
	@touch $@
