"""setup_env.sh, run_1p.sh, run_np.sh and run_tests.sh: the real scripts in a copy of the project, wheels made here.

The copy's `lenet.train`, `lenet.launch` and `pytest` only report how they were called, and its requirement files name
three wheels: `tiny` for the project's own requirements, `bulk` for TensorFlow's tree (version 1.0 for the first stack,
2.0 for the second), `pytest`; and the source package `horovod`, which needs `bulk` for its build. Nothing reaches the
network. Every Python here is the one that runs the tests; scripts that start it say another version when asked.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Dict, List, Union

import pytest

from tests import processes

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ('setup_env.sh', 'run_1p.sh', 'run_np.sh', 'run_tests.sh')
TOOLS = 'cat dirname env grep head ls mkdir mktemp ln mv paste readlink rm sed sort tail'.split()
STAMP = '.venv/lenet-setup/stamp'
REPORT = '''
import json, os, sys
print(json.dumps({'arguments': sys.argv[1:], 'directory': os.getcwd(), 'python': sys.executable,
                  'environment': dict(os.environ)}))
sys.stdout.flush()
end = os.environ.get('END', '0')
os.kill(os.getpid(), int(end[1:])) if end[0] == '-' else sys.exit(int(end))
'''
# The backend of horovod's source package; what PEP 517 asks for, and no more.
BACKEND = '''
import bulk, os, shutil  # built where TensorFlow is
assert os.environ['HOROVOD_WITH_TENSORFLOW'] == os.environ['HOROVOD_WITHOUT_MPI'] == '1'

def build_wheel(directory, *unused):
    return os.path.basename(shutil.copy(os.environ['BUILT'], directory))
'''
METADATA = 'Metadata-Version: 2.1\nName: %s\nVersion: %s\n'


def write_archive(path: Path, files: Dict[str, str]) -> None:
    with zipfile.ZipFile(str(path), 'w') as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def write_wheel(directory: Path, name: str, version: str, source: str = '', more: str = '') -> Path:
    path = directory / ('%s-%s-py3-none-any.whl' % (name, version))
    info = '%s-%s.dist-info/' % (name, version)
    files = {name + '.py': source, info + 'METADATA': METADATA % (name, version) + more,
             info + 'WHEEL': 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n'}
    write_archive(path, dict(files, **{info + 'RECORD': ''.join('%s,,\n' % entry for entry in files)}))
    return path


def write_source(directory: Path, backend: str = BACKEND) -> None:
    """The source package horovod 1.0."""
    write_archive(directory / 'horovod-1.0.zip', {'horovod-1.0/' + name: text for name, text in (
        ('PKG-INFO', METADATA % ('horovod', '1.0')), ('backend.py', backend),
        ('pyproject.toml', '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'))})


def copy_project(target: Path) -> Path:
    (target / 'lenet').mkdir(parents=True)
    for name in SCRIPTS:
        shutil.copy(str(ROOT / name), str(target / name))
    for name, text in (
            ('lenet/__init__.py', ''), ('lenet/train.py', REPORT), ('lenet/launch.py', REPORT),
            ('requirements-base.txt', '# Ours.\ntiny==1.0  # small\n'),
            ('requirements.txt', '-r requirements-base.txt\n\nbulk==1.0\n'),
            ('requirements-tf2.txt', '-r requirements-base.txt\n\nbulk==2.0\n'),
            ('requirements-dev.txt', 'pytest==1.0\nolder==1.0; python_version < "3.8"\n'
                                     'side==1.0; python_version >= "3.10"\n'),
            ('requirements-distributed.txt', 'horovod==1.0; python_version < "3.8"\n'
                                             'side==1.0; python_version < "3.8"\n')):
        (target / name).write_text(text)
    return target


def executable(path: Path, *lines: str) -> Path:
    """Writes a bash script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join(('#!/usr/bin/env bash',) + lines) + '\n')
    path.chmod(0o755)
    return path


def site_of(environment: Path) -> Path:
    return next(environment.glob('lib/python3.*/site-packages'))


