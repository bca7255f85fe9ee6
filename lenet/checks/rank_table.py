"""The rank table: which devices of which servers take part in a training, and with which rank. Unverified on hardware.

  {"status": "completed", "version": "1.0", "server_count": "1",
   "server_list": [{"server_id": "10.0.0.1",
                    "device": [{"device_id": "0", "device_ip": "192.168.1.8", "rank_id": "0"}, …]}]}

That is Huawei's template 1; version 1.2, of super-pods, adds to it (super_pod_list, super_device_id) and may leave out
server_count and device_ip. Template 2, older and for the first 910, has no version, and an instance for each rank:

  {"status": "completed", "group_count": "1",
   "group_list": [{"group_name": "hccl_world_group", "device_num": "2", "server_num": "1", "instance_count": "2",
                   "instance_list": [{"rank_id": "0", "server_id": "10.0.0.1",
                                      "devices": [{"device_id": "0", "device_ip": "192.168.1.8"}]}, …]}]}

ModelArts writes template 2 with an instance for each server: "pod_name", "device_count", no ranks; the devices have
theirs in the order they are listed. HCCL's parser refuses every value here that is not a string; device_id is the
physical number.
"""

import ipaddress
import re
from typing import Any, Dict, List, NamedTuple, Sequence

from lenet.errors import UserError
from lenet.support import files

LARGEST = 2 ** 26  # bytes of a table
_SIZES = (1, 2, 4, 8)  # devices of a server of first 910s
_GROUP = 4  # its devices 0-3 and 4-7 are separate networks
_VERSIONS, _SUPER_POD = ('1.0', '1.2'), '1.2'


class NotReady(ValueError):
    """The table is still being written; nothing about it is wrong."""


class NotYet(UserError):
    """NotReady, of a file."""


class Device(NamedTuple):
    """One entry."""

    server: str
    number: int
    ip: str  # '' where the table has none
    rank: int


def read(path: str) -> List[Device]:
    """The devices of a file, by rank.

    Raises:
      UserError: it cannot be read, or is no right table; NotYet where there is nothing to correct.
    """
    table = files.read_json(path, LARGEST, 'it must be the table of all ranks')
    try:
        return devices(table)
    except NotReady as error:
        raise NotYet('%s: %s' % (path, error))
    except ValueError as error:
        raise UserError('%s: %s' % (path, error))


def devices(table: Any) -> List[Device]:
    """The devices of a right table, by rank.

    Args:
      table: the parsed JSON.

    Raises:
      NotReady: there is nothing to correct yet.
      ValueError: the first thing that is wrong; one line.
    """
    _check_status(table)
    entries = _by_instance(table) if _is_template_2(table) else _by_server(table)
    for numbers in _numbers(entries).values():
        _check_unique(numbers, 'device_id')
    _check_unique([device.ip for device in entries if device.ip], 'device_ip')
    _check_unique([device.rank for device in entries], 'rank_id')
    entries.sort(key=lambda device: device.rank)
    ranks = [device.rank for device in entries]
    if ranks != list(range(len(ranks))):
        raise ValueError('the ranks are %s, not 0 to %d without a gap' %
                         (', '.join(map(str, ranks)), len(ranks) - 1))
    return entries


def _check_status(table: Any) -> None:
    status = _text(table, 'status', 'the table')
    if status == 'initializing':
        raise NotReady('"status" is "initializing", the table is still being written: wait until it is "completed"')
    if status != 'completed':
        raise ValueError('"status" is "%s", not "completed"' % status)


def _is_template_2(table: dict) -> bool:
    return 'version' not in table and ('group_list' in table or 'group_count' in table)


def _by_server(table: Any) -> List[Device]:
    """The devices of template 1."""
    if _text(table, 'version', 'the table') not in _VERSIONS:
        raise ValueError('"version" is "%s", not "1.0" or "1.2"' % table['version'])
    if table['version'] == _SUPER_POD and 'server_count' not in table:
        servers = _list(table, 'server_list', 'the table')
    else:
        servers = _counted(table, 'server_count', 'server_list', 'the table')
    names = [_text(server, 'server_id', 'a server') for server in servers]
    _check_unique(names, 'server_id')
    entries = []
    for server, name in zip(servers, names):
        where = 'a device of server "%s"' % name
        entries += [_device(device, name, where, _number(device, 'rank_id', where), table['version'] == _SUPER_POD)
                    for device in _list(server, 'device', 'server "%s"' % name)]
    return entries


def _by_instance(table: Any) -> List[Device]:
    """The devices of template 2."""
    entries = []
    for group in _counted(table, 'group_count', 'group_list', 'the table'):
        where = 'group "%s"' % _text(group, 'group_name', 'a group')
        found: List[Device] = []
        for instance in _counted(group, 'instance_count', 'instance_list', where):
            read_instance = _pod if _is_of_modelarts(group, instance) else _instance
            found += read_instance(instance, where, len(entries) + len(found))
        _check_counts(group, where, found)
        entries += found
    return entries


