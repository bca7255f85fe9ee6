import json

import pytest

from lenet import flags
from lenet import platforms
from lenet.run import results
from tests import trainings


def summary(evaluation=None, counts=None, **values):
    params = flags.make_params(**values)
    throughput = results.Throughput(images=6400, seconds=2.0, includes_first_call=False)
    counts = counts or {'steps_run': 100, 'updates_applied': 100, 'loss': 0.25}
    return results.summarize(params, platforms.choose(params).start(), trainings.random_dataset(), counts, throughput,
                             evaluation, None, {'total': 12.5}, 'completed')


EVALUATION = {'accuracy': 0.9876, 'correct': 9876, 'images': 10000, 'wilson_95': [0.985, 0.99]}


def test_throughput_is_all_images_over_all_the_time():
    throughput = results.Throughput(6400, 2.0, False)
    assert throughput.images_per_second == 3200 and throughput.ms_per_step(64) == pytest.approx(20.0)


def test_the_modelzoo_log_has_the_references_keys_in_order(tmp_path, monkeypatch):
    monkeypatch.setenv('ASCEND_DEVICE_ID', '3')
    results.write(str(tmp_path), summary(EVALUATION))
    path, = (tmp_path / '3').iterdir()
    assert path.name == 'LeNet_ID0127_for_TensorFlow_bs64_1p_acc.log'
    pairs = [line.split(' = ') for line in path.read_text().splitlines()]
    assert [key for key, _ in pairs] == ['Network', 'RankSize', 'BatchSize', 'DeviceType', 'CaseName', 'ActualFPS',
                                         'TrainingTime', 'ActualLoss', 'TrainAccuracy', 'E2ETrainingTime', 'Data']
    values = dict(pairs)
    assert (values['ActualFPS'], values['TrainingTime'], values['ActualLoss'], values['TrainAccuracy'],
            values['E2ETrainingTime']) == ('3200.00', '20.0000', '0.250000', '0.9876', '12.50')


def test_a_run_without_evaluation_is_a_performance_case():
    assert results.case_name(flags.make_params(evaluate=False, batch_size=13), 8) == \
        'LeNet_ID0127_for_TensorFlow_bs13_8p_perf'
    assert 'Final Train Accuracy : not evaluated' in results.closing_lines(summary(evaluate=False))


def test_the_closing_lines_are_the_references_and_say_synthetic():
    lines = results.closing_lines(summary(EVALUATION))
    assert lines[0] == 'Data : synthetic digits, not MNIST'
    assert 'Final Performance images/sec : 3200.00' in lines and 'Final Train Accuracy : 0.9876' in lines
    assert 'E2E Training Duration sec : 12.50' in lines


def test_results_are_strict_json_even_with_nan(tmp_path):
    results.write(str(tmp_path), summary(counts={'loss': float('nan')}))
    read = json.loads((tmp_path / 'results.json').read_text(), parse_constant=lambda name: pytest.fail(name))
    assert read['steps']['loss'] is None and read['data']['synthetic'] is True
