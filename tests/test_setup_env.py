"""setup_env.sh, run_1p.sh, run_np.sh and run_tests.sh: the real scripts in a copy of the project, wheels made here.

The copy's `lenet.train`, `lenet.launch` and `pytest` only report how they were called, and its requirement files name
three wheels: `tiny` for the project's own requirements, `bulk` for TensorFlow's tree, `pytest`; and the source package
`horovod`, which needs `bulk` for its build. Nothing reaches the network.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Dict, List, Optional, Union

import pytest

from tests import processes

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ('bash cat dirname env find flock grep head ls mkdir mv paste readlink rm sed sort tail').split()
REPORT = '''
import json, os, sys
print(json.dumps({'arguments': sys.argv[1:], 'directory': os.getcwd(), 'python': sys.executable,
                  'environment': dict(os.environ)}))
sys.stdout.flush()
end = os.environ.get('END', '0')
os.kill(os.getpid(), int(end[1:])) if end[0] == '-' else sys.exit(int(end))
'''
# The backend of a source package; what PEP 517 asks for, and no more.
BACKEND = '''
import os, zipfile
import bulk  # built where TensorFlow is
assert os.environ['HOROVOD_WITH_TENSORFLOW'] == os.environ['HOROVOD_WITHOUT_MPI'] == '1'

def files():
    for name, text in (('METADATA', 'Metadata-Version: 2.1\\nName: horovod\\nVersion: 1.0\\n'),
                       ('WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n'), ('RECORD', '')):
        yield 'horovod-1.0.dist-info/' + name, text
    yield 'horovod.py', ''

def build_wheel(directory, *unused):
    with zipfile.ZipFile(os.path.join(directory, 'horovod-1.0-py3-none-any.whl'), 'w') as wheel:
        for name, text in files():
            wheel.writestr(name, text)
    return 'horovod-1.0-py3-none-any.whl'
'''


def write_source(directory: Path, working: bool = True) -> None:
    """The source package horovod 1.0."""
    root = directory / 'horovod-1.0'
    root.mkdir(exist_ok=True)
    (root / 'PKG-INFO').write_text('Metadata-Version: 2.1\nName: horovod\nVersion: 1.0\n')
    (root / 'pyproject.toml').write_text('[build-system]\nrequires = []\nbuild-backend = "backend"\n'
                                         'backend-path = ["."]\n')
    (root / 'backend.py').write_text(BACKEND if working else 'raise SystemExit("no compiler")\n')
    with tarfile.open(str(directory / 'horovod-1.0.tar.gz'), 'w:gz') as archive:
        archive.add(str(root), 'horovod-1.0')


def write_wheel(directory: Path, name: str, version: str, source: str = '') -> None:
    info = '%s-%s.dist-info/' % (name, version)
    with zipfile.ZipFile(str(directory / ('%s-%s-py3-none-any.whl' % (name, version))), 'w') as wheel:
        wheel.writestr(name + '.py', source)
        wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\nName: %s\nVersion: %s\n' % (name, version))
        wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n')
        wheel.writestr(info + 'RECORD', ''.join('%s,,\n' % entry for entry in wheel.namelist()))


def copy_project(target: Path) -> Path:
    (target / 'lenet').mkdir(parents=True)
    for name in ('setup_env.sh', 'run_1p.sh', 'run_np.sh', 'run_tests.sh'):
        shutil.copy(str(ROOT / name), str(target / name))
    (target / 'lenet/__init__.py').write_text('')
    for name in ('train', 'launch'):
        (target / ('lenet/%s.py' % name)).write_text(REPORT)
    (target / 'requirements-base.txt').write_text('# Ours.\ntiny==1.0  # small\n')
    (target / 'requirements.txt').write_text('-r requirements-base.txt\n\nbulk==1.0\n')
    (target / 'requirements-dev.txt').write_text('-r requirements.txt\npytest==1.0\n')
    (target / 'requirements-distributed.txt').write_text('-r requirements.txt\nhorovod==1.0\nside==1.0\n')
    return target


def executable(path: Path, *lines: str) -> Path:
    """Writes a bash script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join(('#!/usr/bin/env bash',) + lines) + '\n')
    path.chmod(0o755)
    return path


def site_of(environment: Path) -> Path:
    return environment / 'lib/python3.7/site-packages'