class Bench:
    """A directory with a space in its name that has all a start can find: tools, wheels, interpreters."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.tools = directory / 'tools'
        self.wheels = directory / 'wheels'
        self.plain = directory / 'plain'  # a Python without TensorFlow
        for path in (self.tools, self.wheels, directory / 'home'):
            path.mkdir(parents=True)
        for tool in ['bash'] + TOOLS:
            (self.tools / tool).symlink_to(shutil.which(tool))
        for name, version in (('tiny', '1.0'), ('bulk', '1.0'), ('bulk', '2.0'), ('side', '1.0'), ('older', '1.0')):
            write_wheel(self.wheels, name, version)
        write_wheel(self.wheels, 'pytest', '1.0', REPORT, 'Requires-Dist: bulk\n')
        self.built = write_wheel(directory, 'horovod', '1.0')
        write_source(self.wheels)
        subprocess.run([sys.executable, '-m', 'venv', '--without-pip', str(self.plain)], check=True)
        self.first = self.python(directory / 'first/python3.7').parent  # for PATH
        self.second = self.python(directory / 'second/python3.13').parent

    def python(self, path: Path, environment: Union[Path, None] = None, version: str = '', machine: str = 'x86_64',
               prelude: str = '') -> Path:
        """A script that starts an environment's Python; asked, it is of this version, by default that of its name."""
        version = version or re.sub('.*python', '', path.name)
        prelude = 'import platform, sys; sys.version_info = (%s, 0); platform.machine = lambda: "%s"; %s' % (
            version.replace('.', ', '), machine, prelude)
        return executable(path, 'real="%s"' % ((environment or self.plain) / 'bin/python'),
                          '[[ $1 == --version ]] && echo Python %s.0 && exit' % version,
                          '[[ $1 == -c && $2 == *"not in sys.argv"* ]] || exec "$real" "$@"',
                          "code='%s'$'\\n'$2" % prelude, 'shift 2', 'exec "$real" -c "$code" "$@"')

    def image(self, path: Path, *distributions: str, base: Union[Path, None] = None) -> Path:
        """A Python 3.7 that has these distributions of TensorFlow; the directory for PATH."""
        shutil.copytree(str(base or self.plain), str(path), symlinks=True)
        package = site_of(path) / 'tensorflow'
        package.mkdir()
        (package / '__init__.py').write_text('raise SystemExit("the set-up must not import tensorflow")\n')
        for distribution in distributions or ['tensorflow-1.15.0.dist-info']:
            (site_of(path) / distribution).mkdir()
        return self.python(path / 'on path/python3', path, '3.7').parent

    def start(self, script: Path, *arguments: str, path: Union[Path, str, None] = None,
              cwd: Union[Path, None] = None, **extra: str) -> subprocess.Popen:
        """Starts a script; `path` goes before the tools on PATH."""
        environment = {'HOME': str(self.directory / 'home'), 'BUILT': str(self.built),
                       'PIP_NO_INDEX': '1', 'PIP_FIND_LINKS': self.wheels.as_uri(),
                       'PATH': ':'.join(map(str, [path, self.tools] if path else [self.tools]))}
        return processes.start([str(script)] + list(arguments), env=dict(environment, **extra), start_new_session=True,
                               cwd=str(cwd or self.directory), stdin=subprocess.DEVNULL)

    def run(self, *arguments, **extra) -> subprocess.CompletedProcess:
        process = self.start(*arguments, **extra)
        stdout, stderr = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)

    def report(self, *arguments, **extra) -> dict:
        """What the trainer, or pytest, told about a start that went well without a word from the set-up."""
        result = self.run(*arguments, **extra)
        assert (result.returncode, result.stderr) == (0, '')
        return json.loads(result.stdout)

    def set_up(self, *arguments, **extra) -> List[str]:
        """The first word of each line that a start that went well had to say."""
        result = self.run(*arguments, **extra)
        assert result.returncode == 0, result.stderr
        return [line.split()[0] for line in result.stderr.splitlines()]

    def error(self, *arguments, status: int = 1, **extra) -> str:
        """The one line of a start that fails before it sets anything up."""
        result = self.run(*arguments, **extra)
        assert (result.returncode, result.stdout, result.stderr.count('\n')) == (status, '', 1), result.stderr
        return result.stderr[:-1]

    def searches(self, project: Path, **extra) -> bool:
        """True if a start looks for a Python."""
        trace = self.run(self.tools / 'bash', '-x', project / 'run_1p.sh', **extra).stderr
        assert 'set_up' in trace
        return 'find_python' in trace

    def find(self, project: Path, **extra) -> str:
        """The stack that the search leads to; for the first one with TensorFlow 'ready'."""
        command = 'ROOT=$1; source "$ROOT/setup_env.sh"; find_python'
        return self.run(self.tools / 'bash', '-c', command, 'test', str(project), **extra).stdout.partition(' ')[0]


