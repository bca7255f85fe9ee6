import json

import pytest

from bench import compare
from bench import contenders
from tests import data_files
from tests import drawn_digits
from tests import processes

SHORT = [drawn_digits.FLAG, '--batch_size=16', '--steps=20', '--iterations_per_loop=4', '--rounds=2']


@pytest.mark.slow
def test_two_contenders_are_measured_in_turn_and_set_beside_each_other(tmp_path):
    path = tmp_path / 'report.json'
    data_files.write_dataset(str(tmp_path), train=99)  # small: every run of ours reads it anew
    ended = processes.run_module('bench.compare', *SHORT, '--data_path=%s' % tmp_path,
                                 '--contenders=ours,reference', '--json_out=%s' % path)
    assert ended.returncode == 0, ended.stderr
    rounds = [line.split(': ')[1].split()[0] for line in ended.stdout.splitlines() if line.startswith('round ')]
    assert rounds == ['ours', 'reference', 'ours', 'reference']
    assert 'ours / reference: ' in ended.stdout and '95 % interval' in ended.stdout
    report = json.loads(path.read_text())
    ours, reference = report['contenders']
    assert [len(ours['runs']), len(reference['runs'])] == [2, 2]
    ratio, = report['ratios']
    assert ratio['rounds'] == pytest.approx([a['images_per_second'] / b['images_per_second']
                                             for a, b in zip(ours['runs'], reference['runs'])])
    for run in ours['runs'] + reference['runs']:
        assert run['steps'] == 20 and 0 < run['final_loss'] < 10
        assert run['images_per_second'] == pytest.approx(16 * 20 / run['seconds'])


@pytest.mark.parametrize('arguments, words', [
    (['--contenders=ours,pytorch'], ['--peer_python', 'torch']),
    (['--contenders=ours,pytorch', '--peer_python=/nowhere'], ['--peer_python=/nowhere']),
    (['--contenders=ours'], ['--contenders=ours', 'two']),
    (['--contenders=ours,n=ours:--iterations_per_loop=8'], ['--iterations_per_loop=8']),
    (['--contenders=ours,n=ours:--nonsense=8'], ['nonsense']),
    (['--contenders=ours,reference', '--warmup=20'], ['--warmup=20', '--steps=20']),
    (['--contenders=ours,reference', '--cores=1,2'], ['--cores=1,2'])])
def test_a_wrong_command_line_ends_in_one_line_and_status_2(arguments, words):
    ended = processes.run_module('bench.compare', *SHORT, *arguments)
    assert ended.returncode == 2 and ended.stdout == ''
    line, = ended.stderr.splitlines()
    assert line.startswith('error: ')
    for word in words:
        assert word in line


def run_of(images_per_second):
    return {'images_per_second': images_per_second, 'steps': 100, 'seconds': 1.0, 'final_loss': 0.5, 'peak_rss_mb': 1.0,
            'software': 'S', 'how': 'H'}


def test_the_first_is_set_against_each_other_one():
    compared = contenders.parse('ours,reference,reference_summary')
    runs = [[run_of(rate) for rate in rates] for rates in ([40, 44, 42], [10, 11, 14], [20, 11, 21])]
    report = compare.summarize(compared, runs)
    assert [ratio['denominator'] for ratio in report['ratios']] == ['reference', 'reference_summary']
    assert [ratio['median'] for ratio in report['ratios']] == [4.0, 2.0]
    assert report['ratios'][0]['interval_95'] == [3.0, 4.0]
    report['machine'] = {'cpu': 'C', 'usable_cores': 2, 'load_average_before': [1.0], 'load_average_after': [2.0]}
    printed = '\n'.join(compare.lines(report))
    assert 'ours / reference: 4.00 times the images/s, 95 % interval 3.00 to 4.00; 0.25 of the time' in printed
