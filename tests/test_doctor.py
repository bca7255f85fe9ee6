"""The doctor as its users run it."""

import json
import os
import re
import subprocess
import sys

import pytest

from lenet import flags
from lenet.checks import examination
from lenet.checks import operators
from lenet.platforms import npu_modules
from tests import npu_standin
from tests import processes
from tests.stacks import first_stack_only, second_stack_only

ABSENT = "No module named '%s'" % npu_modules.PACKAGE
TWO_RANKS = {'RANK_SIZE': '2', 'RANK_ID': '0', 'JOB_ID': '1', 'ASCEND_DEVICE_ID': '0'}


pytestmark = pytest.mark.usefixtures('no_npu_variables')


def run_doctor(*arguments, generation=None):
    """The real process, on a stand-in if a generation is given."""
    environment = dict(os.environ, PYTHONPATH=processes.ROOT)
    if generation:
        environment = npu_standin.environment(generation, base=environment)
    return subprocess.run([sys.executable, '-m', 'lenet.doctor'] + list(arguments), env=environment, cwd=processes.ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=60)


def npu_params(**overrides):
    return flags.make_params(platform='npu', **overrides)


def params_as_read(**overrides):
    """Not completed, as the flags give them: rules between them may be broken."""
    return flags.read(flags._new_values())._replace(**dict({'data_path': 'synthetic'}, **overrides))


def status_of(report, name):
    (status,) = [result.status for result in report.results if result.name == name]
    return status


# Processes


@first_stack_only
def test_here_it_names_exactly_what_is_missing():
    ended = run_doctor('--platform=npu', '--data_path=synthetic')
    assert ended.returncode == 1 and ended.stderr == ''
    lines = ended.stdout.splitlines()
    failures = [i for i, line in enumerate(lines) if line.startswith('fail')]
    assert [re.split(r' {2,}', lines[i])[1] for i in failures] == [npu_modules.PACKAGE, 'operator list']
    assert lines[failures[0]].endswith(ABSENT)
    assert lines[failures[0] + 1].strip().startswith("-> install CANN's toolkit and the TensorFlow adapter")
    for name in ('hccl', 'CANN', 'device files', 'JOB_ID'):
        assert any(line.startswith('warn  %s ' % name) for line in lines), name
    assert '    iterations_per_loop   i = 10' in lines
    assert lines[-1].endswith('2 failed: training with these flags would fail on the NPU')


@second_stack_only
def test_the_second_stack_is_named_as_what_an_npu_cannot_use():
    ended = run_doctor('--platform=npu', '--data_path=synthetic')
    assert (ended.returncode, ended.stderr) == (1, '')
    for name in ('Python', 'TensorFlow'):
        line, remedy = re.search('fail  %s +(.*)\n +-> (.*)' % name, ended.stdout).groups()
        assert 'TensorFlow 1.15 on Python 3.7: LENET_STACK=tf1 ./run_1p.sh' in remedy, line


@first_stack_only
@pytest.mark.parametrize('generation', npu_standin.GENERATIONS)
def test_on_the_stand_in_nothing_fails(generation):
    ended = run_doctor('--flagfile=npu.flags', '--data_path=synthetic', '--json', generation=generation)
    report = json.loads(ended.stdout)
    assert (ended.returncode, ended.stderr, report['summary']['fail']) == (0, '', 0)
    (bridge,) = [check for check in report['checks'] if check['name'] == npu_modules.PACKAGE]
    age = 'before r1.5' if generation == 'v21' else 'r1.13 or later'
    assert bridge['status'] == 'pass' and 'adapter %s' % age in bridge['found']
    assert npu_standin.path(generation) in bridge['found'] and 'npu_loss_scale_optimizer' in bridge['found']
    assert report['config']['NpuOptimizer']['iterations_per_loop'] == {'field': 'i', 'value': 10}


@first_stack_only
@pytest.mark.parametrize('lacks, name, status, words', [
    (None, 'operator list', 'fail', 'there is neither {0}/built-in/framework/tensorflow/npu_supported_ops.json nor'),
    ([], 'operators', 'pass', 'of the step are in the list'),
    (['Slice'], 'operators', 'fail', 'lacks Slice (by _append in lenet/graph/step.py)'),
    (['ArgMax'], 'after the step', 'warn', 'lacks ArgMax (by build in lenet/graph/evaluation.py)')],
    ids=['no list', 'all', 'of the step', 'after it'])