@pytest.fixture(scope='module')
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp('set up', numbered=True))


@pytest.fixture
def project(tmp_path):
    return copy_project(tmp_path / 'a project')


@pytest.fixture(scope='module')
def ready(bench):
    """An interpreter that has TensorFlow 1.15 and all else the program needs, like an Ascend image's."""
    path = bench.image(bench.directory / 'ready')
    for name, source in (('tiny', ''), ('older', ''), ('pytest', REPORT)):
        (site_of(path.parent) / (name + '.py')).write_text(source)
    return path


@pytest.fixture(scope='module')
def first_start(bench):
    """A project after its first start, under a user's settings that would lead pip and Python astray."""
    project = copy_project(bench.directory / 'first start')
    decoy = bench.directory / 'decoy'
    (decoy / 'tiny-1.0.dist-info').mkdir(parents=True)
    (decoy / 'tiny-1.0.dist-info/METADATA').write_text(METADATA % ('tiny', '1.0'))
    result = bench.run(project / 'run_1p.sh', path=bench.first, PIP_TARGET='/proc/nope', PIP_USER='1',
                       PYTHONHOME='/proc/nope', PYTHONPATH=str(decoy))
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(r'Setting up .*/first start/\.venv with /.*: TensorFlow 1.15, as there is a Python 3.7 '
                        r'\(once, about a minute\)\.\.\.\n', result.stderr)
    assert (site_of(project / '.venv') / 'tiny.py').exists()
    return project


@pytest.fixture
def second(first_start, tmp_path):
    """A copy of `first_start`; packages, which pip never writes in place, are linked."""
    def copy(source: str, target: str) -> None:
        (os.link if '/site-packages/' in source else shutil.copy2)(source, target)

    return Path(shutil.copytree(str(first_start), str(tmp_path / 'a project'), symlinks=True, copy_function=copy))


@pytest.fixture
def compilers(bench, tmp_path):
    """A PATH on which there are a Python, g++ and cmake."""
    for name in ('g++', 'cmake'):
        executable(tmp_path / 'compilers' / name, 'exit 1')
    return '%s:%s' % (tmp_path / 'compilers', bench.first)


# --- run_1p.sh and run_tests.sh ---------------------------------------------------------------------------------------


def test_arguments_and_working_directory_are_the_callers(bench, project, ready, tmp_path):
    arguments = ['--data_path=../MNIST', '--note=two  words', '', '*']
    for script, directory in (('run_1p.sh', tmp_path), ('run_tests.sh', project)):  # pytest runs in the project
        report = bench.report(project / script, *arguments, path=ready, cwd=tmp_path)
        assert (report['arguments'], report['directory']) == (arguments, str(directory))


def test_runs_its_own_lenet_through_symlinks_and_beside_another_clone(bench, project, ready, tmp_path):
    other = copy_project(tmp_path / 'other clone')
    (other / 'lenet/train.py').write_text('raise SystemExit("the wrong lenet")')
    for name in ('json.py', 'platform.py', 'runpy.py', 'enum.py', 'signal.py'):
        (other / name).write_text('raise SystemExit("a file of the working directory")')
    (other / 'absolute').symlink_to(project / 'run_1p.sh')
    (other / 'start').symlink_to('absolute')
    assert bench.report(other / 'start', path=ready, cwd=other)['arguments'] == []


@pytest.mark.parametrize('given, meant', [('~/v', '{home}/v'), ('/a/~', '/a/~'), ('', '{project}/.venv')],
                         ids=['home', 'another', 'empty'])
def test_home_is_written_out_in_variables(bench, project, given, meant):
    found = bench.run(bench.tools / 'bash', '-c', 'ROOT=$1; source "$ROOT/setup_env.sh"; echo "$ENVIRONMENT"', 'test',
                      str(project), LENET_VENV=given, HOME='/h')
    assert (found.stdout, found.stderr) == (meant.format(home='/h', project=project) + '\n', '')


