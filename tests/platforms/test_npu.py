"""The NPU path, run to the end on the strict stand-in: a broken rule fails the test by itself."""

import json
import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet import flags
from lenet import platforms
from lenet.checks import operators
from lenet.checks import ready
from lenet.data import dataset
from lenet.errors import UserError
from lenet.graph import training_graph
from lenet.platforms import npu
from lenet.platforms import npu_config
from lenet.run import trainer
from tests import drawn_digits
from tests import npu_standin
from tests import processes
from tests import trainings
from tests.stacks import first_stack_only

pytestmark = first_stack_only

PLAIN = dict(batch_size=6, steps=12, epochs=1, iterations_per_loop=3, eval_every=6, log_every=3,
             precision_mode='must_keep_origin_dtype', checkpoint_every=6)


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Trains on noise in this process, on the stand-in for platform='npu'; returns results, losses and the journal."""
    monkeypatch.setattr(dataset, 'open_dataset', lambda *unused: trainings.random_dataset())
    for name in ('RANK_SIZE', 'RANK_ID', 'RANK_TABLE_FILE', 'JOB_ID', 'ASCEND_DEVICE_ID'):
        monkeypatch.delenv(name, raising=False)

    def run(platform='npu', generation='v23', mode='strict', fault='', name='run', **values):
        output, journal = tmp_path / name, str(tmp_path / (name + '.journal'))
        for variable, value in (('JOURNAL', journal), ('MODE', mode), ('FAULT', fault)):
            monkeypatch.setenv('NPU_STANDIN_' + variable, value)
        params = flags.make_params(platform=platform, output_dir=str(output), **dict(PLAIN, **values))
        if platform == 'npu':
            with npu_standin.loaded(generation):
                assert trainer.train(params) == 0
        else:
            assert trainer.train(params) == 0
        if not (output / 'results.json').exists():
            return None, None, npu_standin.read_journal(journal)
        results = json.loads((output / 'results.json').read_text())
        losses = np.loadtxt(str(output / '0' / ('train_%s_loss.txt' % results['case'])))
        return results, losses, npu_standin.read_journal(journal)
    return run


def events(journal, *names):
    return [entry for entry in journal if entry['event'] in names]


@pytest.mark.parametrize('generation', npu_standin.GENERATIONS)
def test_float32_training_loses_what_the_cpu_loses(train, generation):
    on_npu, npu_losses, _ = train(generation=generation, name='npu')
    on_cpu, cpu_losses, _ = train(platform='cpu', conv='direct', replicas=1, name='cpu')
    np.testing.assert_allclose(npu_losses, cpu_losses, rtol=1e-5)
    assert on_npu['evaluation']['confusion'] == on_cpu['evaluation']['confusion']
    assert on_npu['platform'] == 'npu' and on_npu['steps']['steps_run'] == 12


def test_resident_images_are_gathered_anew_in_each_step(train):
    on_npu, npu_losses, journal = train(input='resident', name='npu')
    on_cpu, cpu_losses, _ = train(platform='cpu', input='resident', conv='direct', replicas=1, name='cpu')
    np.testing.assert_allclose(npu_losses, cpu_losses, rtol=1e-5)
    assert on_npu['evaluation']['confusion'] == on_cpu['evaluation']['confusion']
    assert not events(journal, 'violation', 'silent', 'on_host')


def test_from_resource_variables_they_would_be_one_batch_n_times(train, monkeypatch):
    monkeypatch.setattr(npu.Npu, 'use_resource', True)
    with pytest.raises(UserError, match=r'lacks ResourceGather \(by gather in lenet/graph/pipeline.py\)'):
        train(input='resident', name='refused')
    monkeypatch.setattr(ready, 'require_operators', lambda params, built: None)
    _, npu_losses, journal = train(input='resident', mode='silent', name='npu')
    _, cpu_losses, _ = train(platform='cpu', conv='direct', replicas=1, name='cpu')
    np.testing.assert_allclose(npu_losses[::3][:1], cpu_losses[::3][:1], rtol=1e-5)
    assert np.abs(npu_losses - cpu_losses)[1:3].min() > 1e-3
    assert {entry['rule'] for entry in events(journal, 'silent')} == {'ops-fixed'}


def test_distorted_images_reach_the_device_as_they_reach_a_cpu(train):
    _, npu_losses, journal = train(augment='elastic', name='npu')
    _, cpu_losses, _ = train(platform='cpu', augment='elastic', conv='direct', replicas=1, name='cpu')
    np.testing.assert_allclose(npu_losses, cpu_losses, rtol=1e-5)
    assert not events(journal, 'violation', 'silent')


@pytest.mark.parametrize('generation', npu_standin.GENERATIONS)
def test_sinking_is_set_once_with_the_configs_value_after_initialization(train, generation):
    _, _, journal = train(generation=generation)
    session, = events(journal, 'session')
    sinking, = events(journal, 'set_iteration_per_loop')
    assert session['parameter_map']['iterations_per_loop'] == sinking['iterations'] == 3
    assert sinking['name_scope'] == ''
    kinds = [entry['kind'] for entry in events(journal, 'run')]
    assert kinds[:3] == ['initialize', 'iterator', 'train'] and kinds.count('train') == 12 // 3
    train_fetches = {tuple(entry['fetches']) for entry in events(journal, 'compile') if entry['kind'] == 'train'}
    assert len(train_fetches) == 1
    assert events(journal, 'session_closed') and not events(journal, 'violation', 'silent')


@pytest.mark.parametrize('generation', npu_standin.GENERATIONS)
@pytest.mark.parametrize('values, manager, wrapped', [
    (dict(loss_scale='dynamic'), {'manager': 'dynamic', 'loss_scale': 2.0 ** 15, 'incr_every_n_steps': 1000,
                                  'decr_every_n_nan_or_inf': 2, 'incr_ratio': 2.0, 'decr_ratio': 0.5}, True),
    (dict(loss_scale='fixed', loss_scale_value=128), {'manager': 'fixed', 'loss_scale': 128.0}, True),
    (dict(), None, False)])
def test_loss_scaling_is_the_adapters(train, generation, values, manager, wrapped):
    _, _, journal = train(generation=generation, **values)
    found = events(journal, 'loss_scale_manager')
    assert len(found) == len(events(journal, 'loss_scale_optimizer')) == int(wrapped)
    if manager:
        assert {key: found[0][key] for key in manager} == manager


@pytest.mark.parametrize('generation, checks', [('v21', True), ('v23', False), ('v26', False)])
def test_an_adapter_that_always_checks_for_overflow_does_so_and_that_is_said(train, capsys, generation, checks):
    _, _, journal = train(generation=generation, loss_scale='fixed', loss_scale_value=8, overflow_check=False)
    manager, = events(journal, 'loss_scale_manager')
    assert manager['enable_overflow_check'] is checks
    assert ('--nooverflow_check: this adapter does not know' in capsys.readouterr().err) == checks


@pytest.mark.parametrize('device, is_told', [('910', False), ('A2', True)])
def test_on_a_device_with_inf_and_nan_a_dead_flag_is_told(train, monkeypatch, capsys, device, is_told):
    monkeypatch.setenv('NPU_STANDIN_DEVICE', device)
    train(loss_scale='fixed', loss_scale_value=8, overflow_check=False)
    assert ('--nooverflow_check has no effect' in capsys.readouterr().err) == is_told


@pytest.mark.parametrize('generation', ['v23', 'v26'])
def test_the_later_names_of_precision_are_passed_on(train, monkeypatch, generation):
    monkeypatch.setenv('NPU_STANDIN_DEVICE', 'A2')
    _, _, journal = train(generation=generation, precision_mode_v2='mixed_bfloat16', op_execute_timeout=90)
    session, = events(journal, 'session')
    assert session['precision'] == session['parameter_map']['precision_mode_v2'] == 'mixed_bfloat16'
    assert session['parameter_map']['op_execute_timeout'] == 90


def test_overflow_on_the_device_skips_the_update_and_is_counted(train):
    results, _, _ = train(loss_scale='dynamic', fault='overflow_at=2,5-6')
    assert results['steps']['updates_applied'] == 9 and results['steps']['updates_skipped'] == 3
    assert results['steps']['loss_scale'] == 2.0 ** 14 and results['steps']['loss_scale_bad_steps'] == 1


def test_the_emulated_saturation_skips_what_the_devices_float_status_skips(train):
    values = dict(precision_mode='allow_mix_precision', loss_scale_flag=1, steps=36)
    on_npu, _, _ = train(name='npu', **values)
    on_cpu, _, _ = train(platform='cpu', name='cpu', conv='direct', replicas=1, saturate=True, **values)
    assert 5 < on_npu['steps']['updates_skipped'] < 36
    for name in ('updates_skipped', 'loss_scale', 'loss_scale_good_steps', 'loss_scale_bad_steps'):
        assert on_npu['steps'][name] == on_cpu['steps'][name], name


def test_a_checkpoint_of_the_npu_goes_on_on_the_cpu_and_back(train):
    values = dict(loss_scale='dynamic', steps=6)
    _, whole, _ = train(platform='cpu', name='whole', epochs=3, conv='direct', replicas=1, **values)
    train(name='moving', epochs=1, **values)
    train(platform='cpu', name='moving', epochs=2, resume=True, **values)
    results, losses, _ = train(name='moving', epochs=3, resume=True, **values)
    np.testing.assert_allclose(losses, whole, rtol=1e-4)
    assert results['steps']['steps_run'] == 18


# What a step is made of on an NPU without loss scaling, which is the adapter's. Each must be in the device's list of
# operators, or the loop is not sunk: whatever is new here is a decision. The first are exempt, then come those of the
# network, then those of gradients and Adam, then those of counting and recording.
OPERATORS = """
    Const IteratorV2 IteratorGetNext NoOp
    Identity VariableV2 Cast Mul Split Conv2D MaxPool BiasAdd Sigmoid Reshape MatMul Mean RealDiv
    SparseSoftmaxCrossEntropyWithLogits
    Fill Tile Sum Neg ExpandDims ShapeN BroadcastGradientArgs PreventGradient BiasAddGrad Conv2DBackpropFilter
    Conv2DBackpropInput MaxPoolGrad SigmoidGrad ApplyAdam Assign AssignAdd
    VarHandleOp ReadVariableOp AssignVariableOp AssignAddVariableOp Slice ConcatV2
