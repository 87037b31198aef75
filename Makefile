# PetroStream. `make help` lists what there is.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
TARGET ?= local
DATA ?=
SPEED ?=
LIMIT ?=
RELEASE ?=
LIST ?=
JSON ?=
REPORT ?=
EVALUATE ?= 1
ARGS ?=
DASHBOARD ?= 1
DASHBOARD_PORT ?= 8501
AWS_PORT ?= 0
PLAN ?=
YES ?=
PROVISION ?= auto
MINUTES ?= 5
SECONDS ?= 300
SEED ?= 1

VENV := .venv
RUN := $(VENV)/bin/python
PETROSTREAM := $(VENV)/bin/petrostream
READY := $(VENV)/ready
SECOND := .venv-second
SECOND_READY := $(SECOND)/ready

# Variables reach commands as whole words, whatever they hold.
given = $(if $($(1)),$(2) '$(subst ','\'',$($(1)))')

# A switch is off where it is empty, 0, no or false.
switch = $(if $(filter-out 0 no false,$(1)),$(2))

.PHONY: help setup demo up down train evaluate replay dashboard data status repair powerbi test \
  test-second chaos fuzz bench bench-dashboard screenshots check audit format lock clean

# Single steps take the stack of the target that is named, whatever else is up.
train replay dashboard: export PETROSTREAM_TARGET := $(TARGET)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\n'; printf '%s\n' 'Variables: DATA=<folder> SPEED=<n>|max LIMIT=<recordings> DASHBOARD=0|1' \
	  '           DASHBOARD_PORT=<port> AWS_PORT=<port> TARGET=local|aws PLAN=1 YES=1' \
	  '           JSON=<file> REPORT=<folder> EVALUATE=0|1 RELEASE=1|2 LIST=<file>' \
	  '           MINUTES=<n> SECONDS=<n> SEED=<n>' \
	  '           PROVISION=auto|terraform|python ARGS="<further options of the command>"'

setup: $(READY) ## make the virtual environment with the pinned dependencies

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: Python 3.11 or later is needed; name one with PYTHON=<path>" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "error: Python's venv module is missing (Debian: apt install python3-venv)" >&2; exit 2; }
	@echo "setting up $(VENV) (a minute or two, once)"
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes \
	  --requirement requirements/dev.txt
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps \
	  --editable .
	@touch $@

demo: $(READY) ## run the whole pipeline on an embedded AWS and serve the dashboard
	@exec $(PETROSTREAM) demo $(call given,DATA,--data) $(call given,SPEED,--speed) \
	  $(call given,LIMIT,--limit) $(if $(filter 0 no false,$(DASHBOARD)),--no-dashboard) \
	  --dashboard-port '$(DASHBOARD_PORT)' --aws-port '$(AWS_PORT)'

up: $(READY) ## provision (TARGET=local: the embedded AWS; TARGET=aws: your account)
	@exec $(PETROSTREAM) up --target '$(TARGET)' --port '$(AWS_PORT)' \
	  --provision '$(PROVISION)' $(call switch,$(PLAN),--plan) $(call switch,$(YES),--yes) \
	  $(call given,DATA,--data) $(ARGS)

down: $(READY) ## stop and remove what `make up` made
	@exec $(PETROSTREAM) down --target '$(TARGET)' $(call switch,$(YES),--yes) $(ARGS)

train: $(READY) ## train on DATA, publish the model, evaluate how it was made (EVALUATE=0: don't)
	@$(call need_data)
	@exec $(PETROSTREAM) train $(call given,DATA,) $(call given,LIMIT,--limit) \
	  $(if $(filter 0 no false,$(EVALUATE)),--no-evaluation) $(ARGS)

evaluate: $(READY) ## judge the detector on DATA, leaving one well out (JSON=<file> REPORT=<folder>)
	@$(call need_data)
	@exec $(PETROSTREAM) evaluate $(call given,DATA,) $(call given,LIMIT,--limit) $(call given,JSON,--json) \
	  $(call given,REPORT,--report) $(ARGS)

replay: $(READY) ## replay DATA into the raw bucket at SPEED
	@$(call need_data)
	@exec $(PETROSTREAM) replay $(call given,DATA,) $(call given,SPEED,--speed) \
	  $(call given,LIMIT,--limit) $(ARGS)

dashboard: $(READY) ## serve the dashboard on loopback
	@exec $(PETROSTREAM) dashboard --port '$(DASHBOARD_PORT)'

data: $(READY) ## download a part of the published 3W dataset into data/3w (RELEASE=1|2 LIST=<file>)
	@exec $(PETROSTREAM) fetch $(call given,DATA,--into) $(call given,RELEASE,--release) \
	  $(call given,LIST,--list) $(call given,LIMIT,--limit) $(ARGS)

status: $(READY) ## show what is up, the queue, the model, what it cost
	@exec $(PETROSTREAM) status --target '$(TARGET)' $(ARGS)

repair: $(READY) ## write the summaries that scored batches lack (after a restore, say)
	@exec $(PETROSTREAM) repair --target '$(TARGET)' $(ARGS)

