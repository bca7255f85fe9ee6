import pytest

from lenet.platforms.npu_ranks import Hccl


def test_what_hccl_cannot_do_is_refused(monkeypatch):
    monkeypatch.setenv('RANK_ID', '1')
    monkeypatch.setenv('RANK_SIZE', '2')
    ranks = Hccl()
    assert (ranks.rank, ranks.size, ranks.gathers) == (1, 2, False)
    for method in (ranks.mean, ranks.max, ranks.gather, ranks.exchange):
        with pytest.raises(TypeError, match='gathers'):
            method('x')
