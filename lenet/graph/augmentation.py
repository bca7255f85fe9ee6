"""Distorted images: every one is turned, scaled, sheared, shifted and bent a little, anew in every step.

affine: rotation, scale of each axis, horizontal shear and shift of each axis are drawn for an image, after LeCun et al.
  1998, "Gradient-based learning applied to document recognition", section III.B.
elastic: the same, and a smooth random field that displaces its pixels, after Simard, Steinkraus & Platt 2003, "Best
  practices for convolutional neural networks applied to visual document analysis".

Where a warped image's pixels come from is linear in what was drawn, so a batch's maps are one matrix product. The field
is a sum of Gaussian bumps with normal weights: as smooth as Simard's smoothed noise, and far cheaper.

Letters: B batch, g groups of four images, H and W height and width, P pixels, G bumps of the field (36 for 28x28).
Draws are a pure function of (seed, step), for the batch of all ranks, and results integers: they do not depend on how a
batch is split. Images 4k to 4k + 3 of the batch of all ranks share a draw, which halves the time: the places are found
once for the four, and the four pixels of a place, a byte each, are moved as one number and averaged two at a time.
"""

import math
from typing import List, NamedTuple, Optional, Tuple

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
_EVEN_BYTES = 0x00FF00FF  # of 32 bits
TOGETHER = 4  # images with the same map: the bytes of an int32


class Amounts(NamedTuple):
    """How much is drawn: uniformly up to each of these, the field normally. The defaults distort nothing."""

    rotation: float = 0.0  # degrees, either way
    scale: float = 1.0  # factor by which an axis grows or shrinks
    shear: float = 0.0  # pixels to the side for each pixel down, either way
    shift: float = 0.0  # pixels along each axis, either way
    elastic: float = 0.0  # pixels, the root mean square along each axis
    stroke: float = 1.0  # factor by which grey edges are steepened: strokes.py


def amounts(params: Params) -> Optional[Amounts]:
    """What `params` ask for, None for images as they are."""
    if params.augment == 'none':
        return None
    return Amounts(params.augment_rotation, params.augment_scale, params.augment_shear, params.augment_shift,
                   params.augment_elastic if params.augment == 'elastic' else 0.0, params.augment_stroke)


