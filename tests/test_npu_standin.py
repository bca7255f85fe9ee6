"""The stand-in npu_bridge itself: every rule is broken once and noticed, and the emulated device does what it says."""

import contextlib
import importlib
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf import rewriter_config_pb2

from tests import npu_standin

OFF = rewriter_config_pb2.RewriterConfig.OFF
SINKING = {'iterations_per_loop': 5}
RANKS = {'RANK_SIZE': '2', 'RANK_ID': '0', 'JOB_ID': '10087', 'ASCEND_DEVICE_ID': '0'}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in ('RANK_SIZE', 'RANK_ID', 'RANK_TABLE_FILE', 'JOB_ID', 'ASCEND_DEVICE_ID', 'DEVICE_ID',
                 'NPU_STANDIN_MODE', 'NPU_STANDIN_FAULT', 'NPU_STANDIN_JOURNAL'):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def journal(monkeypatch, tmp_path):
    """Returns what the journal holds of the named events."""
    path = str(tmp_path / 'journal.jsonl')
    monkeypatch.setenv('NPU_STANDIN_JOURNAL', path)
    return lambda *events: npu_standin.read_journal(path, *events)


@pytest.fixture(params=['v23'])
def standin(request):
    with npu_standin.loaded(request.param) as module, tf.Graph().as_default():
        yield module


both_generations = pytest.mark.parametrize('standin', npu_standin.GENERATIONS, indirect=True)


@pytest.fixture
def ranks(monkeypatch, tmp_path):
    """The environment of rank 0 of 2."""
    devices = [{'device_id': str(number), 'device_ip': '192.168.1.%d' % number, 'rank_id': str(number)}
               for number in range(2)]
    table = {'status': 'completed', 'version': '1.0', 'server_count': '1',
             'server_list': [{'server_id': '10.0.0.1', 'device': devices}]}
    path = tmp_path / 'ranks.json'
    path.write_text(json.dumps(table))
    for name, value in dict(RANKS, RANK_TABLE_FILE=str(path)).items():
        monkeypatch.setenv(name, value)
    return table, path


@contextlib.contextmanager
def breaks(rule):
    with pytest.raises(sys.modules['standin'].StandinViolation) as caught:
        yield
    assert caught.value.rule == rule


def module(name):
    return importlib.import_module('npu_bridge.' + name)


def util():
    return module('estimator.npu.util')


def config(optimizer='NpuOptimizer', fields=(), **parameters):
    """A right ConfigProto but for `parameters` (None removes one) and `fields`, {key: field} of a wrong field."""
    proto = tf.ConfigProto(allow_soft_placement=True)
    rewriters = proto.graph_options.rewrite_options
    rewriters.remapping, rewriters.memory_optimization = OFF, OFF
    item = rewriters.custom_optimizers.add(name=optimizer)
    values = dict({'use_off_line': True, 'enable_data_pre_proc': True, 'mix_compile_mode': False,
                   'precision_mode': 'must_keep_origin_dtype'}, **parameters)
    for key, value in values.items():
        if value is not None:
            field = dict(fields).get(key) or {bool: 'b', int: 'i', str: 's'}[type(value)]
            setattr(item.parameter_map[key], field, tf.compat.as_bytes(value) if field == 's' else value)
    return proto


class Net:
    """One weight that learns the mean of its data: [4] batches of x in {1, 2, 3, 4}, gradient w - mean(x)."""

    def __init__(self, optimizer=None, repeat=True, drop_remainder=True, dtype=tf.float32, resource=False,
                 iterator=tf.data.make_initializable_iterator):
        dataset = tf.data.Dataset.from_tensor_slices(np.arange(1, 5)).map(lambda x: tf.cast(x, dtype))
        dataset = (dataset.repeat() if repeat else dataset).batch(4, drop_remainder)
        self.iterator = iterator(dataset)
        self.weight = tf.get_variable('weight', [], dtype, tf.zeros_initializer(), use_resource=resource)
        self.step = tf.train.get_or_create_global_step()
        self.loss = tf.reduce_mean(tf.square(self.weight - self.iterator.get_next())) / 2
        optimizer = optimizer or tf.train.GradientDescentOptimizer(0.5)
        self.train = optimizer.minimize(self.loss, global_step=self.step)

    @contextlib.contextmanager
    def session(self, initialize=True, **parameters):
        with tf.Session(config=config(**parameters)) as session:
            if initialize:
                session.run(tf.global_variables_initializer())
                session.run(self.iterator.initializer)
            yield session