@pytest.mark.parametrize('variable', ['LENET_VENV', 'PYTHON'])
def test_somebody_s_home_is_refused(bench, project, variable):
    assert bench.error(project / 'run_1p.sh', **{variable: '~root/x'}).startswith('error: ~root/x: write ')


def test_exit_status_is_the_trainers(bench, project, ready):
    for end in (0, 7, -signal.SIGKILL):
        assert bench.run(project / 'run_1p.sh', path=ready, END=str(int(end))).returncode == end


def test_what_is_no_device_is_refused_in_one_line(bench, project):
    for value in ('-1', 'npu0', '0 1', '12345', '1.0'):
        assert bench.error(project / 'run_1p.sh', status=2, ASCEND_DEVICE_ID=value) == (
            "error: ASCEND_DEVICE_ID is '%s', not the number of a device, from 0 on" % value)


@pytest.mark.parametrize('arguments', [['--platform=npu'], ['--platform', 'npu'], ['--flagfile=conf/npu.flags']])
@pytest.mark.parametrize('given, device', [({}, '0'), ({'DEVICE_ID': '3'}, '3'),
                                           ({'DEVICE_ID': '3', 'ASCEND_DEVICE_ID': '15'}, '15'),
                                           ({'DEVICE_ID': '3', 'ASCEND_DEVICE_ID': ''}, '3'),
                                           ({'DEVICE_ID': '', 'ASCEND_DEVICE_ID': ''}, '0')],
                         ids=['none', 'older', 'both', 'empty', 'both empty'])
def test_npu_gets_a_device_and_job_and_a_word_about_cann(bench, project, ready, arguments, given, device):
    result = bench.run(project / 'run_1p.sh', *arguments, path=ready, **given)
    environment = json.loads(result.stdout)['environment']
    assert (environment['ASCEND_DEVICE_ID'], environment['JOB_ID']) == (device, '10087')
    assert re.fullmatch(r'note: .* source /usr/local/Ascend/ascend-toolkit/set_env.sh.*\n', result.stderr)


@pytest.mark.skipif(os.path.exists('/usr/local/Ascend'), reason='this is an Ascend machine')
def test_cpu_run_gets_no_npu_variables(bench, project, ready):
    report = bench.report(project / 'run_1p.sh', '--flagfile=cpu.flags', path=ready)
    assert not {'ASCEND_DEVICE_ID', 'JOB_ID'} & set(report['environment'])
    bench.report(project / 'run_1p.sh', '--platform=npu', path=ready, ASCEND_OPP_PATH='/opp')  # no word about CANN


# --- An interpreter that has TensorFlow 1.15 --------------------------------------------------------------------------


@pytest.mark.parametrize('how', ['path', 'PYTHON'])
def test_interpreter_with_tensorflow_is_used_as_it_is(bench, project, ready, how):
    where = {'path': ready} if how == 'path' else {'PYTHON': str(ready / 'python3')}
    report = bench.report(project / 'run_1p.sh', PYTHONPATH='/opt/npu', **where)
    assert report['python'] == str(ready.parent / 'bin/python')
    assert report['environment']['PYTHONPATH'] == '/opt/npu'
    assert not list(project.glob('.venv*')) and not (project / '.site-packages').exists()


def test_tensorflow_goes_before_the_first_python_on_the_path(bench, project, ready):
    assert bench.find(project, path='%s:%s' % (bench.first, ready)) == 'ready'
    assert bench.find(project, path='%s:%s' % (bench.second, ready)) == 'ready'
    assert bench.find(project, path='%s:%s' % (bench.second, ready), LENET_STACK='tf2') == 'tf2'


@pytest.mark.parametrize('distributions, stack', [
    ('tensorflow-1.15.0.dist-info', 'ready'), ('tensorflow-1.15.5-py3.7.egg-info', 'ready'),
    ('tensorflow_cpu-1.15.0.dist-info', 'ready'), ('tensorflow_gpu-1.15.2+ascend.dist-info', 'ready'),
    ('nvidia_tensorflow-1.15.5+nv22.12.dist-info', 'ready'),
    ('tensorflow-1.14.0.dist-info tensorflow_estimator-1.15.1.dist-info', 'tf1'),
    ('tensorflow-2.11.0.dist-info tensorflow_serving_api-1.15.0.dist-info', 'tf1'),
    ('tensorflow-1.150.0.dist-info', 'tf1'),
])
def test_metadata_tells_the_version_of_tensorflow(bench, project, tmp_path, distributions, stack):
    assert bench.find(project, path=bench.image(tmp_path / 'python', *distributions.split())) == stack


