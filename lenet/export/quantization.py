"""Full-integer quantization after training: int8 weights, activations, input and output.

TensorFlow's converter watches what values the network's tensors take on images of the training split, and chooses
scales and zero points by them. The file gives `logits` alone: their largest is the class, and softmax has nothing to
add.
"""

from typing import Iterator, List

import numpy as np
import tensorflow.compat.v1 as tf

from lenet.export import tflite
from lenet.export.inputs import flatten
from lenet.export.network import LOGITS

IMAGES = 500


def choose(images: np.ndarray, seed: int) -> np.ndarray:
    """IMAGES of the training images, or all where there are fewer.

    Args:
      images: uint8 [n, 28, 28, 1].
      seed: which.

    Returns:
      float32 [n, 784] in [0, 1].
    """
    return flatten(images[np.sort(np.random.RandomState(seed).permutation(len(images))[:IMAGES])])


def convert(graph_def: tf.GraphDef, batch: int, images: np.ndarray) -> bytes:
    """
    Args:
      graph_def: of frozen.build, for this batch.
      images: as `choose` returns them.

    Returns:
      The content of a TFLite file.

    Raises:
      UserError: as tflite.convert.
    """
    def batches() -> Iterator[List[np.ndarray]]:
        for start in range(0, len(images), batch):
            yield [np.resize(images[start:start + batch], (batch, images.shape[1]))]  # the last one repeats some

    # TensorFlow 2 would give each neuron of a dense layer a scale of its own. TensorFlow 1.15's interpreter takes the
    # first for all, without a word: 980 right answers of 10,000. Whatever else runs such a file may be as old.
    one_scale = {'_experimental_disable_per_channel_quantization_for_dense_layers': True}
    return tflite.convert(graph_def, [LOGITS], optimizations=[tf.lite.Optimize.DEFAULT],
                          representative_dataset=batches,
                          target_spec=tf.lite.TargetSpec(supported_ops=[tf.lite.OpsSet.TFLITE_BUILTINS_INT8]),
                          inference_input_type=tf.int8, inference_output_type=tf.int8, **one_scale)