def scaled(manager, **options):
    optimizer = module('estimator.npu.npu_loss_scale_optimizer')
    return optimizer.NPULossScaleOptimizer(tf.train.GradientDescentOptimizer(0.5), manager, **options)


def fixed(scale):
    return module('estimator.npu.npu_loss_scale_manager').FixedLossScaleManager(scale)


# What the device does


@both_generations
@pytest.mark.parametrize('resource', [False, True])
def test_a_sinking_run_does_n_steps_and_returns_the_last_one_s_values(standin, journal, resource):
    net = Net(resource=resource)
    with net.session(iterations_per_loop=5) as session:
        train = util().set_iteration_per_loop(session, net.train, 5)
        assert train.name == 'IterationOp'
        for _ in range(2):
            _, loss = session.run([train, net.loss])
        assert session.run(net.step) == 10
        assert session.run(net.weight) == pytest.approx(2.5 * (1 - 0.5 ** 10), rel=1e-6)
    errors = [1.25, 2.5 ** 2 * 0.25 ** 9]  # variance of the data, square of the weight's error before the tenth step
    assert loss == pytest.approx(sum(errors) / 2, rel=1e-5)
    assert [(run['iterations'], run['step']) for run in journal('run') if run['kind'] == 'train'] == [(5, 0), (5, 5)]
    assert [run['kind'] for run in journal('run')] == ['initialize', 'iterator', 'train', 'train', 'other', 'other']
    assert journal('session')[0]['parameter_map']['iterations_per_loop'] == 5
    compiled = [entry for entry in journal('compile') if entry['kind'] == 'train']
    assert [entry['fetches'] for entry in compiled] == [[train.name, net.loss.name]]
    assert not journal('violation', 'silent')


def test_the_loop_variables_are_local_int64_resources(standin):
    net = Net()
    with net.session(**SINKING) as session:
        util().set_iteration_per_loop(session, net.train, 5)
        variables = tf.local_variables()
        assert {variable.op.name: session.run(variable) for variable in variables} == {
            'npu_runconfig/iterations_per_loop': 4, 'npu_runconfig/loop_cond': 0, 'npu_runconfig/zero': 0,
            'npu_runconfig/one': 1}
        assert {(variable.dtype, variable.op.type) for variable in variables} == {(tf.int64, 'VarHandleOp')}


def test_one_iteration_returns_the_op_itself(standin):
    net = Net()
    with net.session() as session:
        assert util().set_iteration_per_loop(session, net.train, 1) is net.train
        session.run(net.train)
        assert session.run(net.step) == 1


def test_a_finalized_graph_sinks_by_the_class(standin):
    net = Net()
    loop = util().IterationPerLoop()
    train = loop.create_iteration_per_loop_var(net.train)
    initializer = tf.global_variables_initializer()
    tf.get_default_graph().finalize()
    with net.session(initialize=False, **SINKING) as session:
        session.run(initializer)
        session.run(net.iterator.initializer)
        loop.load_iteration_per_loop_var(session, 5)
        session.run(train)
        assert session.run(net.step) == 5


