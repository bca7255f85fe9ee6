"""Processes that tests start, with the signals of a program in a terminal's foreground."""

import os
import signal
import subprocess
import sys
from typing import Any, Sequence

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD)


def start(command: Sequence[str], **options: Any) -> subprocess.Popen:
    """subprocess.Popen with text on pipes, in the project's directory, and with every signal's disposition the default.

    `nohup ./run_tests.sh &` makes a process that ignores SIGINT and SIGHUP. What is ignored is inherited, and a shell
    script cannot undo it.
    """
    return subprocess.Popen(list(command), **dict(dict(
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, cwd=ROOT,
        preexec_fn=_reset_signals), **options))


def _reset_signals() -> None:
    for signum in SIGNALS:
        signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def run_module(module, *arguments, timeout=240, cwd=ROOT, python=sys.executable, **environment):
    """Runs `python -m module …` to its end; returns the CompletedProcess with text output."""
    return subprocess.run([python, '-m', module] + list(arguments), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True, timeout=timeout, cwd=str(cwd),
                          env=dict(os.environ, **dict(dict(PYTHONPATH=ROOT), **environment)))
