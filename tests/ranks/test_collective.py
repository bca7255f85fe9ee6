"""Two ranks compute what one computes."""

import json
import subprocess

import numpy as np
import pytest

from tests.ranks.two_ranks import alone, assert_same_variables, launch, losses, metrics, newest


@pytest.fixture(scope='module')
def both(tmp_path_factory):
    """Directories of the same training on two ranks of 16 images and on one of 32."""
    directory = tmp_path_factory.mktemp('both')
    for ended in (launch(directory / 'two', '--batch_size=16'), alone(directory / 'one', '--batch_size=32')):
        assert ended.returncode == 0, ended.stderr
    return directory / 'two', directory / 'one'


@pytest.mark.slow
def test_two_ranks_train_as_one_of_twice_the_batch(both):
    two, one = both
    np.testing.assert_allclose(losses(two), losses(one), rtol=1e-5)
    assert_same_variables(newest(one), newest(two))
    results = json.loads((two / 'results.json').read_text())
    assert results['rank_size'] == 2 and results['case'].endswith('_bs16_2p_acc')


@pytest.mark.slow
def test_two_ranks_drop_out_what_one_of_twice_the_batch_drops(tmp_path):
    options = ('--epochs=1', '--dropout=0.25', '--noevaluate')
    for ended in (launch(tmp_path / 'two', '--batch_size=16', *options),
                  alone(tmp_path / 'one', '--batch_size=32', *options)):
        assert ended.returncode == 0, ended.stderr
    np.testing.assert_allclose(losses(tmp_path / 'two'), losses(tmp_path / 'one'), rtol=1e-5)


@pytest.mark.slow
def test_the_ranks_evaluate_every_image_once(both):
    two, one = both
    for ours, expected in zip(metrics(two, 'evaluation'), metrics(one, 'evaluation')):
        assert ours['images'] == 10000 and np.sum(ours['confusion']) == 10000
        assert abs(ours['correct'] - expected['correct']) <= 2  # near a tie roundings decide
        assert ours['mean_loss'] == pytest.approx(expected['mean_loss'], rel=1e-5)


@pytest.mark.slow
def test_a_checkpoint_of_two_ranks_goes_on_on_one_and_back(both, tmp_path):
    two, one = both
    run = tmp_path / 'run'
    subprocess.check_call(['cp', '-r', str(two), str(run)])
    ended = alone(run, '--batch_size=32', '--epochs=3', '--resume')
    assert ended.returncode == 0 and 'on 2 ranks until step 20, on 1 from there' in ended.stderr, ended.stderr
    ended = launch(run, '--batch_size=16', '--epochs=4', '--resume')
    assert ended.returncode == 0 and 'on 1 ranks until step 30, on 2 from there' in ended.stderr, ended.stderr
    ended = alone(one, '--batch_size=32', '--epochs=4', '--resume')
    assert ended.returncode == 0, ended.stderr
    np.testing.assert_allclose(losses(run), losses(one), rtol=1e-5)
    assert_same_variables(newest(one), newest(run), 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize('mode', [[], ['--saturate', '--precision_mode=force_fp16']])
def test_an_overflow_on_one_rank_skips_the_update_on_both(tmp_path, mode):
    injected = ['--loss_scale=dynamic', '--inject_overflow=2,8'] + mode
    assert launch(tmp_path / 'two', '--batch_size=16', '--inject_overflow_rank=1', *injected).returncode == 0
    assert [line['skipped_steps'] for line in metrics(tmp_path / 'two', 'train')] == [[2], [8], [], []]
    assert alone(tmp_path / 'one', '--batch_size=32', *injected).returncode == 0
    # A rank that had applied what the other skipped would lose something else from then on.
    np.testing.assert_allclose(losses(tmp_path / 'two'), losses(tmp_path / 'one'), rtol=5e-3 if mode else 1e-5)


@pytest.mark.slow
def test_the_learning_rate_grows_with_the_ranks(tmp_path):
    ended = launch(tmp_path, '--batch_size=16', '--learning_rate_scaling=sqrt')
    assert ended.returncode == 0, ended.stderr
    assert [line['learning_rate'] for line in metrics(tmp_path, 'train')] == [pytest.approx(0.001 * 2 ** 0.5)] * 4


@pytest.mark.slow
def test_gradients_may_travel_as_float16(both, tmp_path):
    ended = launch(tmp_path, '--batch_size=16', '--compress_gradients')
    assert ended.returncode == 0, ended.stderr
    np.testing.assert_allclose(losses(tmp_path), losses(both[0]), rtol=1e-3)
    assert not np.array_equal(losses(tmp_path), losses(both[0]))