def test_what_the_interpreter_lacks_goes_beside_it(bench, first_start, project, compilers, tmp_path):
    path = bench.image(tmp_path / 'image', base=first_start / '.venv')  # has pip, as images do
    site = site_of(path.parent)
    (site / 'tiny.py').unlink()
    before = sorted(os.listdir(str(site)))
    assert bench.set_up(project / 'run_1p.sh', path=path, PYTHONPATH='/opt/npu') == ['Adding']
    again = bench.report(project / 'run_1p.sh', path=path, PYTHONPATH='/opt/npu')
    assert again['environment']['PYTHONPATH'] == '%s:/opt/npu' % (project / '.site-packages')
    assert sorted(os.listdir(str(site))) == before
    installed = os.listdir(str(project / '.site-packages'))
    assert 'tiny.py' in installed and 'bulk.py' not in installed

    assert bench.set_up(project / 'run_tests.sh', path=path) == ['Updating']
    installed = os.listdir(str(project / '.site-packages'))
    assert {'pytest.py', 'older.py', 'bulk-1.0.dist-info'} <= set(installed) and 'side.py' not in installed
    assert bench.set_up(project / 'run_np.sh', path='%s:%s' % (path, compilers)) == ['Updating', 'Building', 'Updating']
    for script in ('run_1p.sh', 'run_tests.sh', 'run_np.sh'):
        bench.report(project / script, path=path)


def test_interpreter_that_lacks_something_without_network_gets_the_command(bench, project, tmp_path):
    path, python = bench.image(tmp_path / 'image'), tmp_path / 'image/bin/python'
    for _ in range(2):  # the failed attempt isn't trusted
        result = bench.run(project / 'run_1p.sh', path=path)
        assert result.returncode == 1
        assert '. %s lacks tiny; with a network, run: %s -m pip install tiny==1.0 (' % (python, python) in result.stderr


# --- Which stack, which Python ----------------------------------------------------------------------------------------


def test_stacks_lie_side_by_side(bench, second):
    both = '%s:%s' % (bench.second, bench.first)
    result = bench.run(second / 'run_1p.sh', path=both, LENET_STACK='tf2')
    assert re.fullmatch(r'Setting up .*/a project/\.venv-tf2 with /.*: TensorFlow 2, as LENET_STACK says \(.*\n',
                        result.stderr)
    assert (site_of(second / '.venv-tf2') / 'bulk-2.0.dist-info').exists()
    for stack, name in (('tf2', '.venv-tf2'), ('tf1', '.venv'), ('', '.venv')):
        report = bench.report(second / 'run_1p.sh', path=both, LENET_STACK=stack)
        assert report['python'] == str(second / name / 'bin/python')
        for path in (both, '%s:%s' % (second / name / 'bin', both)):  # also with the environment activated
            assert not bench.searches(second, path=path, LENET_STACK=stack)


def test_second_stack_where_there_is_no_python_of_the_first(bench, project):
    result = bench.run(project / 'run_tests.sh', path=bench.second)
    lines = result.stderr.splitlines()
    assert ': TensorFlow 2, as no Python 3.7 was found (once' in lines[0]
    assert lines[1:] == ['note: several ranks on CPUs need the first stack: tests of Horovod are skipped']
    assert json.loads(result.stdout)['python'] == str(project / '.venv-tf2/bin/python')
    installed = os.listdir(str(site_of(project / '.venv-tf2')))
    assert 'side.py' in installed and 'older.py' not in installed  # as this stack's tests want
    assert bench.set_up(project / 'run_tests.sh', path=bench.second) == ['note:']
    bench.report(project / 'run_tests.sh', path=bench.second, LENET_WITHOUT_HOROVOD='1')
    bench.report(project / 'run_np.sh', '-h', path=bench.second)
    assert bench.error(project / 'run_np.sh', '-n', '2', path=bench.second).startswith(
        'error: several ranks on CPUs need the first stack: no Python 3.7 ')
    assert bench.error(project / 'run_np.sh', path=bench.second, LENET_STACK='tf2') == (
        'error: several ranks on CPUs need the first stack: LENET_STACK=tf1, not tf2')
    for stack, start in (('tf1', 'error: no Python 3.7 (for x86_64, with venv) '), ('tf3', 'error: LENET_STACK=tf3: ')):
        assert bench.error(project / 'run_1p.sh', path=bench.second, LENET_STACK=stack).startswith(start)