def draw(seed: int, step: tf.Tensor, batch_size: int, amounts: Amounts,
         size: Tuple[int, int] = (28, 28)) -> tf.Tensor:
    """The maps of one step's images, each for TOGETHER of them.

    Args:
      seed: 0 to 2**31 - 1.
      step: int64 [], steps run before this one.
      batch_size: B, of all ranks together.
      size: H and W.

    Returns:
      float32 [2, B / TOGETHER rounded up, 3 + G], as `warp` takes them.
    """
    groups = -(-batch_size // TOGETHER)
    u = tf.random.stateless_uniform([6, groups], streams.seed_of(seed, streams.AFFINE, step), -1.0, 1.0)
    n = tf.random.stateless_normal([2, groups, len(_bumps(*size))], streams.seed_of(seed, streams.FIELD, step))
    return tf.concat([affine(math.radians(amounts.rotation) * u[0], tf.exp(math.log(amounts.scale) * u[1:3]),
                             amounts.shear * u[3], amounts.shift * u[4:]), amounts.elastic * n], axis=2)


def affine(angle: tf.Tensor, scales: tf.Tensor, shear: tf.Tensor, shifts: tf.Tensor) -> tf.Tensor:
    """Maps without a field: scale, then shear, then rotate, then shift.

    Args:
      angle: float32 [g], radians.
      scales, shifts: float32 [2, g], of y and x.
      shear: float32 [g].

    Returns:
      float32 [2, g, 3]: the factors of a pixel's y and x, from the image's centre, and of 1 in the y and x of where it
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


def warp(images: tf.Tensor, maps: tf.Tensor, numbers: np.ndarray, first: int = 0, towers: int = 1) -> tf.Tensor:
    """Warped images, interpolated bilinearly to within a grey level of the nearest; what lies outside of an image is 0.

    Args:
      images: uint8 [B, H+3, W+3, 1], of `surround`.
      maps: float32 [2, ?, 3 + G], of `draw`, for the batch of all ranks.
      numbers: of `pixel_numbers`, [1, ...]: which pixel stands where in the result; 0 for padding.
      first: which image of the batch of all ranks the first of `images` is.
      towers: parts of the batch that are warped each by itself, so that threads can share the work; divides B.

    Returns:
      uint8 [B, ...].
    """
    batch, height, width, _ = images.shape.as_list()
    basis = tf.constant(_basis(height - _BEFORE - _AFTER, width - _BEFORE - _AFTER, numbers.reshape(-1)))
    warped = [_warp(part, maps, basis, first + tower * (batch // towers))
              for tower, part in enumerate(tf.split(images, towers))]
    return tf.reshape(tf.concat(warped, axis=0), [batch] + list(numbers.shape[1:]))


def _warp(images: tf.Tensor, maps: tf.Tensor, basis: tf.Tensor, first: int) -> tf.Tensor:
    """`warp` of one part: uint8 [B, P], in the order of `basis`."""
    batch, height, width, _ = images.shape.as_list()
    before, after = first % TOGETHER, -(first + batch) % TOGETHER  # images of other parts, which nobody asks for here
    whole = tf.pad(images, [[before, after], [0, 0], [0, 0], [0, 0]]) if before or after else images
    group, groups = first // TOGETHER, (before + batch + after) // TOGETHER
    sources = _sources(maps[:, group:group + groups], height, width, basis)
    (y, down), (x, right) = _divide(sources[:groups], height), _divide(sources[groups:], width)
    offsets = np.arange(groups, dtype=np.int32)[:, np.newaxis] * (height * width)
    pixels = _neighbourhoods(_pack(tf.reshape(whole, [groups, TOGETHER, height * width])), width)
    means = _interpolate(tf.unstack(tf.gather(pixels, y * width + (x + offsets)), axis=2), down, right)
    return tf.reshape(_unpack(means), [before + batch + after, -1])[before:before + batch]


def _sources(maps: tf.Tensor, height: int, width: int, basis: tf.Tensor) -> tf.Tensor:
    """Where in the surrounded image, of height and width, pixels come from: y of all groups, then x of all; float32
    [2*g, P], in the order and units of `_basis`."""
    terms = basis.shape.as_list()[0]
    origin = np.zeros((2, 1, terms), np.float32)
    origin[:, 0, 2] = [(size - _BEFORE - _AFTER - 1) / 2 + _BEFORE for size in (height, width)]
    grid = np.array([2.0 ** _FACTOR_BITS] * 3 + [2.0 ** _WEIGHT_BITS] * (terms - 3), np.float32)
    # TensorFlow 2.21 turns a division by `grid` into a product with reciprocals that are an ulp off.
    factors = tf.round(maps * grid) * (1 / grid) + origin
    return tf.matmul(tf.reshape(factors, [-1, terms]), basis)


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
    """uint8 [g, 4, P] -> int32 [g, P], whose bytes are the same pixel of four images."""
    return tf.bitcast(tf.transpose(images, [0, 2, 1]), tf.int32)


def _unpack(packed: tf.Tensor) -> tf.Tensor:
    """int32 [g, P] -> uint8 [g, 4, P]."""
    return tf.transpose(tf.bitcast(packed, tf.uint8), [0, 2, 1])


def _neighbourhoods(pixels: tf.Tensor, width: int) -> tf.Tensor:
    """int32 [g, P], of images of a width -> [about g*P, 4], to be gathered at once: each pixel, the one below, the one
    to the right and the one below that. What has these in another row or image is not used."""
    flat = tf.bitcast(tf.reshape(pixels, [-1]), tf.float32)
    # Only tf.complex interleaves two tensors without a copy for each element; it moves their bits as they are.
    columns = tf.bitcast(tf.complex(flat[:-width], flat[width:]), tf.float64)
    return tf.bitcast(tf.complex(columns[:-1], columns[1:]), tf.int32)


def _interpolate(pixels: List[tf.Tensor], down: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Bilinear means of `_neighbourhoods` by shares of 2**-_BITS, of four images at once: int32, all of one shape."""
    both = tf.bitwise.right_shift(down * right + 2 ** (_BITS - 1), _BITS)
    shares = [2 ** _BITS - down - right + both, down - both, right - both, both]  # of all pixels, together 2**_BITS

    def mean(pixels: List[tf.Tensor]) -> tf.Tensor:
        # Two images at once, each in 16 bits, and rounded to the nearest there.
        return tf.add_n([pixel * share for pixel, share in zip(pixels, shares)]) + 2 ** (_BITS - 1) * 0x00010001

    even = mean([tf.bitwise.bitwise_and(pixel, _EVEN_BYTES) for pixel in pixels])
    odd = mean([tf.bitwise.bitwise_and(tf.bitwise.right_shift(pixel, 8), _EVEN_BYTES) for pixel in pixels])
    return tf.bitwise.bitwise_or(tf.bitwise.bitwise_and(tf.bitwise.right_shift(even, 8), _EVEN_BYTES),
                                 tf.bitwise.bitwise_and(odd, ~_EVEN_BYTES))
