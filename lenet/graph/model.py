"""The network: LeNet as Ascend's ModelZoo builds it (LeNet_ID0127), in pure functions of tensors.

Letters: B batch. Images are [B, 28, 28, 1], or blocks of their pixels [B, 8, 8, 16] as `lay_out` makes them.

| variables                       | shapes            | op                                                        |
|---------------------------------|-------------------|-----------------------------------------------------------|
| layer_1/weights, layer_1/bias   | [5,5,1,6], [6]    | 5x5 SAME convolution, 2x2 max-pool -> [B, 14, 14, 6]      |
| layer_2/weights, layer_2/bias   | [5,5,6,16], [16]  | 5x5 SAME convolution, 2x2 max-pool -> [B, 7, 7, 16]       |
| fc_1/weight, fc_1/bias          | [784,120], [120]  | matmul                                                    |
| fc_2/weight, fc_2/bias          | [120,84], [84]    | matmul                                                    |
| fc_3/weight, fc_3/bias          | [84,10], [10]     | matmul -> logits                                          |

156 + 2,416 + 94,200 + 10,164 + 850 = 107,786 parameters. Departures from LeCun et al. 1998, "Gradient-based learning
applied to document recognition": SAME instead of VALID padding in the second convolution (so fc_1 sees 784 instead of
400 inputs), every feature map connected to every other, max- instead of trainable average pooling, plain sigmoid,
softmax instead of radial basis functions.
"""

import collections
from typing import Dict, NamedTuple, Optional, Union

import numpy as np
import tensorflow.compat.v1 as tf

from lenet.graph import folding
from lenet.graph.precision import FLOAT32, Precision

IMAGE_SHAPE = (28, 28, 1)
NUM_CLASSES = 10
KERNEL = 5
SIDES = {'layer_1': 4, 'layer_2': 2}  # of the blocks that a folded convolution cuts its input into
FEATURES = 7 * 7 * 16  # of an image, behind the second layer
BLOCKS_SHAPE = (8, 8, 16)  # of an image, padded and cut for layer_1

ACTIVATIONS = {'sigmoid': tf.nn.sigmoid, 'tanh': tf.nn.tanh, 'relu': tf.nn.relu}

Variables = Dict[str, tf.Variable]
Weights = Dict[str, Union[tf.Tensor, folding.Folded]]


def variable_shapes(num_classes: int = NUM_CLASSES) -> 'collections.OrderedDict[str, tuple]':
    """Names and shapes of all trainable variables, in the order of the layers."""
    return collections.OrderedDict([
        ('layer_1/weights', (5, 5, 1, 6)), ('layer_1/bias', (6,)),
        ('layer_2/weights', (5, 5, 6, 16)), ('layer_2/bias', (16,)),
        ('fc_1/weight', (FEATURES, 120)), ('fc_1/bias', (120,)),
        ('fc_2/weight', (120, 84)), ('fc_2/bias', (84,)),
        ('fc_3/weight', (84, num_classes)), ('fc_3/bias', (num_classes,)),
    ])


def _initializer(activation: str, is_bias: bool, seed: int):
    """Glorot & Bengio 2010 for sigmoid and tanh, He et al. 2015 for relu.

    The reference leaves its biases to the default initializer too, so sigmoid draws them from Glorot's uniform
    distribution; the other activations start from zero biases.
    """
    if is_bias and activation != 'sigmoid':
        return tf.zeros_initializer()
    if activation == 'relu':
        return tf.variance_scaling_initializer(scale=2.0, mode='fan_in', distribution='truncated_normal', seed=seed)
    return tf.glorot_uniform_initializer(seed=seed)


def create_variables(activation: str, seed: int, num_classes: int = NUM_CLASSES) -> Variables:
    """Creates the trainable variables, float32, in the current variable scope's kind (reference or resource).

    Args:
      activation: a key of ACTIVATIONS; it chooses the initializers.
      seed: each variable draws from its own seed derived from this one, so that the initial values depend on nothing
        else in the graph.
    """
    created = collections.OrderedDict()
    for index, (name, shape) in enumerate(variable_shapes(num_classes).items()):
        initializer = _initializer(activation, name.endswith('bias'), seed=(seed * 1000 + index) % 2 ** 31)
        created[name] = tf.get_variable(name, shape, tf.float32, initializer)
    return created


class Form(NamedTuple):
    """How the same network is computed."""

    activation: str = 'sigmoid'  # a key of ACTIVATIONS
    convolution: str = 'direct'  # or 'folded': see folding.py
    precision: Precision = FLOAT32  # which tensors are rounded to float16
    is_trained: bool = True  # False where no gradient is asked for


