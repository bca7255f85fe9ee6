"""tf.data input without placeholders: the order of the data is a pure function of (seed, step).

Letters: n images of the split, B batch. Epoch e visits a permutation drawn from (seed, e); the epochs follow one
another in an endless sequence; step s reads its elements s*B to s*B + B - 1, across an epoch's end where it falls so.
Nothing of the pipeline needs saving: a resumed run starts the same sequence at its step.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from lenet.data.splits import Split

_ENDLESS = 2 ** 62  # epochs


def in_graph(array: np.ndarray) -> tf.Tensor:
    """`array` as a tensor of the graph that runs it, without embedding its bytes in the GraphDef (and event file)."""
    tensor = tf.py_func(lambda: array, [], tf.as_dtype(array.dtype), stateful=True)
    tensor.set_shape(array.shape)
    return tensor


def _epoch(epoch: tf.Tensor, n: int, seed: int, shuffle: bool) -> tf.data.Dataset:
    """The n image numbers, int32, in the order that epoch number `epoch` (int64 []) visits them."""
    if not shuffle:
        return tf.data.Dataset.from_tensor_slices(tf.range(n, dtype=tf.int32))
    # Equal draws are ranked by position, so the sort is well defined.
    draws = tf.random.stateless_uniform([n], seed=tf.stack([tf.constant(seed, tf.int64), epoch]))
    return tf.data.Dataset.from_tensor_slices(tf.argsort(draws, stable=True))


def order(n: int, batch_size: int, seed: int, start_step: int = 0, shuffle: bool = True) -> tf.data.Dataset:
    """Endless batches of image numbers, int32 [B], from step `start_step` on."""
    first_epoch, offset = divmod(start_step * batch_size, n)

    def epoch_order(epoch: tf.Tensor) -> tf.data.Dataset:
        return _epoch(epoch, n, seed, shuffle)

    epochs = tf.data.Dataset.range(first_epoch, _ENDLESS)
    return epochs.flat_map(epoch_order).skip(offset).batch(batch_size, drop_remainder=True)


def training_iterator(split: Split, batch_size: int, seed: int, start_step: int = 0, rank: int = 0, size: int = 1,
                      shuffle: bool = True) -> tf.data.Iterator:
    """Endless training batches.

    Args:
      split: the training images.
      batch_size: B, of this rank.
      seed, start_step, shuffle: see `order`.
      rank, size: this device reads stripe `rank` of the `size` stripes that make a global batch of size * B.

    Returns:
      An initializable iterator of (uint8 [B, 28, 28, 1], int32 [B]), static shapes.
    """
    images, labels = in_graph(split.images), in_graph(split.labels)

    def read(numbers: tf.Tensor):
        mine = numbers[rank * batch_size:(rank + 1) * batch_size]
        mine.set_shape([batch_size])
        return tf.gather(images, mine), tf.gather(labels, mine)

    batches = order(len(split.labels), size * batch_size, seed, start_step, shuffle).map(read).prefetch(2)
    return tf.data.make_initializable_iterator(batches)


def evaluation_iterator(split: Split, batch_size: int) -> tf.data.Iterator:
    """All of `split` once, in order.

    Returns:
      An initializable iterator of (uint8 [B, 28, 28, 1], int32 [B]), static shapes. The last batch is filled up with
      repetitions of the first images, which the reader must not count.
    """
    n = len(split.labels)
    images, labels = in_graph(split.images), in_graph(split.labels)
    padded = -(-n // batch_size) * batch_size

    def read(numbers: tf.Tensor):
        return tf.gather(images, numbers % n), tf.gather(labels, numbers % n)

    batches = tf.data.Dataset.range(padded).batch(batch_size, drop_remainder=True).map(read).prefetch(2)
    return tf.data.make_initializable_iterator(batches)