def test_set_iteration_per_loop_raises_what_the_real_one_raises(standin):
    net = Net()
    with net.session(**SINKING) as session:
        for error, arguments in ((ValueError, (net.loss, 5)), (TypeError, (net.train, np.int64(5))),
                                 (TypeError, (net.train, 5.0)), (ValueError, (net.train, 0))):
            with pytest.raises(error):
                util().set_iteration_per_loop(session, *arguments)
        for _ in range(2):
            tf.add_to_collection('npu_runconfig_zero', net.step)
        with pytest.raises(RuntimeError, match='npu_runconfig/zero'):
            util().set_iteration_per_loop(session, net.train, 5)


def test_evaluation_is_not_looped_and_callables_are(standin):
    net = Net()
    evaluation = tf.data.make_initializable_iterator(tf.data.Dataset.range(9).repeat())
    batch = evaluation.get_next()
    with net.session(**SINKING) as session:
        session.run(evaluation.initializer)
        session.make_callable([util().set_iteration_per_loop(session, net.train, 5)])()
        assert [session.run(batch) for _ in range(3)] == [0, 1, 2]
        assert session.run(net.step) == 5


@both_generations
def test_overflow_skips_the_update_and_global_step(standin, journal, monkeypatch):
    monkeypatch.setenv('NPU_STANDIN_FAULT', 'overflow_at=1,3-4')
    net = Net(scaled(fixed(8)))
    with net.session(iterations_per_loop=6) as session:
        session.run(util().set_iteration_per_loop(session, net.train, 6))
        assert session.run(net.step) == 3
        assert session.run(net.weight) == pytest.approx(2.5 * (1 - 0.5 ** 3), rel=1e-6)
    assert [entry['step'] for entry in journal('overflow')] == [1, 3, 4]


def test_overflow_is_that_of_float16_under_mixed_precision_only(standin):
    net = Net(scaled(fixed(2. ** 17)))  # gradients: -2.5 x 2**17
    with net.session(precision_mode='allow_mix_precision') as session:
        session.run(net.train)
        assert session.run([net.step, net.weight]) == [0, 0]
    standin.engine.engine.held.clear()  # as in a new process
    with net.session(precision_mode='force_fp32') as session:
        session.run(net.train)
        assert session.run([net.step, net.weight]) == [1, 1.25]


def test_without_overflow_check_the_saturated_gradients_are_applied(standin):
    manager = module('estimator.npu.npu_loss_scale_manager').FixedLossScaleManager(1, enable_overflow_check=False)
    weight = tf.get_variable('weight', initializer=[0.0, 0.0, 1.0])
    loss = tf.reduce_sum(weight * [float('inf'), float('nan'), 0.5])
    step = tf.train.get_or_create_global_step()
    train = scaled(manager).minimize(loss, step)
    with tf.Session(config=config()) as session:
        session.run(tf.global_variables_initializer())
        assert session.run([train, loss])[1] == 0  # NaN comes back as 0
        largest = np.finfo(np.float32).max
        np.testing.assert_allclose(session.run(weight), [-largest / 2, 0, 0.75], rtol=1e-6)
        assert session.run(step) == 1


@pytest.mark.parametrize('resource', [False, True])
def test_the_dynamic_scale_follows_its_table(standin, resource):
    tf.get_variable_scope().set_use_resource(resource)
    manager = module('estimator.npu.npu_loss_scale_manager').ExponentialUpdateLossScaleManager(4, 3, 2, 2, 0.25)
    finite = tf.placeholder(tf.bool, [])
    update = manager.update_loss_scale(finite)
    assert [variable.op.name for variable in tf.global_variables()] == ['loss_scale', 'good_steps', 'bad_steps']
    assert not tf.trainable_variables()
    table = [  # finite, then loss_scale, good_steps, bad_steps
        (True, 4, 1, 0), (True, 4, 2, 0), (True, 8, 0, 0),  # three in a row double it
        (True, 8, 1, 0), (False, 8, 0, 1), (True, 8, 1, 1), (True, 8, 2, 1),  # a bad step ends the row, and is kept
        (False, 2, 0, 0),  # the second bad one shrinks it
        (False, 2, 0, 1), (False, 1, 0, 0),  # 0.5, but never below 1
        (False, 1, 0, 1), (True, 1, 1, 1), (True, 1, 2, 1), (True, 2, 0, 0),  # growing forgets bad steps
    ]
    with tf.Session(config=config()) as session:
        session.run(tf.global_variables_initializer())
        for row in table:
            session.run(update, {finite: row[0]})
            assert tuple(session.run(tf.global_variables())) == row[1:]


