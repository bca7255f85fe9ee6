import subprocess
import sys

import pytest

from lenet.support import stack
from tests import processes


@pytest.mark.parametrize('arguments, words', [
    (['--batchsize=3'], ['batchsize', 'batch_size']),
    (['--evaluate', 'False'], ["unexpected argument 'False'", '--name=value']),
    (['--batch_size=0'], ['--batch_size=0', '[1, 60000]']),
    (['--steps=150', '--epochs=1'], ['--steps=150', '--iterations_per_loop=100']),
    (['--flagfile=nowhere.flags'], ['nowhere.flags']),
    (['--seed'], ['seed']),
])
def test_a_wrong_command_line_ends_in_one_line_and_status_2(arguments, words):
    ended = processes.run_module('lenet.train', *arguments)
    assert ended.returncode == 2 and ended.stdout == ''
    lines = ended.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith('error: ')
    for word in words:
        assert word.lower() in lines[0].lower()


def run_main(body):
    program = ('import os, signal, sys\nfrom lenet.support import entry\nfrom lenet import errors\n'
               'def main():\n    %s\nentry.run(main)' % body)
    return subprocess.run([sys.executable, '-c', program, *([] if 'verbose' not in body else ['--verbosity=1'])],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, cwd=processes.ROOT)


@pytest.mark.parametrize('body, status, stderr', [
    ('pass', 0, ''),
    ('return 7', 7, ''),
    ("raise errors.UserError('x.gz: broken')", 1, 'error: x.gz: broken\n'),
    ("raise errors.UsageError('--x: bad')", 2, 'error: --x: bad\n'),
    ('sys.executable = "py"; import nowhere.at_all', 1,
     'error: py has no module nowhere: start with ./run_1p.sh, which sets up what is needed, or run py -m pip install '
     '-r %s\n' % stack.REQUIREMENTS),
    ('raise MemoryError()', 1, 'error: the memory is exhausted; allow more of it (ulimit -v, or what the container may '
     'have), or take less data\n'),
    ('os.kill(os.getpid(), signal.SIGINT)', 130, 'stopped by SIGINT\n'),
    ('os.kill(os.getpid(), signal.SIGTERM)', 143, 'stopped by SIGTERM\n'),
])
def test_how_main_ends_decides_the_status_and_what_is_said(body, status, stderr):
    ended = run_main(body)
    assert (ended.returncode, ended.stderr) == (status, stderr)


def test_verbosity_1_adds_the_traceback():
    ended = run_main("raise errors.UserError('verbose')")
    assert ended.returncode == 1 and 'Traceback' in ended.stderr and ended.stderr.endswith('error: verbose\n')


def test_help_leaves_with_0():
    ended = processes.run_module('lenet.train', '--help')
    assert ended.returncode == 0 and '--iterations_per_loop' in ended.stdout


@pytest.mark.parametrize('arguments, status, stdout, stderr', [
    ([], 2, '', 'error: FILE is missing, see --help\n'), (['a'], 0, "('a',)\n", ''),
    (['a', '--verbosity=0', 'b'], 0, "('a', 'b')\n", '')])
def test_an_entry_point_may_take_several_arguments(arguments, status, stdout, stderr):
    program = "from lenet.support import entry\nentry.run(lambda *names: print(names), positional='FILE', several=True)"
    ended = subprocess.run([sys.executable, '-c', program] + arguments, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, universal_newlines=True, cwd=processes.ROOT)
    assert (ended.returncode, ended.stdout, ended.stderr) == (status, stdout, stderr)
