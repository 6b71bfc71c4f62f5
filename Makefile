# iot-service: `make help` says what there is.

PYTHON ?= python3
VENV ?= .venv
UV ?= uv
ARGS ?=
# Processes that share the tests; more than four only fight over the disk.
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); [ $$n -le 4 ] && echo $$n || echo 4)
# The tests start the service many times: compiled modules are kept, whatever the caller's environment says.
export PYTHONDONTWRITEBYTECODE :=
BIN := $(VENV)/bin
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help demo test soak check format servers servers-stop lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  Variables: PYTHON (3.11 or later; now $(PYTHON)), WORKERS (of test; now $(WORKERS)), ARGS (handed to demo, test and soak)."

demo: $(VENV)/.runtime ## the whole service with simulated devices; Ctrl-C ends it
	$(BIN)/iot-service demo $(ARGS)

test: $(VENV)/.dev ## install the test servers if missing (as root), then ruff, mypy and all tests
	scripts/install_test_servers.sh
	$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest --engine both -n $(WORKERS) --durations 8 -m "not soak" $(ARGS)

soak: $(VENV)/.dev ## long tests, most of them of faults
	scripts/install_test_servers.sh
	$(BIN)/python -m pytest --engine timescale -m soak $(ARGS)

check: $(VENV)/.dev ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev ## let ruff format the code and sort the imports
	$(BIN)/ruff check --select I --fix .
	$(BIN)/ruff format .

servers: $(VENV)/.dev ## start the real servers for work by hand and print their IOT_... settings
	@scripts/install_test_servers.sh
	@$(BIN)/python -m tests.servers start

servers-stop: ## stop them
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m tests.servers stop; fi

lock: ## compile the lock files anew from pyproject.toml (needs uv)
	$(LOCK) pyproject.toml requirements-build.in --output-file requirements.lock
	$(LOCK) --extra dev --constraint requirements.lock pyproject.toml requirements-build.in \
		--output-file requirements-dev.lock
	for name in thingsboard sparkplug; do \
		(cd tests/clients && $(LOCK) $$name.in --output-file $$name.lock); done

clean: servers-stop ## remove the environment and all caches (not the service's data)
	rm -rf $(VENV) .venv-clients .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist .servers.env .servers.log .servers.pid
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.runtime: requirements.lock pyproject.toml scripts/make_venv.sh
	scripts/make_venv.sh "$(PYTHON)" "$(VENV)" requirements.lock
	touch $@

# The developer's lock file holds all of the other one.
$(VENV)/.dev: requirements-dev.lock requirements.lock pyproject.toml scripts/make_venv.sh
	scripts/make_venv.sh "$(PYTHON)" "$(VENV)" requirements-dev.lock
	touch $(VENV)/.runtime $@
