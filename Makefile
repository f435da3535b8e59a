# Every target sets up what it needs; nothing but Python >= 3.11 has to be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
TESTS ?= tests
# Tests that run side by side; each process has servers of its own and needs up to 3 GB of memory.
PROCESSES ?= 2

.PHONY: setup demo serve test test-long soak check bench figures format clean lock sbom audit compose-secrets compose-images kubernetes-secrets

setup: $(VENV)/.memspan

$(VENV)/.memspan: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Memspan needs Python 3.11 or newer." if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) -e .
	touch $@

$(VENV)/.test: $(VENV)/.memspan
	$(INSTALL) -e '.[test]'
	touch $@

$(VENV)/.check: $(VENV)/.test
	$(INSTALL) -e '.[test,check]'
	touch $@

.venv-peers/.bench:
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check 'mlflow>=3' matplotlib tqdm 'jax>=0.10' 'keras>=3' tensorflow-cpu 'numba>=0.61'
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --no-deps 'captum>=0.9'
	touch $@

.venv-supply/.done: constraints.txt
	test -x .venv-supply/bin/python || $(PYTHON) -m venv .venv-supply
	.venv-supply/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt 'cyclonedx-bom>=7.5' 'pip-audit>=2.10' 'uv>=0.13'
	touch $@

demo: setup
	$(BIN)/python -m examples.demo

serve: setup
	$(BIN)/memspan serve

test: $(VENV)/.test
	$(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile --no-loadscope-reorder -m 'not long' $(TESTS)

test-long: $(VENV)/.test
	$(BIN)/python -m pytest -m long $(TESTS)

# SOAK_MINUTES says for how long, SOAK_SEED repeats another's choices.
soak: $(VENV)/.test
	$(BIN)/python -m tests.soak

check: $(VENV)/.check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.check
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.test .venv-peers/.bench
	$(BIN)/python -m benchmarks speed

figures: $(VENV)/.test
	$(BIN)/python -m benchmarks figures

lock: .venv-supply/.done
	.venv-supply/bin/python -m deploy.lock

sbom: .venv-supply/.done
	mkdir -p out
	cat locks/run.lock locks/torch.lock | .venv-supply/bin/cyclonedx-py requirements - --pyproject pyproject.toml --mc-type application \
		--output-reproducible --spec-version 1.6 --output-format JSON --validate --output-file out/sbom.json

audit: .venv-supply/.done
	.venv-supply/bin/python -m deploy.audit $(OSV_URL)

# Only these need no environment: a machine that runs containers may have nothing but Python and Docker.
compose-secrets:
	$(PYTHON) -m deploy.passwords .env POSTGRES_PASSWORD REDIS_PASSWORD

OVERLAY ?= laptop
kubernetes-secrets:
	$(PYTHON) -m deploy.passwords deploy/kubernetes/overlays/$(OVERLAY)/secrets.env POSTGRES_PASSWORD REDIS_PASSWORD

compose-images:
	$(PYTHON) -m deploy.images .env POSTGRES_IMAGE=postgres:15 REDIS_IMAGE=redis:7 PYTHON_IMAGE=python:3.11-slim

clean:
	rm -rf $(VENV) .venv-peers .venv-supply build *.egg-info .pytest_cache .mypy_cache .ruff_cache
