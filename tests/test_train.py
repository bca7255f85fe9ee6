"""The entry point as its users run it: real processes, real files, real signals."""

import fcntl
import hashlib
import json
import os
import pty
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import termios
from random import Random

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet.data import synthetic
from lenet.data.splits import Dataset, Split
from lenet.run import checkpoint
from lenet.support import stack
from tests import data_files
from tests import drawn_digits
from tests import processes
from tests import stacks

SHORT = (drawn_digits.FLAG, '--steps=40', '--epochs=2', '--iterations_per_loop=20', '--log_every=20',
         '--batch_size=32')


def digest_of_newest(output_dir):
    """Of every name, shape and byte in a run's newest checkpoint."""
    reader = tf.train.load_checkpoint(checkpoint.find_all(str(output_dir))[-1])
    names = sorted(reader.get_variable_to_shape_map())
    values = [np.asarray(reader.get_tensor(name)) for name in names]
    return hashlib.sha256(b''.join(name.encode() + value.tobytes() for name, value in zip(names, values))).hexdigest()


def start(output_dir, arguments, **streams):
    return processes.start([sys.executable, '-m', 'lenet.train', '--output_dir=%s' % output_dir] + list(arguments),
                           **streams)


@pytest.fixture(scope='module')
def uninterrupted(tmp_path_factory):
    """The output directory of SHORT, run in one go."""
    output_dir = tmp_path_factory.mktemp('uninterrupted')
    ended = processes.run_module('lenet.train', '--output_dir=%s' % output_dir, *SHORT)
    assert ended.returncode == 0 and ended.stderr == '', ended.stderr
    return output_dir


@pytest.mark.parametrize('n', [20, 8])
def test_one_seed_gives_one_result_bit_for_bit_whatever_n(uninterrupted, tmp_path, n):
    ended = processes.run_module('lenet.train', '--output_dir=%s' % tmp_path, *SHORT, '--iterations_per_loop=%d' % n,
                               '--log_every=40')
    assert ended.returncode == 0, ended.stderr
    assert digest_of_newest(tmp_path) == digest_of_newest(uninterrupted)