def add_tensorflow(environment: Path, *distributions: str) -> None:
    package = site_of(environment) / 'tensorflow'
    package.mkdir()
    (package / '__init__.py').write_text('raise SystemExit("the set-up must not import tensorflow")\n')
    for distribution in distributions:
        (site_of(environment) / distribution).mkdir()


class Bench:
    """A directory with a space in its name that has all a start can find: tools, wheels, interpreters."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.tools = directory / 'tools'
        self.wheels = directory / 'wheels'
        self.plain = directory / 'plain'  # a Python 3.7 without TensorFlow
        for path in (self.tools, self.wheels, directory / 'home'):
            path.mkdir(parents=True)
        for tool in TOOLS:
            if shutil.which(tool):
                (self.tools / tool).symlink_to(shutil.which(tool))
        for name, source in (('tiny', ''), ('bulk', ''), ('side', ''), ('pytest', REPORT)):
            write_wheel(self.wheels, name, '1.0', source)
        write_source(self.wheels)
        subprocess.run([sys.executable, '-m', 'venv', '--without-pip', str(self.plain)], check=True)

    def environment(self, path: Union[Path, str, None] = None, **extra: str) -> Dict[str, str]:
        """The variables of a start; `path` goes before the tools on PATH."""
        return dict({'HOME': str(self.directory / 'home'), 'PIP_NO_INDEX': '1', 'PIP_FIND_LINKS': self.wheels.as_uri(),
                     'PATH': ':'.join(map(str, [path, self.tools] if path else [self.tools]))}, **extra)

    def start(self, script: Path, *arguments: str, path: Union[Path, str, None] = None,
              cwd: Optional[Path] = None, **extra: str) -> subprocess.Popen:
        return processes.start([str(script)] + list(arguments), env=self.environment(path, **extra),
                               cwd=str(cwd or self.directory), stdin=subprocess.DEVNULL, start_new_session=True)

    def run(self, *arguments, **extra) -> subprocess.CompletedProcess:
        process = self.start(*arguments, **extra)
        stdout, stderr = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)

    def report(self, *arguments, **extra) -> dict:
        """What the trainer, or pytest, told about a start that went well without a word from the set-up."""
        result = self.run(*arguments, **extra)
        assert (result.returncode, result.stderr) == (0, '')
        return json.loads(result.stdout)

    def trace(self, project: Path, **extra) -> str:
        """The commands that a start runs."""
        trace = self.run(self.tools / 'bash', '-x', project / 'run_1p.sh', **extra).stderr
        assert 'set_up' in trace
        return trace

    def call(self, project: Path, command: str, *arguments: str, **extra) -> str:
        """The output of one function of setup_env.sh."""
        line = 'ROOT=$1; source "$ROOT/setup_env.sh"; shift; ' + command
        return self.run(self.tools / 'bash', '-c', line, 'test', str(project), *arguments, **extra).stdout


@pytest.fixture(scope='module')
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp('set up', numbered=True))


@pytest.fixture
def project(tmp_path):
    return copy_project(tmp_path / 'a project')


@pytest.fixture(scope='module')
def ready(bench):
    """An interpreter that has TensorFlow 1.15 and all else the program needs, like an Ascend image's."""
    environment = bench.directory / 'ready'
    shutil.copytree(str(bench.plain), str(environment), symlinks=True)
    add_tensorflow(environment, 'tensorflow-1.15.0.dist-info')
    for name, source in (('tiny', ''), ('pytest', REPORT)):
        (site_of(environment) / (name + '.py')).write_text(source)
    return environment / 'bin'


@pytest.fixture(scope='module')
def first_start(bench):
    """A project after its first start, under a user's settings that would lead pip and Python astray."""
    project = copy_project(bench.directory / 'first start')
    decoy = bench.directory / 'decoy'
    (decoy / 'tiny-1.0.dist-info').mkdir(parents=True)
    (decoy / 'tiny-1.0.dist-info/METADATA').write_text('Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n')
    result = bench.run(project / 'run_1p.sh', path=bench.plain / 'bin', PIP_TARGET='/proc/nope', PIP_USER='1',
                       PYTHONHOME='/proc/nope', PYTHONPATH=str(decoy))
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(r'Setting up .*/first start/\.venv with /.* \(once, about a minute\)\.\.\.\n', result.stderr)
    assert (site_of(project / '.venv') / 'tiny.py').exists()
    return project


