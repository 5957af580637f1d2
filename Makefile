# Two commands do everything on a fresh machine with Python 3.11 or newer: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PAGE := tacit/web/dist/index.html
export GOMP_SPINCOUNT ?= 0

.PHONY: demo test lint page page-test page-types browser clean

demo: $(VENV)/ready $(PAGE)
	$(BIN)/tacit demo

test: $(VENV)/ready $(PAGE) browser lint page-test
	$(BIN)/python -m pytest -n 2

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

page: $(PAGE)

# Types, tests and the built files of the page; built files go into the package and into no commit.
$(PAGE): $(VENV)/ready page/node_modules/ready $(shell find page/src page/*.ts page/index.html -type f)
	$(BIN)/python page/node.py npm run build
	touch $@

page-test: $(VENV)/ready page/node_modules/ready
	$(BIN)/python page/node.py npm test

page-types: $(VENV)/ready page/node_modules/ready
	$(BIN)/python page/types.py | $(BIN)/python page/node.py npx openapi-typescript -o src/schema.d.ts

page/node_modules/ready: page/package.json page/package-lock.json page/node.py $(VENV)/ready
	$(BIN)/python page/node.py npm ci
	touch $@

# The tests of the page run in a real browser.
browser: $(VENV)/ready
	$(BIN)/python tests/browser.py

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache page/node_modules tacit/web/dist
