"""The rank table: which devices of which servers take part in a training, and with which rank.

  {"status": "completed", "version": "1.0", "server_count": "1",
   "server_list": [{"server_id": "10.0.0.1",
                    "device": [{"device_id": "0", "device_ip": "192.168.1.8", "rank_id": "0"}, …]}]}

HCCL's parser refuses every value here that is not a string; device_id is the physical number.
"""

import ipaddress
import re
from typing import Any, List, NamedTuple, Optional, Sequence

SERVER_SIZES = (1, 2, 4, 8)
_GROUP = 4  # devices 0-3 and 4-7 of a server are separate networks


class Device(NamedTuple):
    """One entry."""

    server: str
    number: int
    ip: str
    rank: int


def devices(table: Any) -> List[Device]:
    """The devices of a right table, by rank.

    Args:
      table: the parsed JSON.

    Raises:
      ValueError: the first thing that is wrong; one line.
    """
    for key, expected in (('status', 'completed'), ('version', '1.0')):
        if _text(table, key, 'the table') != expected:
            raise ValueError('"%s" is "%s", not "%s"' % (key, table[key], expected))
    count = _number(table, 'server_count', 'the table')
    servers = _list(table, 'server_list', 'the table')
    if count != len(servers):
        raise ValueError('"server_count" is %d, "server_list" has %d' % (count, len(servers)))
    entries = [device for server in servers for device in _server(server)]
    _check_unique([_text(server, 'server_id', 'a server') for server in servers], 'server_id')
    _check_unique([device.ip for device in entries], 'device_ip')
    _check_unique([device.rank for device in entries], 'rank_id')
    entries.sort(key=lambda device: device.rank)
    ranks = [device.rank for device in entries]
    if ranks != list(range(len(ranks))):
        raise ValueError('the ranks are %s, not 0 to %d without a gap' % (_join(ranks), len(ranks) - 1))
    return entries


def _server(server: Any) -> List[Device]:
    name = _text(server, 'server_id', 'a server')
    entries = [_device(device, name) for device in _list(server, 'device', 'server "%s"' % name)]
    numbers = sorted(device.number for device in entries)
    if len(numbers) not in SERVER_SIZES:
        raise ValueError('server "%s" has %d devices, not 1, 2, 4 or 8' % (name, len(numbers)))
    _check_unique(numbers, 'device_id')
    if numbers[-1] >= 2 * _GROUP:
        raise ValueError('server "%s" has device_id %d, the highest is 7' % (name, numbers[-1]))
    if len(numbers) <= _GROUP and len({number // _GROUP for number in numbers}) > 1:
        raise ValueError('server "%s": devices %s are on two networks, take them from 0-3 or from 4-7' %
                         (name, _join(numbers)))
    return entries


def _device(device: Any, server: str) -> Device:
    where = 'a device of server "%s"' % server
    ip = _text(device, 'device_ip', where)
    try:
        ipaddress.IPv4Address(ip)
    except ValueError:
        raise ValueError('device_ip "%s" is no IPv4 address' % ip)
    return Device(server, _number(device, 'device_id', where), ip, _number(device, 'rank_id', where))


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
    if not re.fullmatch(r'[0-9]+', text):
        raise ValueError('"%s" of %s is "%s", not a number' % (key, where, text))
    return int(text)


def _check_unique(values: Sequence[Any], key: str) -> None:
    twice: Optional[Any] = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        raise ValueError('%s "%s" appears twice' % (key, twice))


def _join(values: Sequence[int]) -> str:
    return ', '.join(map(str, values))