@pytest.fixture
def second(first_start, tmp_path):
    """A copy of `first_start`; packages, which pip never writes in place, are linked."""
    def copy(source: str, target: str) -> None:
        (os.link if '/site-packages/' in source else shutil.copy2)(source, target)

    return Path(shutil.copytree(str(first_start), str(tmp_path / 'a project'), symlinks=True, copy_function=copy))


def stamp(project: Path) -> List[str]:
    path = project / '.venv/lenet-setup/stamp'
    return path.read_text().splitlines() if path.exists() else []


# --- run_1p.sh and run_tests.sh ---------------------------------------------------------------------------------------


def test_arguments_and_working_directory_are_the_callers(bench, project, ready, tmp_path):
    directory = tmp_path / 'else where'
    directory.mkdir()
    arguments = ['--data_path=../MNIST', '--note=two  words', '', '*']
    report = bench.report(project / 'run_1p.sh', *arguments, path=ready, cwd=directory)
    assert report['arguments'] == arguments
    assert report['directory'] == str(directory)


def test_runs_its_own_lenet_through_a_symlink_and_beside_another_clone(bench, project, ready, tmp_path):
    other = copy_project(tmp_path / 'other clone')
    (other / 'lenet/train.py').write_text('raise SystemExit("the wrong lenet")')
    (other / 'json.py').write_text('raise SystemExit("a file of the working directory")')
    (other / 'start').symlink_to(project / 'run_1p.sh')
    assert bench.report(other / 'start', path=ready, cwd=other)['arguments'] == []


@pytest.mark.parametrize('end', ['0', '7', '-%d' % signal.SIGKILL])
def test_exit_status_is_the_trainers(bench, project, ready, end):
    assert bench.run(project / 'run_1p.sh', path=ready, END=end).returncode == int(end)


def test_run_tests_runs_pytest_in_the_project(bench, project, ready):
    report = bench.report(project / 'run_tests.sh', '-k', 'a or b', path=ready)
    assert (report['arguments'], report['directory']) == (['-k', 'a or b'], str(project))


@pytest.mark.parametrize('value', ['9', '-1', 'npu0', '01', '0 1'])
def test_device_out_of_range_is_refused_in_one_line(bench, project, value):
    result = bench.run(project / 'run_1p.sh', ASCEND_DEVICE_ID=value)
    assert (result.returncode, result.stdout) == (2, '')
    assert result.stderr == "error: ASCEND_DEVICE_ID is '%s', not a device from 0 to 7\n" % value


@pytest.mark.parametrize('arguments', [['--platform=npu'], ['--platform', 'npu'], ['--flagfile=conf/npu.flags']])
@pytest.mark.parametrize('given, device', [({}, '0'), ({'DEVICE_ID': '3'}, '3'),
                                           ({'DEVICE_ID': '3', 'ASCEND_DEVICE_ID': '5'}, '5')])
def test_npu_gets_a_device_and_job_and_a_word_about_cann(bench, project, ready, arguments, given, device):
    result = bench.run(project / 'run_1p.sh', *arguments, path=ready, **given)
    environment = json.loads(result.stdout)['environment']
    assert (environment['ASCEND_DEVICE_ID'], environment['JOB_ID']) == (device, '10087')
    assert re.fullmatch(r'note: .* source /usr/local/Ascend/ascend-toolkit/set_env.sh.*\n', result.stderr)


def test_cann_that_is_set_up_gets_no_word(bench, project, ready):
    bench.report(project / 'run_1p.sh', '--platform=npu', path=ready, ASCEND_OPP_PATH='/opp')


@pytest.mark.skipif(os.path.exists('/usr/local/Ascend'), reason='this is an Ascend machine')
def test_cpu_run_gets_no_npu_variables(bench, project, ready):
    report = bench.report(project / 'run_1p.sh', '--flagfile=cpu.flags', path=ready)
    assert not {'ASCEND_DEVICE_ID', 'JOB_ID'} & set(report['environment'])


# --- Which Python -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('how', ['path', 'PYTHON'])
def test_interpreter_with_tensorflow_is_used_as_it_is(bench, project, ready, how):
    where = {'path': ready} if how == 'path' else {'PYTHON': str(ready / 'python')}
    report = bench.report(project / 'run_1p.sh', PYTHONPATH='/opt/npu', **where)
    assert os.path.dirname(report['python']) == str(ready)
    assert report['environment']['PYTHONPATH'] == '/opt/npu'
    assert not (project / '.venv').exists() and not (project / '.site-packages').exists()