@pytest.mark.parametrize('options', [
    {'version': '3.14'}, {'version': '3.9'}, {'version': '2.7'}, {'version': '3.7', 'machine': 'aarch64'},
    {'version': '3.13', 'prelude': 'sys.abiflags = "t"'},
    {'version': '3.13', 'prelude': 'sys.modules["ensurepip"] = None'},
    {'version': '3.10', 'prelude': 'sys.implementation.name = "pypy"'},
], ids=['3.14', '3.9', '2.7', 'aarch64', 'free-threaded', 'no venv', 'PyPy'])
def test_python_that_does_not_serve_is_passed_over(bench, project, tmp_path, options):
    path = bench.python(tmp_path / 'other/python3', **options).parent
    assert bench.find(project, path=path) == ''
    assert bench.find(project, path='%s:%s' % (path, bench.second)) == 'tf2'


def test_pythons_are_looked_for_in_this_order(bench, project, tmp_path):
    tools, pyenv = tmp_path / 'my tools', tmp_path / 'py env'
    executable(tools / 'pyenv', '[[ $1 == root ]] && echo "%s"' % pyenv)
    executable(tools / 'uv', '[[ $1 == python && $2 == find && $PWD == / ]] && ls "%s/uv/python$3"' % tmp_path)
    shim = bench.python(tmp_path / 'shim', version='3.9')  # must not end the search
    for name in ('python3.7', 'python3.13'):
        (tools / name).symlink_to(shim)
    log = tmp_path / 'log'
    paths = ['my tools/python', 'py env/versions/3.7.17/bin/python', 'py env/versions/3.7.16/bin/python',
             'py env/versions/3.7.9/bin/python', 'uv/python3.7', 'py env/versions/3.13.0/bin/python', 'uv/python3.13',
             'my tools/python3.12', 'uv/python3.10']
    versions = ['3.7', '3.7', '3.7', '3.7', '3.7', '3.13', '3.13', '3.12', '3.10']
    for path, version in zip(paths, versions):  # each is found, and then removed
        bench.python(tmp_path / path, version=version, prelude='open("%s", "w").write("%s")' % (log, path))
    for path, version in zip(paths, versions):
        if path.startswith('py env'):  # of pyenv's, only the one that the user chose, which its shims answer with
            bench.find(project, path=tools, PYENV_VERSION='3.12.1')
            assert log.read_text() in ('uv/python3.7', 'uv/python3.13')
        assert bench.find(project, path=tools) == ('tf1' if version == '3.7' else 'tf2')
        assert log.read_text() == path
        (tmp_path / path).unlink()
    assert bench.find(project, path=tools) == ''


def test_no_python_at_all_gets_one_by_uv_or_the_command(bench, project, tmp_path):
    message = bench.error(project / 'run_1p.sh')
    assert message.startswith('error: no Python 3.7, 3.13, 3.12, 3.11, 3.10 with venv on PATH, of pyenv or of uv')
    for word in ('curl -LsSf https://astral.sh/uv/install.sh | sh', 'apt-get install python3-venv', 'brew install'):
        assert word in message
    executable(tmp_path / '.local/bin/uv', 'case "$*" in',  # where uv's installer puts it: not yet on PATH
               '  "python install 3.13") echo fetched; mv "%s/away" "%s/python3.13" ;;' % (tmp_path, tmp_path),
               '  "python find 3.13") ls "%s/python3.13" ;;' % tmp_path, '  *) exit 2', 'esac')
    bench.python(tmp_path / 'python3.13').rename(tmp_path / 'away')
    assert bench.set_up(project / 'run_1p.sh', HOME=str(tmp_path)) == ['No', 'fetched', 'Setting']


