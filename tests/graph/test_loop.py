import hashlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet.graph import loop
from tests import trainings


def digest(values):
    return hashlib.sha256(b''.join(name.encode() + values[name].tobytes() for name in sorted(values))).hexdigest()


@pytest.mark.parametrize('n', [1, 2, 7])
def test_a_call_runs_the_step_n_times_in_order(n):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.get_variable('x', initializer=1.0, use_resource=True)

        def step(number):
            return x.assign(2 * x.read_value() + 1 + tf.cast(number, tf.float32)).op
        repeated = loop.repeat(step, n)
        session.run(tf.global_variables_initializer())
        session.run(repeated)
        session.run(repeated)
        expected = 1.0
        for number in list(range(n)) * 2:
            expected = 2 * expected + 1 + number
        assert session.run(x) == expected


def test_steps_a_call_change_no_bit_of_any_variable():
    dataset = trainings.random_dataset()
    results = {n: trainings.train_in_memory(dataset, 12, batch_size=26, iterations_per_loop=n) for n in (1, 3, 12)}
    assert len({digest(values) for values, _, _ in results.values()}) == 1
    for _, losses, _ in results.values():
        np.testing.assert_array_equal(losses, results[1][1])


def test_resident_and_streamed_input_change_no_bit_either():
    dataset = trainings.random_dataset()
    streamed, resident = (trainings.train_in_memory(dataset, 6, batch_size=26, iterations_per_loop=3, input=source)[0]
                          for source in ('stream', 'resident'))
    assert digest(streamed) == digest(resident)


def test_one_seed_gives_one_result_and_another_seed_another():
    dataset = trainings.random_dataset()
    first, again, other = (trainings.train_in_memory(dataset, 6, batch_size=26, iterations_per_loop=3, seed=seed)[0]
                           for seed in (8, 8, 9))
    assert digest(first) == digest(again) != digest(other)


def test_the_loop_leaves_no_trace_in_variable_names():
    dataset = trainings.random_dataset()
    names = {n: set(trainings.train_in_memory(dataset, 2, batch_size=5, iterations_per_loop=n)[0]) for n in (1, 2)}
    assert names[1] == names[2]
    assert not any('while' in name or 'steps/' in name for name in names[2])
