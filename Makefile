# Every target sets up what it needs: a virtual environment with pinned packages, and for the tests a browser,
# a proxy and a database from the system's packages.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PORT   ?= 8501
ONE    := OMP_NUM_THREADS=1
# Processes that test at once, each with a server and a browser; in the order that tests/conftest.py gives.
TESTERS ?= 2
SHARED := -n $(TESTERS) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help run test check lint services bench load screenshots words data clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/runs  ## the app, in a browser on this machine
	$(BIN)/streamlit run app.py --server.address 127.0.0.1 --server.port $(PORT)

test: $(VENV)/tests services lint  ## everything: style, types, contracts, all tests (about three quarters of an hour)
	status=0; \
	$(ONE) $(BIN)/python -m pytest $(SHARED) -m "not alone" || status=1; \
	$(ONE) $(BIN)/python -m pytest -m alone || status=1; \
	exit $$status

check: $(VENV)/tests lint  ## the quick loop: no long training, no browser
	$(ONE) $(BIN)/python -m pytest -q $(SHARED) -m "not browser and not slow"

lint: $(VENV)/tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy normviz
	$(BIN)/lint-imports

# What the tests run beside Python: a browser, proxies, a database.  (Debian's names.)
services:
	@missing=; has() { command -v $$1 >/dev/null || test -x /usr/sbin/$$1; }; \
	has chromium || has chromium-browser || has google-chrome || missing="$$missing chromium"; \
	has nginx || missing="$$missing nginx-light"; has redis-server || missing="$$missing redis-server"; \
	has openssl || missing="$$missing openssl"; has caddy || missing="$$missing caddy"; \
	test -z "$$missing" || \
	  { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing; } || \
	  { echo "The tests need what is not here. Install it, for example: sudo apt-get install$$missing"; exit 1; }

bench: $(VENV)/tests  ## the figures quoted in the README
	for name in stack probes frames map; do $(BIN)/python -m normviz bench $$name || exit 1; done

load: $(VENV)/tests  ## sixty visitors on this machine, for about half an hour; into build/load.json
	$(BIN)/python -m tests.load

screenshots: $(VENV)/tests services  ## every page in light, dark and on a phone into build/pictures, of the README into docs
	$(BIN)/python -m tests.browser.pictures --readme docs

words: $(VENV)/tests  ## collect what the site says into its catalogues, and list what lacks a translation
	$(BIN)/python -m normviz.locale

data: $(VENV)/tests  ## make the shipped data, weights and recordings again
	$(BIN)/python -m normviz.lab.data
	$(BIN)/python -m normviz.lab.experiments.start --out normviz/ui/assets/start.bin
	$(BIN)/python -m normviz.lab.experiments.anatomy --out normviz/ui/assets/anatomy.json
	$(BIN)/python -m normviz recordings

clean:  ## remove the virtual environment and everything that was built
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "NormViz needs Python 3.11 or newer: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/runs: requirements.txt constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet $(PIP_FLAGS) -r requirements.txt
	touch $@

$(VENV)/tests: requirements-dev.txt requirements.txt constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet $(PIP_FLAGS) -r requirements-dev.txt
	touch $@
