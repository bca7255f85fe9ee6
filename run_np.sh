#!/usr/bin/env bash
#
# Trains with several ranks: sets up what is missing, then starts a process for each of them.
#
#   ./run_np.sh -n 2 --epochs=1                      2 ranks on this CPU, through Horovod
#   ./run_np.sh --flagfile=npu.flags                 a rank for each NPU of this server in $RANK_TABLE_FILE
#   ./run_np.sh -h                                   the other options, which all go before the flags
#
# Paths in the arguments, and the default output directory, are relative to the working directory.

set -euo pipefail
ROOT=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
# shellcheck source=setup_env.sh
source "$ROOT/setup_env.sh"

requirements=requirements-distributed.txt
if [[ ${1:-} == -h || ${1:-} == --help ]] || asks_for_npu "$@"; then
  requirements=requirements.txt
fi
if asks_for_npu "$@"; then
  note_cann
fi
set_up "$requirements"
run_module lenet.launch "$@"
