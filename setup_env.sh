# shellcheck shell=bash
#
# Sourced by the run_*.sh scripts, which have set ROOT, the project's directory:
#
#   set_up [FILE]                  PY becomes an interpreter that has what the program, and this file, ask for
#   run_module lenet.train ARG...  the process becomes that module, run by PY
#   asks_for_npu ARG...            true if these arguments choose the NPU
#   note_cann                      a word if CANN's environment is not set
#
# There are two stacks: tf1 is TensorFlow 1.15 on Python 3.7, tf2 is TensorFlow 2 on Python 3.10 to 3.13. The first is
# taken wherever it can be had; LENET_STACK=tf1 or tf2 chooses. A Python 3.7 that already has TensorFlow 1.15 (an Ascend
# image) is used as it is. Any other Python gets a virtual environment, once: .venv for tf1, .venv-tf2 for tf2. $PYTHON
# names the interpreter; without it one is looked for.
#
# All this has to run with what macOS has: bash 3.2, no flock, no GNU options.

set -euo pipefail

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "error: $*"
  exit 1
}

# The path that a variable stands for: bash leaves ~ alone in `env LENET_VENV=~/venv`, so do files of variables.
expand_home() {
  local home=~
  case $1 in
    '~' | '~/'*) printf '%s\n' "$home${1#\~}" ;;
    '~'*) fail "$1: write the home directory out, or ./$1 if a file is called so" ;;
    *) printf '%s\n' "$1" ;;
  esac
}