def test_tensorflow_goes_before_the_first_python_on_the_path(bench, project, ready, tmp_path):
    (tmp_path / 'python3').symlink_to(bench.plain / 'bin/python3')
    path = '%s:%s' % (tmp_path, ready)  # python3 is found in the first, python in the second
    assert bench.call(project, 'find_python', path=path) == 'ready %s\n' % (ready / 'python')


@pytest.mark.parametrize('distributions, kind', [
    (['tensorflow-1.15.0.dist-info'], 'ready'),
    (['tensorflow-1.15.5-py3.7.egg-info'], 'ready'),
    (['tensorflow_cpu-1.15.0.dist-info'], 'ready'),
    (['tensorflow_gpu-1.15.2+ascend.dist-info'], 'ready'),
    (['nvidia_tensorflow-1.15.5+nv22.12.dist-info'], 'ready'),
    (['tensorflow-1.14.0.dist-info', 'tensorflow_estimator-1.15.1.dist-info'], 'plain'),
    (['tensorflow-2.11.0.dist-info', 'tensorflow_serving_api-1.15.0.dist-info'], 'plain'),
    (['tensorflow-1.150.0.dist-info'], 'plain'),
])
def test_metadata_tells_the_version_of_tensorflow(bench, project, tmp_path, distributions, kind):
    shutil.copytree(str(bench.plain), str(tmp_path / 'python'), symlinks=True)
    add_tensorflow(tmp_path / 'python', *distributions)
    python = str(tmp_path / 'python/bin/python')
    assert bench.call(project, 'probe "$1"', python) == '%s %s\n' % (kind, python)


def test_what_the_interpreter_lacks_goes_beside_it(bench, first_start, project, tmp_path):
    image = tmp_path / 'image'  # has pip, as images do
    shutil.copytree(str(first_start / '.venv'), str(image), symlinks=True)
    add_tensorflow(image, 'tensorflow-1.15.0.dist-info')
    (site_of(image) / 'tiny.py').unlink()
    before = sorted(os.listdir(str(site_of(image))))

    result = bench.run(project / 'run_1p.sh', path=image / 'bin', PYTHONPATH='/opt/npu')
    assert result.returncode == 0 and result.stderr.startswith('Adding to %s' % (project / '.site-packages'))
    again = bench.report(project / 'run_1p.sh', path=image / 'bin', PYTHONPATH='/opt/npu')
    assert again['environment']['PYTHONPATH'] == '%s:/opt/npu' % (project / '.site-packages')
    assert sorted(os.listdir(str(site_of(image)))) == before
    installed = os.listdir(str(project / '.site-packages'))
    assert 'tiny.py' in installed and 'bulk.py' not in installed

    assert bench.run(project / 'run_tests.sh', path=image / 'bin').returncode == 0
    assert 'pytest.py' in os.listdir(str(project / '.site-packages'))
    bench.report(project / 'run_1p.sh', path=image / 'bin')


def test_interpreter_that_lacks_something_without_network_gets_the_command(bench, project, tmp_path):
    shutil.copytree(str(bench.plain), str(tmp_path / 'image'), symlinks=True)
    add_tensorflow(tmp_path / 'image', 'tensorflow-1.15.0.dist-info')
    python = tmp_path / 'image/bin/python3'
    for _ in range(2):  # the failed attempt isn't trusted
        result = bench.run(project / 'run_1p.sh', path=python.parent)
        assert result.returncode == 1
        assert result.stderr.splitlines()[1:] == ['error: %s lacks tiny, and pip cannot add them; with a network, run: '
                                                  '%s -m pip install tiny==1.0' % (python, python)]


@pytest.mark.parametrize('python, reason', [
    ('/nowhere/python', 'No such file or directory'),
    ('nonesuch', 'command not found'),
    ('other/python', 'Python 3.9.1'),
])
def test_wrong_python_is_named(bench, project, python, reason):
    executable(bench.directory / 'other/python', '[[ $1 == --version ]] && echo Python 3.9.1')
    result = bench.run(project / 'run_1p.sh', PYTHON=python, path=bench.plain / 'bin')
    full = str(bench.directory / python) if python.startswith('other') else python
    assert (result.returncode, result.stderr) == (1, 'error: PYTHON=%s is not a Python 3.7: %s\n' % (full, reason))


