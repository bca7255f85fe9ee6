import inspect

import pytest
import tensorflow.compat.v1 as tf

from lenet.platforms.base import Platform
from lenet.platforms.cpu import Cpu
from lenet.platforms.npu import Npu
from lenet.platforms.npu_ranks import Hccl
from lenet.ranks.alone import Alone
from lenet.ranks.base import Ranks


def test_one_rank_is_its_own_mean_maximum_and_whole():
    alone = Alone()
    assert (alone.rank, alone.size, alone.gathers) == (0, 1, True)
    with tf.Graph().as_default(), tf.Session() as session:
        vector, number = tf.constant([1.5, -2.0]), tf.constant(7)
        got = session.run([alone.mean(vector), alone.gather(vector), alone.max(number)])
        assert [value.tolist() for value in got] == [[1.5, -2.0], [1.5, -2.0], 7]
    assert alone.exchange('x') == ['x'] and alone.broadcast([], []) is None


@pytest.mark.parametrize('seam, implementations', [(Platform, (Cpu, Npu)), (Ranks, (Alone, Hccl))])
def test_a_seam_cannot_be_built_and_its_implementations_have_all_of_it(seam, implementations):
    names = seam.__abstractmethods__
    assert inspect.isabstract(seam) and all(getattr(seam, name).__doc__ for name in names)
    for implementation in implementations:
        assert issubclass(implementation, seam) and not inspect.isabstract(implementation)
        for name in names:
            assert (list(inspect.signature(getattr(implementation, name)).parameters) ==
                    list(inspect.signature(getattr(seam, name)).parameters)), name


def test_what_hccl_cannot_do_is_refused(monkeypatch):
    monkeypatch.setenv('RANK_ID', '1')
    monkeypatch.setenv('RANK_SIZE', '2')
    ranks = Hccl()
    assert (ranks.rank, ranks.size, ranks.gathers) == (1, 2, False)
    for method in (ranks.mean, ranks.max, ranks.gather, ranks.exchange):
        with pytest.raises(TypeError, match='gathers'):
            method('x')
