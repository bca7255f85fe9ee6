"""Convolution + 2x2 max-pooling as matrix products on blocks: the same result, several times as fast on a CPU.

A K x K SAME convolution (K odd, p = (K-1)/2) and the pooling after it equal: pad the image by p, cut it into blocks of
S x S pixels whose pixels become channels, convolve the blocks with a kernel that yields all S x S outputs of a block at
once, take the maximum over the 4 phases of the pooling window. In one dimension the pixel at position i of block b + d
meets the output at position o of block b through the kernel's tap

    k = S d + i - o        where 0 <= k < K, else not at all,

so an output block needs the D = ceil((S + 2p) / S) blocks from its own on. For K = 5: 3 x 3 blocks of side 2, or 2 x 2
of side 4. That costs (D S / K)**2 times the multiplications (1.44 and 2.56 here), but has enough channels to fill the
vector units, which 1 input and 6 output channels leave idle, and no max-pooling op with its slow gradient. What comes
out is cut into blocks of side S/2, as the next layer takes them. The trained kernel keeps its shape: the folded one is
made from it in the graph, so gradients and checkpoints are those of the K x K kernel.

Letters: B batch, H and W multiples of S, C input and C' output channels, S the side of a block, D blocks; Y x X blocks
of input, V x U of output. Channels of a block are ordered (y, x, channel), those of a convolution's result (phase x,
phase y, block y, block x, channel).
"""

from typing import Callable, NamedTuple, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from lenet.support import stack

_HUGE = 2.0 ** 127  # times this a float32 that is larger than 0, at least 2**-126, is larger than 1


class Folded(NamedTuple):
    """A kernel on blocks, as a matrix, float [D*D*S*S*C, S*S*C']."""

    whole: tf.Tensor  # for the gradient of the blocks alone, none flows back from it
    left: tf.Tensor  # its columns for the left columns of all pooling windows, which the gradient of the kernel goes by
    right: tf.Tensor