powerbi: $(READY) ## write what Power BI needs to read from TARGET=aws
	@exec $(PETROSTREAM) powerbi --target '$(TARGET)' $(ARGS)

test: $(READY) ## run the tests; test-second has the round on a second emulator
	@exec $(RUN) -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

test-second: $(READY) $(SECOND_READY) ## run the round on a second emulator, which evaluates IAM (needs Terraform)
	@exec $(RUN) -m pytest tests/second $(ARGS)

$(SECOND_READY): requirements/second.txt
	@$(PYTHON) -m venv --clear $(SECOND)
	@$(SECOND)/bin/pip install --quiet --disable-pip-version-check --require-hashes \
	  --requirement requirements/second.txt
	@touch $@

chaos: $(READY) ## replay while processes die and answers fail, and account for every reading (MINUTES=<n> SEED=<n>)
	@exec $(RUN) -m tests.chaos --minutes '$(MINUTES)' --seed '$(SEED)'

fuzz: $(READY) ## hand made-up garbage to every reader (SECONDS=<n> SEED=<n>)
	@exec $(RUN) -m tests.fuzz --seconds '$(SECONDS)' --seed '$(SEED)' $(ARGS)

bench: $(READY) ## measure the cold import of the handler, and what reading in a process of its own adds
	@$(RUN) tests/bench/bench_cold_import.py
	@exec $(RUN) -m tests.bench.bench_isolation

bench-dashboard: $(READY) ## measure paint, refresh, restart and memory of the dashboard over 1, 7 and 30 days
	@exec $(RUN) -m tests.bench.bench_dashboard $(ARGS)

screenshots: $(READY) ## take the documentation's pictures, of DATA replayed
	@$(call need_data)
	@exec $(RUN) -m tests.browser.screenshots $(call given,DATA,) $(call given,LIMIT,--limit)

check: $(READY) ## lint, format, types, import directions, Terraform, workflows
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/shellcheck project_up.sh project_down.sh .ci/run
	@$(VENV)/bin/hadolint lambda/Dockerfile
	@$(VENV)/bin/zizmor --offline --quiet .github/workflows
	@$(check_workflows)
	@$(check_terraform)

audit: $(READY) ## look for what is unsafe in the infrastructure (checkov, in an environment of its own)
	@[ -x .venv-audit/bin/checkov ] || { $(PYTHON) -m venv .venv-audit && .venv-audit/bin/pip install \
	  --quiet --disable-pip-version-check --require-hashes --requirement requirements/audit.txt; }
	@.venv-audit/bin/checkov --directory infrastructure --config-file infrastructure/.checkov.yaml \
	  --skip-download

format: $(READY) ## format the code and mend what ruff can
	@$(VENV)/bin/ruff format --quiet .
	@$(VENV)/bin/ruff check --fix --quiet .
	@$(VENV)/bin/ruff format .

lock: $(READY) ## resolve the dependencies anew (needs a network)
	@$(call compile,--all-extras pyproject.toml,requirements/dev.txt)
	@$(call compile,lambda/requirements.in --constraint requirements/dev.txt,lambda/requirements.txt)
	@$(call compile,requirements/emulator.in --constraint lambda/requirements.txt \
	  --constraint requirements/dev.txt,requirements/emulator.txt)
	@$(call compile,--no-deps requirements/emulator-binary.in,requirements/emulator-binary.txt)
	@$(call compile,requirements/audit.in,requirements/audit.txt)
	@$(call compile,requirements/second.in,requirements/second.txt)

clean: ## remove the virtual environment, caches and local state
	@if [ -x $(RUN) ]; then $(RUN) -m petrostream.local down >/dev/null 2>&1 || true; fi
	@rm -rf $(VENV) $(SECOND) .venv-audit .petrostream .cache .pytest_cache .ruff_cache .mypy_cache .hypothesis \
	  .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

define check_workflows
if command -v actionlint >/dev/null; then actionlint; \
else echo "actionlint is not here: the workflows were checked by zizmor alone"; fi
endef

# Where the provider can't be had, `terraform validate` is left out, unless it is required.
define check_terraform
if ! command -v terraform >/dev/null; then echo "terraform is not here: infrastructure/ was not checked"; exit 0; fi; \
terraform fmt -check -recursive infrastructure; \
export TF_DATA_DIR='$(CURDIR)/.cache/terraform-check' TF_IN_AUTOMATION=1; \
if terraform -chdir=infrastructure init -backend=false -input=false -lockfile=readonly >/dev/null 2>&1; then \
  terraform -chdir=infrastructure validate -no-color; \
elif [ -n "$${PETROSTREAM_TEST_REQUIRES:-}" ]; then \
  echo "error: Terraform's provider can't be had" >&2; exit 1; \
else echo "Terraform's provider can't be had: infrastructure/ was not validated"; fi
endef

define need_data
if [ -z $(call given,DATA,) ]; then \
  echo "error: name a folder of 3W recordings with DATA=<folder>; \`make data\` fetches one" >&2; \
  exit 2; \
fi
endef

define compile
$(VENV)/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
  --python-version 3.11 $(1) --output-file $(2)
endef
