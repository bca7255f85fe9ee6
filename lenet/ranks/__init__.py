"""Several processes that train one network: base.py has the seam between them, alone.py and collective.py implement it,
the other files serve the latter. HCCL's is lenet/platforms/npu_ranks.py."""

import os
from typing import TYPE_CHECKING

from lenet.errors import UserError
from lenet.ranks import cluster

if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf

    from lenet.flags import Params
    from lenet.ranks.base import Ranks


def connect(params: 'Params', config: 'tf.ConfigProto') -> 'Ranks':
    """The ranks of a CPU training, joined; only the chosen implementation's module is imported.

    Args:
      params: completed.
      config: of every session.

    Raises:
      UserError: the other ranks are not found.
    """
    if params.distributed == 'collective':
        found = cluster.read(os.environ)
        if found is None:
            raise UserError('--distributed=collective: TF_CONFIG, which names the ranks, is not set; ./run_np.sh -n 2 '
                            'sets it for 2 ranks of this machine')
        if len(found.addresses) > 1:
            from lenet.ranks.collective import Collective
            return Collective(params, config, found)
    from lenet.ranks.alone import Alone
    return Alone()
