"""Who the ranks are and where: TF_CONFIG, as Kubernetes' TFJob, Volcano and Vertex AI set it. Imports no TensorFlow.

  {"cluster": {"worker": ["one:2222", "two:2222"]}, "task": {"type": "worker", "index": 0}}

A chief (or master) is rank 0, the workers follow in their order.
"""

import json
import os
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from lenet.errors import UsageError
from lenet.support import strict_json

VARIABLE = 'TF_CONFIG'
MAX_RANKS = 1024
_LEADS = ('chief', 'master')  # names of one job, of one task
_ADDRESS = re.compile(r'([\w.-]+|\[[0-9a-fA-F:.]+\]):([0-9]{1,5})', re.ASCII)


class Cluster(NamedTuple):
    """The ranks of a training, and which of them this process is."""

    addresses: List[str]  # host:port, by rank
    rank: int


def read(environ: Mapping[str, str]) -> Optional[Cluster]:
    """What TF_CONFIG says; None where it is not set, or names no cluster.

    Raises:
      UsageError: it cannot be understood, or this process has no part in training.
    """
    text = environ.get(VARIABLE, '').strip()
    if not text:
        return None
    try:
        config = strict_json.parse(os.fsencode(text))
    except ValueError as error:
        raise _wrong(str(error))
    jobs = _dictionary(config, 'the whole').get('cluster') or {}
    return _find(_dictionary(jobs, 'cluster'), _dictionary(config.get('task') or {}, 'task')) if jobs else None


def write(cluster: Cluster) -> str:
    """The TF_CONFIG that `read` understands as `cluster`."""
    return json.dumps({'cluster': {'worker': cluster.addresses}, 'task': {'type': 'worker', 'index': cluster.rank}})


def _find(jobs: Dict[str, Any], task: Dict[str, Any]) -> Cluster:
    if jobs.get('ps'):
        raise _wrong('it has parameter servers (ps), which this program has no use for: let all tasks be workers')
    lead = [_addresses(jobs, name) for name in _LEADS]
    addresses = lead[0] + lead[1] + _addresses(jobs, 'worker')
    if len(lead[0] + lead[1]) > 1:
        raise _wrong('it has %d chiefs: at most one leads' % len(lead[0] + lead[1]))
    if not 1 <= len(addresses) <= MAX_RANKS or len(set(addresses)) < len(addresses):
        raise _wrong('its chief and workers are %d, at %d addresses: 1 to %d, each at its own, are needed' %
                     (len(addresses), len(set(addresses)), MAX_RANKS))
    kind, index = task.get('type'), str(task.get('index'))
    before = {'chief': [], 'master': [], 'worker': lead[0] + lead[1]}
    if not isinstance(kind, str) or kind not in before:
        raise _wrong('its task is of type %.60r: a chief or worker trains' % (kind,))
    if not re.fullmatch('[0-9]{1,9}', index, re.ASCII) or int(index) >= len(_addresses(jobs, kind)):
        raise _wrong('its task has the index %s of %d %ss' % (index[:20], len(_addresses(jobs, kind)), kind))
    return Cluster(addresses, len(before[kind]) + int(index))


def _addresses(jobs: Dict[str, Any], name: str) -> List[str]:
    addresses = jobs.get(name) or []
    if not isinstance(addresses, list):
        raise _wrong('its %s is no list of addresses' % name)
    for address in addresses:
        match = _ADDRESS.fullmatch(address) if isinstance(address, str) else None
        if not match or not 1 <= int(match.group(2)) <= 65535:
            raise _wrong('%.60r is no address of the form host:port' % (address,))
    return addresses


def _dictionary(value: Any, name: str) -> Dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong('%s is no object' % name)
    return value


def _wrong(what: str) -> UsageError:
    return UsageError('%s: %s; correct it, or unset it to train on this machine alone' % (VARIABLE, what))
