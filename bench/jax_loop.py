"""The same network in JAX, to be measured beside ours; runs under --peer_python.

The data stay resident as uint8 that the step casts; one jitted call scans over up to a hundred steps; Adam is written
out, as JAX has none; XLA's default threads. As in ours, sigmoid follows the pooling, which costs a quarter and gives
the same.
"""

import sys
from typing import Any, Callable, Dict, List, Tuple

import jax
import jax.numpy as jnp
import numpy as np

from bench import peer_loop

SHAPES = {'conv_1': (5, 5, 1, 6), 'conv_2': (5, 5, 6, 16), 'fc_1': (784, 120), 'fc_2': (120, 84), 'fc_3': (84, 10)}
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # of Adam (Kingma and Ba 2015, algorithm 1)

Weights = Dict[str, jax.Array]


def initial_weights(seed: int) -> Weights:
    """Kernels by Glorot, as the reference, biases 0; 107,786 parameters."""
    glorot, weights = jax.nn.initializers.glorot_uniform(), {}
    for key, (name, shape) in zip(jax.random.split(jax.random.PRNGKey(seed), len(SHAPES)), SHAPES.items()):
        weights[name] = glorot(key, shape)
        weights[name + '_bias'] = jnp.zeros(shape[-1])
    return weights


def answer(weights: Weights, images: jax.Array) -> jax.Array:
    """float32 [B, 28, 28, 1] -> [B, 10]."""
    hidden = images
    for name in ('conv_1', 'conv_2'):
        hidden = jax.lax.conv_general_dilated(hidden, weights[name], (1, 1), 'SAME',
                                              dimension_numbers=('NHWC', 'HWIO', 'NHWC')) + weights[name + '_bias']
        hidden = jax.lax.reduce_window(hidden, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), 'VALID')
        hidden = jax.nn.sigmoid(hidden)
    hidden = hidden.reshape(len(hidden), -1)
    for name in ('fc_1', 'fc_2'):
        hidden = jax.nn.sigmoid(hidden @ weights[name] + weights[name + '_bias'])
    return hidden @ weights['fc_3'] + weights['fc_3_bias']


def mean_loss(weights: Weights, images: jax.Array, labels: jax.Array) -> jax.Array:
    chosen = jax.nn.log_softmax(answer(weights, images.astype(jnp.float32) / 255))
    return -jnp.take_along_axis(chosen, labels[:, None], axis=1).mean()


def training_call(options: Any, steps_per_call: int) -> Callable[[], List[float]]:
    """A function that runs `steps_per_call` steps and returns their losses."""
    raw_images, raw_labels = peer_loop.load(options.data)
    images, labels = jnp.asarray(raw_images), jnp.asarray(raw_labels)
    order = peer_loop.batches(len(raw_labels), options.batch_size, options.seed)

    def step(state: Tuple, numbers: jax.Array) -> Tuple[Tuple, jax.Array]:
        count, weights, means, squares = state
        loss, gradients = jax.value_and_grad(mean_loss)(weights, images[numbers], labels[numbers])
        count += 1
        means = jax.tree.map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, means, gradients)
        squares = jax.tree.map(lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, squares, gradients)
        rate = options.learning_rate * jnp.sqrt(1 - BETA_2 ** count) / (1 - BETA_1 ** count)
        weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + EPSILON), weights, means, squares)
        return (count, weights, means, squares), loss

    scan = jax.jit(lambda state, numbers: jax.lax.scan(step, state, numbers))
    weights = initial_weights(options.seed)
    zeros = jax.tree.map(jnp.zeros_like, weights)
    states = [(jnp.float32(0), weights, zeros, zeros)]

    def call() -> List[float]:
        states[0], losses = scan(states[0], jnp.asarray(np.stack([next(order) for _ in range(steps_per_call)])))
        return np.asarray(losses).tolist()

    return call


def main(arguments: List[str]) -> None:
    options = peer_loop.parse(arguments)
    steps_per_call = peer_loop.steps_per_call(options.steps)
    timing = peer_loop.time_steps(training_call(options, steps_per_call), options.steps, options.warmup,
                                  options.batch_size)
    peer_loop.report(timing, 'JAX ' + jax.__version__, 'jit, lax.scan over %d steps a call' % steps_per_call)


if __name__ == '__main__':
    main(sys.argv[1:])
