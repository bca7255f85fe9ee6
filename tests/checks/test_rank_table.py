"""The rank table: what is right, and each thing that may be wrong."""

import pytest

from lenet.checks import rank_table


def server(name, numbers, first_rank=0):
    """A server whose devices have consecutive ranks."""
    return {'server_id': name, 'device': [
        {'device_id': str(number), 'device_ip': '192.168.%d.%d' % (first_rank // 8, 10 + number),
         'rank_id': str(first_rank + i)} for i, number in enumerate(numbers)]}


def table(*servers, **changes):
    return dict({'status': 'completed', 'version': '1.0', 'server_count': str(len(servers)),
                 'server_list': list(servers)}, **changes)


def without(mapping, key):
    return {name: value for name, value in mapping.items() if name != key}


def with_device(**changes):
    """A table of devices 0 and 1, of which the second is changed."""
    changed = server('a', [0, 1])
    changed['device'][1].update(changes)
    return table(changed)


@pytest.mark.parametrize('numbers', [[0], [7], [0, 1], [2, 3], [4, 7], [0, 1, 2, 3], [4, 5, 6, 7], list(range(8))])
def test_one_two_four_or_eight_devices_of_one_network_are_right(numbers):
    assert [device.number for device in rank_table.devices(table(server('a', numbers)))] == numbers


def test_devices_come_by_rank_over_all_servers():
    found = rank_table.devices(table(server('b', range(8), first_rank=8), server('a', range(8))))
    assert [device.rank for device in found] == list(range(16))
    assert found[0] == rank_table.Device('a', 0, '192.168.0.10', 0) and found[15].server == 'b'


WRONG = {
    'a list': ([], 'the table is not an object'),
    'no status': (without(table(server('a', [0])), 'status'), 'the table has no "status"'),
    'initializing': (table(server('a', [0]), status='initializing'), '"status" is "initializing", not "completed"'),
    'version 2': (table(server('a', [0]), version='2.0'), '"version" is "2.0", not "1.0"'),
    'version a number': (table(server('a', [0]), version=1.0), '"version" of the table is not a string'),
    'no count': (without(table(server('a', [0])), 'server_count'), 'the table has no "server_count"'),
    'count a number': (table(server('a', [0]), server_count=1), '"server_count" of the table is not a string'),
    'count one': (table(server('a', [0]), server_count='one'), '"server_count" of the table is "one", not a number'),
    'count too high': (table(server('a', [0]), server_count='2'), '"server_count" is 2, "server_list" has 1'),
    'no servers': (table(), '"server_list" of the table is not a list [...] of at least one'),
    'no server list': (without(table(server('a', [0])), 'server_list'), 'the table has no "server_list"'),
    'server a string': (table('a'), 'a server is not an object'),
    'no server id': (table(without(server('a', [0]), 'server_id')), 'a server has no "server_id"'),
    'empty server id': (table(server('', [0])), '"server_id" of a server is not a string'),
    'no device list': (table(without(server('a', [0]), 'device')), 'server "a" has no "device"'),
    'no device': (table(server('a', [])), '"device" of server "a" is not a list'),
    'three devices': (table(server('a', [0, 1, 2])), 'server "a" has 3 devices, not 1, 2, 4 or 8'),
    'two networks': (table(server('a', [3, 4])), 'server "a": devices 3, 4 are on two networks'),
    'four on two': (table(server('a', [2, 3, 4, 5])), 'devices 2, 3, 4, 5 are on two networks'),
    'device 8': (table(server('a', [8])), 'server "a" has device_id 8, the highest is 7'),
    'device twice': (with_device(device_id='0'), 'device_id "0" appears twice'),
    'device a number': (with_device(device_id=1), '"device_id" of a device of server "a" is not a string'),
    'device -1': (with_device(device_id='-1'), '"device_id" of a device of server "a" is "-1", not a number'),
    'ip twice': (with_device(device_ip='192.168.0.10'), 'device_ip "192.168.0.10" appears twice'),
    'ip of 5 parts': (with_device(device_ip='192.168.0.1.1'), 'device_ip "192.168.0.1.1" is no IPv4 address'),
    'ip 256': (with_device(device_ip='192.168.0.256'), 'device_ip "192.168.0.256" is no IPv4 address'),
    'ip empty': (with_device(device_ip=''), '"device_ip" of a device of server "a" is not a string'),
    'rank twice': (with_device(rank_id='0'), 'rank_id "0" appears twice'),
    'rank gap': (with_device(rank_id='2'), 'the ranks are 0, 2, not 0 to 1 without a gap'),
    'rank a number': (with_device(rank_id=1), '"rank_id" of a device of server "a" is not a string'),
    'server twice': (table(server('a', [0]), server('a', [1], first_rank=1)), 'server_id "a" appears twice'),
    'rank twice over servers': (table(server('a', [0]), server('b', [1])), 'rank_id "0" appears twice'),
}


@pytest.mark.parametrize('wrong', sorted(WRONG))
def test_what_is_wrong_is_said_in_one_line(wrong):
    content, words = WRONG[wrong]
    with pytest.raises(ValueError) as raised:
        rank_table.devices(content)
    assert words in str(raised.value) and '\n' not in str(raised.value)
