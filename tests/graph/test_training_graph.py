import pytest
import tensorflow.compat.v1 as tf

from lenet import flags
from lenet import platforms
from lenet.graph import training_graph
from tests import trainings


def build(**values):
    params = flags.make_params(batch_size=6, **values)
    return training_graph.build(params, platforms.choose(params).start(), trainings.random_dataset())


@pytest.mark.parametrize('n', [1, 100])
def test_there_is_no_placeholder_in_training_and_evaluation(n):
    built = build(iterations_per_loop=n)
    graph_def = built.graph.as_graph_def()
    nodes = list(graph_def.node) + [node for function in graph_def.library.function for node in function.node_def]
    assert not [node.name for node in nodes if 'Placeholder' in node.op]
    assert 'IteratorGetNext' in {node.op for node in nodes}


def test_the_graph_is_small_because_the_images_are_not_in_it():
    assert build().graph.as_graph_def().ByteSize() < 500000
    assert build(augment='elastic', replicas=3).graph.as_graph_def().ByteSize() < 500000


def test_variables_and_iterators_are_initialized_in_two_runs():
    built = build()._replace(broadcast='broadcast')
    runs = []

    class Session:
        def run(self, fetches):
            runs.append(fetches)

    training_graph.initialize(Session(), built, lambda: runs.append('load'))
    assert runs == [built.initializer, 'load', 'broadcast', built.iterator.initializer]


def ancestors(op):
    seen, todo = set(), [op]
    while todo:
        op = todo.pop()
        if op not in seen:
            seen.add(op)
            todo.extend([tensor.op for tensor in op.inputs] + list(op.control_inputs))
    return seen


def test_the_variables_initializer_touches_no_iterator():
    built = build()
    assert not [op.name for op in ancestors(built.initializer) if 'Iterator' in op.type]


def test_without_evaluation_there_is_no_evaluation_graph():
    built = build(evaluate=False)
    assert built.evaluation is None
    assert not [op for op in built.graph.get_operations() if op.name.startswith('evaluation')]


KEYS = ({'global_step', 'steps_run', 'beta1_power', 'beta2_power', 'loss_scale', 'good_steps', 'bad_steps'}
        | {name + slot for name in ('layer_1/weights', 'layer_1/bias', 'layer_2/weights', 'layer_2/bias', 'fc_1/weight',
                                    'fc_1/bias', 'fc_2/weight', 'fc_2/bias', 'fc_3/weight', 'fc_3/bias')
           for slot in ('', '/Adam', '/Adam_1')})


@pytest.mark.parametrize('values', [dict(), dict(iterations_per_loop=1), dict(replicas=3), dict(loss_scale_flag=1),
                                    dict(evaluate=False), dict(random_remove=True), dict(input='stream')])
def test_the_keys_of_a_checkpoint_are_always_the_same(values):
    with build(**values).graph.as_default():
        assert {v.op.name for v in tf.global_variables()} == KEYS
