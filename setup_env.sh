# shellcheck shell=bash
#
# Sourced by the run_*.sh scripts, which have set ROOT, the project's directory:
#
#   set_up requirements.txt        PY becomes an interpreter that has what the file asks for
#   run_module lenet.train ARG...  the process becomes that module, run by PY
#   asks_for_npu ARG...            true if these arguments choose the NPU
#   note_cann                      a word if CANN's environment is not set
#
# A Python 3.7 that already has TensorFlow 1.15 (an Ascend image) is used as it is. Any other one gets a virtual
# environment, once: in .venv, or $LENET_VENV. $PYTHON names the interpreter; without it one is looked for.

set -euo pipefail

absolute() {
  case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$PWD/$1" ;;
  esac
}

# Each of the two places that are written to has a directory of ours: `lock`, `log` (of pip) and `stamp`, the lines that
# describe a finished set-up. The stamp is removed before anything changes and renamed into place last: an interrupted
# set-up has none, and is not trusted.
VENV=$(absolute "${LENET_VENV:-$ROOT/.venv}")
VENV_STATE=$VENV/lenet-setup
SITE=$ROOT/.site-packages  # what an interpreter used as it is lacks
SITE_STATE=$SITE/lenet-setup

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "error: $*"
  exit 1
}

# --- What is wanted, and is it there? ---------------------------------------------------------------------------------

# The requirements in file $1 and the files it includes, a line each.
pins() {
  local line
  sed -e 's/[[:space:]]*#.*//' -e '/^$/d' "$ROOT/$1" | while read -r line; do
    case $line in
      '-r '*) pins "${line#-r }" ;;
      *) printf '%s\n' "$line" ;;
    esac
  done
}

# The same without TensorFlow's tree, for an interpreter that brings its own.
own_pins() {
  pins "$1" | grep -vxF -e "$(pins requirements.txt)" || true
  pins requirements-base.txt
}

# True if the stamp $1 has every line of stdin. It may have more: what run_tests.sh installed serves run_1p.sh too.
covers() { [[ -f $1 ]] && ! grep -vxF -f "$1" >/dev/null; }

# Puts into the stamp $1 what the file $2 wants and the lines on stdin, and keeps what else an older stamp $3 has
# installed. Whoever calls has removed the stamp itself before anything changed.
write_stamp() {
  sed 's/^\(.*\)==.*/^\1==/' "$2" >"$1.names"
  { cat; cat "$2"; grep == "$3" | grep -vf "$1.names" || true; } >"$1.new"
  rm -f "$3"
  mv "$1.new" "$1"
}

# True if the environment is finished and was made with the chosen interpreter.
venv_is_sound() { [[ -x $VENV/bin/python ]] && printf 'python %s\n' "$CHOSEN" | covers "$VENV_STATE/stamp"; }

venv_has() { venv_is_sound && pins "$1" | covers "$VENV_STATE/stamp"; }

# --- Which Python? ----------------------------------------------------------------------------------------------------

# In a Python 3.7 prints "ready PATH" if it has TensorFlow 1.15, else "plain PATH"; fails in any other. The metadata
# beside the package tells the version: importing TensorFlow takes seconds. (tensorflow_estimator, _serving_api and
# others have a version 1.15 too, hence the list.)
PROBE='
import sys
if sys.version_info[:2] != (3, 7) or sys.implementation.name != "cpython":
    sys.exit(1)
import importlib.util, os, re
spec = importlib.util.find_spec("tensorflow")
site = os.path.dirname(os.path.dirname(spec.origin)) if spec and spec.origin else None
distribution = re.compile(r"(nvidia_)?tensorflow([_-](cpu|gpu|rocm|intel|mkl|directml))?-1\.15\..*-info$")
ready = site and any(map(distribution.match, os.listdir(site)))
print("ready" if ready else "plain", sys.executable)
'

