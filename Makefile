# Two commands do everything: `make demo` and `make test`. The environment is always .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# Where it is forbidden to keep bytecode, each of the many processes of the tests would compile all libraries anew.
export PYTHONDONTWRITEBYTECODE :=
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt

.PHONY: demo test test-slow test-faults lint setup screenshots site clean

demo: $(VENV)/.demo
	$(BIN)/judgefair demo --out demo

test: setup lint
	$(BIN)/python -m pytest -n 2

test-slow: setup
	$(BIN)/python -m pytest -m slow -n 2 --dist loadfile --timeout 1400

SEEDS ?= 50
test-faults: setup
	$(BIN)/python tests/faults/repeat.py $(SEEDS)

screenshots: setup
	$(BIN)/python docs/screenshots.py

site: setup
	$(BIN)/python -m mkdocs build --strict

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: $(VENV)/.setup

clean:
	rm -rf $(VENV) demo dist

$(BIN)/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.demo: $(BIN)/uv pyproject.toml constraints.txt
	$(UV) --editable '.[local]'
	$(BIN)/judgefair models pull local
	touch $@

$(VENV)/.setup: $(VENV)/.demo
	$(UV) --editable '.[local,dev]'
	touch $@
