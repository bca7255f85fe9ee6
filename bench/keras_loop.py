"""The same network as a Keras model on a current TensorFlow, to be measured beside ours; runs under --peer_python.

The data stay resident as constants, uint8 that the step casts; one tf.function runs up to a hundred steps of a tf.range
loop, which is faster here than model.fit, than one step a call and than XLA (jit_compile=True); TensorFlow's default
threads. As in ours, sigmoid follows the pooling, which costs a quarter and gives the same.
"""

import os
import sys
from typing import Any, Callable, List

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

import numpy as np
import tensorflow as tf

from bench import peer_loop


def network() -> tf.keras.Model:
    """float32 [B, 28, 28, 1] -> [B, 10]; 107,786 parameters, Keras's default Glorot initializers."""
    layers = tf.keras.layers
    images = hidden = layers.Input([28, 28, 1])
    for channels in (6, 16):
        hidden = layers.Conv2D(channels, 5, padding='same')(hidden)
        hidden = layers.Activation('sigmoid')(layers.MaxPool2D()(hidden))
    hidden = layers.Flatten()(hidden)
    for units in (120, 84):
        hidden = layers.Dense(units, activation='sigmoid')(hidden)
    return tf.keras.Model(images, layers.Dense(10)(hidden))


def training_call(options: Any, steps_per_call: int) -> Callable[[], List[Any]]:
    """A function that runs `steps_per_call` steps and returns their losses."""
    tf.keras.utils.set_random_seed(options.seed)
    raw_images, raw_labels = peer_loop.load(options.data)
    images, labels = tf.constant(raw_images), tf.constant(raw_labels)
    order = peer_loop.batches(len(raw_labels), options.batch_size, options.seed)
    model, optimizer = network(), tf.keras.optimizers.Adam(options.learning_rate)
    loss_of = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def step(numbers: tf.Tensor) -> tf.Tensor:
        batch = tf.cast(tf.gather(images, numbers), tf.float32) / 255
        with tf.GradientTape() as tape:
            loss = loss_of(tf.gather(labels, numbers), model(batch, training=True))
        optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
        return loss

    @tf.function
    def steps(numbers: tf.Tensor) -> tf.Tensor:
        losses = tf.TensorArray(tf.float32, steps_per_call)
        for i in tf.range(steps_per_call):
            losses = losses.write(i, step(numbers[i]))
        return losses.stack()

    optimizer.build(model.trainable_variables)
    return lambda: list(steps(tf.constant(np.stack([next(order) for _ in range(steps_per_call)]))).numpy())


def main(arguments: List[str]) -> None:
    options = peer_loop.parse(arguments)
    steps_per_call = peer_loop.steps_per_call(options.steps)
    timing = peer_loop.time_steps(training_call(options, steps_per_call), options.steps, options.warmup,
                                  options.batch_size)
    peer_loop.report(timing, 'TensorFlow %s, Keras %s' % (tf.__version__, tf.keras.__version__),
                     'tf.function, %d steps a call' % steps_per_call)


if __name__ == '__main__':
    main(sys.argv[1:])
