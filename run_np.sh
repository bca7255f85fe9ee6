#!/usr/bin/env bash
#
# Trains with several ranks: sets up what is missing, then starts a process for each of them.
#
#   ./run_np.sh -n 2 --epochs=1                      2 ranks on this CPU
#   ./run_np.sh --flagfile=npu.flags                 a rank for each NPU of this server in $RANK_TABLE_FILE
#   ./run_np.sh -h                                   the other options, which all go before the flags
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

if asks_for_npu "$@"; then
  note_cann
fi
set_up
run_module lenet.launch "$@"
