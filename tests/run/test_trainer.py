"""What a rank tells when another one is lost before the loop begins."""

import contextlib

import pytest
import tensorflow.compat.v1 as tf

from lenet import flags
from lenet.data import dataset
from lenet.errors import UserError
from lenet.graph import training_graph
from lenet.ranks import alone
from lenet.run import agreement
from lenet.run import trainer
from tests import trainings


@contextlib.contextmanager
def explaining(unused_ranks):
    try:
        yield
    except tf.errors.OpError:
        raise UserError('another rank has ended')


def fail(*unused):
    raise tf.errors.UnknownError(None, None, 'a connection\nis closed')


@pytest.mark.parametrize('module, name', [(training_graph, 'initialize'), (agreement, 'reach')],
                         ids=['broadcast', 'agreement'])
def test_a_rank_lost_before_the_loop_is_explained(tmp_path, monkeypatch, module, name):
    monkeypatch.setattr(dataset, 'open_dataset', lambda *unused: trainings.random_dataset())
    monkeypatch.setattr(alone.Alone, 'explaining', explaining)
    monkeypatch.setattr(module, name, fail)
    with pytest.raises(UserError, match='another rank has ended'):
        trainer.train(flags.make_params(output_dir=str(tmp_path), batch_size=6, steps=6, iterations_per_loop=3))