def test_the_graph_is_compared_with_the_operators_of_a_made_up_cann(tmp_path, monkeypatch, lacks, name, status, words):
    monkeypatch.setenv('ASCEND_OPP_PATH', str(tmp_path))
    if lacks is not None:
        folder = tmp_path / 'built-in/framework/tensorflow'
        folder.mkdir(parents=True)
        types = operators.read({'ASCEND_OPP_PATH': npu_standin.OPP}).types - set(lacks)
        (folder / operators.FILE).write_text(json.dumps({each: {} for each in sorted(types)}))
    ended = run_doctor('--flagfile=npu.flags', '--data_path=synthetic', '--json', generation='v26')
    (check,) = [check for check in json.loads(ended.stdout)['checks'] if check['name'] == name]
    assert (check['status'], words.format(tmp_path) in check['found']) == (status, True), check
    assert ended.returncode == (1 if status == 'fail' else 0)


def test_plain_on_a_cpu_it_passes_and_says_how_to_ask_for_the_npu():
    ended = run_doctor('--data_path=synthetic')
    assert ended.returncode == 0 and ended.stderr == ''
    assert '--flagfile=npu.flags' in ended.stdout and npu_modules.PACKAGE not in ended.stdout


@pytest.mark.parametrize('arguments, status, words', [
    (['--help'], 0, '--[no]json'), (['--steps=x'], 2, '--steps'), (['synthetic'], 2, "unexpected argument")])
def test_the_command_line_is_training_s(arguments, status, words):
    ended = run_doctor(*arguments)
    assert ended.returncode == status and words in ended.stdout + ended.stderr
    assert status == 0 or len(ended.stderr.splitlines()) == 1


# What is examined


def test_a_broken_rule_between_flags_is_a_result_like_others(probed):
    probed(**{npu_modules.PACKAGE: ABSENT})
    for platform in ('npu', 'cpu'):
        report = examination.examine(params_as_read(platform=platform, steps=7), {})
        (broken,) = [result for result in report.results if result.name == 'flags']
        assert broken.found.startswith('--steps=7 x --epochs=5 = 35 steps are not a multiple of')
        assert broken.status == 'fail' and not report.ready() and report.config is None
        assert status_of(report, 'data') == 'pass'  # the others ran


def test_what_is_probed_follows_from_flags_and_ranks(probed):
    asked = probed()
    examination.examine(params_as_read(), {})
    examination.examine(params_as_read(platform='npu'), {})
    examination.examine(params_as_read(platform='npu', loss_scale='none'), {})
    examination.examine(params_as_read(platform='npu', loss_scale_flag=1), {})
    examination.examine(params_as_read(platform='npu', loss_scale='fixed', loss_scale_value=8.0), TWO_RANKS)
    assert asked == [[], ['sinking'], ['sinking'], ['sinking', 'loss scaling'], ['sinking', 'loss scaling', 'ranks']]


def test_every_check_is_in_the_report(probed):
    probed()
    report = examination.examine(params_as_read(platform='npu', precision_mode='allow_mix_precision',
                                           modify_mixlist='/nowhere'), {})
    assert [result.name for result in report.results] == [
        'Python', 'TensorFlow', '--output_dir', 'data', 'steps', npu_modules.PACKAGE, 'hccl', '--modify_mixlist',
        'CANN', 'operator list', 'ASCEND_DEVICE_ID', 'device files', 'RANK_SIZE', 'RANK_ID', 'JOB_ID',
        'RANK_TABLE_FILE', 'CM_*', 'sinking', '--precision_mode', 'loss scale']
    assert status_of(report, '--modify_mixlist') == 'fail'


def test_auto_is_the_cpu_where_the_adapter_is_not_installed(probed):
    probed(**{npu_modules.PACKAGE: ABSENT})
    report = examination.examine(params_as_read(platform='auto'), {})
    assert report.platform == 'cpu' and report.ready() and report.config is None


def test_without_tensorflow_what_does_not_need_it_is_still_examined(probed, monkeypatch):
    probed(tensorflow='no such module')
    for name in ('npu', 'npu_config'):  # they import TensorFlow
        monkeypatch.delattr('lenet.platforms.' + name, raising=False)
        monkeypatch.setitem(sys.modules, 'lenet.platforms.' + name, None)
    report = examination.examine(params_as_read(platform='npu'), {'ASCEND_DEVICE_ID': 'x'})
    assert status_of(report, 'TensorFlow') == status_of(report, 'ASCEND_DEVICE_ID') == 'fail'
    assert report.config is None
    assert examination.examine(params_as_read(platform='auto'), {}).platform == 'cpu'


def test_several_ranks_are_examined_and_show_in_the_config(probed):
    probed()
    report = examination.examine(params_as_read(platform='npu'), {'RANK_SIZE': '2', 'ASCEND_OPP_PATH': npu_standin.OPP})
    failed = {result.name for result in report.results if result.status == 'fail'} - {'Python', 'TensorFlow'}
    assert failed == {'ASCEND_DEVICE_ID', 'RANK_ID', 'JOB_ID', 'RANK_TABLE_FILE'}
    assert 'hccl_timeout' in str(report.config)