def blocks_across(k: int, side: int) -> int:
    """D: how many input blocks, in one dimension, an output block is computed from (k is K, side is S)."""
    return -(-(side + k - 1) // side)


def cut(images: tf.Tensor, k: int, side: int) -> tf.Tensor:
    """Pads for a K x K convolution and cuts into blocks.

    Args:
      images: [B, H, W, C] of any dtype.
      k: K, odd.
      side: S.

    Returns:
      [B, H/S + D - 1, W/S + D - 1, S*S*C]; VALID convolutions of D x D blocks leave H/S x W/S.
    """
    h, w, c = images.shape.as_list()[1:]
    p, more = (k - 1) // 2, blocks_across(k, side) - 1
    after = more * side - p
    padded = tf.pad(images, [[0, 0], [p, after], [p, after], [0, 0]])
    y, x = h // side + more, w // side + more
    apart = tf.reshape(padded, [-1, y, side, x, side, c])
    return tf.reshape(tf.transpose(apart, [0, 1, 3, 2, 4, 5]), [-1, y, x, side * side * c])


def cut_array(images: np.ndarray, k: int, side: int) -> np.ndarray:
    """`cut` of an array [n, H, W, 1]. The S pixels of a block's line are moved as one number: a whole data set is cut
    at every start, and pixel by pixel that takes twice as long."""
    n, h, w, _ = images.shape
    p, more = (k - 1) // 2, blocks_across(k, side) - 1
    y, x = h // side + more, w // side + more
    padded = np.zeros([n, y * side, x * side], images.dtype)
    padded[:, p:p + h, p:p + w] = images[..., 0]
    line = side * images.itemsize
    lines = padded.view(np.uint32 if line == 4 else 'V%d' % line).reshape([n, y, side, x])
    return np.ascontiguousarray(lines.transpose([0, 1, 3, 2])).view(images.dtype).reshape([n, y, x, side * side])


def fold_taps(k: int, side: int) -> np.ndarray:
    """Which tap of a k x k kernel stands where in the folded one.

    Returns:
      int32 [D*D*S*S*S*S], in the order (block y, block x, input y, input x, phase x, phase y, output block y, output
      block x); k*k where none does.
    """
    half = side // 2
    d, i, phase, q = np.meshgrid(np.arange(blocks_across(k, side)), np.arange(side), [0, 1], np.arange(half),
                                 indexing='ij')
    line = side * d + i - (2 * q + phase)
    line[(line < 0) | (line >= k)] = k * k
    y, x = line[:, None, :, None, None, :, :, None], line[None, :, None, :, :, None, None, :]
    return np.minimum(k * y + x, k * k).reshape(-1).astype(np.int32)


def fold_kernel(kernel: tf.Tensor, side: int) -> Folded:
    """The kernel on blocks.

    Args:
      kernel: float [K, K, C, C'].
      side: S, even.

    Raises:
      ValueError: K is even or the kernel is not square.
    """
    whole = _fold(kernel, side, _place)
    return Folded(whole, *tf.split(whole, 2, axis=1))


def fold_kernel_untrained(kernel: tf.Tensor, side: int) -> tf.Tensor:
    """The same matrix where no gradient is asked for, made of operators that a plain network has, for a graph that is
    frozen; its zeros and ones are bytes, and the graph stays small."""
    def place(taps: tf.Tensor, numbers: np.ndarray) -> tf.Tensor:
        places = (numbers[:, None] == np.arange(taps.shape.as_list()[0])).astype(np.uint8)
        return tf.matmul(tf.cast(tf.constant(places), taps.dtype), taps)
    return _fold(kernel, side, place)


def _fold(kernel: tf.Tensor, side: int, place: Callable[[tf.Tensor, np.ndarray], tf.Tensor]) -> tf.Tensor:
    height, width, c_in, c_out = kernel.shape.as_list()
    if height != width or height % 2 == 0:
        raise ValueError('kernel: expected [K, K, C, C\'] with K odd, got %s' % kernel.shape)
    rows, columns = blocks_across(height, side) ** 2 * side * side, side * side
    placed = place(tf.reshape(kernel, [height * width, c_in * c_out]), fold_taps(height, side))
    placed = tf.transpose(tf.reshape(placed, [rows, columns, c_in, c_out]), [0, 2, 1, 3])
    return tf.reshape(placed, [rows * c_in, columns * c_out])


def _place(taps: tf.Tensor, numbers: np.ndarray) -> tf.Tensor:
    """Row `numbers[i]` of `taps` [n, N] in place i, zeros where that is n. Its gradient sums the places of each row: a
    gather as well, in a fraction of the time of tf.gather's own."""
    places = np.array([np.flatnonzero(numbers == tap) for tap in range(taps.shape.as_list()[0])], np.int32)

    @tf.custom_gradient
    def gather(taps: tf.Tensor):
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            return tf.reduce_sum(tf.gather(upstream, places), axis=1)
        return tf.gather(tf.pad(taps, [[0, 1], [0, 0]]), numbers), gradient

    return gather(taps)


def convolve(blocks: tf.Tensor, folded: Folded, padding: str) -> Tuple[tf.Tensor, tf.Tensor]:
    """All outputs of the convolution, in two matrix products of the patches, which serve the kernel's gradient too.

    Two, for what the pooling compares first then need not be cut out of one result and joined again for its gradient.

    Args:
      blocks: float [B, Y, X, S*S*C], padded by `cut` (padding 'VALID'), or without their padding, which is then of
        whole blocks ('SAME': S divides p and D is odd).
      folded: of fold_kernel.

    Returns:
      float [B, V, U, S*S*C'/2], twice: the left and the right columns of all pooling windows.
    """
    height, width, channels = blocks.shape.as_list()[1:]
    rows, outputs = folded.whole.shape.as_list()
    d = _blocks_of(folded.whole, blocks)
    places = _patch_places(height, width, d, padding)

    @tf.custom_gradient
    def multiply(blocks: tf.Tensor, left: tf.Tensor, right: tf.Tensor):
        patches = tf.reshape(_gather_patches(blocks, places), [-1, rows])

        def gradients(*upstream: tf.Tensor) -> tuple:
            kernel = tf.reshape(folded.whole, [d, d, channels, outputs])
            to_blocks = tf.nn.conv2d_backprop_input(tf.shape(blocks), kernel, tf.concat(upstream, axis=3),
                                                    [1, 1, 1, 1], padding)
            return (to_blocks,) + tuple(_product_over_rows(patches, tf.reshape(half, [-1, outputs // 2]))
                                        for half in upstream)

        shape = [-1] + list(places.shape[:2]) + [outputs // 2]
        return tuple(tf.reshape(tf.matmul(patches, half), shape) for half in (left, right)), gradients

    return multiply(blocks, folded.left, folded.right)


def convolve_untrained(blocks: tf.Tensor, folded: tf.Tensor, padding: str) -> tf.Tensor:
    """The same where no gradient is asked for, [B, V, U, S*S*C']: the patches would be used once, so TensorFlow's
    convolution, which keeps none."""
    channels, d = blocks.shape.as_list()[3], _blocks_of(folded, blocks)
    return tf.nn.conv2d(blocks, tf.reshape(folded, [d, d, channels, -1]), strides=[1, 1, 1, 1], padding=padding)


def _blocks_of(folded: tf.Tensor, blocks: tf.Tensor) -> int:
    """D."""
    return int(round((folded.shape.as_list()[0] // blocks.shape.as_list()[3]) ** 0.5))


def _product_over_rows(patches: tf.Tensor, upstream: tf.Tensor) -> tf.Tensor:
    """patches^T upstream: [M, K] and [M, N] -> [K, N]. On TensorFlow 1.15 it is the faster the less the transposed one
    of the two has to be packed: patches that are narrow are transposed ahead, and of wide ones the other."""
    if not stack.IS_FIRST:
        return tf.matmul(patches, upstream, transpose_a=True)
    if patches.shape.as_list()[1] <= 2 * upstream.shape.as_list()[1]:
        return tf.matmul(_transpose(patches), upstream)
    return tf.transpose(tf.matmul(upstream, patches, transpose_a=True))


def _transpose(matrix: tf.Tensor) -> tf.Tensor:
    """In a way that TensorFlow's optimizer does not turn back into the product of a transposed matrix."""
    columns = matrix.shape.as_list()[1]
    return tf.reshape(tf.transpose(tf.reshape(matrix, [-1, 1, columns]), [2, 1, 0]), [columns, -1])


def _patch_places(height: int, width: int, d: int, padding: str) -> np.ndarray:
    """The numbers of each output's d x d input blocks, int32 [V, U, d*d]; height * width means a block of zeros."""
    before = d // 2 if padding == 'SAME' else 0
    numbers = np.pad(np.arange(height * width).reshape(height, width), before, constant_values=height * width)
    down, across = numbers.shape[0] - d + 1, numbers.shape[1] - d + 1
    return np.stack([numbers[i:i + down, j:j + across] for i in range(d) for j in range(d)], axis=2).astype(np.int32)


def _gather_patches(blocks: tf.Tensor, places: np.ndarray) -> tf.Tensor:
    """[B, Y, X, N] -> [B, V*U*D*D, N]."""
    height, width, channels = blocks.shape.as_list()[1:]
    flat = tf.reshape(blocks, [-1, height * width, channels])
    if places.max() == height * width:
        flat = tf.pad(flat, [[0, 0], [0, 1], [0, 0]])
    return tf.gather(flat, places.reshape(-1), axis=1)


@tf.custom_gradient
def pool(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """The maximum over the 4 phases; of equal ones the first takes the gradient, as with MaxPool.

    The gradient is written out: half the ops of tf.maximum's own.

    Args:
      left, right: float [B, Y, X, 2*N], as `convolve` returns them.

    Returns:
      float [B, Y, X, N].
    """
    upper, lower = tf.split(tf.maximum(left, right), 2, axis=3)

    def gradient(upstream: tf.Tensor) -> tuple:
        return _divide(tf.concat(_divide(upstream, upper, lower), axis=3), left, right)

    return tf.maximum(upper, lower), gradient


def _divide(upstream: tf.Tensor, first: tf.Tensor, second: tf.Tensor) -> tuple:
    """The gradients of the two sides of a maximum."""
    if stack.IS_FIRST:
        # Its comparisons and its tf.where are not vectorized, these are. Two infinite sides give NaN, which an overflow
        # in the forward pass may well do.
        is_second = tf.minimum(tf.maximum((second - first) * _HUGE, 0.0), 1.0)
        to_second = upstream * is_second
        return upstream - to_second, to_second
    to_first = tf.where(first >= second, upstream, tf.zeros_like(upstream))
    return to_first, upstream - to_first


def pool_untrained(windows: tf.Tensor) -> tf.Tensor:
    """The same maximum of what convolve_untrained returns, in less than half the time, where no gradient is asked for.

    The gradient of tf.reduce_max would divide among equals.
    """
    height, width, channels = windows.shape.as_list()[1:]
    phases = tf.reshape(windows, [-1, 4, channels // 4])
    return tf.reshape(tf.reduce_max(phases, axis=1), [-1, height, width, channels // 4])
