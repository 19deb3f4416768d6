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
.PHONY: help setup setup-lint demo dev test lint types contracts check format clean record bench control-plane

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

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

bench: setup control-plane ## Measure; docs/benchmarks.md has what it said
	$(BIN)/pip install --quiet --group bench
	@for name in chain many waiting size apply; do $(BIN)/python -m benchmarks.$$name; done

check: lint types contracts test ## Everything that CI checks

format: setup-lint ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove what was set up and built
	rm -rf $(VENV) build dist *.egg-info
