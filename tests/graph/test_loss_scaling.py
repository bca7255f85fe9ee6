import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet import flags
from lenet.graph import loss_scaling
from tests import trainings


@pytest.mark.parametrize('values, expected', [
    (dict(), ('none', 1)), (dict(loss_scale_value=8), ('none', 1)), (dict(loss_scale_flag=1), ('dynamic', 2 ** 32)),
    (dict(loss_scale_flag=1, loss_scale_value=8), ('fixed', 8)), (dict(loss_scale='dynamic'), ('dynamic', 2 ** 15)),
    (dict(loss_scale='dynamic', loss_scale_init=64), ('dynamic', 64)),
    (dict(loss_scale_flag=1, loss_scale_init=64), ('dynamic', 64)),
    (dict(loss_scale='fixed', loss_scale_value=128), ('fixed', 128)),
    (dict(loss_scale='none', loss_scale_flag=1), ('none', 1))])
def test_the_flags_choose_the_scale(values, expected):
    chosen = loss_scaling.from_params(flags.make_params(**values))
    assert (chosen.kind, chosen.value) == expected


def test_a_fixed_scale_of_one_changes_no_bit():
    dataset = trainings.random_dataset()
    plain, scaled = (trainings.train_in_memory(dataset, 4, batch_size=6, iterations_per_loop=2, **values)[0]
                     for values in (dict(), dict(loss_scale_flag=1, loss_scale_value=1)))
    for name in plain:
        assert plain[name].tobytes() == scaled[name].tobytes(), name


@pytest.mark.parametrize('value', [0, 1024])
def test_a_scale_changes_float32_training_within_tolerance_only(value):
    dataset = trainings.random_dataset()
    _, plain, _ = trainings.train_in_memory(dataset, 6, batch_size=6, iterations_per_loop=3)
    _, scaled, outputs = trainings.train_in_memory(dataset, 6, batch_size=6, iterations_per_loop=3, loss_scale_flag=1,
                                                 loss_scale_value=value)
    np.testing.assert_allclose(plain, scaled, rtol=1e-5)
    assert outputs['loss_scale'] == (value or 2.0 ** 32) and outputs['global_step'] == 6


SMALL = dict(batch_size=6, loss_scale='dynamic', precision_mode='allow_mix_precision')


def test_injected_overflows_skip_exactly_these_steps():
    dataset = trainings.random_dataset()
    values, _, outputs = trainings.train_in_memory(dataset, 8, iterations_per_loop=8, inject_overflow=['3', '4', '7'],
                                                 **SMALL)
    assert outputs['record/global_step'].tolist() == [1, 2, 2, 2, 3, 4, 4, 5]
    assert outputs['record/loss_scale'].tolist() == [2 ** 15] * 3 + [2 ** 14] * 5
    assert np.isfinite(outputs['record/loss']).all()
    assert (values['good_steps'], values['bad_steps'], values['steps_run']) == (1, 1, 8)


@pytest.mark.parametrize('extra', [dict(), dict(replicas=3), dict(saturate=True), dict(loss_scale='fixed',
                                                                                        loss_scale_value=8)])
def test_a_skipped_step_changes_no_byte_of_weights_slots_and_counters(extra):
    dataset = trainings.random_dataset()
    options = dict(SMALL, **extra)
    before, _, _ = trainings.train_in_memory(dataset, 2, iterations_per_loop=2, **options)
    after, _, outputs = trainings.train_in_memory(dataset, 4, iterations_per_loop=4, inject_overflow=['3', '4'],
                                                **options)
    assert outputs['global_step'] == 2 and outputs['steps_run'] == 4
    for name in set(before) - {'steps_run', 'loss_scale', 'good_steps', 'bad_steps'}:
        assert before[name].tobytes() == after[name].tobytes(), name


def test_saturation_skips_the_steps_that_infinities_skip():
    dataset = trainings.random_dataset()
    options = dict(SMALL, loss_scale_init=2.0 ** 32, iterations_per_loop=40)
    ieee, losses, outputs = trainings.train_in_memory(dataset, 40, **options)
    saturated, saturated_losses, saturated_outputs = trainings.train_in_memory(dataset, 40, saturate=True, **options)
    assert 5 < 40 - outputs['global_step'] < 40
    np.testing.assert_array_equal(outputs['record/global_step'], saturated_outputs['record/global_step'])
    np.testing.assert_array_equal(losses, saturated_losses)
    for name in ieee:
        assert ieee[name].tobytes() == saturated[name].tobytes(), name


def test_a_restored_scale_that_was_never_used_starts_at_its_first_value():
    for restored, expected in ((0.0, 64.0), (8.0, 8.0)):
        with tf.Graph().as_default(), tf.Session() as session:
            loss_scaling.complete_state()
            session.run(tf.global_variables_initializer())
            loss_scaling.state_variables()['loss_scale'].load(restored, session)
            loss_scaling.start_if_never_used(session, loss_scaling.LossScale('dynamic', 64.0))
            assert session.run(loss_scaling.state_variables()['loss_scale']) == expected


@pytest.mark.parametrize('values', [dict(loss_scale_flag=1), dict(loss_scale_flag=1, loss_scale_value=4),
                                    dict(precision_mode='force_fp16', saturate=True)])
def test_checkpoint_keys_do_not_depend_on_the_scale(values):
    dataset = trainings.random_dataset()
    plain = trainings.train_in_memory(dataset, 1, batch_size=6, iterations_per_loop=1)[0]
    scaled = trainings.train_in_memory(dataset, 2, batch_size=6, iterations_per_loop=2, **values)[0]
    assert {n: v.shape for n, v in plain.items()} == {n: v.shape for n, v in scaled.items()}