def test_no_python_at_all_gets_the_commands(bench, project):
    result = bench.run(project / 'run_1p.sh')
    assert (result.returncode, result.stdout) == (1, '')
    assert result.stderr.startswith('error: no Python 3.7 found')
    for word in ('deadsnakes', 'pyenv install 3.7', 'uvx', 'conda create', 'docker run', 'PYTHON='):
        assert word in result.stderr
    assert not (project / '.venv').exists()


def test_shim_of_pyenv_answers_in_the_project_and_is_not_kept(bench, project, tmp_path):
    python = str(bench.plain / 'bin/python')
    shim = executable(tmp_path / 'shims/python3', '[[ $PWD == "%s" ]] && exec "%s" "$@"' % (project, python))
    assert bench.call(project, 'find_python', path=shim.parent) == 'plain %s\n' % python


def test_pyenv_uv_and_conda_are_asked_in_this_order(bench, project, tmp_path):
    tools = tmp_path / 'my tools'
    run_plain = 'exec "%s" "$@"' % (bench.plain / 'bin/python')
    pyenv, conda = tmp_path / 'py env', tmp_path / 'con da'
    executable(tools / 'python3.7', 'echo "pyenv: version not installed" >&2; exit 127')  # a shim that fails
    executable(tools / 'pyenv', '[[ $1 == root ]] && echo "%s"' % pyenv)
    executable(tools / 'uv', '[[ "$*" == "python find 3.7" && $PWD == / ]] && echo "%s"' % (tmp_path / 'by uv'))
    executable(tools / 'conda', '[[ "$*" == "info --base" ]] && echo "%s"' % conda)
    executable(conda / 'bin/python', 'exit 1')
    expected = [executable(pyenv / 'versions/3.7.10/bin/python', run_plain),
                executable(pyenv / 'versions/3.7.9/bin/python', run_plain),
                executable(tmp_path / 'by uv', run_plain),
                executable(conda / 'envs/old one/bin/python', run_plain)]
    for path in expected:
        assert bench.call(project, 'find_python', path=tools) == 'plain %s\n' % path
        path.unlink()
    assert bench.call(project, 'find_python', path=tools) == ''


# --- The virtual environment ------------------------------------------------------------------------------------------


def test_second_start_does_no_set_up_work(bench, second):
    before = (second / '.venv/lenet-setup/stamp').stat().st_mtime_ns
    activated = '%s:%s' % (second / '.venv/bin', bench.plain / 'bin')
    for path in (bench.plain / 'bin', activated):
        report = bench.report(second / 'run_1p.sh', path=path, PIP_LOG=str(second / 'pip.log'))
        assert report['python'] == str(second / '.venv/bin/python')
        assert 'find_python' not in bench.trace(second, path=path)
    assert not (second / 'pip.log').exists()
    assert (second / '.venv/lenet-setup/stamp').stat().st_mtime_ns == before


def test_finished_environment_serves_when_no_python_is_found(bench, second):
    bench.report(second / 'run_1p.sh')
    assert 'find_python' not in bench.trace(second)  # nor is one looked for again


def test_tests_and_training_share_the_environment(bench, second):
    assert bench.run(second / 'run_tests.sh', path=bench.plain / 'bin').stderr.startswith('Updating ')
    for script in ('run_1p.sh', 'run_tests.sh'):
        bench.report(second / script, path=bench.plain / 'bin')


def test_changed_requirement_is_installed(bench, second):
    write_wheel(bench.wheels, 'tiny', '1.0.1')
    (second / 'requirements-base.txt').write_text('tiny==1.0.1  # new\n')
    result = bench.run(second / 'run_1p.sh', path=bench.plain / 'bin')
    assert (result.returncode, result.stderr.split()[0]) == (0, 'Updating')
    assert (site_of(second / '.venv') / 'tiny-1.0.1.dist-info').exists()
    assert not (site_of(second / '.venv') / 'tiny-1.0.dist-info').exists()
    (second / 'requirements-base.txt').write_text('# A comment is no change.\ntiny==1.0.1\n')
    bench.report(second / 'run_1p.sh', path=bench.plain / 'bin')


def test_what_pip_cannot_install_is_told_and_not_trusted(bench, second):
    (second / 'requirements.txt').write_text('bulk==1.0\nabsent==1.0\n')
    result = bench.run(second / 'run_1p.sh', path=bench.plain / 'bin')
    assert (result.returncode, result.stdout) == (1, '')
    assert 'ERROR: No matching distribution found for absent==1.0' in result.stderr
    assert result.stderr.splitlines()[-1].startswith('error: pip cannot install requirements.txt')
    assert stamp(second) == []