"""


def operators_of(tensors, graph):
    """The types of all that must run for them."""
    names = [getattr(item, 'op', item).name for item in tensors]
    return {node.op for node in tf.graph_util.extract_sub_graph(graph.as_graph_def(), names).node}


@pytest.fixture
def build(monkeypatch):
    """The graph of a training of random images on the stand-in."""
    def run(generation='v26', device='910', **values):
        monkeypatch.setenv('NPU_STANDIN_DEVICE', device)
        params = flags.make_params(platform='npu', **values)
        with npu_standin.loaded(generation):
            return training_graph.build(params, platforms.choose(params).start(), trainings.random_dataset())
    return run


def test_the_step_is_made_of_these_operators_and_nothing_comes_after_it_but_reading(build):
    built = build()
    assert operators_of([built.train_op], built.graph) == set(OPERATORS.split())
    assert operators_of([built.train_op] + list(built.outputs.values()), built.graph) == set(OPERATORS.split())


def test_resident_images_add_a_gather_that_every_list_has(build):
    built = build(input='resident')
    assert operators_of([built.train_op], built.graph) - set(OPERATORS.split()) == {'GatherV2'}
    assert 'ResourceGather' not in {operation.type for operation in built.graph.get_operations()}


@pytest.mark.parametrize('generation, device, looks', [
    ('v21', '910', False), ('v26', '910', False), ('v26', 'A2', True)], ids=['v21', '910', 'A2'])
def test_infinite_weights_are_looked_for_where_there_can_be_any(build, generation, device, looks):
    built = build(generation, device)
    assert ('weights_finite' in built.outputs) == looks
    assert ('IsFinite' in operators_of(built.outputs.values(), built.graph)) == looks


def configured(key, value):
    def provoke(monkeypatch):
        original = npu_config.parameters
        monkeypatch.setattr(npu_config, 'parameters', lambda *rest: dict(original(*rest), **{key: value}))
    return provoke


def sink_in_a_scope(monkeypatch):
    original = npu.Npu.sink

    def sink(self, session, train_op):
        with tf.name_scope('scope'):
            return original(self, session, train_op)
    monkeypatch.setattr(npu.Npu, 'sink', sink)


def sink_twice(monkeypatch):
    original = npu.Npu.sink

    def sink(self, session, train_op):
        original(self, session, train_op)
        return original(self, session, train_op)
    monkeypatch.setattr(npu.Npu, 'sink', sink)


def initialize_after_sinking(monkeypatch):
    original = npu.Npu.sink

    def sink(self, session, train_op):
        sunk = original(self, session, train_op)
        session.run(tf.variables_initializer([v for v in tf.local_variables() if 'npu_runconfig' in v.name]))
        return sunk
    monkeypatch.setattr(npu.Npu, 'sink', sink)


def no_sinking_at_all(monkeypatch):
    monkeypatch.setattr(npu.Npu, 'sink', lambda self, session, train_op: train_op)


@pytest.mark.parametrize('provoke', [
    configured('iterations_per_loop', 1), configured('enable_data_pre_proc', False),
    configured('mix_compile_mode', True),
    sink_in_a_scope, sink_twice, initialize_after_sinking, no_sinking_at_all])
def test_a_loop_that_silently_was_not_sunk_is_noticed_and_the_training_stays_right(train, monkeypatch, capsys, provoke):
    _, expected, _ = train(platform='cpu', conv='direct', replicas=1, name='cpu')
    provoke(monkeypatch)
    monkeypatch.setattr(ready, 'require', lambda params: None)  # it would have noticed some of it beforehand
    results, losses, journal = train(mode='silent')
    assert 'a session.run ran 1 of --iterations_per_loop=3 steps' in capsys.readouterr().err
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    assert results['throughput']['images'] == (12 - 1) * 6 and results['steps']['steps_run'] == 12


@pytest.fixture
def lacking(monkeypatch, tmp_path):
    """Makes the list of operators lack some."""
    def use(*names):
        supported = operators.read({'ASCEND_OPP_PATH': npu_standin.OPP}).types - set(names)
        folder = tmp_path / 'opp/built-in/framework/tensorflow'
        folder.mkdir(parents=True)
        (folder / operators.FILE).write_text(json.dumps({name: {} for name in sorted(supported)}))
        monkeypatch.setenv('ASCEND_OPP_PATH', str(tmp_path / 'opp'))
    return use


def test_an_operator_of_the_step_that_the_device_lacks_is_named_before_the_run(train, lacking):
    lacking('Slice', 'SigmoidGrad')
    with pytest.raises(UserError, match='SigmoidGrad .by the gradient of activate in lenet/graph/model.py., Slice .by'):
        train()


def test_without_sinking_it_is_told_and_training_goes_on(train, lacking, capsys):
    lacking('SigmoidGrad')
    results, _, _ = train(iterations_per_loop=1)
    assert 'SigmoidGrad' in capsys.readouterr().err and results['steps']['steps_run'] == 12


def test_the_warning_of_a_loop_that_was_not_sunk_names_the_operators_first(train, lacking, monkeypatch, capsys):
    lacking('SigmoidGrad')
    monkeypatch.setattr(ready, 'require_operators', lambda params, built: None)
    train(mode='silent')
    assert 'Likely causes: an operator of the step that the device lacks, another' in capsys.readouterr().err


@pytest.mark.parametrize('n', [1, 3])
def test_without_the_list_no_run_starts(train, monkeypatch, n):
    monkeypatch.setenv('ASCEND_OPP_PATH', '/nowhere')
    with pytest.raises(UserError, match='operator list: there is neither /nowhere/built-in'):
        train(iterations_per_loop=n)


def test_weights_that_the_device_left_at_zero_are_noticed(train):
    with pytest.raises(UserError, match='weights that are all zero'):
        train(mode='silent', fault='zero_variables')


def rank_table(directory):
    devices = [{'device_id': str(i), 'device_ip': '192.168.1.%d' % i, 'rank_id': str(i)} for i in range(2)]
    path = directory / 'ranks.json'
    path.write_text(json.dumps({'status': 'completed', 'version': '1.0', 'server_count': '1',
                                'server_list': [{'server_id': '10.0.0.1', 'device': devices}]}))
    return str(path)


def be_rank(monkeypatch, directory, rank):
    for name, value in dict(RANK_TABLE_FILE=rank_table(directory), RANK_SIZE=2, RANK_ID=rank, ASCEND_DEVICE_ID=rank,
                            JOB_ID=10087).items():
        monkeypatch.setenv(name, str(value))


def test_an_overflow_on_the_other_rank_skips_the_update_here_too(train, monkeypatch, tmp_path):
    be_rank(monkeypatch, tmp_path, 0)
    results, _, _ = train(loss_scale='dynamic', fault='overflow_other_rank_at=4,7')
    assert results['steps']['updates_skipped'] == 2 and results['steps']['loss_scale'] == 2.0 ** 14


@pytest.mark.parametrize('rank', [0, 1])
def test_one_of_two_ranks_is_wired_call_by_call(train, monkeypatch, tmp_path, rank):
    be_rank(monkeypatch, tmp_path, rank)
    _, _, journal = train(loss_scale='dynamic')
    order = [entry['event'] for entry in events(journal, 'distributed_optimizer', 'loss_scale_optimizer',
                                                'allreduce_gradients', 'broadcast_run', 'set_iteration_per_loop')]
    assert order == ['distributed_optimizer', 'loss_scale_optimizer', 'allreduce_gradients', 'broadcast_run',
                     'set_iteration_per_loop']
    assert events(journal, 'loss_scale_optimizer')[0]['is_distributed'] is True
    assert len(events(journal, 'broadcast_run')[0]['variables']) == 10
    saves = [entry for entry in events(journal, 'run') if entry['kind'] == 'save']
    assert len(saves) == (2 if rank == 0 else 0)
    assert (tmp_path / 'run').exists() == (rank == 0)


def test_only_the_seam_names_the_vendors_package():
    naming = []
    for folder, _, names in os.walk(os.path.join(processes.ROOT, 'lenet')):
        for name in names:
            if name.endswith('.py'):
                with open(os.path.join(folder, name)) as stream:
                    if 'npu_bridge' in stream.read():
                        naming.append(os.path.relpath(os.path.join(folder, name), processes.ROOT))
    assert sorted(naming) == ['lenet/platforms/%s.py' % name for name in ('npu', 'npu_modules', 'npu_ranks')]


def test_auto_is_the_npu_where_its_package_is_found(monkeypatch):
    assert platforms.resolve('auto') == 'cpu'
    monkeypatch.syspath_prepend(npu_standin.path('v23'))
    assert platforms.resolve('auto') == 'npu'


def run_process(tmp_path, generation, *arguments):
    """python -m lenet.train --flagfile=npu.flags on the stand-in, which the process itself has to import in time."""
    environment = npu_standin.environment(generation, journal=str(tmp_path / 'journal'), base={})
    environment['PYTHONPATH'] = os.pathsep.join([environment['PYTHONPATH'], processes.ROOT])
    return processes.run_module('lenet.train', '--flagfile=npu.flags', drawn_digits.FLAG, '--output_dir=%s' % tmp_path,
                              *arguments, **environment)


def test_the_adapter_is_imported_before_the_session_also_where_nothing_but_sinking_needs_it(tmp_path):
    ended = run_process(tmp_path, 'v23', '--loss_scale_flag=0', '--precision_mode=must_keep_origin_dtype', '--steps=20',
                        '--epochs=1')
    assert ended.returncode == 0, ended.stderr
    assert len(npu_standin.read_journal(str(tmp_path / 'journal'), 'session')) == 1


@pytest.mark.parametrize('generation', npu_standin.GENERATIONS)
def test_the_flagfile_trains_to_the_end_and_learns(tmp_path, generation):
    ended = run_process(tmp_path, generation, '--data_path=synthetic', '--activation=relu', '--steps=150', '--epochs=2')
    assert ended.returncode == 0, ended.stderr
    assert json.loads((tmp_path / 'results.json').read_text())['evaluation']['accuracy'] > 0.8
    assert not npu_standin.read_journal(str(tmp_path / 'journal'), 'violation', 'silent')
