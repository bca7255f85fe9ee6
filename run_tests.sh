#!/usr/bin/env bash
#
# Runs the tests: sets up what is missing, then runs pytest in the project's directory with the arguments given here.
#
#   ./run_tests.sh                              all of them
#   ./run_tests.sh -m 'not slow' tests/test_model.py

set -euo pipefail
ROOT=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
# shellcheck source=setup_env.sh
source "$ROOT/setup_env.sh"

set_up requirements-dev.txt
cd "$ROOT"
exec "$PY" -m pytest "$@"
