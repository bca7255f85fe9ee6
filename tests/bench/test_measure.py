import pytest
import tensorflow.compat.v1 as tf

from bench import measure
from bench import stepping
from lenet import flags
from lenet import platforms
from lenet.errors import UserError
from tests import trainings

KEYS = {'images_per_second', 'ms_per_step', 'steps', 'warmup_steps', 'calls', 'steps_per_call', 'images_per_step',
        'seconds', 'graph_seconds', 'first_call_seconds', 'final_loss', 'peak_rss_mb', 'constant_input',
        'circumstances', 'software', 'how'}


def params(**values):
    short = dict(batch_size=6, steps=20, epochs=1, iterations_per_loop=4, evaluate=False)
    return flags.make_params(**dict(short, **values))


@pytest.fixture(scope='module')
def report():
    chosen = params()
    return measure.measure(chosen, 8, platforms.choose(chosen).start(), trainings.random_dataset(),
                           with_constant_input=True)


def test_the_report_has_all_keys(report):
    assert set(report) == KEYS
    assert set(report['ms_per_step']) == {'mean', 'median', 'p90', 'p99'}
    assert set(report['constant_input']) == {'images_per_second', 'ms_per_step'}
    machine = report['circumstances']['machine']
    assert {'load_average_before', 'load_average_after', 'cpu', 'usable_cores'} <= set(machine)
    assert report['circumstances']['flags']['batch_size'] == 6
    assert report['circumstances']['versions']['tensorflow'] == tf.__version__


def test_its_numbers_agree_with_each_other(report):
    assert (report['steps'], report['calls'], report['warmup_steps']) == (20, 5, 8)
    for rates in (report, report['constant_input']):
        assert rates['images_per_second'] == pytest.approx(6 * 1000 / rates['ms_per_step']['mean'])
    assert report['seconds'] == pytest.approx(1e-3 * report['ms_per_step']['mean'] * 20)
    assert report['peak_rss_mb'] > 50 and report['first_call_seconds'] > 0 and 0 < report['final_loss'] < 10


def test_the_measured_step_is_trainings_own():
    trained, losses, _ = trainings.train_in_memory(trainings.random_dataset(), 8, batch_size=6, iterations_per_loop=4)
    chosen = params(steps=8)
    with stepping.open_stepper(chosen, platforms.choose(chosen).start(), trainings.random_dataset()) as stepper:
        stepper.calls(8)
        variables = stepper.variables()
    assert stepper.losses == losses.tolist()
    assert set(variables) == set(trained)
    assert all(variables[name].tobytes() == trained[name].tobytes() for name in trained)


@pytest.mark.parametrize('augment', ['none', 'elastic'])
def test_constant_input_is_one_batch_over_and_over(augment):
    chosen = params(steps=8, learning_rate=1e-9, augment=augment)
    platform = platforms.choose(chosen).start()
    with stepping.open_stepper(chosen, platform, trainings.random_dataset(), constant_input=True) as stepper:
        stepper.calls(8)
    assert stepper.losses == pytest.approx([stepper.losses[0]] * 8, rel=1e-5)


def test_a_session_run_that_did_not_run_its_steps_is_an_error(monkeypatch):
    from lenet.graph import loop
    monkeypatch.setattr(loop, 'repeat', lambda step, n: step(0))
    chosen = params()
    with stepping.open_stepper(chosen, platforms.choose(chosen).start(), trainings.random_dataset()) as stepper:
        with pytest.raises(UserError, match='ran 1 of --iterations_per_loop=4 steps'):
            stepper.call()
