# Everything below needs only Python 3.11 or newer, and make; `make demo` and `make test` set themselves up.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PACKAGE ?= examples/guestbook

# Where envtest would have the binaries of a Kubernetes control plane; those that you have are used as they are.
CONTROL_PLANE := tests/control-plane
OWN_ASSETS := $(CURDIR)/$(CONTROL_PLANE)/bin
ifeq ($(strip $(KUBEBUILDER_ASSETS)),)
KUBEBUILDER_ASSETS := $(OWN_ASSETS)
endif
export KUBEBUILDER_ASSETS

.DEFAULT_GOAL := help
.PHONY: help setup setup-lint hooks lock demo dev test lint types contracts check format dist clean record bench control-plane

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

# The stamps are remade when what they install from changes, so a new dependency arrives by itself.
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check

$(VENV)/setup: pyproject.toml kudo/__init__.py requirements/setup.txt
	@echo 'Installing into $(VENV); the first time this takes half a minute.'
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) --require-hashes --requirement requirements/setup.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/setup-%: $(VENV)/setup requirements/%.txt
	@$(INSTALL) --require-hashes --requirement requirements/$*.txt
	@touch $@

setup: $(VENV)/setup ## Install everything into .venv

setup-lint: $(VENV)/setup-lint

hooks: setup-lint ## Check style, types and contracts before each commit
	$(BIN)/pre-commit install

# Each set is resolved with the versions of those before it, so that all of them can be installed side by side.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock'
LOCK_GROUPS := build lint bench release

lock: $(VENV)/setup-release ## Write requirements/ from pyproject.toml; ARGS=--upgrade takes the newest versions
	@$(LOCK) $(ARGS) pyproject.toml --extra dev --group build --group test --output-file requirements/setup.txt
	@$(LOCK) pyproject.toml --constraint requirements/setup.txt --output-file requirements/runtime.txt
	@set -e; known='--constraint requirements/setup.txt'; for group in $(LOCK_GROUPS); do \
		$(LOCK) $(ARGS) --group $$group $$known --output-file requirements/$$group.txt; \
		known="$$known --constraint requirements/$$group.txt"; \
	done

demo: setup ## Run an example package from install to COMPLETE, with nothing else running
	@$(BIN)/kudo demo $(PACKAGE)

dev: setup ## Keep Temporal, its Web UI, a sandbox cluster and a worker running
	@$(BIN)/kudo dev $(ARGS)

test: setup ## Run all tests
	PATH="$(CURDIR)/$(BIN):$(KUBEBUILDER_ASSETS):$$PATH" pytest $(ARGS)

PACKAGE_etcd := go.etcd.io/etcd/server/v3
PACKAGE_kwok := sigs.k8s.io/kwok/cmd/kwok
PARTS := etcd kube-apiserver kube-controller-manager kube-scheduler kubectl kwok

ifeq ($(KUBEBUILDER_ASSETS),$(OWN_ASSETS))
control-plane: $(PARTS:%=$(CONTROL_PLANE)/bin/%)
endif

control-plane: ## Build a Kubernetes control plane for the tests, with Go
	@test -x '$(KUBEBUILDER_ASSETS)/kube-apiserver' || { echo 'There is no kube-apiserver in $(KUBEBUILDER_ASSETS).'; exit 1; }
	@echo "In $(KUBEBUILDER_ASSETS):" && ls '$(KUBEBUILDER_ASSETS)'

$(CONTROL_PLANE)/bin/%: $(CONTROL_PLANE)/go.mod $(CONTROL_PLANE)/go.sum
	@command -v go > /dev/null || { echo 'Go builds the control plane: https://go.dev/dl/'; exit 1; }
	$(CONTROL_PLANE)/build $(or $(PACKAGE_$*),k8s.io/kubernetes/cmd/$*) bin/$*

lint: setup-lint ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-lint ## Check types
	$(BIN)/mypy

contracts: setup-lint ## Check that imports point downwards
	$(BIN)/lint-imports

record: setup ## Record the histories that the replay test replays
	PYTHONPATH=tests $(BIN)/python tests/replay/record.py

bench: $(VENV)/setup-bench control-plane ## Measure; docs/benchmarks.md has what it said
	@for name in chain many waiting size apply; do $(BIN)/python -m benchmarks.$$name; done

check: lint types contracts test ## Everything that CI checks

format: setup-lint ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

dist: $(VENV)/setup-release ## Build the sdist and the wheel into dist/, and check them
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*

clean: ## Remove what was set up and built
	rm -rf $(VENV) build dist *.egg-info