@pytest.mark.parametrize('signum, status', [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_leaves_a_checkpoint_and_resumes_to_the_same_bytes(uninterrupted, tmp_path, signum, status):
    process = start(tmp_path, SHORT)
    line = process.stdout.readline()
    process.send_signal(signum)
    _, errors = process.communicate(timeout=60)
    assert 'step : 20-' in line and process.returncode == status
    assert len(errors.splitlines()) == 1 and '--resume goes on from there' in errors
    results = json.loads((tmp_path / 'results.json').read_text())
    assert results['ended'].startswith('stopped by') and results['steps']['steps_run'] < 80
    resumed = processes.run_module('lenet.train', '--output_dir=%s' % tmp_path, *SHORT, '--resume')
    assert resumed.returncode == 0 and 'resumed from' in resumed.stdout, resumed.stderr
    assert digest_of_newest(tmp_path) == digest_of_newest(uninterrupted)
    assert records(tmp_path) == records(uninterrupted)


def test_a_resume_with_other_flags_is_refused_in_one_line(uninterrupted):
    ended = processes.run_module('lenet.train', '--output_dir=%s' % uninterrupted, *SHORT, '--epochs=3', '--seed=2',
                               '--resume', '--batch_size=64')
    assert ended.returncode == 1 and len(ended.stderr.splitlines()) == 1
    assert '--batch_size=32 on each of 1 ranks, now 64' in ended.stderr and '--seed was 1, is 2' in ended.stderr


def limit_file_size():
    resource.setrlimit(resource.RLIMIT_FSIZE, (1200000, 1200000))  # a checkpoint has 1.3 MB


def test_a_disk_that_fills_up_costs_no_older_checkpoint(tmp_path):
    first = processes.run_module('lenet.train', '--output_dir=%s' % tmp_path, *SHORT)
    assert first.returncode == 0
    before = digest_of_newest(tmp_path)
    ended = subprocess.run([sys.executable, '-m', 'lenet.train', '--output_dir=%s' % tmp_path, *SHORT, '--epochs=3',
                            '--resume'], cwd=processes.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           universal_newlines=True, preexec_fn=limit_file_size)
    assert ended.returncode == 1
    assert re.fullmatch(r'error: \S+model.ckpt-120: the checkpoint cannot be written \(.*\); the older ones are '
                        r'untouched\n', ended.stderr), ended.stderr
    assert digest_of_newest(tmp_path) == before
    resumed = processes.run_module('lenet.train', '--output_dir=%s' % tmp_path, *SHORT, '--epochs=3', '--resume')
    assert resumed.returncode == 0 and 'resumed from' in resumed.stdout


def test_a_damaged_newest_checkpoint_is_named_and_the_one_before_it_used(uninterrupted, tmp_path):
    output_dir = tmp_path / 'copy'
    shutil.copytree(str(uninterrupted), str(output_dir))
    data = output_dir / 'ckpt_npu' / 'model.ckpt-80.data-00000-of-00001'
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 16
    data.write_bytes(bytes(content))
    resumed = processes.run_module('lenet.train', '--output_dir=%s' % output_dir, *SHORT, '--resume')
    assert resumed.returncode == 0 and len(resumed.stderr.splitlines()) == 1
    assert 'model.ckpt-80: is no readable checkpoint' in resumed.stderr and 'model.ckpt-40' in resumed.stderr
    assert digest_of_newest(output_dir) == digest_of_newest(uninterrupted)
    assert records(output_dir) == records(uninterrupted)


def readme_s_command_for_letters():
    with open(os.path.join(processes.ROOT, 'README.md'), encoding='utf-8') as stream:
        command, = re.findall(r'^\./run_1p\.sh (--restore_path=.*\\\n  .*?)  ', stream.read(), re.MULTILINE)
    return command.replace('\\\n', '').split()


def test_letters_are_learned_from_a_checkpoint_of_digits(uninterrupted, tmp_path):
    """README's command, on files as EMNIST's: 26 classes counted from 1, images transposed, other splits beside them.

    The last layer is new, the convolutions stay as they are, byte for byte.
    """
    work, drawn = tmp_path / 'lenet', synthetic.draw(1, train=300, test=99)
    work.mkdir()
    (work / 'output').symlink_to(uninterrupted)
    train, test = [Split(half.images, np.arange(len(half.labels), dtype=np.int32) % 26) for half in drawn[:2]]
    data_files.write_emnist(str(tmp_path / 'gzip'), 'letters', train, test, first=1)
    data_files.write_emnist(str(tmp_path / 'gzip'), 'digits', drawn.train, drawn.test, first=0)
    command = readme_s_command_for_letters() + ['--steps=20', '--epochs=1', '--iterations_per_loop=10']
    kept = [flag for flag in command if not flag.startswith('--restore_exclude=')]
    refused = processes.run_module('lenet.train', *kept, cwd=work)
    assert refused.returncode == 1 and '--restore_exclude=fc_3/ leaves it out' in refused.stderr
    ended = processes.run_module('lenet.train', *command, cwd=work)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ('../gzip/emnist-letters: read as EMNIST is distributed, with --label_offset=1 '
                            '--transpose_images=true\n')
    assert re.search(r'layer_1/weights +\[5, 5, 1, 6\] +frozen +restored', ended.stdout)
    assert re.search(r'fc_3/bias +\[26\] +yes +re-initialised, its shape is \[10\] in the checkpoint', ended.stdout)
    before = checkpoint.read(checkpoint.find_all(str(uninterrupted))[-1])
    after = checkpoint.read(checkpoint.find_all(str(work / 'letters'))[-1])
    for name in ('layer_1/weights', 'layer_1/bias', 'layer_2/weights', 'layer_2/bias'):
        assert after[name].tobytes() == before[name].tobytes()
    for name in ('fc_1/weight', 'fc_1/bias', 'fc_2/weight', 'fc_2/bias'):
        assert after[name].tobytes() != before[name].tobytes()
    results = json.loads((work / 'letters' / 'results.json').read_text())
    assert np.shape(results['evaluation']['confusion']) == (26, 26)
    assert results['data']['label_offset'] == 1 and results['data']['transposed'] is True
    facts = json.loads((work / 'letters' / 'run.json').read_text())
    assert facts['data'] == Dataset(train, test, '', False).digest(), 'the images are upright'


def records(output_dir):
    """All that a run records, but for the speed."""
    metrics = [json.loads(line) for line in (output_dir / 'metrics.jsonl').read_text().splitlines()]
    losses, = output_dir.glob('0/train_*_loss.txt')
    return [{name: value for name, value in line.items() if name != 'images_per_second'} for line in metrics], \
        losses.read_text()


OFTEN_SAVED = SHORT + ('--steps=200', '--iterations_per_loop=5', '--checkpoint_every=5', '--log_every=10',
                       '--eval_every=100', '--loss_scale=dynamic', '--loss_scale_increment_every=30',
                       '--inject_overflow=7,150,151,333', '--learning_rate_schedule=cosine', '--warmup_steps=50')


def kill_when(process, output_dir, moment):
    """SIGKILL after `moment` lines of output, or, for 'saving', while a checkpoint is being written."""
    if moment == 'saving':
        while process.poll() is None and not list(output_dir.glob('ckpt_npu/.model.ckpt.*')):
            pass
    else:
        for _ in range(moment):
            process.stdout.readline()
    process.kill()
    process.communicate()


@pytest.mark.slow
def test_a_run_on_distorted_images_killed_in_the_middle_resumes_to_the_same_bytes(tmp_path):
    whole, killed = tmp_path / 'whole', tmp_path / 'killed'
    arguments = OFTEN_SAVED + ('--augment=elastic', '--dropout=0.2')
    ended = processes.run_module('lenet.train', '--output_dir=%s' % whole, *arguments)
    assert ended.returncode == 0, ended.stderr
    kill_when(start(killed, arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE), killed, 5)
    resumed = processes.run_module('lenet.train', '--output_dir=%s' % killed, '--resume', *arguments)
    assert resumed.returncode == 0 and 'resumed from' in resumed.stdout, resumed.stderr
    assert digest_of_newest(killed) == digest_of_newest(whole)
    assert records(killed) == records(whole)


@pytest.mark.slow
def test_a_run_killed_at_any_moment_resumes_to_the_bytes_and_records_of_an_uninterrupted_one(tmp_path):
    whole, killed = tmp_path / 'whole', tmp_path / 'killed'
    ended = processes.run_module('lenet.train', '--output_dir=%s' % whole, *OFTEN_SAVED)
    assert ended.returncode == 0, ended.stderr
    random, reached = Random(0), []
    for moment in ['saving', random.randint(1, 9), 'saving', random.randint(1, 9), random.randint(1, 9)]:
        kill_when(start(killed, OFTEN_SAVED + ('--resume',), stdout=subprocess.PIPE, stderr=subprocess.PIPE), killed,
                  moment)
        reached.append(([0] + [int(path.rsplit('-', 1)[1]) for path in checkpoint.find_all(str(killed))])[-1])
    resumed = processes.run_module('lenet.train', '--output_dir=%s' % killed, '--resume', *OFTEN_SAVED)
    assert resumed.returncode == 0, resumed.stderr
    assert len(set(reached)) > 2 and reached[-1] < 400, reached  # it got on in between, and was killed before its end
    assert digest_of_newest(killed) == digest_of_newest(whole)
    assert records(killed) == records(whole)


@pytest.mark.parametrize('arguments, words', [
    (['--data_path=/nowhere'], ['--data_path=/nowhere']),
    (['--data_path=synthetic', '--output_dir=/proc/nowhere'], ['/proc/nowhere: cannot make this directory']),
    (['--data_path=synthetic', '--restore_path=/nowhere'], ['/nowhere: is no readable checkpoint'])])
def test_what_is_wrong_on_disk_ends_in_one_line_and_status_1(tmp_path, arguments, words):
    ended = processes.run_module('lenet.train', '--output_dir=%s' % tmp_path, *arguments)
    assert ended.returncode == 1
    lines = ended.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith('error: ')
    for word in words:
        assert word in lines[0]


def test_on_a_terminal_a_bar_shows_loss_and_speed_and_a_line_where_the_page_is(tmp_path):
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 120, 0, 0))  # a new one has no columns
    process = subprocess.Popen([sys.executable, '-m', 'lenet.train', '--output_dir=%s' % tmp_path] + list(SHORT),
                               stdout=subprocess.PIPE, stderr=terminal, cwd=processes.ROOT, universal_newlines=True)
    os.close(terminal)
    shown = b''
    while True:
        try:
            shown += os.read(controller, 4096)
        except OSError:  # the other end is closed
            break
    os.close(controller)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b'80/80' in shown and b'loss=' in shown and b'images_per_s=' in shown
    assert 'sec/step' not in output and 'test accuracy' in output
    assert ', page %s/report.html\n' % tmp_path in output