def lay_out(images: np.ndarray, convolution: str) -> np.ndarray:
    """Images as `forward` takes them fastest: cut into the first layer's blocks where the convolution is folded.

    Args:
      images: uint8 [n, 28, 28, 1].
      convolution: as in Form.

    Returns:
      uint8 [n, 28, 28, 1] or [n, 8, 8, 16].
    """
    return folding.cut_array(images, KERNEL, SIDES['layer_1']) if convolution == 'folded' else images


def prepare_weights(variables: Variables, form: Form) -> Weights:
    """The weights as the network computes with them: read once, rounded, kernels folded, for all towers.

    Args:
      variables: as create_variables made them (or tensors of those shapes).
    """
    def prepare(name: str, variable: tf.Variable) -> Union[tf.Tensor, folding.Folded]:
        layer, kind = name.split('/')
        is_bias = kind == 'bias'
        value = (form.precision.vector if is_bias else form.precision.matrix)(tf.convert_to_tensor(variable))
        if form.convolution != 'folded' or layer not in SIDES:
            return value
        side = SIDES[layer]
        if is_bias:
            return tf.tile(value, [side * side // 4])
        return folding.fold_kernel(value, side) if form.is_trained else folding.fold_kernel_untrained(value, side)

    with tf.name_scope('weights'):
        return {name: prepare(name, variable) for name, variable in variables.items()}


def forward(images: tf.Tensor, weights: Weights, form: Form, mask: Optional[tf.Tensor] = None) -> tf.Tensor:
    """The network's forward pass.

    Args:
      images: float32 [B, 28, 28, 1] in [0, 1], or as `lay_out` makes them.
      weights: of `prepare_weights`, for the same form.
      mask: what the second layer's outputs are multiplied by, float32 [B, FEATURES].

    Returns:
      float32 [B, num_classes].

    Raises:
      ValueError: images have another shape.
    """
    precision = form.precision

    def activate(hidden: tf.Tensor) -> tf.Tensor:
        return precision.vector(ACTIVATIONS[form.activation](hidden))

    hidden = precision.vector(_arrange(images, form))
    for layer in ('layer_1', 'layer_2'):
        with tf.name_scope(layer):
            pooled = _convolve_and_pool(layer, hidden, weights[layer + '/weights'], form)
            # Adding a bias and applying a monotone activation commute with taking a maximum: after the pooling they
            # cost a quarter and give the same.
            hidden = activate(_add_bias(pooled, weights[layer + '/bias'], precision))
    hidden = tf.reshape(hidden, [-1, FEATURES])
    if mask is not None:
        hidden = precision.vector(hidden * mask)
    hidden = activate(_dense('fc_1', hidden, weights, precision))
    hidden = activate(_dense('fc_2', hidden, weights, precision))
    return _dense('fc_3', hidden, weights, precision)


def _arrange(images: tf.Tensor, form: Form) -> tf.Tensor:
    shape = tuple(images.shape.as_list()[1:])
    if form.convolution == 'folded' and shape == BLOCKS_SHAPE:
        return images
    if shape != IMAGE_SHAPE:
        raise ValueError('images: expected [B, 28, 28, 1], got %s' % images.shape)
    return folding.cut(images, KERNEL, SIDES['layer_1']) if form.convolution == 'folded' else images


def _convolve_and_pool(layer: str, inputs: tf.Tensor, kernel: Union[tf.Tensor, folding.Folded],
                       form: Form) -> tf.Tensor:
    """[B, H, W, C] -> [B, H/2, W/2, C'], or in blocks [B, 8, 8, 16] -> [B, 7, 7, 2*2*6] -> [B, 7, 7, 16]."""
    rounded = form.precision.matrix
    if form.convolution == 'folded':
        padding = 'VALID' if layer == 'layer_1' else 'SAME'  # the second layer's padding is whole blocks
        if not form.is_trained:
            return folding.pool_untrained(rounded(folding.convolve_untrained(rounded(inputs), kernel, padding)))
        return folding.pool(*map(rounded, folding.convolve(rounded(inputs), kernel, padding)))
    maps = tf.nn.conv2d(rounded(inputs), kernel, strides=[1, 1, 1, 1], padding='SAME')
    return tf.nn.max_pool2d(rounded(maps), ksize=2, strides=2, padding='VALID')


def _dense(name: str, inputs: tf.Tensor, weights: Weights, precision: Precision) -> tf.Tensor:
    """[B, in] -> [B, out]."""
    with tf.name_scope(name):
        product = precision.matrix(tf.matmul(precision.matrix(inputs), weights[name + '/weight']))
        return _add_bias(product, weights[name + '/bias'], precision)


def _add_bias(inputs: tf.Tensor, bias: tf.Tensor, precision: Precision) -> tf.Tensor:
    return precision.vector(tf.nn.bias_add(inputs, bias))
