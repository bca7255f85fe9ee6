#!/usr/bin/env bash
#
# Runs the tests: sets up what is missing, then runs pytest in the project's directory with the arguments given here.
#
#   ./run_tests.sh                                    all of them
#   ./run_tests.sh -n 0 tests/graph/test_model.py     one file, in this process
#   ./run_tests.sh --hypothesis-profile=thorough --timeout=0 tests/test_readers.py    10,000 new inputs a property test
#                                                     instead of the same 100
#   LENET_STACK=tf2 ./run_tests.sh                    on TensorFlow 2, also where a Python 3.7 is

set -euo pipefail
self=${BASH_SOURCE[0]}
while [[ -L $self ]]; do  # macOS has no `readlink -f`
  link=$(readlink -- "$self")
  [[ $link == /* ]] || link=$(dirname -- "$self")/$link
  self=$link
done
ROOT=$(cd -P -- "$(dirname -- "$self")" && pwd)
# shellcheck source=setup_env.sh
source "$ROOT/setup_env.sh"

set_up requirements-dev.txt
cd "$ROOT"
exec "$PY" -m pytest "$@"
