import inspect

import pytest

from lenet.platforms.base import Platform
from lenet.platforms.cpu import Cpu
from lenet.platforms.npu import Npu
from lenet.platforms.npu_ranks import Hccl
from lenet.ranks.alone import Alone
from lenet.ranks.base import Ranks


@pytest.mark.parametrize('seam, implementations', [(Platform, (Cpu, Npu)), (Ranks, (Alone, Hccl))])
def test_a_seam_cannot_be_built_and_its_implementations_have_all_of_it(seam, implementations):
    names = seam.__abstractmethods__
    assert inspect.isabstract(seam) and all(getattr(seam, name).__doc__ for name in names)
    for implementation in implementations:
        assert issubclass(implementation, seam) and not inspect.isabstract(implementation)
        for name in names:
            assert (list(inspect.signature(getattr(implementation, name)).parameters) ==
                    list(inspect.signature(getattr(seam, name)).parameters)), name
