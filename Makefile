# Everything below needs only Python 3.11 or newer, and make; `make demo` and `make test` set themselves up.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PACKAGE ?= examples/guestbook

.DEFAULT_GOAL := help
.PHONY: help setup setup-lint demo dev test lint types contracts check format clean record bench kubectl

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# The stamps are remade when pyproject.toml changes, so a new dependency arrives by itself.
$(VENV)/setup: pyproject.toml
	@echo 'Installing into $(VENV); the first time this takes half a minute.'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/pip install --quiet --editable '.[dev]' --group test
	@touch $@

$(VENV)/setup-lint: $(VENV)/setup
	@$(BIN)/pip install --quiet --group lint
	@touch $@

setup: $(VENV)/setup ## Install everything into .venv

setup-lint: $(VENV)/setup-lint

demo: setup ## Run an example package from install to COMPLETE, with nothing else running
	@$(BIN)/kudo demo $(PACKAGE)

dev: setup ## Keep Temporal, its Web UI, a sandbox cluster and a worker running
	@$(BIN)/kudo dev $(ARGS)

test: setup ## Run all tests
	PATH="$(CURDIR)/$(BIN):$$PATH" pytest $(ARGS)

kubectl: setup ## Build kubectl for the tests, with Go, where there is none
	cd tests/kubectl && CGO_ENABLED=0 go build -o $(CURDIR)/$(BIN)/kubectl .

lint: setup-lint ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-lint ## Check types
	$(BIN)/mypy

contracts: setup-lint ## Check that imports point downwards
	$(BIN)/lint-imports

record: setup ## Record the histories that the replay test replays
	PYTHONPATH=tests $(BIN)/python tests/replay/record.py

bench: setup ## Measure; docs/benchmarks.md has what it said
	$(BIN)/pip install --quiet --group bench
	@for name in chain many waiting size; do $(BIN)/python -m benchmarks.$$name; done

check: lint types contracts test ## Everything that CI checks

format: setup-lint ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove what was set up and built
	rm -rf $(VENV) build dist *.egg-info
