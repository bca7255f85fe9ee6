import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet.graph import loss_scale_optimizer
from lenet.graph.loss_scaling import LossScale
from lenet.support import stack

oracle = pytest.mark.skipif(not stack.IS_FIRST, reason='TensorFlow 2 has no tf.contrib, the oracle')

RULES = {
    'slow to grow': LossScale('dynamic', 8.0, 3, 2.0, 2, 0.5),
    'quick to shrink': LossScale('dynamic', 1000.0, 2, 4.0, 1, 0.25),
    'at the top': LossScale('dynamic', 2.0 ** 126, 1, 2.0, 3, 0.5),
    'at the floor': LossScale('dynamic', 2.0, 5, 2.0, 1, 0.5),
    'odd ratios': LossScale('dynamic', 77.0, 2, 1.3, 2, 0.7),
}
OVERFLOWS = (np.random.RandomState(7).rand(40) < 0.4).tolist() + [True] * 6 + [False] * 14


def scales_by_the_rules(rules, overflows):
    """The documented rules by hand: the scale after each step."""
    scale, good, bad, scales = rules.value, 0, 0, []
    for overflow in overflows:
        if overflow:
            good, bad = 0, bad + 1
            if bad == rules.decrement_every:
                scale, bad = max(1.0, scale * rules.decrement_ratio), 0
        else:
            good += 1
            if good == rules.increment_every:
                grown = scale * rules.increment_ratio
                scale, good, bad = grown if grown < 2.0 ** 128 else scale, 0, 0
        scales.append(scale)
    return scales


def train(wrap, rules):
    """Adam on a small quadratic whose gradients overflow at OVERFLOWS, wrapped by wrap(optimizer, rules): for each step
    the values of all variables, by name."""
    target = np.random.RandomState(3).randn(7).astype(np.float32)
    with tf.Graph().as_default(), tf.variable_scope('', use_resource=True), tf.Session() as session:
        x = tf.get_variable('x', initializer=np.zeros(7, np.float32))
        overflow = tf.get_variable('overflow', initializer=False, trainable=False)
        count = tf.get_variable('count', initializer=0, trainable=False)
        optimizer = wrap(tf.train.AdamOptimizer(0.1), rules)
        factor = tf.where(overflow, float('inf'), 2.0 ** -120)  # small: no scale makes the others overflow
        gradients = optimizer.compute_gradients(tf.reduce_sum((x - target) ** 2) * factor, [x])
        update = optimizer.apply_gradients(gradients, global_step=count)
        session.run(tf.global_variables_initializer())
        values = []
        for value in OVERFLOWS:
            overflow.load(value, session)
            session.run(update)
            variables = tf.global_variables()
            values.append(dict(zip([v.op.name for v in variables], session.run(variables))))
        return values


@pytest.mark.parametrize('rules', RULES.values(), ids=list(RULES))
def test_the_dynamic_scale_follows_its_rules_step_by_step(rules):
    values = train(loss_scale_optimizer.wrap, rules)
    scales = [float(value['loss_scale']) for value in values]
    np.testing.assert_allclose(scales, scales_by_the_rules(rules, OVERFLOWS), rtol=1e-6)
    assert min(scales) >= 1 and np.isfinite(max(scales))
    assert [int(value['count']) for value in values] == np.cumsum(~np.array(OVERFLOWS)).tolist()


def contrib(optimizer, rules):
    """The same from TensorFlow 1.15's own managers."""
    from tensorflow.contrib import mixed_precision
    if rules.kind == 'fixed':
        manager = mixed_precision.FixedLossScaleManager(rules.value)
    else:
        manager = mixed_precision.ExponentialUpdateLossScaleManager(*rules.manager_arguments())
    return mixed_precision.LossScaleOptimizer(optimizer, manager)


@oracle
@pytest.mark.parametrize('rules', list(RULES.values()) + [LossScale('fixed', 1024.0), LossScale('fixed', 3.7)],
                         ids=list(RULES) + ['fixed', 'fixed, not a power of two'])
def test_every_variable_has_the_bits_of_tensorflows_own_managers_after_every_step(rules):
    expected, values = train(contrib, rules), train(loss_scale_optimizer.wrap, rules)
    assert len(values) == len(expected) == 60
    for step, (ours, theirs) in enumerate(zip(values, expected)):
        assert sorted(ours) == sorted(theirs)
        for name in ours:
            assert ours[name].tobytes() == theirs[name].tobytes(), (step, name)