@pytest.mark.parametrize('stack, versions', [
    ('tf1', '3.7'), ('tf2', '3.13, 3.12, 3.11, 3.10'), ('', '3.7, 3.13, 3.12, 3.11, 3.10')])
def test_wrong_python_is_named(bench, project, tmp_path, stack, versions):
    bench.python(tmp_path / 'other/python3.9')
    for python, reason in (('/nowhere/python', 'No such file or directory'), ('nonesuch', 'command not found'),
                           ('other/python3.9', 'Python 3.9.0')):
        line = bench.error(project / 'run_1p.sh', PYTHON=python, LENET_STACK=stack, path=bench.first, cwd=tmp_path)
        assert line.replace('%s/' % tmp_path, '') == (
            'error: PYTHON=%s is no CPython %s with venv: %s' % (python, versions, reason))


# --- The virtual environment ------------------------------------------------------------------------------------------


def test_second_start_does_no_set_up_work(bench, second):
    before = (second / STAMP).stat().st_mtime_ns
    bench.report(second / 'run_1p.sh', path=bench.first, PIP_LOG=str(second / 'pip.log'))
    assert not bench.searches(second, path=bench.first)
    assert not (second / 'pip.log').exists()
    assert (second / STAMP).stat().st_mtime_ns == before
    bench.report(second / 'run_1p.sh')  # a finished environment serves when no Python is found,
    assert not bench.searches(second)   # nor is one looked for again


def test_changed_requirement_is_installed(bench, second):
    write_wheel(bench.wheels, 'tiny', '1.0.1')
    (second / 'requirements-base.txt').write_text('tiny==1.0.1  # new\n')
    assert bench.set_up(second / 'run_1p.sh', path=bench.first) == ['Updating']
    assert (site_of(second / '.venv') / 'tiny-1.0.1.dist-info').exists()
    assert not (site_of(second / '.venv') / 'tiny-1.0.dist-info').exists()
    (second / 'requirements-base.txt').write_text('# A comment is no change.\ntiny==1.0.1\n')
    bench.report(second / 'run_1p.sh', path=bench.first)


def test_what_pip_cannot_install_is_told_and_not_trusted(bench, second):
    (second / 'requirements.txt').write_text('bulk==1.0\nabsent==1.0\n')
    result = bench.run(second / 'run_1p.sh', path=bench.first)
    assert (result.returncode, result.stdout) == (1, '')
    assert 'ERROR: No matching distribution found for absent==1.0' in result.stderr
    assert result.stderr.splitlines()[-1].startswith('error: pip cannot fill %s. ' % (second / '.venv'))
    assert not (second / STAMP).exists()


@pytest.mark.slow
def test_interrupted_set_up_begins_anew(bench, second):
    with socket.socket() as silent:  # an index that never answers
        silent.bind(('127.0.0.1', 0))
        silent.listen(1)
        (second / 'requirements-base.txt').write_text('tiny==1.0\nabsent==1.0\n')
        process = bench.start(second / 'run_1p.sh', path=bench.first, PIP_NO_INDEX='0',
                              PIP_INDEX_URL='http://127.0.0.1:%d/' % silent.getsockname()[1])
        silent.settimeout(30)
        silent.accept()
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 130
        process.communicate()
    half_written = site_of(second / '.venv') / 'half.py'
    half_written.write_text('')
    (second / 'requirements-base.txt').write_text('tiny==1.0\n')
    assert bench.set_up(second / 'run_1p.sh', path=bench.first) == ['Setting']
    assert not half_written.exists()


def test_two_starts_at_once_set_up_once(bench, second):
    with (second / STAMP).with_name('lock').open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        starts = [bench.start(second / 'run_tests.sh', path=bench.first) for _ in range(2)]
        assert [start.stderr.readline().split()[0] for start in starts] == ['Waiting', 'Waiting']
    errors = ''.join(start.communicate(timeout=60)[1] for start in starts)
    assert ([start.returncode for start in starts], errors.count('Updating')) == ([0, 0], 1)