@pytest.mark.slow
def test_interrupted_set_up_begins_anew(bench, second):
    with socket.socket() as silent:  # an index that never answers
        silent.bind(('127.0.0.1', 0))
        silent.listen(1)
        (second / 'requirements-base.txt').write_text('tiny==1.0\nabsent==1.0\n')
        process = bench.start(second / 'run_1p.sh', path=bench.plain / 'bin', PIP_NO_INDEX='0',
                              PIP_INDEX_URL='http://127.0.0.1:%d/' % silent.getsockname()[1])
        silent.settimeout(30)
        silent.accept()
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 130
        process.communicate()
    half_written = site_of(second / '.venv') / 'half.py'
    half_written.write_text('')
    (second / 'requirements-base.txt').write_text('tiny==1.0\n')
    result = bench.run(second / 'run_1p.sh', path=bench.plain / 'bin')
    assert (result.returncode, result.stderr.split()[0]) == (0, 'Setting')
    assert not half_written.exists()


def test_two_starts_at_once_set_up_once(bench, second):
    processes = [bench.start(second / 'run_tests.sh', path=bench.plain / 'bin') for _ in range(2)]
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert ''.join(errors).count('Updating') == 1


def test_another_python_gets_a_new_environment(bench, second):
    assert bench.call(second, 'CHOSEN=$(readlink -f "$1"); venv_has requirements.txt && echo yes',
                      str(bench.plain / 'bin/python')) == 'yes\n'
    assert bench.call(second, 'CHOSEN=/another/python3.7; venv_has requirements.txt && echo yes') == ''


def test_place_that_cannot_be_written_is_told(bench, project):
    result = bench.run(project / 'run_1p.sh', path=bench.plain / 'bin', LENET_VENV='/proc/nope/x')
    assert (result.returncode, result.stderr) == (
        1, 'error: cannot write to /proc/nope/x: set LENET_VENV=DIRECTORY to have the environment elsewhere\n')


def test_directory_of_someone_else_is_left_alone(bench, project, tmp_path):
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine/thesis.txt').write_text('')
    result = bench.run(project / 'run_1p.sh', path=bench.plain / 'bin', cwd=tmp_path, LENET_VENV='mine')
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1)
    assert result.stderr.startswith('error: %s is there but not made by this script' % (tmp_path / 'mine'))
    assert os.listdir(str(tmp_path / 'mine')) == ['thesis.txt']


def test_python_without_ensurepip_names_the_package(bench, project, tmp_path):
    python = executable(tmp_path / 'python3.7', '[[ $1 == -c ]] && exec "%s" "$@"' % (bench.plain / 'bin/python'),
                        'echo no ensurepip; exit 1')
    result = bench.run(project / 'run_1p.sh', PYTHON=str(python))
    assert result.returncode == 1
    assert result.stderr.splitlines()[1] == 'no ensurepip'
    assert 'python3.7-venv' in result.stderr and 'LENET_VENV' in result.stderr


# --- Horovod ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def compilers(bench, tmp_path):
    """A PATH on which there are a Python, g++ and cmake."""
    for name in ('g++', 'cmake'):
        executable(tmp_path / 'compilers' / name, 'exit 1')
    return '%s:%s' % (tmp_path / 'compilers', bench.plain / 'bin')


def test_several_ranks_get_horovod_built_after_tensorflow_and_nothing_is_lost_by_it(bench, project, compilers):
    result = bench.run(project / 'run_np.sh', '-n', '2', path=compilers)
    assert result.returncode == 0, result.stderr
    assert [line.split()[0] for line in result.stderr.splitlines()] == ['Setting', 'Building', 'Updating']
    assert json.loads(result.stdout)['arguments'] == ['-n', '2']
    assert {'horovod.py', 'side.py'} <= set(os.listdir(str(site_of(project / '.venv'))))
    assert bench.run(project / 'run_tests.sh', path=bench.plain / 'bin').stderr.startswith('Updating ')
    for script in ('run_np.sh', 'run_1p.sh', 'run_tests.sh', 'run_np.sh'):  # each finds what another installed
        bench.report(project / script, path=bench.plain / 'bin')


