# `make demo` and `make test` do everything on a fresh machine; the second call is quick.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -q

.PHONY: demo test lint lab dashboards benchmarks apart lock clean

demo: $(VENV)/.base ## run a business day of the demonstration firm, end to end
	$(BIN)/bo demo --days 1

test: $(VENV)/.tests lint ## lint, types and every test, notebooks and browser included
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lab: $(VENV)/.base ## JupyterLab on the notebooks
	$(BIN)/bo lab

dashboards: $(VENV)/.base ## the control tower, in a browser
	$(BIN)/bo dashboards

benchmarks: $(VENV)/.tests
	for bench in tests/benchmarks/bench_*.py; do $(BIN)/python $$bench || exit 1; done

apart: $(VENV)/.tests  ## comparisons with tools that keep an environment of their own
	$(BIN)/python -m tests.apart.beancount_booking

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.tests: requirements-tests.lock $(VENV)/.base
	$(PIP) --require-hashes -r requirements-tests.lock
	touch $@

lock: | $(VENV)/bin/python ## resolve the dependencies anew
	$(PIP) uv
	$(BIN)/uv pip compile pyproject.toml -q --universal --generate-hashes --no-header --no-annotate --upgrade \
	  --extra build --extra team --extra tests -o requirements-tests.lock
	$(BIN)/uv pip compile pyproject.toml -q --universal --generate-hashes --no-header --no-annotate \
	  --extra build -c requirements-tests.lock -o requirements.lock
	$(BIN)/python -m tests.house.environment

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
