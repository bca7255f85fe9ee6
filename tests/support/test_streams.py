"""The standard streams of a command, as users redirect them."""

import os
import subprocess
import sys

import pytest

from tests import processes

TRAINING = "progress.say('a'); progress.say('b'); progress.warn('c'); os.write(9, b'end')"
RESULT = "progress.answer('a'); os.write(9, b'end')"
PRINTED = "print('a'); os.write(9, b'end')"
FULL, CLOSED = ('error: standard output: cannot be written (%s), its end is lost; send it to another place\n' % reason
                for reason in ('No space left on device', 'Bad file descriptor'))


def run(body, redirection, environment={}):
    """Runs `body` as a command, redirected by a shell; its status, stdout, stderr, and whether it reached its end."""
    program = 'import os\nfrom lenet.support import entry, progress\ndef main():\n    %s\nentry.run(main)' % body
    source, sink = os.pipe()
    deaf, dead = os.pipe()
    os.close(deaf)
    ended = subprocess.run(['bash', '-c', 'exec "$0" -c "$1" 9>&%d %s' % (sink, redirection.replace('DEAD', str(dead))),
                            sys.executable, program], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           universal_newlines=True, cwd=processes.ROOT, pass_fds=[sink, dead],
                           env=dict(os.environ, PYTHONUNBUFFERED='', **environment))
    os.close(sink)
    os.close(dead)
    with os.fdopen(source) as reader:
        return ended.returncode, ended.stdout, ended.stderr, reader.read() == 'end'


@pytest.mark.parametrize('body, redirection, expected', [
    (RESULT, '>/dev/full', (1, '', FULL, False)), (RESULT, '>&-', (1, '', CLOSED, False)),
    (RESULT, '>&DEAD', (0, '', '', True)), (PRINTED, '>/dev/full', (1, '', FULL, True)),
    (PRINTED, '>&-', (1, '', CLOSED, True)), (PRINTED, '>&DEAD', (1, '', '', True))],
    ids=['full', 'closed', 'no reader', 'printed, full', 'printed, closed', 'printed, no reader'])
def test_a_result_that_cannot_be_written_is_an_error_of_one_line(body, redirection, expected):
    assert run(body, redirection) == expected


@pytest.mark.parametrize('redirection', ['>/dev/full', '>&-', '>&DEAD', '2>/dev/full', '2>&-', '2>&DEAD', '>&- 2>&-',
                                         '<&- >&- 2>&-'])
def test_progress_and_warnings_that_cannot_be_written_end_nothing(redirection):
    status, stdout, stderr, reached = run(TRAINING, redirection)
    assert (status, reached) == (0, True)
    assert stdout == ('a\nb\n' if redirection.startswith('2') else '')
    assert stderr == ('' if '2>' in redirection else 'warning: c\n')


@pytest.mark.parametrize('body, stdout, stderr', [
    (r"print('a\x1b[31m\r\x9b\u202eb\tc')", 'a\\x1b[31m\\r\\x9b\\u202eb\tc\n', ''),
    (r"progress.say('a\x1b]0;b\nc')", 'a\\x1b]0;b\\nc\n', ''),
    (r"progress.warn('a\x07\nb')", '', 'warning: a\\x07\\nb\n'),
    (r"import sys; sys.stderr.write('\r10 %\x1b[A\n')", '', '\n10 %\\x1b[A\n'),
    (r"from lenet import errors; raise errors.UserError('x\x1b[2J\ny')", '', 'error: x\\x1b[2J\\ny\n')],
    ids=['print', 'say', 'warn', 'a bar', 'error'])
def test_nothing_that_a_file_says_can_steer_a_terminal(body, stdout, stderr):
    assert run(body, '')[1:3] == (stdout, stderr)


@pytest.mark.parametrize('body', [r"print('\u6570')", r"progress.say('\u6570')",
                                  r"import sys; print('\u6570', file=sys.stderr)"], ids=['print', 'say', 'stderr'])
def test_what_the_locale_lacks_is_escaped(body):
    status, stdout, stderr, _ = run(body, '', {'PYTHONIOENCODING': 'ascii'})
    assert (status, stdout + stderr) == (0, '\\u6570\n')
