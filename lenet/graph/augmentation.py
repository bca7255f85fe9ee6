"""Distorted images: every one is turned, scaled, sheared, shifted and bent a little, anew in every step.

affine: rotation, scale of each axis, horizontal shear and shift of each axis are drawn for an image, after LeCun et al.
  1998, "Gradient-based learning applied to document recognition", section III.B.
elastic: the same, and a smooth random field that displaces its pixels, after Simard, Steinkraus & Platt 2003, "Best
  practices for convolutional neural networks applied to visual document analysis".

Where a warped image's pixels come from is linear in what was drawn, so a batch's maps are one matrix product. The field
is a sum of Gaussian bumps with normal weights: as smooth as Simard's smoothed noise, and far cheaper.

Letters: B batch, H and W height and width, G bumps of the field (36 for 28x28). Draws are a pure function of (seed,
step), for the batch of all ranks, and results integers: they do not depend on how a batch is split.
"""

import math
from typing import NamedTuple, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from lenet.flags import Params
from lenet.graph import streams

_SIGMA = 4.5  # pixels, of a bump; Simard's noise is smoothed with 4
_SPACING = 6.0  # pixels between the centres of two bumps at most
_OVERHANG = 1.5  # pixels by which the outermost bumps lie outside the image

_BEFORE, _AFTER = 1, 2  # pixels of 0 around an image: its neighbourhood, and a neighbour for the last of that
_BITS = 8  # of a coordinate behind the point
# Maps and what they are the factors of are rounded so that every product is a whole number of 1/1024 of such a unit. As
# float32 holds all of these up to 64 pixels, no sum is rounded: in whatever order a processor adds, and however many
# images it is given, a place comes out the same.
_FACTOR_BITS = 17  # behind the point, of a map's factors of y, x (which are whole halves of a pixel) and 1
_WEIGHT_BITS, _BUMP_BITS = 6, 4  # of its weights of the bumps, and of these, in units
_ROUNDER = 2.0 ** 23  # from here to 2**24 the float32 are the integers, and their low bits count from 0
_ROUNDER_MASK = 2 ** 23 - 1
_TWO_BYTES = 0x00FF00FF  # the lower bytes of both halves of 32 bits


class Amounts(NamedTuple):
    """How much is drawn: uniformly up to each of these, the field normally. The defaults distort nothing."""

    rotation: float = 0.0  # degrees, either way
    scale: float = 1.0  # factor by which an axis grows or shrinks
    shear: float = 0.0  # pixels to the side for each pixel down, either way
    shift: float = 0.0  # pixels along each axis, either way
    elastic: float = 0.0  # pixels, the root mean square along each axis


def amounts(params: Params) -> Optional[Amounts]:
    """What `params` ask for, None for images as they are."""
    if params.augment == 'none':
        return None
    return Amounts(params.augment_rotation, params.augment_scale, params.augment_shear, params.augment_shift,
                   params.augment_elastic if params.augment == 'elastic' else 0.0)


def draw(seed: int, step: tf.Tensor, batch_size: int, amounts: Amounts,
         size: Tuple[int, int] = (28, 28)) -> tf.Tensor:
    """The maps of one step's images.

    Args:
      seed: 0 to 2**31 - 1.
      step: int64 [], steps run before this one.
      batch_size: B, of all ranks together.
      size: H and W.

    Returns:
      float32 [2, B, 3 + G], as `warp` takes them.
    """
    u = tf.random.stateless_uniform([6, batch_size], streams.seed_of(seed, streams.AFFINE, step), -1.0, 1.0)
    n = tf.random.stateless_normal([2, batch_size, len(_bumps(*size))], streams.seed_of(seed, streams.FIELD, step))
    return tf.concat([affine(math.radians(amounts.rotation) * u[0], tf.exp(math.log(amounts.scale) * u[1:3]),
                             amounts.shear * u[3], amounts.shift * u[4:]), amounts.elastic * n], axis=2)


def affine(angle: tf.Tensor, scales: tf.Tensor, shear: tf.Tensor, shifts: tf.Tensor) -> tf.Tensor:
    """Maps without a field: scale, then shear, then rotate, then shift.

    Args:
      angle: float32 [B], radians.
      scales, shifts: float32 [2, B], of y and x.
      shear: float32 [B].

    Returns:
      float32 [2, B, 3]: the factors of a pixel's y and x, from the image's centre, and of 1 in the y and x of where it
      comes from, from the centre too.
    """
    cosine, sine = tf.cos(angle), tf.sin(angle)
    to_y = [scales[0] * (cosine - shear * sine), -scales[1] * sine, shifts[0]]
    to_x = [scales[0] * (sine + shear * cosine), scales[1] * cosine, shifts[1]]
    return tf.transpose(tf.stack([tf.stack(to_y), tf.stack(to_x)]), [0, 2, 1])


def _bumps(height: int, width: int) -> np.ndarray:
    """The field's bumps, float64 [G, H*W]. At each pixel their squares add up to 1: weights of a standard deviation s
    displace every pixel by one of s."""
    def along(size: int) -> np.ndarray:
        first, last = -_OVERHANG, size - 1 + _OVERHANG
        centres = np.linspace(first, last, 1 + math.ceil((last - first) / _SPACING))
        bumps = np.exp(-(np.arange(size) - centres[:, np.newaxis]) ** 2 / (2 * _SIGMA ** 2))
        return bumps / np.sqrt(np.sum(bumps ** 2, axis=0))
    return np.einsum('iy,jx->ijyx', along(height), along(width)).reshape(-1, height * width)


