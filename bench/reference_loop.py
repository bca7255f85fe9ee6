"""The reference program's training loop, re-created from its description, to be measured beside ours.

What it does as Ascend ModelZoo's LeNet_ID0127 (feed_dict version, March 2021): placeholders fed with float32 [B, 784],
direct convolutions, sigmoid before the pooling, reference variables, tf.train.AdamOptimizer, one session.run a step,
TensorFlow's default session config, and with --summary the merged scalars and histograms evaluated in each step.
In its favour: the images become float32 once, beforehand; no summary is written; accuracy is not fetched.

Letters: n images, B batch.
"""

import sys
from typing import Dict, List, NamedTuple

import numpy as np

from bench import peer_loop
from lenet.support import stack

with stack.importing():
    import tensorflow.compat.v1 as tf

_SHAPES = (('layer_1/weights', (5, 5, 1, 6)), ('layer_1/bias', (6,)), ('layer_2/weights', (5, 5, 6, 16)),
           ('layer_2/bias', (16,)), ('fc_1/weight', (784, 120)), ('fc_1/bias', (120,)), ('fc_2/weight', (120, 84)),
           ('fc_2/bias', (84,)), ('fc_3/weight', (84, 10)), ('fc_3/bias', (10,)))


class Reference(NamedTuple):
    """The graph's handles."""

    images: tf.Tensor  # placeholder float32 [None, 784]
    labels: tf.Tensor  # placeholder float32 [None, 10], one-hot
    variables: Dict[str, tf.Variable]
    loss: tf.Tensor
    train_op: tf.Operation
    summary: tf.Tensor  # string []


def build(learning_rate: float) -> Reference:
    """Builds the graph in the current one."""
    images = tf.placeholder(tf.float32, [None, 784])
    labels = tf.placeholder(tf.float32, [None, 10])
    variables = {name: tf.get_variable(name, shape, tf.float32, use_resource=False) for name, shape in _SHAPES}
    logits = _logits(images, variables)
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits))
    right = tf.equal(tf.argmax(logits, 1), tf.argmax(labels, 1))
    tf.summary.scalar('loss', loss)
    tf.summary.scalar('accuracy', tf.reduce_mean(tf.cast(right, tf.float32)))
    for name, variable in variables.items():
        tf.summary.histogram(name, variable)
    train_op = tf.train.AdamOptimizer(learning_rate).minimize(loss)
    return Reference(images, labels, variables, loss, train_op, tf.summary.merge_all())


def _logits(images: tf.Tensor, variables: Dict[str, tf.Variable]) -> tf.Tensor:
    """float32 [B, 784] -> [B, 10]."""
    hidden = tf.reshape(images, [-1, 28, 28, 1])
    for name in ('layer_1', 'layer_2'):
        maps = tf.nn.conv2d(hidden, variables[name + '/weights'], strides=[1, 1, 1, 1], padding='SAME')
        maps = tf.nn.sigmoid(maps + variables[name + '/bias'])
        hidden = tf.nn.max_pool2d(maps, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding='SAME')
    hidden = tf.reshape(hidden, [-1, 7 * 7 * 16])
    for name in ('fc_1', 'fc_2'):
        hidden = tf.nn.sigmoid(tf.matmul(hidden, variables[name + '/weight']) + variables[name + '/bias'])
    return tf.matmul(hidden, variables['fc_3/weight']) + variables['fc_3/bias']


def feed(reference: Reference, images: np.ndarray, labels: np.ndarray) -> Dict[tf.Tensor, np.ndarray]:
    """The feed_dict of a batch, float32 [B, 784] and [B, 10]."""
    return {reference.images: images, reference.labels: labels}


def prepare(images: np.ndarray, labels: np.ndarray) -> tuple:
    """uint8 [n, 28, 28, 1], int32 [n] -> what is fed: float32 [n, 784] in [0, 1], one-hot float32 [n, 10]."""
    return images.reshape(len(images), 784).astype(np.float32) / 255, np.eye(10, dtype=np.float32)[labels]


def main(arguments: List[str]) -> None:
    options = peer_loop.parse(arguments)
    images, labels = prepare(*peer_loop.load(options.data))
    order = peer_loop.batches(len(labels), options.batch_size, options.seed)
    tf.set_random_seed(options.seed)
    reference = build(options.learning_rate)
    fetches = [reference.train_op, reference.loss] + [reference.summary] * options.summary
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())

        def step() -> List[float]:
            numbers = next(order)
            return [session.run(fetches, feed(reference, images[numbers], labels[numbers]))[1]]

        timing = peer_loop.time_steps(step, options.steps, options.warmup, options.batch_size)
    peer_loop.report(timing, 'TensorFlow ' + tf.__version__, 'feed_dict, one session.run a step%s' %
                     (', with the merged summary' if options.summary else ''))


if __name__ == '__main__':
    main(sys.argv[1:])
