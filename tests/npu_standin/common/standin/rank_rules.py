"""The rules of the process's environment: which device, and with several ranks which rank in which rank table."""

import json
import os
import re
from typing import Any, Optional

from standin import settings, violations

_SIZES = (1, 2, 4, 8)  # devices of a server
_GROUP = 4  # devices 0-3 and 4-7 are separate networks


def size() -> int:
    """RANK_SIZE, 1 when it is not set."""
    return _integer('RANK_SIZE', 'env-ranks', 1)


def check() -> None:
    """Checks device and ranks, as the engine does when it starts."""
    device = _integer('ASCEND_DEVICE_ID', 'env-device', _integer('DEVICE_ID', 'env-device', 0))
    if device < 0:
        violations.violate('env-device', 'the device is %d' % device)
    for name, other in (('CM_WORKER_SIZE', 'RANK_SIZE'), ('CM_CHIEF_IP', 'RANK_TABLE_FILE')):
        if os.environ.get(name) and os.environ.get(other):
            violations.violate('env-cluster', '%s and %s are set' % (name, other))
    if size() > 1:
        _check_ranks(size())


def _integer(name: str, rule: str, default: Optional[int]) -> Optional[int]:
    text = os.environ.get(name)
    if not text:
        return default
    if not re.fullmatch(r'-?\d+', text):
        violations.violate(rule, '%s is %r' % (name, text))
    return int(text)


def _check_ranks(ranks: int) -> None:
    for name in ('RANK_TABLE_FILE', 'RANK_ID', 'JOB_ID', 'ASCEND_DEVICE_ID'):
        if not os.environ.get(name):
            violations.violate('env-ranks', 'RANK_SIZE is %d and %s is not set' % (ranks, name))
    rank = _integer('RANK_ID', 'env-ranks', None)
    if not 0 <= rank < ranks:
        violations.violate('env-ranks', 'RANK_ID %d with RANK_SIZE %d' % (rank, ranks))
    path = os.environ['RANK_TABLE_FILE']
    try:
        with open(path, encoding='utf-8') as stream:
            table = json.load(stream)
        problem = _problem(table, ranks)
    except (OSError, ValueError) as error:
        problem = str(error)
    except (KeyError, TypeError) as error:
        problem = 'wrong structure: %r' % error
    if problem:
        violations.violate('env-ranks', 'rank table %s: %s' % (path, problem))


def _problem(table: Any, ranks: int) -> Optional[str]:
    """What is wrong with a rank table, None if it is right; a missing key is a KeyError."""
    servers = table['server_list']
    if table['status'] != 'completed' or table['version'] != '1.0':
        return 'status must be completed and version 1.0'
    if int(table['server_count']) != len(servers):
        return 'server_count is %s, there are %d servers' % (table['server_count'], len(servers))
    rank_ids = []
    for server in servers:
        devices = [int(device['device_id']) for device in server['device']]
        if not server['server_id'] or not all(device['device_ip'] for device in server['device']):
            return 'empty server_id or device_ip'
        if len(set(devices)) != len(devices):
            return 'devices %s are not different' % devices
        if settings.inf_nan():  # an A2: without the rules of the first 910
            rank_ids += [int(device['rank_id']) for device in server['device']]
            continue
        if len(devices) not in _SIZES:
            return 'a server has 1, 2, 4 or 8 devices, not %s' % devices
        if 1 < len(devices) <= _GROUP and len({device // _GROUP for device in devices}) > 1:
            return 'devices %s are in separate networks (0-3 and 4-7)' % devices
        rank_ids += [int(device['rank_id']) for device in server['device']]
    if sorted(rank_ids) != list(range(ranks)):
        return 'it has the ranks %s, RANK_SIZE is %d' % (sorted(rank_ids), ranks)
    return None