def test_environment_made_with_another_python_serves_until_one_is_named(bench, second):
    stamp = second / STAMP
    stamp.write_text(re.sub('(?m)^(python|search) .*', r'\1 /another', stamp.read_text()))
    bench.report(second / 'run_1p.sh', path=bench.first)
    assert bench.set_up(second / 'run_1p.sh', path=bench.second, PYENV_VERSION='3.13.0') == ['Setting']
    assert bench.set_up(second / 'run_1p.sh', PYTHON=str(bench.first / 'python3.7')) == ['Setting']


def test_place_that_is_not_ours_is_left_alone(bench, project, tmp_path):
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine/thesis.txt').write_text('')
    for place, message in (('mine', '%s is there but not made by this script: ' % (tmp_path / 'mine')),
                           ('/proc/nope/x', 'cannot write to /proc/nope/x. ')):
        line = bench.error(project / 'run_1p.sh', path=bench.first, cwd=tmp_path, LENET_VENV=place)
        assert line.startswith('error: ' + message) and 'LENET_VENV=DIRECTORY' in line
    assert os.listdir(str(tmp_path / 'mine')) == ['thesis.txt']


# --- Other machines ---------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which('busybox'), reason='busybox is not installed')
def test_other_tools_than_gnus_serve(bench, project, tmp_path):
    tools = tmp_path / 'tools'
    tools.mkdir()
    (tools / 'bash').symlink_to(bench.tools / 'bash')
    for name in TOOLS:
        (tools / name).symlink_to(shutil.which('busybox'))
    path = '%s:%s' % (bench.first, tools)
    assert bench.set_up(project / 'run_1p.sh', PATH=path) == ['Setting']
    assert bench.set_up(project / 'run_tests.sh', PATH=path) == ['Updating']
    bench.report(project / 'run_1p.sh', PATH=path)
    bench.report(project / 'run_tests.sh', PATH=path)


def test_scripts_use_nothing_that_macos_lacks():
    lacks = re.compile(r'readlink -f|\bflock |sort -\w*V|grep -\w*P|sed -i|-(min|max)depth|mapfile|readarray|declare -A'
                       r'|\$\{\w+[,^@]|\|&|&>>|\[\[ -v|wait -n|local -n')
    for name in SCRIPTS + ('.ci/run',):
        for line in (ROOT / name).read_text().splitlines():
            assert not lacks.search(line.split('#')[0]), (name, line)


# --- Horovod ----------------------------------------------------------------------------------------------------------


def test_several_ranks_get_horovod_built_after_tensorflow_and_nothing_is_lost_by_it(bench, project, compilers):
    assert bench.set_up(project / 'run_np.sh', '-n', '2', path=compilers) == ['Setting', 'Building', 'Updating']
    assert bench.report(project / 'run_np.sh', '-n', '2', path=compilers)['arguments'] == ['-n', '2']
    assert {'horovod.py', 'side.py'} <= set(os.listdir(str(site_of(project / '.venv'))))
    assert bench.set_up(project / 'run_tests.sh', path=bench.first) == ['Updating']
    for script in ('run_np.sh', 'run_1p.sh', 'run_tests.sh', 'run_np.sh'):  # each finds what another installed
        bench.report(project / script, path=bench.first, LENET_STACK='tf1')
        bench.report(project / script, path=bench.first)


def test_horovod_that_cannot_be_built_stops_nothing_else(bench, second, compilers):
    result = bench.run(second / 'run_np.sh', path=bench.first)
    assert (result.returncode, result.stdout) == (1, '')
    assert result.stderr.splitlines()[1:] == [
        'error: building Horovod, for several ranks on CPUs, needs g++ and cmake (on Debian: apt-get install g++ '
        'cmake); ./run_1p.sh does without']
    bench.report(second / 'run_1p.sh', path=bench.first)

    write_source(bench.wheels, 'raise SystemExit("no compiler")')
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
    bench.set_up(second / 'run_tests.sh', path=compilers)
    assert 'horovod.py' in os.listdir(str(site_of(second / '.venv')))


@pytest.mark.parametrize('arguments', [['--platform=npu'], ['-n', '2', '--flagfile', 'conf/npu.flags'], ['-h']])
def test_npu_ranks_need_no_horovod(bench, project, ready, arguments):
    report = bench.report(project / 'run_np.sh', *arguments, path=ready, ASCEND_OPP_PATH='/opp')
    assert report['arguments'] == arguments
