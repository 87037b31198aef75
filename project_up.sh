#!/usr/bin/env bash
# Provision PetroStream: `./project_up.sh` is `make up TARGET=aws`; TARGET=local stays on this machine.
set -euo pipefail
cd "$(dirname "$0")"
exec make --no-print-directory up TARGET="${TARGET:-aws}" "$@"