@both_generations
def test_generations_differ_as_documented(standin):
    managers, plugin = module('estimator.npu.npu_loss_scale_manager'), module('estimator.npu.npu_plugin')
    new = standin.engine.engine.generation == 'v23'
    for name in ('npu_close', 'is_inf_nan_enabled', 'set_device_sat_mode'):
        assert hasattr(plugin, name) == new
    assert ('hccl' in sys.modules, 'npu_bridge.tf_adapter' in sys.modules) == (new, new)
    with pytest.raises(ValueError):
        managers.FixedLossScaleManager(0.5)
    if new:
        managers.FixedLossScaleManager(2, False)
        assert plugin.is_inf_nan_enabled() is False
        plugin.set_device_sat_mode(0)
    else:
        with pytest.raises(TypeError):
            managers.FixedLossScaleManager(2, False)


def test_mixlist_is_ignored_by_the_old_generation():
    with npu_standin.loaded('v21'), tf.Session(graph=tf.Graph(), config=config(modify_mixlist='/nowhere')):
        pass


def test_faults_strike_at_their_runs_only(standin, journal, monkeypatch):
    monkeypatch.setenv('NPU_STANDIN_FAULT', 'one_step=1;run_error=2;overflow_other_rank_at=0-;zero_variables')
    net = Net(scaled(fixed(8)))
    with net.session(initialize=False, **SINKING) as session:
        session.run(tf.global_variables_initializer())
        net.weight.load(3.0, session)
        session.run(net.iterator.initializer)
        assert session.run(net.weight) == 0
        train = util().set_iteration_per_loop(session, net.train, 5)
        session.run(train)
        session.run(train)
        with pytest.raises(tf.errors.InternalError, match='DoRunAsync Failed'):
            session.run(train)
        assert session.run(net.step) == 6
    assert [entry['fault'] for entry in journal('fault')] == ['zero_variables', 'one_step', 'run_error']


@pytest.mark.parametrize('name, value', [('NPU_STANDIN_FAULT', 'one-step'), ('NPU_STANDIN_FAULT', 'overflow_at'),
                                         ('NPU_STANDIN_FAULT', 'overflow_at=x'), ('NPU_STANDIN_MODE', 'quiet')])
def test_an_unknown_fault_or_mode_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=name), npu_standin.loaded('v23'):
        pass


def test_unloading_gives_tensorflow_back():
    before = tf.Session.run, tf.Session.close
    with npu_standin.loaded('v21'):
        assert (tf.Session.run, tf.Session.close) != before
    assert (tf.Session.run, tf.Session.close) == before
    assert not [name for name in sys.modules if name.split('.')[0] in ('npu_bridge', 'standin', 'hccl')]


# Rules of the session's configuration


