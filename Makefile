# The targets need only make and Python 3.11 or newer, and install everything else into .venv. control-plane needs Go.
# test-all needs the control plane, and Chromium.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PACKAGE ?= examples/guestbook

# Directory of the control plane's binaries, as for envtest. If you set it, its binaries are used and none are built.
CONTROL_PLANE := tests/control-plane
OWN_ASSETS := $(CURDIR)/$(CONTROL_PLANE)/bin
ifeq ($(strip $(KUBEBUILDER_ASSETS)),)
KUBEBUILDER_ASSETS := $(OWN_ASSETS)
endif
export KUBEBUILDER_ASSETS

.DEFAULT_GOAL := help
.PHONY: help setup setup-lint hooks lock demo dev unit test test-all lint types contracts check format dist clean docs schemas record bench \
	faults control-plane kubernetes-schema

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

# The stamps depend on the files of requirements, so that a changed dependency is installed by the next target.
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

hooks: setup-lint ## Install the Git hooks that check style, types and contracts
	$(BIN)/pre-commit install

# Each set is resolved with the versions of those before it, so that all can be installed into one environment.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock'
LOCK_GROUPS := build lint docs bench release

lock: $(VENV)/setup-release ## Write requirements/ from pyproject.toml; with ARGS=--upgrade, use the newest versions
	@$(LOCK) $(ARGS) pyproject.toml --extra dev --group build --group test --output-file requirements/setup.txt
	@$(LOCK) pyproject.toml --constraint requirements/setup.txt --output-file requirements/runtime.txt
	@set -e; known='--constraint requirements/setup.txt'; for group in $(LOCK_GROUPS); do \
		$(LOCK) $(ARGS) --group $$group $$known --output-file requirements/$$group.txt; \
		known="$$known --constraint requirements/$$group.txt"; \
	done

demo: setup ## Start a temporary stack and install an example package on it; PACKAGE=DIRECTORY for another
	@$(BIN)/kudo demo $(PACKAGE)

dev: setup ## Run Temporal, its Web UI, a sandbox cluster and a worker until interrupted
	@$(BIN)/kudo dev $(ARGS)

# Temporal's sandbox imports the workflows for each run of a workflow. Without bytecode files it compiles them each time.
unexport PYTHONDONTWRITEBYTECODE

# Most tests wait, so that more workers than cores are faster. For test-all, each has a control plane too: with four
# workers on two cores, tests time out now and then, because they all start plans at once.
PER_TWO_CORES := 6
test-all: PER_TWO_CORES := 3
WORKERS ?= $(shell expr $(PER_TWO_CORES) '*' "$$(nproc 2> /dev/null || echo 2)" / 2)
PYTEST = PATH="$(CURDIR)/$(BIN):$(KUBEBUILDER_ASSETS):$$PATH" pytest --numprocesses $(WORKERS) --maxschedchunk 1

unit: setup ## Run the tests that need no server, which takes about a minute
	$(PYTEST) -m unit $(ARGS)

test: setup ## Run the tests that need no Go and are not slow
	$(PYTEST) -m 'not slow and not control_plane' $(ARGS)

test-all: setup ## Run all tests, the tests of clusters also on a control plane
	$(PYTEST) $(ARGS)

PACKAGE_etcd := go.etcd.io/etcd/server/v3
PACKAGE_kwok := sigs.k8s.io/kwok/cmd/kwok
PARTS := etcd kube-apiserver kube-controller-manager kube-scheduler kubectl kwok

ifeq ($(KUBEBUILDER_ASSETS),$(OWN_ASSETS))
control-plane: $(PARTS:%=$(CONTROL_PLANE)/bin/%)
endif

# KUDO's template engine, with its version of Sprig, which the tests compare with ours.
GO_ENGINE := tests/go-engine/bin/engine
control-plane: $(GO_ENGINE)

$(GO_ENGINE): tests/go-engine/go.mod tests/go-engine/go.sum tests/go-engine/main.go
	cd tests/go-engine && CGO_ENABLED=0 go build -trimpath -o bin/engine .

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

docs: $(VENV)/setup-docs ## Build the documentation into site/, and check its links
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --clean
	@echo 'The documentation is in site/index.html.'

schemas: setup ## Generate the JSON Schemas in docs/schemas
	@for name in operator params; do $(BIN)/kudo package schema $$name > docs/schemas/$$name.json; done

kubernetes-schema: setup control-plane ## Write the schema of Kubernetes' kinds that `kudo package verify` has
	@PYTHONPATH=tests $(BIN)/python -m support.kubernetes_schema

record: setup ## Record the histories that the replay test replays
	PYTHONPATH=tests $(BIN)/python tests/replay/record.py

bench: $(VENV)/setup-bench control-plane ## Run the benchmarks; docs/benchmarks.md has the results
	@for name in cost start chain many instances waiting size apply; do $(BIN)/python -m benchmarks.$$name; done

faults: $(VENV)/setup-bench control-plane ## Run plans while processes are killed and stopped at random
	PYTHONPATH=tests $(BIN)/python -m support.random_faults $(ARGS)

check: lint types contracts test-all ## Run lint, types, contracts and test-all

format: setup-lint ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

dist: $(VENV)/setup-release ## Build the sdist and the wheel into dist/, and check them
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*

clean: ## Remove .venv and build output
	rm -rf $(VENV) build dist site *.egg-info
