"""Convolution + 2x2 max-pooling as one convolution on blocks: the same result, about twice as fast on a CPU.

A K x K SAME convolution (K odd) followed by 2x2 max-pooling equals space_to_depth by 2, a convolution on the blocks
whose output channels are the 4 positions of a pooling window times C', and the maximum of these 4. In one dimension,
with p = (K-1)/2: the pixel at position i of block b + d meets the output at position o of block b through the kernel's
tap

    k = 2 d + i - o + p        where 0 <= k < K, else not at all,

so a block sees its neighbours up to d = +-(p+1)//2: 3x3 blocks for K = 5. It costs (2*3)**2 / 5**2 = 1.44 times the
multiplications, but has 4 C' output channels, which fill vector units that 6 channels leave idle, and no max-pooling
op with its slow gradient. The trained kernel keeps its shape: the folded one is made from it in the graph, so gradients
and checkpoints are as ever.

Letters: B batch, H and W even, C input and C' output channels, D = 2*((p+1)//2) + 1 blocks.
"""

import numpy as np
import tensorflow.compat.v1 as tf


def fold_matrix(k: int) -> np.ndarray:
    """Which tap of a k x k kernel stands where in the folded one.

    Returns:
      float32 [D*D*16, k*k] of 0 and 1; rows are (block y, block x, input y, input x, output y, output x), the last four
      each 0 or 1.
    """
    p, reach = (k - 1) // 2, (k + 1) // 4
    size = 2 * reach + 1
    d, i, o = np.meshgrid(np.arange(-reach, reach + 1), [0, 1], [0, 1], indexing='ij')
    taps = 2 * d + i - o + p  # [D, 2, 2]
    line = (taps[..., None] == np.arange(k)).astype(np.float32)  # [D, 2, 2, k]
    plane = np.einsum('diok,ejpl->deijopkl', line, line)
    return plane.reshape(size * size * 16, k * k)


def fold_kernel(kernel: tf.Tensor) -> tf.Tensor:
    """The kernel on blocks.

    Args:
      kernel: float [K, K, C, C'].

    Returns:
      float [D, D, 4*C, 4*C'], channels ordered (position, channel).

    Raises:
      ValueError: K is even or the kernel is not square.
    """
    height, width, c_in, c_out = kernel.shape.as_list()
    if height != width or height % 2 == 0:
        raise ValueError('kernel: expected [K, K, C, C\'] with K odd, got %s' % kernel.shape)
    matrix = tf.constant(fold_matrix(height), kernel.dtype)
    size = 2 * ((height + 1) // 4) + 1
    placed = tf.matmul(matrix, tf.reshape(kernel, [height * width, c_in * c_out]))
    placed = tf.reshape(placed, [size, size, 4, 4, c_in, c_out])  # block y, x, input position, output position, C, C'
    return tf.reshape(tf.transpose(placed, [0, 1, 2, 4, 3, 5]), [size, size, 4 * c_in, 4 * c_out])


def convolve(inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """All outputs of the convolution, those of a pooling window beside each other.

    Args:
      inputs: float [B, H, W, C].
      kernel: float [K, K, C, C'].

    Returns:
      float [B, H/2, W/2, 4*C'].
    """
    return tf.nn.conv2d(tf.space_to_depth(inputs, 2), fold_kernel(kernel), strides=[1, 1, 1, 1], padding='SAME')


def pool(windows: tf.Tensor) -> tf.Tensor:
    """The maximum of each window; of equal ones the first takes the gradient, as with MaxPool.

    Args:
      windows: float [B, H/2, W/2, 4*C'], as `convolve` returns them.

    Returns:
      float [B, H/2, W/2, C'].
    """
    upper_left, upper_right, lower_left, lower_right = tf.split(windows, 4, axis=3)
    return tf.maximum(tf.maximum(upper_left, upper_right), tf.maximum(lower_left, lower_right))
