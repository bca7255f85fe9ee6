"""Several processes that train one network: base.py has the seam between them, each other file an implementation."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lenet.flags import Params
    from lenet.ranks.base import Ranks


def connect(params: 'Params') -> 'Ranks':
    """The ranks of a CPU training, joined; only the chosen implementation's module is imported.

    Args:
      params: completed.

    Raises:
      UserError: the other ranks are not found.
    """
    if params.distributed == 'horovod':
        from lenet.ranks.horovod import Horovod
        return Horovod(params)
    from lenet.ranks.alone import Alone
    return Alone()
