# The one definition of each thing that is done to this repository. CI calls these targets.
#
#   make demo         install, run the example watched, ask what data/v3 affects, draw it
#   make test         install what the tests need, and run them (PYTEST_ARGS="-n 2 -k impact")
#   make check        lint, types, layers, docs
#   make page         check the explorer's page: types, and what its tests need (Node, npm)
#   make test-lowest  the unit tests with the oldest dependencies that provgraph accepts
#   make accuracy     what is hit and missed when pipelines are edited, beside dvc
#   make completeness what random scripts change, beside what is hit (COMPLETENESS_ARGS="--scripts 50")
#   make faults       every file operation fails, a thousand runs are killed (FAULTS_ARGS="--every 20")
#   make bench        measurements beside their peers
#   make format       what lint would ask for
#   make reference    write docs/reference and schemas/ anew
#   make requirements pin the requirements anew (needs uv; UV_ARGS=--upgrade)
#   make clean        remove everything that was installed or built here
#
# PYTHON names the interpreter, 3.11 or newer; without it one is looked for.

ifndef PYTHON
PYTHON := $(shell for p in python3.13 python3.12 python3.11 python3 python3.14 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$p" && break; done)
endif

# Two at a time, unless told otherwise: the tests mostly wait for child processes.
PYTEST_ARGS ?= -n 2

VENV := .venv
# The example has an environment of its own, as a user's would: what developing needs (pyarrow, …)
# is loaded by pandas where it is there, and reads natively.
DEMO := .venv-demo
LOWEST := .venv-lowest
PEER := .venv-peer
WATCHING := .venv-watching
PIP := -m pip --disable-pip-version-check --no-input --quiet
EDITABLE := install --no-deps --no-build-isolation --editable .

.DEFAULT_GOAL := help
.PHONY: accuracy completeness faults help demo test test-lowest check page lint types layers docs reference schemas format bench \
	requirements clean

help:
	@sed -n '/^#   /s/^#   //p' Makefile

demo: $(DEMO)/.demo $(DEMO)/.native
	PATH="$(CURDIR)/$(DEMO)/bin:$$PATH" sh examples/penguins/demo.sh build/demo

test: $(VENV)/.dev $(VENV)/.native $(DEMO)/.demo
	$(VENV)/bin/python -m pytest --durations=30 --durations-min=5 $(PYTEST_ARGS)

test-lowest: $(LOWEST)/.dev
	$(LOWEST)/bin/python -m pytest $(PYTEST_ARGS) tests/unit

check: lint types layers docs

page:
	npm ci --prefix tests/browser --ignore-scripts --no-audit --no-fund --silent
	npm run --prefix tests/browser --silent types

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/.dev
	$(VENV)/bin/mypy

layers: $(VENV)/.dev
	$(VENV)/bin/lint-imports

docs: $(VENV)/.dev
	$(VENV)/bin/python docs/generate.py --check

reference schemas: $(VENV)/.dev
	$(VENV)/bin/python docs/generate.py

format: $(VENV)/.dev
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

# The peer has a hundred dependencies of its own, so it gets an environment of its own.
$(PEER)/bin/dvc: $(VENV)/.made
	$(PYTHON) -m venv $(PEER)
	$(PEER)/bin/python $(PIP) install "dvc>=3.60"

accuracy: $(VENV)/.dev $(VENV)/.native $(PEER)/bin/dvc
	$(VENV)/bin/python -m tests.accuracy --dvc $(CURDIR)/$(PEER)/bin/dvc $(ACCURACY_ARGS)

completeness: $(VENV)/.dev $(VENV)/.native
	$(VENV)/bin/python -m tests.completeness $(COMPLETENESS_ARGS)

# What secrets are measured beside; it needs an environment of its own no less.
$(PEER)/bin/detect-secrets: $(VENV)/.made
	test -x $(PEER)/bin/python || $(PYTHON) -m venv $(PEER)
	$(PEER)/bin/python $(PIP) install "detect-secrets>=1.5"

faults: $(VENV)/.dev $(VENV)/.native
	$(VENV)/bin/python -m tests.faults $(FAULTS_ARGS)

# What watching is measured beside, as far as it can be installed here.
$(WATCHING)/.peers: $(VENV)/.made
	$(PYTHON) -m venv $(WATCHING)
	for peer in "reprozip>=1.3" "noworkflow>=2.1 scipy networkx pydantic"; do \
		$(WATCHING)/bin/python $(PIP) install $$peer || echo "not measured: $$peer" >&2; done
	touch $@

bench: $(VENV)/.dev $(PEER)/bin/dvc $(PEER)/bin/detect-secrets $(WATCHING)/.peers
	$(VENV)/bin/python -m benchmarks $(BENCH_ARGS)

requirements:
	sh requirements/compile.sh $(UV_ARGS)

clean:
	rm -rf $(VENV) $(DEMO) $(LOWEST) $(PEER) $(WATCHING) build dist .mypy_cache .pytest_cache .ruff_cache \
		.import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Installing. Each stamp says what its environment holds; the versions of run.txt and of the
# example are those of dev.txt.

%/.made:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "provgraph needs Python 3.11 or newer; $(or $(PYTHON:%=% is none),none was found). Say where one is: make PYTHON=/path/to/python3" >&2; \
		exit 1; }
	@echo "installing into $(@D) with $$("$(PYTHON)" --version) ..."
	@"$(PYTHON)" -m venv --clear $(@D) || { \
		echo "The interpreter has no working venv module; on Debian: apt-get install python3-venv" >&2; \
		exit 1; }
	@touch $@

$(DEMO)/.demo: $(DEMO)/.made requirements/run.txt examples/penguins/requirements.txt pyproject.toml
	$(DEMO)/bin/python $(PIP) install --require-hashes \
		-r requirements/run.txt -r examples/penguins/requirements.txt
	$(DEMO)/bin/python $(PIP) $(EDITABLE)
	@touch $@

$(VENV)/.dev: $(VENV)/.made requirements/dev.txt pyproject.toml
	$(VENV)/bin/python $(PIP) install --require-hashes -r requirements/dev.txt
	$(VENV)/bin/python $(PIP) $(EDITABLE)
	@touch $@

$(LOWEST)/.dev: $(LOWEST)/.made requirements/lowest.txt pyproject.toml
	$(LOWEST)/bin/python $(PIP) install --require-hashes -r requirements/lowest.txt
	$(LOWEST)/bin/python $(PIP) $(EDITABLE)
	@touch $@

# The native library, where a C compiler is; without one the tests that need it are skipped.
NATIVE := provgraph/collect/tracing/preload
%/.native: $(wildcard $(NATIVE)/native/*) $(NATIVE)/build.py | %/.made
	@rm -f $(NATIVE)/preload-*.so
	@$(@D)/bin/python $(NATIVE)/build.py
	@touch $@

.PRECIOUS: %/.made
