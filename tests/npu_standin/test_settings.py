"""Faults and modes that the environment asks for."""

import pytest
import tensorflow.compat.v1 as tf

from tests import npu_standin
from tests.npu_standin.programs import Net, SINKING, fixed_manager, loss_scale_optimizer, util


def test_faults_strike_at_their_runs_only(standin, journal, monkeypatch):
    monkeypatch.setenv('NPU_STANDIN_FAULT', 'one_step=1;run_error=2;overflow_other_rank_at=0-;zero_variables')
    net = Net(loss_scale_optimizer(fixed_manager(8)))
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
