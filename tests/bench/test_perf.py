"""The entry point as its users run it."""

import json
import os
import sys

import pytest
from absl import flags as absl_flags

from bench import bench_flags
from bench import perf
from lenet import flags
from lenet.data import dataset
from lenet.errors import UserError
from lenet.support import entry
from tests import data_files
from tests import drawn_digits
from tests import npu_standin
from tests import processes
from tests import trainings
from tests.stacks import first_stack_only

SHORT = [drawn_digits.FLAG, '--batch_size=6', '--steps', '20', '--iterations_per_loop=4']


@pytest.fixture
def run(monkeypatch):
    """Runs perf.main in this process, on noise, with a command line."""
    read = flags.read
    monkeypatch.setattr(dataset, 'open_dataset', lambda *unused: trainings.random_dataset())

    def run(arguments):
        values = absl_flags.FlagValues()
        bench_flags.define_perf(values)
        for module in (perf, entry):
            monkeypatch.setattr(module, 'FLAGS', values)
        monkeypatch.setattr(flags, 'read', lambda given=values: read(given))
        entry.parse_flags(['perf'] + arguments)
        perf.main()
    return run


@pytest.mark.parametrize('arguments, words', [
    (['--steps=100'], ['--steps=100', '--iterations_per_loop=100', '--steps=500']),
    (['--steps=1050'], ['--steps=1050', '--iterations_per_loop=100', 'multiple']),
    (['--steps=500', '--warmup=500'], ['--warmup=500', '--steps=500']),
    (['--steps=500', '--warmup=150'], ['--warmup=150', '--warmup=200']),
    (['--sweep=seed=1,2'], ['--sweep=seed=1,2', 'iterations_per_loop']),
    (['--sweep=conv=folded'], ['--sweep=conv=folded', 'two']),
    (['--sweep=conv=folded,curved'], ['--conv=curved']),
    (['--sweep=iterations_per_loop=1,300'], ['--iterations_per_loop=300', '--steps=1000']),
    (['--sweep=conv=folded,direct', '--trace=x'], ['--trace', '--sweep']),
    (['--plot=x.png'], ['--plot', '--sweep']),
    (['--cores=99'], ['--cores=99']), (['--cores=two'], ['--cores=two']), (['--cores=1,2'], ['--cores=1,2', '--sweep']),
    (['--json_out='], ['--json_out=']),
    (['1000'], ["unexpected argument '1000'"])])
def test_a_wrong_command_line_ends_in_one_line_and_status_2(arguments, words):
    ended = processes.run_module('bench.perf', *arguments)
    assert ended.returncode == 2 and ended.stdout == ''
    line, = ended.stderr.splitlines()
    assert line.startswith('error: ')
    for word in words:
        assert word in line


def test_the_json_file_holds_what_is_printed(run, tmp_path, capsys):
    path = tmp_path / 'report.json'
    run(SHORT + ['--json_out=%s' % path, '--format=json'])
    report = json.loads(path.read_text())
    assert report == json.loads(capsys.readouterr().out)
    assert report['steps'] == 20 and report['calls'] == 5 and report['warmup_steps'] == 8
    assert report['images_per_second'] == pytest.approx(6 * 1000 / report['ms_per_step']['mean'])


def test_readers_get_the_spread_and_what_it_hides(run, capsys):
    run(SHORT)
    printed = capsys.readouterr().out
    for word in ('images/s', 'p90', 'p99', 'spread of single steps is hidden', 'constant input', 'first call', 'MB',
                 '--batch_size=6', 'load'):
        assert word in printed
    run(SHORT + ['--iterations_per_loop=1', '--noconstant_input'])
    printed = capsys.readouterr().out
    assert 'hidden' not in printed and 'constant input' not in printed


def test_a_trace_is_written_and_its_ten_costliest_ops_shown(run, tmp_path, capsys):
    # So many images that products cost most: with few it is chance.
    run(SHORT + ['--batch_size=512', '--noconstant_input', '--trace=%s' % (tmp_path / 'trace.json')])
    assert json.loads((tmp_path / 'trace.json').read_text())['traceEvents']
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith('| ')]
    assert len(table) == 11 and 'MatMul' in ''.join(table)
    milliseconds = [float(line.split('|')[1]) for line in table[1:]]
    assert milliseconds == sorted(milliseconds, reverse=True)


def test_all_ranks_are_traced_and_one_tells(tmp_path):
    ended = processes.run_module('lenet.launch', '-n', '2', '--open_ports', '-m', 'bench.perf', *SHORT,
                                 '--noconstant_input', '--trace=%s' % (tmp_path / 'trace.json'),
                                 '--output_dir=%s' % (tmp_path / 'output'), RANK_TABLE_FILE='')
    assert ended.returncode == 0, ended.stderr
    assert json.loads((tmp_path / 'trace.json').read_text())['traceEvents']
    assert 'costliest' not in (tmp_path / 'output' / 'ranks' / 'rank_1.log').read_text()


def test_nothing_is_written_beside_what_was_asked_for(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(SHORT + ['--noconstant_input', '--output_dir=%s' % (tmp_path / 'output')])
    assert os.listdir(str(tmp_path)) == []


@pytest.mark.slow
def test_a_sweep_is_proven_and_tabled(tmp_path):
    path = tmp_path / 'sweep.json'
    data_files.write_dataset(str(tmp_path), train=99)  # small: every point reads it anew
    ended = processes.run_module('bench.perf', *SHORT, '--data_path=%s' % tmp_path, '--cores=1', '--rounds=1',
                                 '--sweep=iterations_per_loop=2,4', '--json_out=%s' % path)
    assert ended.returncode == 0, ended.stderr
    assert 'proof: after 20 steps all points have the same' in ended.stdout
    report = json.loads(path.read_text())
    assert [(point['value'], point['cores']) for point in report['points']] == [('2', 1), ('4', 1)]
    for point in report['points']:
        run, = point['runs']
        assert point['images_per_second']['median'] == run['images_per_second']
        assert run['circumstances']['flags']['replicas'] == 1, 'one core, one tower'
        assert run['steps_per_call'] == int(point['value'])


@first_stack_only
def test_an_npu_is_measured_with_the_training_flagfile(tmp_path):
    data_files.write_dataset(str(tmp_path / 'data'), train=99)
    environment = npu_standin.environment('v23', journal=str(tmp_path / 'journal'), base={})
    environment['PYTHONPATH'] = os.pathsep.join([environment['PYTHONPATH'], processes.ROOT])
    ended = processes.run_module('bench.perf', '--flagfile=npu.flags', '--data_path=%s' % (tmp_path / 'data'),
                                 '--steps=50', '--epochs=1', '--format=json', **environment)
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report['circumstances']['platform'] == 'npu' and report['steps_per_call'] == 10
    assert not npu_standin.read_journal(str(tmp_path / 'journal'), 'violation', 'silent')


@pytest.mark.skipif('matplotlib' in sys.modules, reason='matplotlib is there')
def test_without_matplotlib_a_plot_is_refused_in_one_line_before_anything_is_measured(monkeypatch, run):
    monkeypatch.setitem(sys.modules, 'matplotlib', None)
    monkeypatch.delitem(sys.modules, 'bench.plot', raising=False)
    with pytest.raises(UserError, match='requirements-plot.txt'):
        run(SHORT + ['--sweep=iterations_per_loop=2,4', '--plot=x.png'])
