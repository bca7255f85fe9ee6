"""Device and ranks in the environment, and what several ranks must do with their variables and gradients."""

import json

import pytest
import tensorflow.compat.v1 as tf

from tests.npu_standin.programs import Net, SINKING, all_generations, breaks, bridge, config, fixed_manager, util
from tests.npu_standin.programs import loss_scale_optimizer


@pytest.fixture
def ranks(monkeypatch, tmp_path):
    """The environment of rank 0 of 2."""
    devices = [{'device_id': str(number), 'device_ip': '192.168.1.%d' % number, 'rank_id': str(number)}
               for number in range(2)]
    table = {'status': 'completed', 'version': '1.0', 'server_count': '1',
             'server_list': [{'server_id': '10.0.0.1', 'device': devices}]}
    path = tmp_path / 'ranks.json'
    path.write_text(json.dumps(table))
    for name, value in (('RANK_SIZE', '2'), ('RANK_ID', '0'), ('RANK_TABLE_FILE', str(path)), ('JOB_ID', '10087'),
                        ('ASCEND_DEVICE_ID', '0')):
        monkeypatch.setenv(name, value)
    return table, path


@pytest.mark.parametrize('name, value', [('ASCEND_DEVICE_ID', '-1'), ('ASCEND_DEVICE_ID', 'npu0'), ('DEVICE_ID', 'x')])
def test_the_device_is_an_integer_from_0_on(standin, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with breaks('env-device'):
        tf.Session(config=config())


@pytest.mark.parametrize('value', ['', '15'])
def test_an_empty_device_and_one_of_a_large_machine_are_right(standin, monkeypatch, value):
    monkeypatch.setenv('ASCEND_DEVICE_ID', value)
    tf.Session(config=config()).close()


@pytest.mark.parametrize('name, other', [('CM_WORKER_SIZE', 'RANK_SIZE'), ('CM_CHIEF_IP', 'RANK_TABLE_FILE')])
def test_a_cluster_is_told_in_one_way(standin, monkeypatch, name, other):
    monkeypatch.setenv(name, '1')
    monkeypatch.setenv(other, '1')
    with breaks('env-cluster'):
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


def distributed_optimizer(optimizer=None):
    return bridge('estimator.npu.npu_optimizer').NPUDistributedOptimizer(
        optimizer or tf.train.GradientDescentOptimizer(0.5))


def broadcast(variable):
    return tf.assign(variable, bridge('hccl.hccl_ops').broadcast([variable], 0)[0])


@all_generations
def test_one_rank_needs_no_collectives(standin, journal):
    net = Net(distributed_optimizer())
    with net.session() as session:
        session.run(net.train)
        assert session.run(net.weight) == 1.25
    assert not journal('allreduce_gradients')
    for collective in (lambda: broadcast(net.weight), lambda: bridge('hccl.hccl_ops').allreduce(net.loss, 'sum')):
        with breaks('hccl-ranks'):
            collective()


@all_generations
def test_two_ranks_broadcast_then_average(standin, ranks, journal, monkeypatch):
    monkeypatch.setenv('NPU_STANDIN_FAULT', 'overflow_other_rank_at=1')
    optimizer = bridge('estimator.npu.npu_loss_scale_optimizer').NPULossScaleOptimizer
    net = Net(optimizer(distributed_optimizer(), fixed_manager(8), is_distributed=True))
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
    net, plain = Net(distributed_optimizer()), tf.get_variable('plain', [])
    with net.session() as session:
        with breaks('hccl-missing'):
            session.run(net.train)
        session.run(broadcast(net.weight))
        with breaks('hccl-missing'):  # `plain` is trainable, too
            session.run(net.train)
        with breaks('hccl-gradients'):
            session.run(tf.train.GradientDescentOptimizer(0.5).minimize(tf.square(plain)))
    with breaks('hccl-wrapping'):
        loss_scale_optimizer(fixed_manager(8), is_distributed=True)
    monkeypatch.delenv('JOB_ID')
    with pytest.raises(AttributeError):
        distributed_optimizer()
    monkeypatch.delenv('RANK_SIZE')
    with breaks('hccl-wrapping'):
        distributed_optimizer(loss_scale_optimizer(fixed_manager(8)))
