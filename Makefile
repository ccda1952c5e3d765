# Sets everything up on a fresh machine with Python 3.11 or later, make and a package index.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STUDY ?= studies/quickstart.toml
TIER ?= tests
JOBS ?= 3

.PHONY: help search test test-engines test-all mutation lint format lock clean

help:
	@echo "make search   search for a network with $(STUDY) and publish the best one (STUDY=... for another)"
	@echo "make test     run the tests that this machine can run, but those with clusters (TIER=tests/unit for the"
	@echo "              quick ones, JOBS=N at a time); its last lines say what did not run, and why"
	@echo "make test-engines   the tests with clusters: Compose, Ray, Slurm and network namespaces, on this machine"
	@echo "make test-all   install what the tests need on Debian (as root), and run every one of them"
	@echo "make mutation   break the sources one line at a time, and list what no test notices (PART=search/bridge,"
	@echo "              MUTATION=\"--sample 50 --jobs 2\"); pyproject.toml names the parts and their tests"
	@echo "make lint     ruff, mypy and the direction of imports"
	@echo "make format   let ruff rewrite the sources"
	@echo "make lock     renew requirements.lock"
	@echo "make clean    remove the virtual environment"

# uv where it is installed, else venv and pip; either way exactly the versions of requirements.lock.
$(VENV)/.ready: requirements.lock pyproject.toml
	@if command -v uv >/dev/null; then \
	  set -e; \
	  uv venv --quiet --allow-existing --python $(PYTHON) $(VENV); \
	  uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements.lock; \
	  uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else \
	  set -e; \
	  $(PYTHON) -m venv $(VENV); \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

search: $(VENV)/.ready
	$(BIN)/studyhall search $(STUDY)

test: $(VENV)/.ready
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(TIER)

test-engines: $(VENV)/.ready
	$(BIN)/python -m pytest -m engines tests/acceptance

test-all: $(VENV)/.ready
	JOBS=$(JOBS) .ci/test-all

mutation: $(VENV)/.ready
	$(BIN)/python -m tests.mutation $(PART) $(MUTATION)

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:
	uv pip compile pyproject.toml --extra jax --extra postgres --extra s3 --extra ray --group dev --universal --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet -o requirements.lock

clean:
	rm -rf $(VENV)
