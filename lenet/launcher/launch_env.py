"""The environments of the ranks: pure functions of this process's own."""

import os
from typing import Dict, List, Mapping, Optional, Sequence

from lenet.checks import rank_table
from lenet.errors import UsageError, UserError
from lenet.ranks import cluster
from lenet.support import machine

TABLE = 'RANK_TABLE_FILE'
_OF_NPU_RANKS = (TABLE, 'RANK_ID', 'RANK_SIZE')
_DEFAULT_JOB = '10087'  # any number: the adapter ends in an error without one


def local(environ: Mapping[str, str], addresses: Sequence[str]) -> List[Dict[str, str]]:
    """One environment for each rank at `addresses`, host:port, on this machine.

    Args:
      environ: this process's.
    """
    kept = {name: value for name, value in environ.items() if name not in _OF_NPU_RANKS}
    cores = str(max(1, machine.usable_cores() // len(addresses)))
    return [dict(kept, **{cluster.VARIABLE: cluster.write(cluster.Cluster(list(addresses), rank)),
                          machine.CORES: cores, 'PYTHONUNBUFFERED': '1'}) for rank in range(len(addresses))]


def npu(environ: Mapping[str, str], asked: Optional[int]) -> List[Dict[str, str]]:
    """One environment for each NPU of this server in the rank table that RANK_TABLE_FILE names.

    The number of a device in the table is its physical one, and ASCEND_DEVICE_ID the logical one. They are the same
    but in a container that numbers its devices anew, which nothing here can see: the doctor warns of it in every rank.

    Args:
      asked: what -n said, None for nothing.

    Raises:
      UserError: the table is wrong, or does not tell which server this is.
      UsageError: -n and the table disagree.
    """
    path = environ.get(TABLE)
    if not path:
        raise UserError('%s is not set: write the table (addresses: hccn_tool -i N -ip -g) and export its path, or '
                        'use ./run_1p.sh for one NPU' % TABLE)
    devices = rank_table.read(path)
    here = _of_this_server(devices, path, environ.get('SERVER_ID'))
    if asked not in (None, len(here)):
        raise UsageError('-n %d: %s=%s has %d of them on this server; leave -n out, or correct the table' %
                         (asked, TABLE, path, len(here)))
    common = dict(environ)
    common.update({TABLE: os.path.abspath(path), 'RANK_SIZE': str(len(devices)), 'PYTHONUNBUFFERED': '1',
                   'JOB_ID': environ.get('JOB_ID') or _DEFAULT_JOB})
    return [dict(common, RANK_ID=str(device.rank), ASCEND_DEVICE_ID=str(device.number)) for device in here]


def _of_this_server(devices: List[rank_table.Device], path: str, name: Optional[str]) -> List[rank_table.Device]:
    servers = sorted({device.server for device in devices})
    if len(servers) == 1:
        name = servers[0]
    elif name not in servers:
        raise UserError('SERVER_ID is %s; %s=%s has several servers: export SERVER_ID as the one this is, of %s' %
                        (repr(name) if name else 'not set', TABLE, path, ', '.join(servers)))
    return [device for device in devices if device.server == name]