def _basis(height: int, width: int, order: np.ndarray) -> np.ndarray:
    """What maps are the factors of, float32 [3 + G, len(order)], in units of 2**-_BITS pixels.

    Args:
      order: of the pixels, numbered from 1; 0 stands for none, and is sent far outside.
    """
    y, x = np.mgrid[:height, :width].reshape(2, -1)
    rows = np.concatenate([[y - (height - 1) / 2, x - (width - 1) / 2, np.ones(height * width)],
                           _bumps(height, width)])
    outside = np.zeros((len(rows), 1))
    outside[2] = -2.0 ** 10
    units = 2 ** _BITS * np.concatenate([outside, rows], axis=1)[:, order]
    return (np.round(units * 2 ** _BUMP_BITS) / 2 ** _BUMP_BITS).astype(np.float32)


def surround(images: np.ndarray) -> np.ndarray:
    """Images with the ground around them that `warp` needs: uint8 [n, H, W, 1] -> [n, H+3, W+3, 1]."""
    around = (_BEFORE, _AFTER)
    return np.pad(images, ((0, 0), around, around, (0, 0)), 'constant')


def pixel_numbers(height: int = 28, width: int = 28) -> np.ndarray:
    """The numbers of an image's pixels from 1 on, int64 [1, H, W, 1]: once laid out, they tell `warp` the order."""
    return np.arange(1, height * width + 1).reshape(1, height, width, 1)


def warp(images: tf.Tensor, maps: tf.Tensor, numbers: np.ndarray) -> tf.Tensor:
    """Warped images, interpolated bilinearly to the nearest grey level; what lies outside of an image is 0.

    Args:
      images: uint8 [B, H+3, W+3, 1], of `surround`.
      maps: float32 [2, B, 3 + G].
      numbers: of `pixel_numbers`, [1, ...]: which pixel stands where in the result; 0 for padding.

    Returns:
      uint8 [B, ...].
    """
    batch, height, width, _ = images.shape.as_list()
    sources = _sources(maps, height, width, numbers.reshape(-1))
    (y, down), (x, right) = _divide(sources[:batch], height), _divide(sources[batch:], width)
    first = np.arange(batch, dtype=np.int32)[:, np.newaxis] * (height * width)
    pixels = _interpolate(tf.gather(_pack(images), y * width + (x + first)), down, right)
    return tf.reshape(pixels, [batch] + list(numbers.shape[1:]))


def _sources(maps: tf.Tensor, height: int, width: int, order: np.ndarray) -> tf.Tensor:
    """Where in the surrounded image pixels come from: y of all images, then x of all; float32 [2*B, len(order)]."""
    inner = height - _BEFORE - _AFTER, width - _BEFORE - _AFTER
    terms = maps.shape.as_list()[2]
    origin = np.zeros((2, 1, terms), np.float32)
    origin[:, 0, 2] = [(size - 1) / 2 + _BEFORE for size in inner]
    grid = np.array([2.0 ** _FACTOR_BITS] * 3 + [2.0 ** _WEIGHT_BITS] * (terms - 3), np.float32)
    factors = tf.round(maps * grid) / grid + origin
    return tf.matmul(tf.reshape(factors, [-1, terms]), tf.constant(_basis(inner[0], inner[1], order)))


def _divide(coordinates: tf.Tensor, size: int) -> Tuple[tf.Tensor, tf.Tensor]:
    """The pixel before each place, and how far behind it the place is in units of 2**-_BITS pixels, int32.

    Args:
      coordinates: float32 in these units; places outside of the image become places on the ground around it.
      size: of the surrounded image, along this axis.
    """
    clipped = tf.minimum(tf.maximum(coordinates, 0.0), float((size - _AFTER) << _BITS))
    # Adding the rounder and reading the bits rounds to the nearest integer; a cast takes ten times as long.
    bits = tf.bitcast(clipped + _ROUNDER, tf.int32)
    low = tf.bitwise.bitwise_and(bits, _ROUNDER_MASK)
    return tf.bitwise.right_shift(low, _BITS), tf.bitwise.bitwise_and(low, 2 ** _BITS - 1)


def _pack(images: tf.Tensor) -> tf.Tensor:
    """Each pixel with its neighbours, to be gathered at once: uint8 [B, H, W, 1] -> int32 [about B*H*W], whose bytes
    from the lowest are the pixel, the one below, the one to the right and the one below that."""
    width = images.shape.as_list()[2]
    flat = tf.cast(tf.reshape(images, [-1]), tf.int32)
    beside = flat[:-1] + flat[1:] * 2 ** 16
    return beside[:-width] + beside[width:] * 2 ** 8  # what has its neighbour in another row or image is not used


def _interpolate(packed: tf.Tensor, down: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Bilinear means of four pixels each, rounded to the nearest: int32 of `_pack` and `_divide` -> uint8."""
    upper = tf.bitwise.bitwise_and(packed, _TWO_BYTES)
    lower = tf.bitwise.bitwise_and(tf.bitwise.right_shift(packed, 8), _TWO_BYTES)
    # The left and the right column at once, each in 16 bits; what one of them borrows the other has back in the sum.
    columns = upper * 2 ** _BITS + (lower - upper) * down
    first = tf.bitwise.bitwise_and(columns, 0xFFFF)
    second = tf.bitwise.bitwise_and(tf.bitwise.right_shift(columns, 16), 0xFFFF)
    mean = first * 2 ** _BITS + (second - first) * right + 2 ** (2 * _BITS - 1)
    return tf.cast(tf.bitwise.right_shift(mean, 2 * _BITS), tf.uint8)