probe() {
  local path answer
  path=$(command -v "$1") && answer=$("$path" -c "$PROBE" </dev/null 2>/dev/null) || return 1
  case $path in
    */shims/*) printf '%s\n' "$answer" ;;  # pyenv's: which Python it runs depends on the working directory
    *) printf '%s\n' "${answer%% *} $(absolute "$path")" ;;
  esac
}

# Prints the probe's answer for the first Python 3.7 that serves. On PATH one with TensorFlow 1.15 goes first, and then
# the one that a finished environment was made with.
find_python() {
  local name answer plain=''
  if [[ -n ${PYTHON:-} ]]; then
    probe "$PYTHON" && return
    answer=$("$PYTHON" --version 2>&1 | head -n 1)
    fail "PYTHON=$PYTHON is not a Python 3.7: ${answer##*: }"
  fi
  cd "$ROOT"  # its .python-version makes pyenv's shims answer
  for name in python3 python python3.7; do
    answer=$(probe "$name") || continue
    case $answer in
      ready*) printf '%s\n' "$answer"; return ;;
      plain*) plain=${plain:-$answer} ;;
    esac
  done
  if [[ -x $VENV/bin/python && -f $VENV_STATE/stamp ]]; then
    plain=$(sed -n 's/^python /plain /p' "$VENV_STATE/stamp")
  fi
  if [[ -n $plain ]]; then
    printf '%s\n' "$plain"
    return
  fi
  while read -r name; do
    if probe "$name"; then return; fi
  done < <(pythons_off_path)
  no_python
}

# Paths where pyenv, uv and conda may have a Python 3.7, in that order. Some name nothing: the probe tells.
pythons_off_path() {
  local root
  root=$(pyenv root 2>/dev/null) || root=${PYENV_ROOT:-${HOME:-}/.pyenv}
  printf '%s\n' "$root"/versions/3.7*/bin/python | sort -rV
  # From / and with this variable, or uv answers with the project's own .venv.
  (cd / && UV_SYSTEM_PYTHON=1 uv python find 3.7) 2>/dev/null || true
  root=$("${CONDA_EXE:-conda}" info --base 2>/dev/null) || return 0
  printf '%s\n' "$root"/bin/python "$root"/envs/*/bin/python
}

no_python() {
  cat >&2 <<'END'
error: no Python 3.7 found on PATH, nor by pyenv, uv or conda; TensorFlow 1.15 runs on no later one.
Any one of these gets it:
  Ubuntu   sudo add-apt-repository -y ppa:deadsnakes/ppa && sudo apt-get install -y python3.7 python3.7-venv
  Debian   sudo apt-get install -y build-essential curl git libbz2-dev libffi-dev liblzma-dev libsqlite3-dev \
             libssl-dev zlib1g-dev
           curl -fsSL https://pyenv.run | bash && ~/.pyenv/bin/pyenv install 3.7.16
  uv       uvx uv@0.4.20 python install 3.7      (later versions of uv no longer offer 3.7, but find it)
  conda    conda create -y -n python37 python=3.7
  Docker   docker run --rm -it -v "$PWD":/lenet -w /lenet python:3.7 ./run_1p.sh
If you have one elsewhere, name it: PYTHON=/path/to/python3.7
END
  exit 1
}

# --- Installing -------------------------------------------------------------------------------------------------------

# Runs pip's command $2 by PY, its output into the log $1. The user's settings that point pip elsewhere are switched
# off, and PYTHONPATH: pip would take what lies there for installed.
run_pip() {
  local log=$1 command=$2
  shift 2
  env -u PYTHONPATH -u PIP_TARGET -u PIP_PREFIX PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    "$PY" -m pip "$command" --no-input --progress-bar off "$@" >>"$log" 2>&1 </dev/null
}

# Runs a command while no other start does so in the same state directory $1.
exclusively() {
  local state=$1
  shift
  (
    trap 'exit 130' INT  # pip makes an ordinary failure of Ctrl-C
    if command -v flock >/dev/null; then
      flock -n 9 || { say "Waiting for another start's set-up..."; flock 9; }
    fi
    "$@"
  ) 9>>"$state/lock"
}

make_state() { mkdir -p "$1" && : >>"$1/lock"; } 2>/dev/null

use_venv() {
  if [[ -d $VENV && ! -d $VENV_STATE && -n $(ls -A "$VENV") ]]; then
    fail "$VENV is there but not made by this script: set LENET_VENV=DIRECTORY to have the environment elsewhere"
  fi
  PY=$VENV/bin/python
  if venv_has "$1"; then  # only the search was new: note it, if we may
    { printf '%s\n' "$SEARCH" >>"$VENV_STATE/stamp"; } 2>/dev/null || true
    return
  fi
  make_state "$VENV_STATE" || fail "cannot write to $VENV: set LENET_VENV=DIRECTORY to have the environment elsewhere"
  exclusively "$VENV_STATE" fill_venv "$1"
}

fill_venv() {
  local file=$1 horovod
  if venv_has "$file"; then return; fi  # by another start, meanwhile
  cd "$ROOT"  # `python -m` looks in the working directory first
  horovod=$(pins "$file" | grep '^horovod==') || true
  if [[ -n $horovod ]]; then  # whose build needs the others, and should it fail they stay
    pins "$file" | grep -vxF "$horovod" >"$VENV_STATE/wanted"
    if ! { venv_is_sound && covers "$VENV_STATE/stamp" <"$VENV_STATE/wanted"; }; then install_wanted "$file"; fi
    build_horovod "$horovod" "$VENV_STATE"
  fi
  pins "$file" >"$VENV_STATE/wanted"
  install_wanted "$file"
}

# Brings the environment to VENV_STATE/wanted, which comes from the file $1.
install_wanted() {
  local file=$1 log=$VENV_STATE/log stamp=$VENV_STATE/stamp
  if venv_is_sound; then
    say "Updating $VENV to $file..."
    mv "$stamp" "$stamp.old"
  else
    say "Setting up $VENV with $CHOSEN (once, about a minute)..."
    rm -rf "$stamp" "$VENV_STATE/wheels"
    : >"$stamp.old"
    find "$VENV" -mindepth 1 -maxdepth 1 ! -name "${VENV_STATE##*/}" -exec rm -rf {} +
    if ! "$CHOSEN" -m venv "$VENV" >"$log" 2>&1 </dev/null; then
      tail -n 5 "$log" >&2
      fail "$CHOSEN cannot make a virtual environment in $VENV. On Debian and Ubuntu it needs the package" \
        "python3.7-venv; LENET_VENV=DIRECTORY puts the environment elsewhere"
    fi
  fi
  if ! pip_wanted "$log"; then
    tail -n 5 "$log" >&2
    fail "pip cannot install $file into $VENV (above, the end of $log). No network: PIP_INDEX_URL names a mirror." \
      "No space: LENET_VENV=DIRECTORY puts the environment elsewhere. TensorFlow 1.15.0 exists for x86_64 with glibc" \
      "only: for any other machine see BUILD.md"
  fi
  printf '%s\n' "python $CHOSEN" "$SEARCH" | write_stamp "$stamp" "$VENV_STATE/wanted" "$stamp.old"
}

