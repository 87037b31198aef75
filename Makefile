# PetroStream. `make help` lists what there is.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
TARGET ?= local
DATA ?=
SPEED ?=
LIMIT ?=
JSON ?=
REPORT ?=
ARGS ?=
DASHBOARD ?= 1
DASHBOARD_PORT ?= 8501
AWS_PORT ?= 0

VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/ready

# Variables reach commands as whole words, whatever they hold.
given = $(if $($(1)),$(2) '$(subst ','\'',$($(1)))')

.PHONY: help setup demo up down train evaluate replay dashboard data status test bench check format lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\n'; printf '%s\n' 'Variables: DATA=<folder> SPEED=<n>|max LIMIT=<recordings> DASHBOARD=0|1' \
	  '           JSON=<file> REPORT=<folder> DASHBOARD_PORT=<port> AWS_PORT=<port> TARGET=local|aws' \
	  '           ARGS="<further options of train, replay or data>"'

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

demo: $(READY) ## run the whole pipeline on an embedded AWS and open the dashboard
	@exec $(RUN) -m demo $(call given,DATA,--data) $(call given,SPEED,--speed) \
	  $(call given,LIMIT,--limit) $(if $(filter 0 no false,$(DASHBOARD)),--no-dashboard) \
	  --dashboard-port '$(DASHBOARD_PORT)' --aws-port '$(AWS_PORT)'

up: $(READY) ## provision (TARGET=local: the embedded AWS)
	@$(call only_local,up)
	@exec $(RUN) -m petrostream.local up --port '$(AWS_PORT)'

down: $(READY) ## stop and remove what `make up` made
	@$(call only_local,down)
	@exec $(RUN) -m petrostream.local down

train: $(READY) ## train on DATA and publish the model
	@$(call need_data)
	@exec $(RUN) -m ml train $(call given,DATA,) $(call given,LIMIT,--limit) $(ARGS)

evaluate: $(READY) ## judge the detector on DATA, leaving one well out (JSON=<file> REPORT=<folder>)
	@$(call need_data)
	@exec $(RUN) -m ml evaluate $(call given,DATA,) $(call given,JSON,--json) \
	  $(call given,REPORT,--report) $(ARGS)

replay: $(READY) ## replay DATA into the raw bucket at SPEED
	@$(call need_data)
	@exec $(RUN) -m producer replay $(call given,DATA,) $(call given,SPEED,--speed) \
	  $(call given,LIMIT,--limit) $(ARGS)

dashboard: $(READY) ## open the dashboard on loopback
	@exec $(RUN) -m dashboard --port '$(DASHBOARD_PORT)'

data: $(READY) ## download a part of the published 3W dataset into data/3w
	@exec $(RUN) -m producer fetch $(call given,DATA,--into) $(call given,LIMIT,--limit) $(ARGS)

status: $(READY) ## show what is up, the queue, the model
	@$(call only_local,status)
	@exec $(RUN) -m petrostream.local status

test: $(READY) ## run every test
	@exec $(RUN) -m pytest

bench: $(READY) ## measure the cold import of the handler
	@exec $(RUN) tests/bench/bench_cold_import.py

check: $(READY) ## lint, format, types, import directions
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/shellcheck project_up.sh project_down.sh .ci/run

format: $(READY) ## format the code and mend what ruff can
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

lock: $(READY) ## resolve the dependencies anew (needs a network)
	@$(call compile,--all-extras pyproject.toml,requirements/dev.txt)
	@$(call compile,lambda/requirements.in --constraint requirements/dev.txt,lambda/requirements.txt)
	@$(call compile,requirements/emulator.in --constraint lambda/requirements.txt \
	  --constraint requirements/dev.txt,requirements/emulator.txt)
	@$(call compile,--no-deps requirements/emulator-binary.in,requirements/emulator-binary.txt)

clean: ## remove the virtual environment, caches and local state
	@if [ -x $(RUN) ]; then $(RUN) -m petrostream.local down >/dev/null 2>&1 || true; fi
	@rm -rf $(VENV) .petrostream .cache .pytest_cache .ruff_cache .mypy_cache .hypothesis \
	  .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

define only_local
case '$(TARGET)' in \
  local) ;; \
  aws) echo "error: TARGET=aws is not there yet: it comes with the Terraform modules" >&2; exit 2 ;; \
  *) echo "error: TARGET is local or aws, not '$(TARGET)'" >&2; exit 2 ;; \
esac
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