@pytest.mark.parametrize('rule, wrong', [
    ('config-key', {'iteration_per_loop': 5}),
    ('config-field', {'iterations_per_loop': 1, 'fields': {'iterations_per_loop': 'b'}}),
    ('config-field', {'use_off_line': 1}),
    ('config-optimizer', {'optimizer': 'NPUOptimizer'}),
    ('config-value', {'precision_mode': 'allow_mix_precision_bf16'}),
    ('config-value', {'graph_run_mode': 2}),
    ('config-value', {'iterations_per_loop': 0}),
    ('config-value', {'op_debug_level': 5}),
    ('config-value', {'hccl_timeout': 17341}),
    ('config-value', {'dump_mode': 'outputs'}),
    ('config-value', {'dump_debug_mode': 'aicore'}),
    ('config-value', {'dump_step': '0,5'}),
    ('config-value', {'dump_step': '9-5'}),
    ('config-value', {'dump_step': '|'.join(map(str, range(101)))}),
    ('config-required', {'use_off_line': False}),
    ('config-required', {'precision_mode': None}),
    ('config-sinking', {'iterations_per_loop': 5, 'enable_data_pre_proc': None}),
    ('config-sinking', {'iterations_per_loop': 5, 'mix_compile_mode': True}),
    ('config-dump', {'enable_dump': True}),
    ('config-dump', {'enable_dump_debug': True, 'dump_path': '/nowhere'}),
    ('config-dump', {'enable_dump': True, 'enable_dump_debug': True, 'dump_path': '/tmp'}),
    ('config-profiling', {'profiling_options': '{output: /tmp}'}),
    ('config-profiling', {'profiling_options': '{"output": "/nowhere"}'}),
    ('config-profiling', {'profiling_options': '{"output": "/tmp", "trace": "on"}'}),
    ('config-mixlist', {'modify_mixlist': '/nowhere', 'precision_mode': 'allow_mix_precision'}),
])
def test_a_wrong_parameter_is_refused(standin, rule, wrong):
    with breaks(rule):
        tf.Session(config=config(**wrong))


def test_dump_profiling_and_mixlist_are_accepted_when_right(standin, tmp_path):
    mixlist = tmp_path / 'mix.json'
    mixlist.write_text('{"black-list": {"to-add": ["Conv2D"]}, "white-list": {"to-remove": ["Conv2D"]}}')
    right = dict(precision_mode='allow_mix_precision', modify_mixlist=str(mixlist), enable_dump=True,
                 dump_path=str(tmp_path), dump_step='0|5|10-20', dump_mode='all', profiling_mode=True,
                 profiling_options=json.dumps({'output': str(tmp_path), 'task_trace': 'on', 'fp_point': ''}),
                 hccl_timeout=1836, op_debug_level=1, hcom_parallel=False, graph_run_mode=1)
    tf.Session(config=config(**right)).close()
    with breaks('config-mixlist'):
        tf.Session(config=config(modify_mixlist=str(mixlist), precision_mode='force_fp32'))
    mixlist.write_text('{"black-list": ["Conv2D"]}')
    with breaks('config-mixlist'):
        tf.Session(config=config(**right))


def test_missing_profiling_options_abort_the_old_generation():
    with npu_standin.loaded('v21'), breaks('config-profiling'):
        tf.Session(graph=tf.Graph(), config=config(profiling_mode=True))


def test_rewriters_and_placement(standin):
    for change in (lambda rewriters: rewriters.ClearField('remapping'),
                   lambda rewriters: setattr(rewriters, 'memory_optimization', 1),
                   lambda rewriters: setattr(rewriters, 'constant_folding', OFF)):
        proto = config()
        change(proto.graph_options.rewrite_options)
        with breaks('config-rewriters'):
            tf.Session(config=proto)
    proto = config()
    proto.allow_soft_placement = False
    with breaks('config-placement'):
        tf.Session(config=proto)


def test_precision_holds_for_the_process(standin):
    tf.Session(config=config()).close()
    tf.Session(config=config()).close()
    with breaks('config-process'):
        tf.Session(config=config(precision_mode='force_fp32'))


def test_host_sessions_are_allowed_and_journaled(standin, journal):
    with tf.Session() as session:
        assert session.run(tf.constant(7)) == 7
    assert len(journal('host_session')) == 1 and not journal('session', 'run')


# Rules of the environment


