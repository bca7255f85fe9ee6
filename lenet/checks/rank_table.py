"""The rank table: which devices of which servers take part in a training, and with which rank.

  {"status": "completed", "version": "1.0", "server_count": "1",
   "server_list": [{"server_id": "10.0.0.1",
                    "device": [{"device_id": "0", "device_ip": "192.168.1.8", "rank_id": "0"}, …]}]}

The older form, which Huawei documents for the 910 as "template 2", has a process for each entry and no version:

  {"status": "completed", "group_count": "1",
   "group_list": [{"group_name": "hccl_world_group", "device_num": "2", "server_num": "1", "instance_count": "2",
                   "instance_list": [{"rank_id": "0", "server_id": "node_0",
                                      "devices": [{"device_id": "0", "device_ip": "192.168.1.8"}]}, …]}]}

HCCL's parser refuses every value here that is not a string; device_id is the physical number.
"""

import ipaddress
import re
from typing import Any, List, NamedTuple, Optional, Sequence

from lenet.errors import UserError
from lenet.support import files

LARGEST = 2 ** 26  # bytes of a table
SERVER_SIZES = (1, 2, 4, 8)
_GROUP = 4  # devices 0-3 and 4-7 of a server are separate networks


class Device(NamedTuple):
    """One entry."""

    server: str
    number: int
    ip: str
    rank: int


class NotYet(UserError):
    """The table is still being written by whoever gives out the devices."""


def read(path: str) -> List[Device]:
    """The devices of a file, as `devices`.

    Raises:
      UserError: it cannot be read, or is no right table; NotYet where it may become one.
    """
    table = files.read_json(path, LARGEST, 'it must be the table of all ranks')
    if isinstance(table, dict) and table.get('status') == 'initializing':
        raise NotYet('%s: "status" is still "initializing"; wait until it is "completed"' % path)
    try:
        return devices(table)
    except ValueError as error:
        raise UserError('%s: %s' % (path, error))


def devices(table: Any) -> List[Device]:
    """The devices of a right table, by rank.

    Args:
      table: the parsed JSON.

    Raises:
      ValueError: the first thing that is wrong; one line.
    """
    _require(table, 'status', 'completed', 'the table')
    if 'group_list' in table:
        entries = _instances(table)
    else:
        _require(table, 'version', '1.0', 'the table')
        servers = _counted(table, 'server_list', 'server_count', 'the table')
        _check_unique([_text(server, 'server_id', 'a server') for server in servers], 'server_id')
        entries = [device for server in servers for device in _server(server)]
    for name in {entry.server for entry in entries}:
        _check_server([entry.number for entry in entries if entry.server == name], name)
    _check_unique([device.ip for device in entries], 'device_ip')
    _check_unique([device.rank for device in entries], 'rank_id')
    entries.sort(key=lambda device: device.rank)
    ranks = [device.rank for device in entries]
    if ranks != list(range(len(ranks))):
        raise ValueError('the ranks are %s, not 0 to %d without a gap' % (_join(ranks), len(ranks) - 1))
    return entries


def _server(server: Any) -> List[Device]:
    name = _text(server, 'server_id', 'a server')
    return [_device(device, name, device) for device in _list(server, 'device', 'server "%s"' % name)]


def _instances(table: Any) -> List[Device]:
    """The entries of template 2."""
    groups = _counted(table, 'group_list', 'group_count', 'the table')
    if len(groups) != 1:
        raise ValueError('"group_list" has %d groups, not the one of all devices' % len(groups))
    instances = _counted(groups[0], 'instance_list', 'instance_count', 'the group')
    entries = []
    for instance in instances:
        name = _text(instance, 'server_id', 'an instance')
        owned = _list(instance, 'devices', 'an instance of server "%s"' % name)
        if len(owned) != 1:
            raise ValueError('an instance of server "%s" has %d devices, each needs a process of its own' %
                             (name, len(owned)))
        entries.append(_device(owned[0], name, instance))
    for key, count in (('device_num', len(entries)), ('server_num', len({entry.server for entry in entries}))):
        if _number(groups[0], key, 'the group') != count:
            raise ValueError('"%s" is %s, "instance_list" has %d' % (key, groups[0][key], count))
    return entries


def _check_server(numbers: List[int], name: str) -> None:
    numbers = sorted(numbers)
    if len(numbers) not in SERVER_SIZES:
        raise ValueError('server "%s" has %d devices, not 1, 2, 4 or 8' % (name, len(numbers)))
    _check_unique(numbers, 'device_id')
    if numbers[-1] >= 2 * _GROUP:
        raise ValueError('server "%s" has device_id %d, the highest is 7' % (name, numbers[-1]))
    if len(numbers) <= _GROUP and len({number // _GROUP for number in numbers}) > 1:
        raise ValueError('server "%s": devices %s are on two networks, take them from 0-3 or from 4-7' %
                         (name, _join(numbers)))


def _device(device: Any, server: str, rank_holder: Any) -> Device:
    where = 'a device of server "%s"' % server
    ip = _text(device, 'device_ip', where)
    try:
        ipaddress.IPv4Address(ip)
    except ValueError:
        raise ValueError('device_ip "%s" is no IPv4 address' % ip)
    return Device(server, _number(device, 'device_id', where), ip, _number(rank_holder, 'rank_id', where))


def _value(mapping: Any, key: str, where: str, kind: type, kind_name: str) -> Any:
    if not isinstance(mapping, dict):
        raise ValueError('%s is not an object {...}' % where)
    if key not in mapping:
        raise ValueError('%s has no "%s"' % (where, key))
    if not isinstance(mapping[key], kind) or not mapping[key]:
        raise ValueError('"%s" of %s is not %s' % (key, where, kind_name))
    return mapping[key]


def _require(mapping: Any, key: str, expected: str, where: str) -> None:
    if _text(mapping, key, where) != expected:
        raise ValueError('"%s" is "%s", not "%s"' % (key, mapping[key], expected))


def _counted(mapping: Any, key: str, count_key: str, where: str) -> list:
    entries = _list(mapping, key, where)
    if _number(mapping, count_key, where) != len(entries):
        raise ValueError('"%s" is %s, "%s" has %d' % (count_key, mapping[count_key], key, len(entries)))
    return entries


def _text(mapping: Any, key: str, where: str) -> str:
    return _value(mapping, key, where, str, 'a string "..."')


def _list(mapping: Any, key: str, where: str) -> list:
    return _value(mapping, key, where, list, 'a list [...] of at least one')


def _number(mapping: Any, key: str, where: str) -> int:
    text = _text(mapping, key, where)
    if not re.fullmatch(r'[0-9]+', text):
        raise ValueError('"%s" of %s is "%s", not a number' % (key, where, text))
    return int(text[:9])  # a number that long is none of these, and int() refuses thousands of digits


def _check_unique(values: Sequence[Any], key: str) -> None:
    twice: Optional[Any] = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        raise ValueError('%s "%s" appears twice' % (key, twice))


def _join(values: Sequence[int]) -> str:
    return ', '.join(map(str, values))
