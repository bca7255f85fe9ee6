import numpy as np
import pytest

from lenet import flags
from lenet import loss_scale
from tests import support


@pytest.mark.parametrize('values, expected', [
    (dict(), ('none', 1)), (dict(loss_scale_value=8), ('none', 1)), (dict(loss_scale_flag=1), ('dynamic', 2 ** 32)),
    (dict(loss_scale_flag=1, loss_scale_value=8), ('fixed', 8))])
def test_the_references_flags_choose_the_scale(values, expected):
    chosen = loss_scale.from_params(flags.make_params(**values))
    assert (chosen.kind, chosen.value) == expected


def test_a_fixed_scale_of_one_changes_no_bit():
    dataset = support.random_dataset()
    plain, scaled = (support.train_in_memory(dataset, 4, batch_size=6, iterations_per_loop=2, **values)[0]
                     for values in (dict(), dict(loss_scale_flag=1, loss_scale_value=1)))
    for name in plain:
        assert plain[name].tobytes() == scaled[name].tobytes(), name


@pytest.mark.parametrize('value', [0, 1024])
def test_a_scale_changes_float32_training_within_tolerance_only(value):
    dataset = support.random_dataset()
    _, plain, _ = support.train_in_memory(dataset, 6, batch_size=6, iterations_per_loop=3)
    _, scaled, outputs = support.train_in_memory(dataset, 6, batch_size=6, iterations_per_loop=3, loss_scale_flag=1,
                                                 loss_scale_value=value)
    np.testing.assert_allclose(plain, scaled, rtol=1e-5)
    assert outputs['loss_scale'] == (value or 2.0 ** 32) and outputs['global_step'] == 6


def test_an_overflow_skips_the_update_and_two_halve_the_scale():
    """A scale of 2**126 times the gradients that large weights make overflows float32."""
    dataset = support.random_dataset()
    start, _, _ = support.train_in_memory(dataset, 1, batch_size=6, iterations_per_loop=1)
    start['fc_3/weight'] = start['fc_3/weight'] * np.float32(1000)
    initial = dict(start, loss_scale=np.float32(2.0 ** 126), good_steps=np.int32(0), bad_steps=np.int32(0))
    after, _, outputs = support.train_in_memory(dataset, 2, start_step=1, initial=initial, batch_size=6,
                                                iterations_per_loop=2, loss_scale_flag=1)
    assert outputs['steps_run'] == 3 and outputs['global_step'] == 1 and outputs['loss_scale'] == 2.0 ** 125
    for name in start:
        if name not in ('loss_scale', 'steps_run', 'bad_steps'):
            assert start[name].tobytes() == after[name].tobytes(), name


@pytest.mark.parametrize('values', [dict(loss_scale_flag=1), dict(loss_scale_flag=1, loss_scale_value=4)])
def test_checkpoint_keys_do_not_depend_on_the_scale(values):
    dataset = support.random_dataset()
    plain = support.train_in_memory(dataset, 1, batch_size=6, iterations_per_loop=1)[0]
    scaled = support.train_in_memory(dataset, 2, batch_size=6, iterations_per_loop=2, **values)[0]
    assert {n: v.shape for n, v in plain.items()} == {n: v.shape for n, v in scaled.items()}