ENVIRONMENT=$(expand_home "${LENET_VENV:-$ROOT/.venv}")
[[ $ENVIRONMENT == /* ]] || ENVIRONMENT=$PWD/$ENVIRONMENT
SITE=$ROOT/.site-packages  # what an interpreter used as it is lacks
EXTRA=''                   # the file that set_up was given

# What a stack is. PLACE is where its packages go; in it STATE, a directory of ours, has `lock`, `log` (of pip) and
# `stamp`: the lines that describe a finished set-up. The stamp is removed before anything changes and renamed into
# place last, so an interrupted set-up has none, and is not trusted.
take_stack() {
  STACK=$1
  case $STACK in
    tf1)
      VERSIONS='3.7' PLACE=$ENVIRONMENT FILE=requirements.txt
      TENSORFLOW='TensorFlow 1.15' WHY='as there is a Python 3.7'
      WHEELS='Linux (glibc) and macOS on x86_64'
      MARKERS='s/; python_version < "3.8"$//; /;/d'
      ;;
    tf2)
      VERSIONS='3.13 3.12 3.11 3.10' PLACE=$ENVIRONMENT-tf2 FILE=requirements-tf2.txt
      TENSORFLOW='TensorFlow 2' WHY='as no Python 3.7 was found'
      WHEELS='Linux (glibc) on x86_64 and aarch64 and for macOS on arm64'
      MARKERS='/; python_version < "3.8"$/d; s/; python_version >= "3.10"$//'
      ;;
    *) fail "LENET_STACK=$1: expected tf1 (TensorFlow 1.15, Python 3.7) or tf2 (TensorFlow 2, Python 3.10 to 3.13)" ;;
  esac
  STATE=$PLACE/lenet-setup
  PY=$PLACE/bin/python
}

# --- What is wanted, and is it there? ---------------------------------------------------------------------------------

# The requirements of this stack, a line each.
# shellcheck disable=SC2086  # FILE and EXTRA name one or none
wanted() {
  (cd "$ROOT" && cat requirements-base.txt $FILE $EXTRA) |
    sed -e 's/[[:space:]]*#.*//' -e '/^$/d' -e '/^-r /d' -e "$MARKERS"
}

# True if the stamp has every line of stdin. It may have more: what run_tests.sh installed serves run_1p.sh too.
covers() { [[ -f $STATE/stamp ]] && ! grep -vxF -f "$STATE/stamp" >/dev/null; }

# True if PLACE is finished and was made with the chosen interpreter.
is_sound() { [[ -x $PY ]] && printf 'python %s\n' "$CHOSEN" | covers; }

has_wanted() { is_sound && wanted | covers; }

# --- Which Python? ----------------------------------------------------------------------------------------------------

# Prints "ready PATH" in a Python 3.7 with TensorFlow 1.15, else "tf1 PATH" or "tf2 PATH", the stack that it can have;
# fails in a Python of none of the versions in the arguments. The metadata beside the package tells TensorFlow's
# version: importing it takes seconds. (tensorflow_estimator, _serving_api and others have a version 1.15 too, hence the
# list.)
PROBE='
import os, platform, re, sys
version = "%d.%d" % sys.version_info[:2]
if version not in sys.argv or sys.implementation.name != "cpython" or "t" in sys.abiflags:
    sys.exit(1)
from importlib.util import find_spec
if version == "3.7":
    spec = find_spec("tensorflow")
    site = os.path.dirname(os.path.dirname(spec.origin)) if spec and spec.origin else None
    distribution = re.compile(r"(nvidia_)?tensorflow([_-](cpu|gpu|rocm|intel|mkl|directml))?-1\.15\..*-info$")
    if site and any(map(distribution.match, os.listdir(site))):
        print("ready", os.path.abspath(sys.executable))
        sys.exit()
    if platform.machine() != "x86_64":  # no wheel of TensorFlow 1.15
        sys.exit(1)
if not find_spec("ensurepip"):  # Debian without python3-venv
    sys.exit(1)
print("tf1" if version == "3.7" else "tf2", os.path.realpath(sys.executable))
'

probe() {
  local path
  path=$(command -v "$1") && "$path" -c "$PROBE" "$@" </dev/null 2>/dev/null
}

# The probe's answer for a Python $1 on PATH, of pyenv or of uv.
find_version() {
  local name root
  for name in "python$1" python3 python; do
    if probe "$name" "$1"; then return; fi
  done
  if [[ -z ${PYENV_VERSION:-} ]]; then  # which is the user's choice among pyenv's versions: its shims have answered
    root=$(pyenv root 2>/dev/null) || root=${PYENV_ROOT:-${HOME:-}/.pyenv}
    for name in $(cd "$root/versions" 2>/dev/null && printf '%s\n' "$1".* | sort -t . -k 3,3nr); do
      if probe "$root/versions/$name/bin/python" "$1"; then return; fi
    done
  fi
  # Only uv's own: a shim of pyenv that fails would end its search, and an active environment would answer it.
  name=$(cd / && UV_SYSTEM_PYTHON=1 UV_PYTHON_PREFERENCE=only-managed uv python find "$1" 2>/dev/null) &&
    probe "$name" "$1"
}

find_python() {
  local name version versions answer
  cd "$ROOT"  # nothing of the working directory is imported, nor chooses for pyenv
  versions='3.7 3.13 3.12 3.11 3.10'
  if [[ -n ${LENET_STACK:-} ]]; then take_stack "$LENET_STACK" && versions=$VERSIONS; fi
  if [[ -n ${PYTHON:-} ]]; then
    # shellcheck disable=SC2086
    probe "$PYTHON" $versions && return
    answer=$("$PYTHON" --version 2>&1 | head -n 1)
    fail "PYTHON=$PYTHON is no CPython ${versions// /, } with venv: ${answer##*: }"
  fi
  for name in python3 python python3.7; do
    answer=$(probe "$name" "${versions%% *}") || continue
    if [[ $answer == ready* ]]; then printf '%s\n' "$answer"; return; fi
  done
  for name in ${LENET_STACK:-tf1 tf2}; do
    take_stack "$name"
    if [[ -x $PY && -f $STATE/stamp && -z ${PYENV_VERSION:-} ]]; then  # finished: it serves, whatever PATH has today
      sed -n "s/^python /$name /p" "$STATE/stamp"
      return
    fi
    for version in $VERSIONS; do
      if find_version "$version"; then return; fi
    done
  done
  if [[ $versions == 3.7 ]]; then
    fail "no Python 3.7 (for x86_64, with venv) is on PATH, of pyenv or of uv, and TensorFlow 1.15" \
      "runs on no other; PYTHON=/path/to/python3.7 names one"
  fi
  if command -v uv >/dev/null; then
    say "No Python ${versions// /, } on PATH, of pyenv or of uv: uv gets one..."
    if uv python install 3.13 >&2 && find_version 3.13; then return; fi
  fi
  fail "no Python ${versions// /, } with venv on PATH, of pyenv or of uv. This gets one, then start again:" \
    "curl -LsSf https://astral.sh/uv/install.sh | sh (or the system's: apt-get install python3-venv," \
    "dnf install python3.13, brew install python@3.13)"
}

# --- Installing -------------------------------------------------------------------------------------------------------

# Runs pip by PY, its output into the log. The user's settings that point pip elsewhere are switched off, and
# PYTHONPATH: pip would take what lies there for installed.
run_pip() {
  local command=$1
  shift
  env -u PYTHONPATH -u PIP_TARGET -u PIP_PREFIX PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    "$PY" -m pip "$command" --no-input --progress-bar off "$@" >>"$STATE/log" 2>&1 </dev/null
}

fail_with_log() {
  tail -n 5 "$STATE/log" >&2
  fail "$* (the end of $STATE/log is above)"
}

# Brings PLACE to what is wanted, while no other start does so. ADVICE is what to do should it fail.
fill() {
  { mkdir -p "$STATE" && : >>"$STATE/lock"; } 2>/dev/null || fail "cannot write to $PLACE. $ADVICE"
  (
    trap 'exit 130' INT  # pip makes an ordinary failure of Ctrl-C
    cd "$ROOT"           # `python -m` looks in the working directory first
    lock='import fcntl; fcntl.flock(9, fcntl.LOCK_EX'
    if ! "$CHOSEN" -c "$lock | fcntl.LOCK_NB)" 2>/dev/null; then
      say "Waiting for another start's set-up..."
      "$CHOSEN" -c "$lock)" 2>/dev/null
    fi
    wanted >"$STATE/wanted"
    if ! has_wanted; then install_wanted; fi  # or another start has done it meanwhile
  ) 9>>"$STATE/lock"
}

# Brings PLACE to STATE/wanted.
install_wanted() {
  local stamp=$STATE/stamp
  if is_sound; then
    say "Updating $PLACE to ${EXTRA:-$FILE}..."
    mv "$stamp" "$stamp.old"
  else
    make_place
    : >"$stamp.old"
  fi
  pip_wanted || fail_with_log "pip cannot fill $PLACE. $ADVICE"
  sed 's/^\([^=]*\)==.*/^\1==/' "$STATE/wanted" >"$stamp.names"
  {
    printf '%s\n' "python $CHOSEN" "$SEARCH"
    cat "$STATE/wanted"
    grep '==' "$stamp.old" | grep -vf "$stamp.names" || true  # what else is installed
  } >"$stamp.new"
  rm "$stamp.old"
  mv "$stamp.new" "$stamp"
}

make_place() {
  local path
  rm -f "$STATE/stamp"
  for path in "$PLACE"/* "$PLACE"/.[!.]*; do
    if [[ $path != "$STATE" ]]; then rm -rf "$path"; fi
  done
  if [[ $PLACE == "$SITE" ]]; then
    say "Adding to $PLACE what $PY lacks..."
    return
  fi
  if [[ -n ${LENET_STACK:-} ]]; then WHY='as LENET_STACK says'; fi
  if [[ -n ${PYTHON:-} ]]; then WHY='as PYTHON says'; fi
  say "Setting up $PLACE with $CHOSEN: $TENSORFLOW, $WHY (once, about a minute)..."
  "$CHOSEN" -m venv "$PLACE" >"$STATE/log" 2>&1 </dev/null ||
    fail_with_log "$CHOSEN cannot make a virtual environment in $PLACE. $ADVICE"
}

# The pinned pip first, and by it the rest. Without isolation a source package is built by the pinned setuptools instead
# of one fetched for the occasion.
pip_wanted() {
  if [[ $PLACE == "$SITE" ]]; then
    run_pip install --upgrade --target "$SITE" -c requirements.txt -r "$STATE/wanted"
    return
  fi
  grep -E '^(pip|setuptools|wheel)==' "$STATE/wanted" >"$STATE/installer" || true
  run_pip install -r "$STATE/installer" &&
    run_pip install --no-build-isolation -r "$STATE/wanted"
}

# --- For the scripts --------------------------------------------------------------------------------------------------

set_up() {
  local path stack
  EXTRA=${1:-}
  unset PYTHONHOME  # it leads every interpreter but its own astray
  if [[ -n ${PYTHON:-} ]]; then PYTHON=$(expand_home "$PYTHON"); fi
  case ${PYTHON:-} in /*) ;; */*) PYTHON=$PWD/$PYTHON ;; esac
  path=${PATH//"$ENVIRONMENT/bin:"/}  # our own environments, activated, must not answer the search
  path=${path//"$ENVIRONMENT-tf2/bin:"/}
  SEARCH="search ${LENET_STACK:-}|${PYTHON:-}|${PYENV_VERSION:-}|$path"  # what the outcome of the search depends on

  # The usual start: this search has led to an environment that has everything. No Python runs to find that out.
  for stack in ${LENET_STACK:-tf1 tf2}; do
    take_stack "$stack"
    if [[ -x $PY ]] && { printf '%s\n' "$SEARCH"; wanted; } | covers; then return; fi
  done

  CHOSEN=$(PATH=$path:${HOME:-}/.local/bin find_python)  # where uv's installer puts it
  stack=${CHOSEN%% *}
  CHOSEN=${CHOSEN#* }
  if [[ $stack == ready ]]; then
    use_as_it_is
    return
  fi
  take_stack "$stack"
  if [[ -d $PLACE && ! -d $STATE && -n $(ls -A "$PLACE") ]]; then
    fail "$PLACE is there but not made by this script: set LENET_VENV=DIRECTORY to have the environment elsewhere"
  fi
  if has_wanted; then  # only the search was new: note it, if we may
    { printf '%s\n' "$SEARCH" >>"$STATE/stamp"; } 2>/dev/null || true
    return
  fi
  ADVICE="No network: PIP_INDEX_URL names a mirror; no space: LENET_VENV=DIRECTORY puts the environment elsewhere;"
  ADVICE+=" $TENSORFLOW exists for $WHEELS"
  fill
}

# Leaves the interpreter itself untouched: what it lacks of the project's own requirements goes into .site-packages.
use_as_it_is() {
  local missing
  take_stack tf1
  PLACE=$SITE STATE=$SITE/lenet-setup PY=$CHOSEN FILE=
  if ! has_wanted; then
    missing=$(cd "$ROOT" && wanted | sed -e 's/==.*//' -e 's/-/_/g' | "$PY" -c '
import sys
from importlib.util import find_spec
print(*[name for name in sys.stdin.read().split() if not find_spec(name.lower())])')
    if [[ -z $missing ]]; then return; fi
    ADVICE="$PY lacks $missing; with a network, run: $PY -m pip install $(wanted | paste -sd ' ' -)"
    fill
  fi
  export PYTHONPATH=$SITE${PYTHONPATH:+:$PYTHONPATH}
}

# Like `exec "$PY" -m`, but -m looks in the working directory first, where another clone's lenet/ may lie, or an enum.py
# of the user's.
run_module() {
  exec "$PY" -c '
import sys
sys.path[:] = [sys.argv.pop(1)] + list(filter(None, sys.path))  # before anything is imported
import runpy, signal
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C before the module has its handlers: no traceback
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)' "$ROOT" "$@"
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
