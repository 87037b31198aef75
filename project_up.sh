#!/usr/bin/env bash
# Provision PetroStream on AWS: `./project_up.sh` is `make up TARGET=aws`; --help lists the options.
set -euo pipefail
cd "$(dirname "$0")"
make --no-print-directory --silent setup
exec .venv/bin/petrostream up --target "${TARGET:-aws}" "$@"