def _check_counts(group: dict, where: str, found: List[Device]) -> None:
    """The counts that a group has beside that of its instances; "device_count" is ModelArts' name of the first."""
    counts = {'device_num': len(found), 'server_num': len({device.server for device in found})}
    if 'device_count' in group:
        counts = {'device_count': len(found)}
    for key, count in counts.items():
        if _number(group, key, where) != count:
            raise ValueError('"%s" of %s is %s, "instance_list" has %d' % (key, where, group[key], count))


def _is_of_modelarts(group: dict, instance: Any) -> bool:
    return 'device_count' in group and isinstance(instance, dict) and 'rank_id' not in instance


def _instance(instance: Any, group: str, unused_first: int) -> List[Device]:
    rank = _number(instance, 'rank_id', 'an instance of %s' % group)
    where = 'the instance of rank %d' % rank
    name, found = _text(instance, 'server_id', where), _list(instance, 'devices', where)
    if len(found) != 1:
        raise ValueError('%s has %d devices, not 1' % (where, len(found)))
    return [_device(found[0], name, 'a device of server "%s"' % name, rank)]


def _pod(instance: dict, group: str, first: int) -> List[Device]:
    """The devices of a pod, whose ranks go on from `first`."""
    where = 'pod "%s"' % _text(instance, 'pod_name', 'an instance of %s' % group)
    name = _text(instance, 'server_id', where)
    return [_device(device, name, 'a device of %s' % where, first + place)
            for place, device in enumerate(_list(instance, 'devices', where))]


def _numbers(entries: Sequence[Device]) -> Dict[str, List[int]]:
    """The sorted numbers of the devices of each server."""
    numbers: Dict[str, List[int]] = {}
    for entry in sorted(entries):
        numbers.setdefault(entry.server, []).append(entry.number)
    return numbers


def against_first_910(entries: Sequence[Device]) -> str:
    """What a server of first 910s could not do, one line, '' where there is nothing; later ones have no such rule."""
    for name, numbers in _numbers(entries).items():
        if len(numbers) not in _SIZES:
            return 'server "%s" has %d devices, one of the first 910 takes 1, 2, 4 or 8' % (name, len(numbers))
        if numbers[-1] >= 2 * _GROUP:
            return 'server "%s" has device_id %d, the highest of the first 910 is 7' % (name, numbers[-1])
        if len(numbers) <= _GROUP and len({number // _GROUP for number in numbers}) > 1:
            return ('server "%s": devices %s are on two networks of the first 910, 0-3 and 4-7' %
                    (name, ', '.join(map(str, numbers))))
    return ''


def _device(device: Any, server: str, where: str, rank: int, may_lack_ip: bool = False) -> Device:
    ip = '' if may_lack_ip and isinstance(device, dict) and 'device_ip' not in device else _text(
        device, 'device_ip', where)
    try:
        if ip:
            ipaddress.ip_address(ip)
    except ValueError:
        raise ValueError('device_ip "%s" is no IP address' % ip)
    return Device(server, _number(device, 'device_id', where), ip, rank)


def _counted(mapping: Any, count_key: str, key: str, where: str) -> list:
    """A list whose length another key tells."""
    count, values = _number(mapping, count_key, where), _list(mapping, key, where)
    if count != len(values):
        raise ValueError('"%s" is %d, "%s" has %d' % (count_key, count, key, len(values)))
    return values


def _value(mapping: Any, key: str, where: str, kind: type, kind_name: str) -> Any:
    if not isinstance(mapping, dict):
        raise ValueError('%s is not an object {...}' % where)
    if key not in mapping:
        raise ValueError('%s has no "%s"' % (where, key))
    if not isinstance(mapping[key], kind) or not mapping[key]:
        raise ValueError('"%s" of %s is not %s' % (key, where, kind_name))
    return mapping[key]


def _text(mapping: Any, key: str, where: str) -> str:
    return _value(mapping, key, where, str, 'a string "..."')


def _list(mapping: Any, key: str, where: str) -> list:
    return _value(mapping, key, where, list, 'a list [...] of at least one')


def _number(mapping: Any, key: str, where: str) -> int:
    text = _text(mapping, key, where)
    if not re.fullmatch(r'[0-9]{1,9}', text):  # int() refuses thousands of digits
        raise ValueError('"%s" of %s is "%s", not a number of at most 9 digits' % (key, where, text))
    return int(text)


def _check_unique(values: Sequence[Any], key: str) -> None:
    seen = set()
    for value in values:
        if value in seen:
            raise ValueError('%s "%s" appears twice' % (key, value))
        seen.add(value)
