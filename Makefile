# Needs Python >= 3.10, make and a package index; everything else is set up inside the checkout.
#   make PYTHON=python3.12 test     to choose an interpreter
#   make TESTS=tests/core test      to choose tests
#   make ONLY=zenml demo            to choose orchestrators

PYTHON ?= python3
UV     := .tools/uv
VENV   := .venv
RUN    := $(VENV)/bin/
TESTS  := tests
ONLY   :=
# What setuptools leaves behind goes at once: `build` would carry deleted modules into the next wheel, and by the
# egg-info Metaflow takes the checkout for the installed extension.
SWEEP  := rm -rf build *.egg-info
# What masking is measured against, apart from the project's own environment.
PEERS  = $(UV) pip install --quiet --python .venv-peers --no-deps
# Four orchestrators live in $(VENV), FlowyML beside it, for flyte and FlowyML cannot share an environment. A wheel is
# built and installed, as users do it (Metaflow finds an extension only through its top_level.txt), and built again
# when a source file has changed.
EXTRAS  := --extra vault --extra aws --extra azure --extra gcp --extra github --extra age --extra testing
SYNC    := $(UV) sync --quiet --locked --no-editable
FOUR    := $(SYNC) $(EXTRAS) --extra metaflow --extra flytekit --extra flyte --extra zenml
FLOWYML := UV_PROJECT_ENVIRONMENT=$(VENV)-flowyml $(SYNC) $(EXTRAS) --extra flowyml --no-default-groups
# Those that `make test` does not run on; make OTHER_PYTHONS=3.10 test-extra chooses.
OTHER_PYTHONS = $(filter-out $(shell $(PYTHON) -c 'print("{}.{}".format(*__import__("sys").version_info))'),3.10 3.11 3.12 3.13)

# Never download a Python: the one that started this is the one that is used.
export UV_PYTHON ?= $(PYTHON)
export UV_PYTHON_DOWNLOADS := never
# Another project's activated environment has no say here.
export UV_PROJECT_ENVIRONMENT := $(VENV)
unexport VIRTUAL_ENV
# The machine's certificates, with a company's own among them, where there are any; SSL_CERT_FILE goes before them.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export UV_SYSTEM_CERTS ?= 1
endif

.DEFAULT_GOAL := help
.PHONY: help demo test test-extra lint types layers bench lock clean setup setup-four setup-flowyml setup-demo

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

demo: setup-demo ## Run five orchestrators on an encrypted file and on a real server; ONLY=zenml chooses
	@$(RUN)python examples/demo.py $(ONLY)

test: setup ## Run every test that needs nothing but PyPI, and the doctests
	@.ci/test $(VENV) $(TESTS)

test-extra: setup ## Run what needs more: Debian's age, upstream's own tests, all tests on the other Pythons found here
	@failed=0; $(RUN)pytest tests -m extra || failed=1; .ci/test_on $(OTHER_PYTHONS) || failed=1; exit $$failed

lint: setup-four ## Check style and formatting
	$(RUN)ruff check .
	$(RUN)ruff format --check .

types: setup-four ## Check types
	$(RUN)mypy

layers: setup-four ## Check who may import whom
	PYTHONPATH=shared:adapters/metaflow:adapters/flyte:adapters/zenml:adapters/flowyml $(RUN)lint-imports

bench: setup-flowyml ## Measure, and print the table of benchmarks/RESULTS.md
	@$(FOUR) --group bench && $(SWEEP)
	@$(UV) venv --quiet --allow-existing .venv-peers
	@grep -v '^#' benchmarks/peers.txt | while read -r peer; do $(PEERS) --only-binary :all: "$$peer" \
		|| echo "[bench] not installed: $$peer" >&2; done; $(PEERS) . && $(SWEEP)
	$(RUN)python -m benchmarks

lock: $(UV) ## Resolve the dependencies anew
	$(UV) lock

clean: ## Remove everything that was set up or built here
	rm -rf .venv* .tools build dist *.egg-info .*_cache .hypothesis examples/.demo

setup: setup-four setup-flowyml

setup-four: $(UV)
	@test -d $(VENV) || echo "[setup] installing everything but FlowyML into $(VENV) (once)" >&2
	@$(FOUR) && $(SWEEP)

setup-flowyml: $(UV)
	@test -d $(VENV)-flowyml || echo "[setup] installing FlowyML into $(VENV)-flowyml (once)" >&2
	@$(FLOWYML) --group run && $(SWEEP)

# `--inexact` keeps what the other targets installed.
setup-demo: $(UV)
	@test -d $(VENV) || echo "[setup] installing tacenda, OpenBao and five orchestrators, in two environments (once)" >&2
	@$(FOUR) --inexact --no-default-groups && $(FLOWYML) --inexact && $(SWEEP)

$(UV): .ci/install_uv.py
	@$(PYTHON) .ci/install_uv.py
