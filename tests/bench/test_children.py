import os
import sys

import pytest

from bench import children
from lenet.errors import UserError
from lenet.support import modules


def run(program):
    return children.run([sys.executable, '-c', program], 'child')


def test_the_last_line_is_the_report():
    assert run('print("noise"); print(\'{"a": 1}\')') == {'a': 1}


@pytest.mark.parametrize('program, words', [
    ('import sys; sys.exit("error: what went wrong")', 'child: ended with status 1: error: what went wrong'),
    ('raise SystemExit(3)', 'child: ended with status 3: nothing on stderr'),
    ('pass', 'child: printed no line of JSON'), ('print("3")', 'no line of JSON'),
    ('print("done")', 'no line of JSON')])
def test_a_child_that_fails_is_quoted_in_one_line(program, words):
    with pytest.raises(UserError, match=words) as raised:
        run(program)
    assert '\n' not in str(raised.value)


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(UserError, match='child: /nowhere cannot be started'):
        children.run(['/nowhere'], 'child')


def test_another_interpreter_gets_the_project_but_not_this_ones_packages(monkeypatch):
    monkeypatch.setenv('PYTHONPATH', '/packages')
    assert children.environment()['PYTHONPATH'] == modules.ROOT + os.pathsep + '/packages'
    assert children.environment(inherit=False)['PYTHONPATH'] == modules.ROOT
