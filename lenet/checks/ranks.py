"""Several devices: every process is told its rank, and where the others are, by the environment."""

import re
from typing import Mapping, Optional

from lenet.checks import device
from lenet.checks import rank_table
from lenet.checks import Result, failed, passed, warned
from lenet.errors import UserError

_NUMBER = re.compile(r'[0-9]{1,9}')  # int() refuses thousands of digits
_TABLE, _POD = 'RANK_TABLE_FILE', 'POD_NAME'


def size(environ: Mapping[str, str]) -> int:
    """RANK_SIZE, 1 where it is not set or not understood."""
    return _number(environ, 'RANK_SIZE') or 1


def _number(environ: Mapping[str, str], name: str) -> Optional[int]:
    text = environ.get(name, '')
    return int(text) if _NUMBER.fullmatch(text) else None


def rank_size(environ: Mapping[str, str]) -> Result:
    name = 'RANK_SIZE'
    if name not in environ:
        return passed(name, 'not set: one device')
    if not _number(environ, name):
        return failed(name, '"%s" is no number of devices' % environ[name], 'unset it for one device')
    return passed(name, environ[name])


def rank_id(environ: Mapping[str, str]) -> Result:
    name, ranks = 'RANK_ID', size(environ)
    if not environ.get(name) and ranks == 1:
        return _unset_rank(environ)
    rank = _number(environ, name)
    if rank is not None and rank < ranks:
        return passed(name, environ[name])
    return failed(name, '%s, with RANK_SIZE=%d' % ('"%s"' % environ[name] if environ.get(name) else 'not set', ranks),
                  'export a number from 0 to %d, another one in every process' % (ranks - 1) if ranks > 1 else
                  'unset it, or export RANK_SIZE')


def _unset_rank(environ: Mapping[str, str]) -> Result:
    """Of one device. A rank table makes the adapter start HCCL, which asks for the rank, or for the pod's name."""
    name = 'RANK_ID'
    if not environ.get(_TABLE):
        return passed(name, 'not set: 0')
    if environ.get(_POD):
        return passed(name, 'not set; %s=%s stands in for it' % (_POD, environ[_POD]))
    return warned(name, 'not set, with %s: HCCL finds neither it nor %s, which only its log tells' % (_TABLE, _POD),
                  'unset %s for one device, or export RANK_ID=0' % _TABLE, alert=True)


def job_id(environ: Mapping[str, str]) -> Result:
    name = 'JOB_ID'
    if environ.get(name):
        return passed(name, environ[name])
    remedy = 'export JOB_ID=10087, or any number'
    if size(environ) > 1:  # NPUDistributedOptimizer ends in an AttributeError on None
        return failed(name, 'not set, with RANK_SIZE=%d' % size(environ), remedy + ', the same in every process')
    return warned(name, 'not set; the adapter warns of it', remedy)


def table(environ: Mapping[str, str]) -> Result:
    """RANK_TABLE_FILE, needed for several devices, looked at for one."""
    path, ranks = environ.get(_TABLE), size(environ)
    if not path:
        if ranks == 1:
            return passed(_TABLE, 'not set; one device needs none')
        return failed(_TABLE, 'not set, with RANK_SIZE=%d' % ranks,
                      'write the table (addresses: hccn_tool -i N -ip -g) and export its path')
    try:
        devices = rank_table.read(path)
        if len(devices) != ranks:
            raise UserError('%s: it has %d ranks, RANK_SIZE is %s' %
                            (path, len(devices), environ.get('RANK_SIZE', 'not set')))
    except UserError as error:
        if ranks == 1:
            return warned(_TABLE, str(error), 'unset it for one device; for several export RANK_SIZE and RANK_ID, too',
                          alert=True)
        waits = isinstance(error, rank_table.NotYet)
        return failed(_TABLE, str(error), 'wait, then start again' if waits else
                      'correct the table, the same on every server')
    return _own_device(environ, path, devices)


def _own_device(environ: Mapping[str, str], path: str, devices: list) -> Result:
    rank, number = _number(environ, 'RANK_ID') or 0, device.number(environ)
    if rank < len(devices) and number is not None and devices[rank].number != number:
        return warned(_TABLE, '%s gives rank %d the physical device %d, ASCEND_DEVICE_ID is %d' %
                      (path, rank, devices[rank].number, number),
                      'right only in a container that sees the physical device under the other number')
    old_rule = rank_table.against_first_910(devices)
    if old_rule:
        return warned(_TABLE, '%s: %s' % (path, old_rule), 'an Atlas A2 or later has no such rule; for a first 910 '
                      'correct the table', alert=True)
    return passed(_TABLE, '%s: %d on %d server(s)' % (path, len(devices), len({each.server for each in devices})))


def cluster_variables(environ: Mapping[str, str]) -> Result:
    """CM_*, newer CANN's way without a rank table. This program takes its rank from RANK_ID, which that excludes."""
    name = 'CM_*'
    present = sorted(key for key in environ if key.startswith(('CM_CHIEF_', 'CM_WORKER_')))
    if not present:
        return passed(name, 'not set')
    text, remedy = '%s set' % ', '.join(present), 'unset %s; use RANK_TABLE_FILE, RANK_SIZE and RANK_ID' % (
        ' '.join(present))
    if environ.get('CM_WORKER_SIZE') and environ.get('RANK_SIZE'):  # from r1.12 on
        return failed(name, '%s, and RANK_SIZE too: the adapter ends in a ValueError' % text, remedy)
    if environ.get('CM_CHIEF_IP') and environ.get(_TABLE):
        return failed(name, '%s, and %s too: HCCL is not set up, which only its log tells' % (text, _TABLE), remedy)
    if size(environ) == 1 and environ.get('CM_WORKER_SIZE', '1') != '1':
        return failed(name, '%s for %s devices, but RANK_SIZE is 1: each would train alone' %
                      (text, environ['CM_WORKER_SIZE']), remedy)
    return warned(name, '%s; CANN documents that they and RANK_TABLE_FILE, RANK_SIZE, RANK_ID exclude each other' %
                  text, remedy, alert=True)
