#!/usr/bin/env bash
# Tear PetroStream down: `./project_down.sh` is `make down TARGET=aws`.
set -euo pipefail
cd "$(dirname "$0")"
exec make --no-print-directory down TARGET="${TARGET:-aws}" "$@"
