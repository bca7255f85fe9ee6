#!/usr/bin/env bash
#
# Runs the tests: sets up what is missing, then runs pytest in the project's directory with the arguments given here.
#
#   ./run_tests.sh                                    all of them
#   ./run_tests.sh -n 0 tests/graph/test_model.py     one file, in this process
#   ./run_tests.sh --hypothesis-profile=thorough --timeout=0 tests/test_readers.py    10,000 new inputs a property test
#                                                     instead of the same 100
#   LENET_STACK=tf2 ./run_tests.sh                    on TensorFlow 2, also where a Python 3.7 is
#   LENET_WITHOUT_HOROVOD=1 ./run_tests.sh            without building Horovod, whose tests are then skipped

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

# Where its build fails, the environment stays what it was. The tests that need it say so and are skipped.
add_horovod() {
  if [[ -n ${LENET_WITHOUT_HOROVOD:-} ]]; then return; fi
  if [[ $STACK == tf2 ]]; then
    say 'note: several ranks on CPUs need the first stack: tests of Horovod are skipped'
  elif ! command -v g++ >/dev/null || ! command -v cmake >/dev/null; then
    return 0
  elif "$BASH" -euo pipefail -c 'ROOT=$1; . "$ROOT/setup_env.sh"; set_up requirements-distributed.txt' - "$ROOT"; then
    set_up requirements-distributed.txt  # done, so that this only finds it
  else
    say 'note: its tests are skipped; LENET_WITHOUT_HOROVOD=1 leaves out the attempt'
  fi
}

set_up requirements-dev.txt
add_horovod
cd "$ROOT"
exec "$PY" -m pytest "$@"
