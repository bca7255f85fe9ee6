"""What several tests share: small data, and training in memory."""

import numpy as np
import tensorflow.compat.v1 as tf

from lenet import flags
from lenet import platforms
from lenet.data.splits import Dataset, Split
from lenet.graph import model
from lenet.graph import training_graph


def random_split(n, seed=0):
    """n images of noise with labels, a Split."""
    random = np.random.RandomState(seed)
    return Split(random.randint(0, 256, (n, 28, 28, 1)).astype(np.uint8), random.randint(0, 10, n).astype(np.int32))


def forward(images, variables, form=model.Form()):
    """The network's logits, float32 [B, C]."""
    return model.forward(images, model.prepare_weights(variables, form), form)


def compute(build):
    """The values of the tensors that `build` makes in a graph of their own."""
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(build())


def random_dataset(train=99, test=37):
    return Dataset(random_split(train, 1), random_split(test, 2), 'noise', True)


def train_in_memory(dataset, steps, start_step=0, initial=None, **flag_values):
    """Builds the training graph, runs `steps` steps without files, returns ({name: value}, losses, outputs).

    Args:
      initial: values to give the global variables first, {name: array}.
    """
    flag_values.setdefault('steps', steps)
    params = flags.make_params(epochs=1, **flag_values)
    platform = platforms.choose(params).start()
    built = training_graph.build(params, platform, dataset, start_step)
    losses = []
    with built.graph.as_default(), platform.session() as session:
        def load():
            for variable in tf.global_variables():
                if initial and variable.op.name in initial:
                    variable.load(initial[variable.op.name], session)
        training_graph.initialize(session, built, load)
        train_op = platform.sink(session, built.train_op)
        for _ in range(steps // params.iterations_per_loop):
            _, outputs = session.run([train_op, built.outputs])
            losses.extend(outputs['record/loss'])
        values = dict(zip([v.op.name for v in tf.global_variables()], session.run(tf.global_variables())))
    return values, np.array(losses), outputs


def require_equal(one, other):
    """Asserts that two of train_in_memory's results have the same losses and variables, bit for bit."""
    np.testing.assert_array_equal(one[1], other[1])
    for name, value in other[0].items():
        np.testing.assert_array_equal(one[0][name], value, err_msg=name)


def require_resume_to_the_same_bytes(trained, **options):
    """Asserts it of a training of six steps on random_dataset that stops after three and goes on, beside `trained`."""
    options.update(iterations_per_loop=1)
    half, _, _ = train_in_memory(random_dataset(), 3, **options)
    resumed = train_in_memory(random_dataset(), 3, start_step=3, initial=half, **options)
    require_equal(resumed, (trained[0], trained[1][3:]))