def of_this_environment():
    """The variables that lead run_1p.sh to the environment that runs the tests, wherever the script lies."""
    if stack.IS_FIRST:  # an interpreter that has TensorFlow 1.15 is used as it is
        return dict(os.environ, PYTHON=sys.executable)
    if not (sys.prefix.endswith('-tf2') and os.path.exists(stacks.stamp_of())):
        pytest.skip('this Python is not of an environment that setup_env.sh made')
    return dict(os.environ, LENET_VENV=sys.prefix[:-len('-tf2')], LENET_STACK='tf2')


def test_the_real_scripts_train_in_a_clone_with_spaces_from_another_directory(tmp_path):
    clone = tmp_path / 'a clone'
    shutil.copytree(processes.ROOT, str(clone), ignore=shutil.ignore_patterns(
        '.git', '.venv*', '.site-packages', 'data', 'output', '__pycache__', '.hypothesis'))
    shutil.copytree(os.path.join(processes.ROOT, 'lenet', 'data'), str(clone / 'lenet' / 'data'))
    elsewhere = tmp_path / 'else where'
    elsewhere.mkdir()
    ended = subprocess.run(
        [str(clone / 'run_1p.sh'), '--data_path=synthetic', '--activation=relu', '--steps=150', '--epochs=2',
         '--iterations_per_loop=50', '--output_dir=my output'],
        cwd=str(elsewhere), env=of_this_environment(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, universal_newlines=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ''
    output = elsewhere / 'my output'
    results = json.loads((output / 'results.json').read_text())
    assert results['evaluation']['images'] == 10000 and results['evaluation']['accuracy'] > 0.8
    assert results['data']['synthetic'] is True
    for name in ('flags.txt', 'metrics.jsonl', 'ckpt_npu/checkpoint', 'ckpt_npu/graph.pbtxt',
                 'ckpt_npu/model.ckpt-300.index', '0/LeNet_ID0127_for_TensorFlow_bs64_1p_acc.log',
                 '0/train_LeNet_ID0127_for_TensorFlow_bs64_1p_acc_loss.txt'):
        assert (output / name).is_file(), name
    assert ended.stdout.splitlines()[-1].startswith('E2E Training Duration sec : ')


@pytest.fixture(scope='module')
def accuracy_of_a_thousand_steps(mnist, tmp_path_factory):
    """Of a precision mode, on all test images of real MNIST."""
    known = {}

    def accuracy(mode, *arguments):
        if mode not in known:
            directory = tmp_path_factory.mktemp(mode)
            ended = processes.run_module('lenet.train', '--data_path=%s' % mnist, '--epochs=1', '--evaluate',
                                       '--precision_mode=%s' % mode, '--output_dir=%s' % directory, *arguments)
            assert ended.returncode == 0, ended.stderr
            evaluation = json.loads((directory / 'results.json').read_text())['evaluation']
            assert evaluation['images'] == 10000
            known[mode] = evaluation['accuracy']
        return known[mode]
    return accuracy


LAST = ('--steps=20', '--epochs=2', '--iterations_per_loop=10', '--batch_size=8', '--ckpt_count=1',
        drawn_digits.FLAG, '--eval_batch_size=500')


@pytest.mark.parametrize('name, call', [('model.ckpt-40.index', 0), ('checkpoint', 1), ('.log', 0)],
                         ids=['no checkpoint', 'half a save', 'no log'])
def test_a_run_killed_at_its_end_is_completed_not_repeated(tmp_path, name, call):
    """By SIGKILL before the `call`-th time that this name is given or taken."""
    program = ('import os, runpy, signal, sys\nname, left = sys.argv.pop(1), [int(sys.argv.pop(1))]\n'
               'def dying(function):\n'
               '    def call(*paths, **options):\n'
               '        if str(paths[-1]).endswith(name):\n'
               '            if not left[0]: os.kill(os.getpid(), signal.SIGKILL)\n'
               '            left[0] -= 1\n'
               '        return function(*paths, **options)\n'
               '    return call\n'
               'os.replace, os.unlink = dying(os.replace), dying(os.unlink)\n'
               'runpy.run_module("lenet.train", run_name="__main__")')
    flags = LAST + ('--output_dir=%s' % tmp_path,)
    killed = subprocess.run([sys.executable, '-c', program, name, str(call)] + list(flags), cwd=processes.ROOT,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert killed.returncode == -signal.SIGKILL
    resumed = processes.run_module('lenet.train', *flags, '--resume')
    assert resumed.returncode == 0 and resumed.stderr == '', resumed.stderr
    assert ('resumed from' in resumed.stdout) == (name == 'model.ckpt-40.index')
    assert ('all 40 steps are done' in resumed.stdout) == (name != 'model.ckpt-40.index')
    results = json.loads((tmp_path / 'results.json').read_text())
    assert results['ended'] == 'completed' and results['steps']['steps_run'] == 40
    log, = tmp_path.glob('0/LeNet_*.log')
    assert 'TrainAccuracy = %.4f\n' % results['evaluation']['accuracy'] in log.read_text()
    metrics, losses = records(tmp_path)
    assert [(line['kind'], line['step']) for line in metrics][-1] == ('evaluation', 40)
    assert len(losses.splitlines()) == 40 and 'nan' not in losses
    assert resumed.stdout.splitlines()[-1].startswith('E2E Training Duration sec : ')
    assert tf.train.latest_checkpoint(str(tmp_path / 'ckpt_npu')).endswith('-40')
    assert len(list(tmp_path.glob('ckpt_npu/model.ckpt-*'))) == 2
    assert [path for path in tmp_path.rglob('*') if 'lenet-tmp' in path.name] == []


@pytest.mark.slow
def test_a_thousand_steps_of_mnist_reach_92_percent_of_all_test_images(accuracy_of_a_thousand_steps):
    assert accuracy_of_a_thousand_steps('force_fp32') >= 0.92


@pytest.mark.slow
def test_mixed_precision_is_within_half_a_percent_of_float32(accuracy_of_a_thousand_steps):
    mixed = accuracy_of_a_thousand_steps('allow_mix_precision', '--loss_scale=dynamic')
    assert abs(mixed - accuracy_of_a_thousand_steps('force_fp32')) <= 0.005


def test_a_reader_that_leaves_costs_no_training(tmp_path):
    process = start(tmp_path, SHORT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()  # as `| head -1` does
    assert process.wait(timeout=60) == 0 and process.stderr.read() == ''
    process.stderr.close()
    assert (tmp_path / 'results.json').exists()


@pytest.mark.parametrize('closed', ['>&-', '2>&-', '<&-'])
def test_a_closed_stream_costs_no_training(tmp_path, closed):
    command = 'exec "$0" -m lenet.train "$@" %s' % closed
    ended = subprocess.run(['bash', '-c', command, sys.executable, '--output_dir=%s' % tmp_path] + list(SHORT),
                           cwd=processes.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    assert ended.returncode == 0 and ended.stderr == ''
    assert (tmp_path / 'results.json').exists()


def test_a_signal_during_the_imports_is_obeyed(tmp_path):
    program = ('import os, signal, sys\nsys.argv = ["train", "--output_dir=%s", "--data_path=synthetic"]\n'
               'import importlib.machinery\n'
               'load = importlib.machinery.ExtensionFileLoader.create_module\n'
               'def create(self, spec):\n'
               '    if spec.name.endswith("_pywrap_tensorflow_internal"): os.kill(os.getpid(), signal.SIGTERM)\n'
               '    return load(self, spec)\n'
               'importlib.machinery.ExtensionFileLoader.create_module = create\n'
               'import runpy\nrunpy.run_module("lenet.train", run_name="__main__")' % tmp_path)
    ended = subprocess.run([sys.executable, '-c', program], cwd=processes.ROOT, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, universal_newlines=True)
    assert (ended.returncode, ended.stderr) == (143, 'stopped by SIGTERM\n')
