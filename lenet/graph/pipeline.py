"""tf.data input without placeholders: the order of the data is a pure function of (seed, step).

Letters: n images of the split, B batch. Images are uint8 of any shape [n, ...]: [n, 28, 28, 1], the blocks [n, 8, 8,
16] that model.lay_out makes of them, or those that augmentation.surround surrounds. Epoch e visits a permutation drawn
from (seed, e); the epochs follow one another in an endless sequence; step s reads its elements s*B to s*B + B - 1,
across an epoch's end where it falls so. Nothing of the pipeline needs saving: a resumed run starts the same sequence at
its step. Distortions of the images go by the step too.
"""

import math
from typing import Callable, NamedTuple, Optional, Tuple, Union

import numpy as np
import tensorflow.compat.v1 as tf

from lenet.data.splits import Split
from lenet.graph import streams

Batch = Tuple[tf.Tensor, tf.Tensor]  # images, labels
Distortion = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # of images uint8 [B, ...] and the step, int64 []

_ENDLESS = 2 ** 62  # epochs

# Around functions of datasets: they are graph code as they stand, and AutoGraph takes a second to find that out.
_as_written = tf.autograph.experimental.do_not_convert


def in_graph(array: np.ndarray) -> tf.Tensor:
    """`array` as a tensor of the graph that runs it, without embedding its bytes in the GraphDef (and event file)."""
    tensor = tf.py_func(lambda: array, [], tf.as_dtype(array.dtype), stateful=True)
    tensor.set_shape(array.shape)
    return tensor


def _epoch(epoch: tf.Tensor, n: int, seed: int, shuffle: bool) -> tf.Tensor:
    """The n image numbers, int32 [n], in the order that epoch number `epoch` (int64 []) visits them."""
    if not shuffle:
        return tf.range(n, dtype=tf.int32)
    # Equal draws are ranked by position, so the sort is well defined.
    draws = tf.random.stateless_uniform([n], streams.seed_of(seed, streams.ORDER, epoch))
    return tf.argsort(draws, stable=True)