def test_without_compilers_their_package_is_named_and_the_rest_stays(bench, second):
    result = bench.run(second / 'run_np.sh', path=bench.plain / 'bin')
    assert (result.returncode, result.stdout) == (1, '')
    assert result.stderr.splitlines()[1:] == [
        'error: building Horovod, for several ranks on CPUs, needs g++ and cmake (on Debian: apt-get install g++ '
        'cmake); ./run_1p.sh does without']
    bench.report(second / 'run_1p.sh', path=bench.plain / 'bin')


def test_failed_build_stops_no_tests(bench, second, compilers):
    write_source(bench.wheels, working=False)
    try:
        first, again = [bench.run(second / 'run_tests.sh', '-k', 'a', path=compilers, PIP_NO_CACHE_DIR='1')
                        for _ in range(2)]
    finally:
        write_source(bench.wheels)
    for result in (first, again):
        assert (result.returncode, json.loads(result.stdout)['arguments']) == (0, ['-k', 'a'])
        assert 'error: pip cannot build horovod==1.0' in result.stderr
        assert result.stderr.splitlines()[-1].startswith("note: its tests are skipped")
    assert not re.search('^(Setting|Updating)', again.stderr, re.MULTILINE)
    bench.report(second / 'run_tests.sh', path=compilers, LENET_WITHOUT_HOROVOD='1')
    assert bench.run(second / 'run_tests.sh', path=compilers).returncode == 0
    assert 'horovod.py' in os.listdir(str(site_of(second / '.venv')))


def test_interpreter_with_tensorflow_gets_horovod_beside_it(bench, first_start, project, compilers, tmp_path):
    image = tmp_path / 'image'
    shutil.copytree(str(first_start / '.venv'), str(image), symlinks=True)
    add_tensorflow(image, 'tensorflow-1.15.0.dist-info')
    path = '%s:%s' % (image / 'bin', compilers)
    for script in ('run_np.sh', 'run_tests.sh', 'run_np.sh'):
        result = bench.run(project / script, path=path)
        assert result.returncode == 0, result.stderr
    assert result.stderr == ''
    assert {'horovod.py', 'side.py', 'pytest.py'} <= set(os.listdir(str(project / '.site-packages')))


@pytest.mark.parametrize('arguments', [['--platform=npu'], ['-n', '2', '--flagfile', 'conf/npu.flags'], ['-h']])
def test_npu_ranks_need_no_horovod(bench, project, ready, arguments):
    report = bench.report(project / 'run_np.sh', *arguments, path=ready, ASCEND_OPP_PATH='/opp')
    assert report['arguments'] == arguments


# --- The requirement files --------------------------------------------------------------------------------------------


def wanted(file: str) -> List[str]:
    lines = []
    for line in (ROOT / file).read_text().splitlines():
        line = line.split('#')[0].strip()
        lines += wanted(line[3:]) if line.startswith('-r ') else [line] if line else []
    return lines


@pytest.mark.parametrize('file', ['requirements-dev.txt', 'requirements-distributed.txt'])
def test_every_requirement_is_pinned_once(file):
    lines = wanted(file)
    assert all(re.fullmatch(r'[\w-]+==[\w.]+', line) for line in lines)
    names = [line.split('==')[0].lower() for line in lines]
    assert len(set(names)) == len(names)
    assert set(wanted('requirements-base.txt')) < set(wanted('requirements.txt')) < set(lines)


def test_extras_agree_on_what_they_share():
    pins = set(wanted('requirements-dev.txt') + wanted('requirements-distributed.txt'))
    assert len({line.split('==')[0].lower() for line in pins}) == len(pins)


STAMP = os.path.join(sys.prefix, 'lenet-setup/stamp')


@pytest.mark.skipif(not os.path.exists(STAMP), reason='this Python is not of an environment that setup_env.sh made')
def test_the_environment_has_what_its_stamp_says_and_nothing_else():
    frozen = subprocess.run([sys.executable, '-m', 'pip', 'freeze', '--all'], stdout=subprocess.PIPE, check=True,
                            universal_newlines=True).stdout.split()
    pins = {line.lower() for line in Path(STAMP).read_text().splitlines() if re.fullmatch(r'[\w-]+==[\w.]+', line)}
    assert pins == set(map(str.lower, frozen))
    assert pins >= set(map(str.lower, wanted('requirements-dev.txt')))
