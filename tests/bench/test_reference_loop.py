import json

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from bench import reference_loop
from lenet.graph import model
from tests import processes
from tests import trainings


def ours_and_initial(dataset, steps):
    initial, _, _ = trainings.train_in_memory(dataset, 1, batch_size=12, learning_rate=1e-9, iterations_per_loop=1)
    initial = {name: initial[name] for name in model.variable_shapes()}
    trained, losses, _ = trainings.train_in_memory(dataset, steps, initial=initial, batch_size=12, random_remove=True,
                                                   iterations_per_loop=1)
    return trained, losses, initial


def test_equal_weights_and_batches_give_our_losses_and_end_in_our_weights():
    dataset = trainings.random_dataset()
    trained, losses, initial = ours_and_initial(dataset, 4)
    images, labels = reference_loop.prepare(dataset.train.images, dataset.train.labels)
    with tf.Graph().as_default(), tf.Session() as session:
        reference = reference_loop.build(0.001)
        session.run(tf.global_variables_initializer())
        for name, variable in reference.variables.items():
            variable.load(initial[name], session)
        theirs = []
        for step in range(4):
            batch = slice(12 * step, 12 * step + 12)
            fed = reference_loop.feed(reference, images[batch], labels[batch])
            theirs.append(session.run([reference.train_op, reference.loss], fed)[1])
        weights = session.run(reference.variables)
    np.testing.assert_allclose(theirs, losses, rtol=1e-5)
    for name, value in weights.items():
        np.testing.assert_allclose(value, trained[name], rtol=1e-3, atol=1e-5, err_msg=name)


def test_it_is_the_references_graph():
    with tf.Graph().as_default() as graph:
        reference = reference_loop.build(0.001)
        types = [op.type for op in graph.get_operations()]
        assert 'VarHandleOp' not in types and types.count('Placeholder') == 2
        assert types.count('HistogramSummary') == len(reference.variables) and types.count('ScalarSummary') == 2
        # Sigmoid comes before the pooling.
        pools = [op for op in graph.get_operations() if op.type == 'MaxPool']
        assert [pool.inputs[0].op.type for pool in pools] == ['Sigmoid', 'Sigmoid']
        assert sum(np.prod(variable.shape.as_list()) for variable in reference.variables.values()) == 107786


def test_the_loop_prints_one_line_of_json(tmp_path):
    split = trainings.random_split(99)
    np.savez(str(tmp_path / 'data.npz'), images=split.images, labels=split.labels)
    ended = processes.run_module('bench.reference_loop', '--data=%s' % (tmp_path / 'data.npz'), '--batch_size=16',
                                 '--steps=10', '--warmup=3', '--learning_rate=0.001', '--seed=1', '--summary')
    assert ended.returncode == 0, ended.stderr
    line, = ended.stdout.splitlines()
    report = json.loads(line)
    assert (report['steps'], report['warmup_steps']) == (10, 3)
    assert report['images_per_second'] == pytest.approx(16 * 1000 / report['ms_per_step'])
    assert 'with the merged summary' in report['how']
