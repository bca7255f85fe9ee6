import json

import pytest

from lenet import loss_scale_report
from tests import processes


def write(directory, windows):
    records = [dict(kind='train', step=step, loss_scale=scale, skipped_steps=skipped)
               for step, scale, skipped in windows]
    (directory / 'metrics.jsonl').write_text(''.join(json.dumps(record) + '\n' for record in records))


def test_the_report_tells_the_scales_life_and_the_cost_of_its_start(tmp_path):
    write(tmp_path, [(10, 2.0 ** 29, [1, 2, 3, 4, 5, 6]), (20, 2.0 ** 29, []), (30, 3.0, [21, 29, 30])])
    ended = processes.run_module('lenet.loss_scale_report', str(tmp_path))
    assert ended.returncode == 0 and ended.stderr == ''
    assert [line.split() for line in ended.stdout.splitlines()[1:3]] == [['10', '2**29', '6'], ['30', '3', '3']]
    assert '9 of 30 updates skipped (30.00 %), at steps: 1-6, 21, 29-30' in ended.stdout
    assert '6 updates were lost before the first was applied, at a scale that had come down to 2**29' in ended.stdout


@pytest.mark.parametrize('content, message', [
    (None, 'metrics.jsonl: cannot be read (No such file'), ('{"kind": \n', 'metrics.jsonl: cannot be read ('),
    ('{"kind": "train", "step": 1}\n[]\n', 'metrics.jsonl: holds no record of a scaled loss')])
def test_a_directory_without_such_a_run_is_named(tmp_path, content, message):
    if content is not None:
        (tmp_path / 'metrics.jsonl').write_text(content)
    ended = processes.run_module('lenet.loss_scale_report', str(tmp_path))
    assert ended.returncode == 1 and len(ended.stderr.splitlines()) == 1
    assert message in ended.stderr


@pytest.mark.parametrize('arguments, message', [([], 'OUTPUT_DIR is missing'), (['a', 'b'], "unexpected argument 'b'")])
def test_one_directory_is_needed(arguments, message):
    ended = processes.run_module('lenet.loss_scale_report', *arguments)
    assert ended.returncode == 2 and message in ended.stderr


def test_lost_at_start_counts_from_the_first_step_on():
    assert loss_scale_report.lost_at_start([1, 2, 3, 7]) == 3
    assert loss_scale_report.lost_at_start([2, 3]) == 0
