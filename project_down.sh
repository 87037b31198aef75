#!/usr/bin/env bash
# Tear PetroStream down on AWS: `./project_down.sh` is `make down TARGET=aws`; --help lists the options.
set -euo pipefail
cd "$(dirname "$0")"
make --no-print-directory --silent setup
exec .venv/bin/petrostream down --target "${TARGET:-aws}" "$@"