def order(n: int, batch_size: int, seed: int, start_step: int = 0, shuffle: bool = True,
          steps: int = 1) -> tf.data.Dataset:
    """Endless batches of image numbers, int32 [B], from step `start_step` on; of more than one of `steps` at a time,
    int32 [steps, B]."""
    first_epoch, offset = divmod(start_step * batch_size, n)
    # An element of a dataset costs a microsecond, whatever its size. So the elements are not single numbers but runs of
    # them, as long as can be if an epoch and a batch are each to be a whole number of runs.
    run = math.gcd(n, batch_size)

    def runs(epoch: tf.Tensor) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensor_slices(tf.reshape(_epoch(epoch, n, seed, shuffle), [n // run, run]))

    epochs = tf.data.Dataset.range(first_epoch, _ENDLESS)
    batches = epochs.flat_map(_as_written(runs)).skip(offset // run).batch(steps * batch_size // run,
                                                                           drop_remainder=True)
    shape = [batch_size] if steps == 1 else [steps, batch_size]
    return batches.map(_as_written(lambda numbers: tf.reshape(numbers, shape)))


class Source(NamedTuple):
    """Where training batches come from."""

    iterator: tf.data.Iterator  # to be initialized after the variables
    # Builds the ops that read: images uint8, labels int32 [B], static shapes. Of training it may be given the step's
    # number in its loop, which `resident` needs in a loop of more than one.
    next_batch: Callable[..., Batch]


def _stripe(numbers: tf.Tensor, batch_size: int, rank: int) -> tf.Tensor:
    """What `rank` reads of global batches of image numbers: int32 [..., B]."""
    return numbers[..., rank * batch_size:(rank + 1) * batch_size]


def stream(split: Split, batch_size: int, seed: int, start_step: int = 0, rank: int = 0, size: int = 1,
           shuffle: bool = True, distort: Optional[Distortion] = None) -> Source:
    """Endless training batches, images and all, through the tf.data pipeline.

    Args:
      split: the training images.
      batch_size: B, of this rank.
      seed, start_step, shuffle: see `order`.
      rank, size: this device reads stripe `rank` of the `size` stripes that make a global batch of size * B.
      distort: what becomes of this rank's images of a step, on the host and while the step before computes.
    """
    images, labels = in_graph(split.images), in_graph(split.labels)

    def read(numbers: tf.Tensor) -> Batch:
        mine = _stripe(numbers, batch_size, rank)
        return tf.gather(images, mine), tf.gather(labels, mine)

    batches = order(len(split.labels), size * batch_size, seed, start_step, shuffle).map(_as_written(read))
    if distort is not None:
        steps = tf.data.Dataset.range(start_step, _ENDLESS)
        batches = tf.data.Dataset.zip((batches, steps)).map(
            _as_written(lambda batch, step: (distort(batch[0], step), batch[1])))
    iterator = tf.data.make_initializable_iterator(batches.prefetch(2))
    return Source(iterator, lambda step=0: iterator.get_next())


def resident(split: Split, batch_size: int, seed: int, start_step: int = 0, rank: int = 0, size: int = 1,
             shuffle: bool = True, steps: int = 1) -> Source:
    """The same batches, gathered in the step from images that stay on the device; the pipeline yields numbers alone.

    Args:
      steps: N of the loop in the graph around the step, whose numbers are read at once and outside of it: an element
        for each step would cost its time, and the step would begin with waiting for it. The source's next_batch takes
        the number of the step in the loop, int32 [].
    """
    images, labels = _local_copy('resident_images', split.images), _local_copy('resident_labels', split.labels)

    def mine(numbers: tf.Tensor) -> tf.Tensor:
        return _stripe(numbers, batch_size, rank)

    numbers = order(len(split.labels), size * batch_size, seed, start_step, shuffle, steps).map(_as_written(mine))
    iterator = tf.data.make_initializable_iterator(numbers.prefetch(2))
    numbers_of_call = iterator.get_next()

    def gather(step: Union[int, tf.Tensor] = 0) -> Batch:
        chosen = numbers_of_call if steps == 1 else tf.gather(numbers_of_call, step)
        return tf.gather(images, chosen), tf.gather(labels, chosen)

    return Source(iterator, gather)


def constant(split: Split, batch_size: int) -> Callable[..., Batch]:
    """A next_batch that always reads the first images and costs no input: for telling what input costs."""
    numbers = np.arange(batch_size) % len(split.labels)
    images = _local_copy('constant_images', split.images[numbers])
    labels = _local_copy('constant_labels', split.labels[numbers])
    return lambda step=0: (images.read_value(), labels.read_value())


def _local_copy(name: str, array: np.ndarray) -> tf.Variable:
    """A variable of the current scope's kind: a gather from a resource variable would be ResourceGather, and an NPU
    that lacks this operator reads one batch N times in a call, without a word."""
    return tf.get_variable(name, initializer=in_graph(array), trainable=False,
                           collections=[tf.GraphKeys.LOCAL_VARIABLES])


def evaluation(split: Split, batch_size: int, rank: int = 0, size: int = 1, is_resident: bool = False) -> Source:
    """All of `split` once, in order, or this rank's stripe of each global batch of size * B.

    Args:
      is_resident: the images stay on the device, and starting anew costs nothing; else they go through the pipeline.

    Returns:
      A Source of static shapes. The last batch is filled up with repetitions of the first images, which the reader must
      not count.
    """
    n, whole = len(split.labels), size * batch_size
    padded = -(-n // whole) * whole
    images, labels = [_local_copy('evaluation_' + name, array) if is_resident else in_graph(array)
                      for name, array in split._asdict().items()]

    def read(numbers: tf.Tensor) -> Batch:
        return tf.gather(images, numbers), tf.gather(labels, numbers)

    numbers = tf.data.Dataset.range(padded).batch(whole, drop_remainder=True).map(
        _as_written(lambda numbers: _stripe(numbers, batch_size, rank) % n))
    batches = numbers if is_resident else numbers.map(_as_written(read))
    iterator = tf.data.make_initializable_iterator(batches.prefetch(2))
    return Source(iterator, (lambda: read(iterator.get_next())) if is_resident else iterator.get_next)
