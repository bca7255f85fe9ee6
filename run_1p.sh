#!/usr/bin/env bash
#
# Trains on one device: sets up what is missing, then runs lenet.train with the arguments given here.
#
#   ./run_1p.sh --data_path=../MNIST --epochs=1      a CPU
#   ./run_1p.sh --flagfile=npu.flags                 an Ascend 910, chosen by ASCEND_DEVICE_ID (default 0)
#   TF_CONFIG={...} ./run_1p.sh                      one rank of several hosts, as a cluster sets it: BUILD.md
#
# Paths in the arguments, and the default output directory, are relative to the working directory.

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

# The environment of one NPU process, where there is an NPU or the arguments ask for it.
prepare_npu() {
  local asked=''
  if asks_for_npu "$@"; then asked=yes; fi
  if [[ -z $asked && -z ${ASCEND_DEVICE_ID:-}${ASCEND_HOME_PATH:-}${ASCEND_TOOLKIT_HOME:-} &&
    ! -d /usr/local/Ascend ]]; then
    return 0
  fi
  export ASCEND_DEVICE_ID=${ASCEND_DEVICE_ID:-${DEVICE_ID:-0}}
  export JOB_ID=${JOB_ID:-10087}  # any number: the adapter warns without one
  if [[ ! $ASCEND_DEVICE_ID =~ ^[0-9]{1,4}$ ]]; then
    say "error: ASCEND_DEVICE_ID is '$ASCEND_DEVICE_ID', not the number of a device, from 0 on"
    exit 2
  fi
  if [[ -n $asked ]]; then note_cann; fi
}

prepare_npu "$@"
# shellcheck disable=SC2119  # the arguments are not for it
set_up
run_module lenet.train "$@"