# The pinned pip first, and by it the rest. Without isolation a source package is built by the pinned setuptools instead
# of one fetched for the occasion.
pip_wanted() {
  grep -E '^(pip|setuptools|wheel)==' "$VENV_STATE/wanted" >"$VENV_STATE/installer" || true
  mkdir -p "$VENV_STATE/wheels"
  run_pip "$1" install -r "$VENV_STATE/installer" &&
    run_pip "$1" install --no-build-isolation --find-links "$VENV_STATE/wheels" -r "$VENV_STATE/wanted"
}

# Builds the requirement $1 into $2/wheels by PY, which has TensorFlow, and changes nothing else.
build_horovod() {
  local requirement=$1 state=$2 log=$2/log
  if compgen -G "$state/wheels/horovod-${requirement#*==}-*.whl" >/dev/null; then return; fi
  if ! command -v g++ >/dev/null || ! command -v cmake >/dev/null; then
    fail "building Horovod, for several ranks on CPUs, needs g++ and cmake (on Debian: apt-get install g++ cmake);" \
      "./run_1p.sh does without"
  fi
  say "Building Horovod for TensorFlow and Gloo (once, a few minutes)..."
  mkdir -p "$state/wheels"
  local PY=$PY link=''
  if [[ $PY == *' '* ]]; then  # its CMake files do not quote the paths of TensorFlow's headers
    link=$("$PY" -c '
import os, sys, tempfile
directory = tempfile.mkdtemp(prefix="lenet-", dir="/tmp")
os.symlink(sys.argv[1], os.path.join(directory, "environment"))
print(directory)' "${PY%/bin/*}")
    PY=$link/environment/bin/${PY##*/}
  fi
  if ! HOROVOD_WITH_TENSORFLOW=1 HOROVOD_WITH_GLOO=1 HOROVOD_WITHOUT_MPI=1 HOROVOD_WITHOUT_PYTORCH=1 \
    HOROVOD_WITHOUT_MXNET=1 run_pip "$log" wheel --no-deps --no-build-isolation -w "$state/wheels" "$requirement"; then
    tail -n 5 "$log" >&2
    rm -rf "$link"
    fail "pip cannot build $requirement (above, the end of $log); ./run_1p.sh does without"
  fi
  rm -rf "$link"
}

# Leaves the interpreter itself untouched: what it lacks of the project's own requirements goes into .site-packages.
use_as_it_is() {
  local missing advice
  PY=$CHOSEN
  if ! own_pins "$1" | covers "$SITE_STATE/stamp"; then
    missing=$(own_pins "$1" | sed -e 's/==.*//' -e 's/-/_/g' | "$PY" -c '
import sys
from importlib.util import find_spec
print(*[name for name in sys.stdin.read().split() if not find_spec(name)])')
    if [[ -z $missing ]]; then return; fi
    advice="$PY lacks $missing, and pip cannot add them;"
    advice+=" with a network, run: $PY -m pip install $(own_pins "$1" | paste -sd ' ' -)"
    make_state "$SITE_STATE" || fail "$advice"
    exclusively "$SITE_STATE" fill_site "$1" "$advice"
  fi
  export PYTHONPATH=$SITE${PYTHONPATH:+:$PYTHONPATH}
}

fill_site() {
  local file=$1 advice=$2 stamp=$SITE_STATE/stamp horovod
  if own_pins "$file" | covers "$stamp"; then return; fi  # as in fill_venv
  cd "$ROOT"
  horovod=$(own_pins "$file" | grep '^horovod==') || true
  if [[ -n $horovod ]]; then build_horovod "$horovod" "$SITE_STATE"; fi
  say "Adding to $SITE what $PY lacks..."
  mkdir -p "$SITE_STATE/wheels"
  : >>"$stamp"
  mv "$stamp" "$stamp.old"
  own_pins "$file" >"$SITE_STATE/wanted"
  pins requirements.txt >"$SITE_STATE/constraints"
  run_pip "$SITE_STATE/log" install --upgrade --target "$SITE" --find-links "$SITE_STATE/wheels" \
    -c "$SITE_STATE/constraints" -r "$SITE_STATE/wanted" || fail "$advice"
  write_stamp "$stamp" "$SITE_STATE/wanted" "$stamp.old" </dev/null
}

# --- For the scripts --------------------------------------------------------------------------------------------------

set_up() {
  local file=$1 path kind
  unset PYTHONHOME  # it leads every interpreter but its own astray
  if [[ ${PYTHON:-} == */* ]]; then PYTHON=$(absolute "$PYTHON"); fi
  path=${PATH//"$VENV/bin:"/}  # our own environment, activated, must not answer the search
  SEARCH="search ${PYTHON:-}|${PYENV_VERSION:-}|$path"  # what the outcome of the search depends on

  # The usual start: this search has led to an environment that has everything. No Python runs to find that out.
  PY=$VENV/bin/python
  if [[ -x $PY ]] && { printf '%s\n' "$SEARCH"; pins "$file"; } | covers "$VENV_STATE/stamp"; then return; fi

  CHOSEN=$(PATH=$path find_python)
  kind=${CHOSEN%% *}
  CHOSEN=${CHOSEN#* }
  case $kind in
    ready) use_as_it_is "$file" ;;
    plain)
      CHOSEN=$(readlink -f -- "$CHOSEN")  # one name for one interpreter
      use_venv "$file"
      ;;
  esac
}

# Like `exec "$PY" -m`, but -m looks in the working directory first, where another clone's lenet/ may lie.
run_module() {
  exec "$PY" -c '
import runpy, signal, sys
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C before the module has its handlers: no traceback
sys.path[0], module = sys.argv[1:3]
del sys.argv[1:3]
runpy.run_module(module, run_name="__main__", alter_sys=True)' "$ROOT" "$@"
}

asks_for_npu() {
  local argument
  for argument in "$@"; do
    case $argument in
      --platform=npu | -platform=npu | npu | *npu.flags) return 0 ;;  # the last two also after a space
    esac
  done
  return 1
}

note_cann() {
  if [[ -z ${ASCEND_OPP_PATH:-} ]]; then
    say "note: CANN's environment is not set: source /usr/local/Ascend/ascend-toolkit/set_env.sh, or where CANN is"
  fi
}