@pytest.mark.parametrize('name, value', [('ASCEND_DEVICE_ID', '8'), ('ASCEND_DEVICE_ID', 'npu0'), ('DEVICE_ID', '')])
def test_the_device_is_an_integer_from_0_to_7(standin, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with breaks('env-device'):
        tf.Session(config=config())


def test_several_ranks_need_their_environment(standin, ranks, monkeypatch):
    table, path = ranks
    tf.Session(config=config()).close()
    for name, value in (('RANK_ID', '2'), ('RANK_ID', ''), ('RANK_SIZE', '4'), ('RANK_TABLE_FILE', '/nowhere'),
                        ('JOB_ID', '')):
        with monkeypatch.context() as patch, breaks('env-ranks'):
            patch.setenv(name, value)
            tf.Session(config=config())
    wrong = [path.read_text() + ',', path.read_text().replace('completed', 'initializing'),
             path.read_text().replace('"device_id": "1"', '"device_id": "4"'), path.read_text().replace('_ip', 'ip')]
    for text in wrong:
        path.write_text(text)
        with breaks('env-ranks'):
            tf.Session(config=config())


# Rules of a run


def test_npu_init_must_not_be_imported(standin):
    with breaks('import-npu-init'):
        module('npu_init')


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
    ops = module('estimator.npu_ops')
    start, stop = ops.initialize_system(), ops.shutdown_system()
    with tf.Session(config=config()) as session:
        session.run(start)
        session.run(stop)
        with breaks('run-after-close'):
            session.run(start)
    assert [entry['name'] for entry in journal('system_run')] == ['initialize_system', 'shutdown_system']


# Rules of sinking


def test_set_iteration_per_loop_is_called_once(standin):
    net = Net()
    with net.session(**SINKING) as session:
        util().set_iteration_per_loop(session, net.train, 5)
        with breaks('sink-twice'):
            util().set_iteration_per_loop(session, net.train, 5)


@pytest.mark.parametrize('scope', [tf.name_scope, tf.variable_scope])
def test_set_iteration_per_loop_is_called_outside_scopes(standin, scope):
    net = Net()
    with net.session(**SINKING) as session, breaks('sink-scope'), scope('train'):
        util().set_iteration_per_loop(session, net.train, 5)


def test_set_iteration_per_loop_comes_after_initialization(standin):
    net = Net()
    with net.session(initialize=False, **SINKING) as session, breaks('sink-uninitialized'):
        util().set_iteration_per_loop(session, net.train, 5)


@pytest.mark.parametrize('iterations', [1, 4])
def test_both_values_of_n_must_agree(standin, iterations):
    net = Net()
    with net.session(**SINKING) as session, breaks('sink-value'):
        util().set_iteration_per_loop(session, net.train, iterations)


def test_a_host_session_does_not_sink(standin):
    net = Net()
    with tf.Session() as session, breaks('sink-host'):
        session.run(tf.global_variables_initializer())
        util().set_iteration_per_loop(session, net.train, 5)


def test_local_variables_are_not_initialized_after_loading(standin):
    net = Net()
    with net.session(**SINKING) as session:
        util().set_iteration_per_loop(session, net.train, 5)
        with breaks('sink-reset'):
            session.run(tf.local_variables_initializer())


def test_the_loop_variables_are_loaded_in_the_session_that_runs(standin):
    net = Net()
    with net.session(**SINKING) as session:
        train = util().set_iteration_per_loop(session, net.train, 5)
    with net.session(**SINKING) as session, breaks('sink-not-loaded'):
        session.run(train)


def test_the_bare_training_op_does_not_loop(standin):
    net = Net()
    with net.session(**SINKING) as session:
        util().set_iteration_per_loop(session, net.train, 5)
        with breaks('sink-bypassed'):
            session.run(net.train)


# Silent mode: the same mistakes, and the device says nothing


def _twice(session, train):
    util().set_iteration_per_loop(session, train, 5)
    return util().set_iteration_per_loop(session, train, 5)


def _in_a_scope(session, train):
    with tf.name_scope('train'):
        return util().set_iteration_per_loop(session, train, 5)


def _other_value(session, train):
    return util().set_iteration_per_loop(session, train, 4)


def _reset(session, train):
    looped = util().set_iteration_per_loop(session, train, 5)
    session.run(tf.local_variables_initializer())
    return looped


def _right(session, train):
    return util().set_iteration_per_loop(session, train, 5)


@pytest.mark.parametrize('sink, parameters, rule', [
    (_twice, {}, 'sink-twice'), (_in_a_scope, {}, 'sink-scope'), (_other_value, {}, 'sink-value'),
    (_reset, {}, 'sink-reset'), (lambda session, train: train, {}, 'sink-bypassed'),
    (_right, {'iterations_per_loop': 1}, 'sink-value'), (_right, {'enable_data_pre_proc': False}, 'config-sinking'),
    (_right, {'mix_compile_mode': True}, 'config-sinking'), (_right, {'iteration_per_loop': 5}, 'config-key'),
    (_right, {'fields': {'iterations_per_loop': 'b'}}, 'config-field'),
])
def test_silent_mode_does_one_step(standin, journal, monkeypatch, sink, parameters, rule):
    monkeypatch.setenv('NPU_STANDIN_MODE', 'silent')
    net = Net()
    if rule == 'config-key':
        parameters = dict(parameters, iterations_per_loop=None)
    with net.session(**dict(SINKING, **parameters)) as session:
        session.run(sink(session, net.train))
        assert session.run(net.step) == 1
    assert rule in [entry['rule'] for entry in journal('silent')]
    assert not journal('violation')


def test_silent_mode_zeroes_variables_initialized_with_an_iterator(standin, monkeypatch):
    monkeypatch.setenv('NPU_STANDIN_MODE', 'silent')
    net = Net()
    other = tf.get_variable('other', [3], initializer=tf.ones_initializer())
    with net.session(initialize=False) as session:
        session.run([net.iterator.initializer, tf.global_variables_initializer()])
        assert session.run(other).tolist() == [0, 0, 0]


def test_silent_mode_keeps_the_first_precision(standin, journal, monkeypatch):
    monkeypatch.setenv('NPU_STANDIN_MODE', 'silent')
    tf.Session(config=config()).close()
    tf.Session(config=config(precision_mode='force_fp32')).close()
    assert {entry['precision'] for entry in journal('session')} == {'must_keep_origin_dtype'}


# Rules of loss scaling and of several ranks


def test_loss_scaling_goes_through_its_own_classes(standin):
    with tf.control_dependencies([tf.no_op()]), breaks('scale-control-dependencies'):
        module('estimator.npu.npu_loss_scale_manager').ExponentialUpdateLossScaleManager(4, 3)
    with breaks('scale-manager'):
        scaled(8)
    weight = tf.get_variable('weight', [])
    with breaks('scale-raw-gradients'):
        scaled(fixed(8)).apply_gradients([(tf.gradients(weight * 2, weight)[0], weight)])


def distributed(optimizer=None):
    return module('estimator.npu.npu_optimizer').NPUDistributedOptimizer(
        optimizer or tf.train.GradientDescentOptimizer(0.5))


def broadcast(variable):
    return tf.assign(variable, module('hccl.hccl_ops').broadcast([variable], 0)[0])


@both_generations
def test_one_rank_needs_no_collectives(standin, journal):
    net = Net(distributed())
    with net.session() as session:
        session.run(net.train)
        assert session.run(net.weight) == 1.25
    assert not journal('allreduce_gradients')
    for collective in (lambda: broadcast(net.weight), lambda: module('hccl.hccl_ops').allreduce(net.loss, 'sum')):
        with breaks('hccl-ranks'):
            collective()


@both_generations
def test_two_ranks_broadcast_then_average(standin, ranks, journal, monkeypatch):
    monkeypatch.setenv('NPU_STANDIN_FAULT', 'overflow_other_rank_at=1')
    optimizer = module('estimator.npu.npu_loss_scale_optimizer').NPULossScaleOptimizer
    net = Net(optimizer(distributed(), fixed(8), is_distributed=True))
    with net.session(**SINKING) as session:
        session.run(broadcast(net.weight))
        session.run(util().set_iteration_per_loop(session, net.train, 5))
        assert session.run(net.step) == 4
        with breaks('hccl-late'):
            broadcast(net.weight)
    order = [entry['event'] for entry in journal('broadcast', 'broadcast_run', 'loop_loaded')]
    assert order == ['broadcast', 'broadcast_run', 'loop_loaded', 'broadcast']
    assert journal('broadcast_run')[0]['variables'] == journal('allreduce_gradients')[0]['variables'] == ['weight']


def test_two_ranks_need_broadcast_allreduce_and_the_right_wrapping(standin, ranks, monkeypatch):
    net, plain = Net(distributed()), tf.get_variable('plain', [])
    with net.session() as session:
        with breaks('hccl-missing'):
            session.run(net.train)
        session.run(broadcast(net.weight))
        with breaks('hccl-missing'):  # `plain` is trainable, too
            session.run(net.train)
        with breaks('hccl-gradients'):
            session.run(tf.train.GradientDescentOptimizer(0.5).minimize(tf.square(plain)))
    with breaks('hccl-wrapping'):
        scaled(fixed(8), is_distributed=True)
    monkeypatch.delenv('JOB_ID')
    with pytest.raises(AttributeError):
        distributed()
    monkeypatch.delenv('RANK_SIZE')
    with breaks('hccl-wrapping'):
        distributed(scaled(fixed(8)))


# A process of its own


def _python(code, generation, **options):
    return subprocess.run([sys.executable, '-c', code], env=npu_standin.environment(generation, **options),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=60,
                          cwd=os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


_OPEN = '''
import npu_bridge, tensorflow.compat.v1 as tf
from tests.test_npu_standin import config
session = tf.Session(config=config())
'''


def test_a_caught_violation_still_fails_the_process(tmp_path):
    code = 'try:\n    import npu_bridge.npu_init\nexcept Exception:\n    print("caught")\n'
    ended = _python(code, 'v21', journal=str(tmp_path / 'journal'))
    assert ended.stdout == 'caught\n'
    assert ended.returncode == npu_standin.EXIT_STATUS
    assert 'import-npu-init' in ended.stderr
    assert [entry['event'] for entry in npu_standin.read_journal(str(tmp_path / 'journal'))] == [
        'load', 'violation', 'exit']


def test_an_open_session_fails_the_process_and_a_closed_one_does_not(tmp_path):
    ended = _python(_OPEN, 'v23')
    assert (ended.returncode, 'exit-open-session' in ended.stderr) == (npu_standin.EXIT_STATUS, True)
    ended = _python(_OPEN + 'session.close()', 'v23', journal=str(tmp_path / 'journal'))
    assert ended.returncode == 0, ended.stderr
    assert [entry['event'] for entry in npu_standin.read_journal(str(tmp_path / 'journal'))] == [
        'load', 'session', 'session_closed', 'npu_close', 'exit']


def test_missing_pieces_of_the_installation():
    ended = _python('import npu_bridge', 'v23', fault='no_hccl')
    assert ended.returncode == 1 and "No module named 'hccl'" in ended.stderr
    ended = _python('import npu_bridge; print("imported"); from npu_bridge.estimator.npu import util', 'v21',
                    fault='no_handle')
    assert ended.stdout.splitlines()[-1] == 'imported'
    assert ended.returncode == 1 and "cannot import name 'npu_bridge_handle'" in ended.stderr


def test_every_rule_is_broken_in_this_file(standin):
    with open(__file__.replace('.pyc', '.py')) as stream:
        text = stream.read()
    assert [rule for rule in standin.RULES if not re.search("'%s'" % rule, text)] == []
