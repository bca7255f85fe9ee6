"""The network in float64 NumPy, from its definition: an independent oracle."""

import numpy as np


def convolve_same(images, kernel):
    """A 5x5 SAME convolution in float64, from the definition; [B,H,W,C] x [5,5,C,D] -> [B,H,W,D]."""
    b, h, w, _ = images.shape
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)), 'constant')
    out = np.zeros((b, h, w, kernel.shape[3]))
    for i in range(5):
        for j in range(5):
            out += np.einsum('bhwc,cd->bhwd', padded[:, i:i + h, j:j + w], kernel[i, j])
    return out


def pool(maps):
    b, h, w, c = maps.shape
    return maps.reshape(b, h // 2, 2, w // 2, 2, c).max(axis=(2, 4))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


ACTIVATIONS = {'sigmoid': sigmoid, 'tanh': np.tanh, 'relu': lambda x: np.maximum(x, 0)}


def lenet(images, v, activate):
    """The reference's order: convolution, bias, activation, pooling."""
    hidden = pool(activate(convolve_same(images, v['layer_1/weights']) + v['layer_1/bias']))
    hidden = pool(activate(convolve_same(hidden, v['layer_2/weights']) + v['layer_2/bias']))
    hidden = hidden.reshape(len(images), -1)
    hidden = activate(hidden @ v['fc_1/weight'] + v['fc_1/bias'])
    hidden = activate(hidden @ v['fc_2/weight'] + v['fc_2/bias'])
    return hidden @ v['fc_3/weight'] + v['fc_3/bias']


def softmax_cross_entropy(logits, labels):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]


def rounded_lenet(images, v, activate, matrix, vector):
    """The network where `matrix` rounds operands and results of convolutions and products, `vector` all else."""
    def bias_and_activate(name, maps):
        return vector(activate(vector(maps + vector(v[name + '/bias']))))
    hidden = vector(images)
    for name in ('layer_1', 'layer_2'):
        maps = matrix(convolve_same(matrix(hidden), matrix(v[name + '/weights'])))
        hidden = bias_and_activate(name, pool(maps))
    hidden = hidden.reshape(len(images), -1)
    for name in ('fc_1', 'fc_2'):
        hidden = bias_and_activate(name, matrix(matrix(hidden) @ matrix(v[name + '/weight'])))
    return vector(matrix(matrix(hidden) @ matrix(v['fc_3/weight'])) + vector(v['fc_3/bias']))
