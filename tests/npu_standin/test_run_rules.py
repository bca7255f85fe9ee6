"""The rules of a run: what may run together, in which order, and what cannot sink."""

import pytest
import tensorflow.compat.v1 as tf

from tests.npu_standin.programs import Net, SINKING, breaks, bridge, config, util


def test_an_iterator_is_not_initialized_together_with_variables(standin):
    net = Net()
    together = tf.group(net.iterator.initializer, tf.global_variables_initializer())
    with net.session(initialize=False) as session, breaks('run-initializers-together'):
        session.run(together)


def test_an_iterator_is_initialized_before_it_is_read(standin):
    net = Net()
    with net.session(initialize=False, **SINKING) as session:
        session.run(tf.global_variables_initializer())
        train = util().set_iteration_per_loop(session, net.train, 5)
        with breaks('run-iterator-uninitialized'):
            session.run(train)


def _string_handle(dataset):
    made = tf.data.make_initializable_iterator(dataset)
    read = tf.data.Iterator.from_string_handle(made.string_handle(), made.output_types, made.output_shapes)
    read.initializer_of_the_other = made.initializer
    return read


@pytest.mark.parametrize('rule, options', [
    ('run-one-shot', {'iterator': tf.data.make_one_shot_iterator}),
    ('run-dynamic-shape', {'drop_remainder': False}),
    ('run-exhausted', {'repeat': False}),
    ('run-float64', {'dtype': tf.float64}),
])
def test_what_cannot_sink_is_refused(standin, rule, options):
    net = Net(**options)
    with net.session(initialize=False, **SINKING) as session:
        session.run(tf.global_variables_initializer())
        if rule != 'run-one-shot':
            session.run(net.iterator.initializer)
        train = util().set_iteration_per_loop(session, net.train, 5)
        with breaks(rule):
            session.run(train)


def test_string_handles_do_not_sink(standin):
    net = Net(iterator=_string_handle)
    with net.session(initialize=False, **SINKING) as session:
        session.run(tf.global_variables_initializer())
        session.run(net.iterator.initializer_of_the_other)
        train = util().set_iteration_per_loop(session, net.train, 5)
        with breaks('run-string-handle'):
            session.run(train)


def test_queues_summaries_and_while_loops_are_refused(standin):
    queue = tf.FIFOQueue(9, tf.float32, [[]])
    net = Net()
    looped = tf.while_loop(lambda i: i < 3, lambda i: i + 1, [0])
    in_loop = tf.group(net.train, looped)
    from_queue = tf.group(net.train, queue.dequeue())
    summary = tf.summary.merge([tf.summary.scalar('loss', net.loss)])
    with net.session() as session:
        for rule, fetches in (('run-while-loop', in_loop), ('run-queue', from_queue), ('run-summary', summary)):
            with breaks(rule):
                session.run(fetches)


def test_variables_do_not_belong_in_a_pipeline(standin):
    variable = tf.get_variable('offset', [], tf.int64, tf.ones_initializer(), use_resource=True)
    iterator = tf.data.make_initializable_iterator(tf.data.Dataset.range(9).map(lambda x: x + variable))
    with tf.Session(config=config()) as session, breaks('run-pipeline-variable'):
        session.run(iterator.initializer)


def test_a_third_fetch_list_is_one_too_many(standin, journal):
    net = Net()
    with net.session() as session:
        for fetches in (net.train, [net.train, net.loss], [net.loss, net.train]):
            session.run(fetches)
        with breaks('run-fetch-lists'):
            session.run([net.train, net.weight])
    assert [entry['kind'] for entry in journal('compile')].count('train') == 3


def test_evaluation_needs_its_own_iterator(standin):
    net = Net()
    with net.session() as session:
        session.run(net.train)
        with breaks('run-shared-iterator'):
            session.run(net.loss)


def test_inference_mode_does_not_train(standin):
    net = Net()
    with net.session(graph_run_mode=0) as session, breaks('run-inference-mode'):
        session.run(net.train)


def test_nothing_runs_after_the_shutdown(standin, journal):
    ops = bridge('estimator.npu_ops')
    start, stop = ops.initialize_system(), ops.shutdown_system()
    with tf.Session(config=config()) as session:
        session.run(start)
        session.run(stop)
        with breaks('run-after-close'):
            session.run(start)
    assert [entry['name'] for entry in journal('system_run')] == ['initialize_system', 'shutdown_system']
