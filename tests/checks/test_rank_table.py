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


def instance(number, rank, name='a', **changes):
    return dict({'rank_id': str(rank), 'server_id': name, 'devices': [
        {'device_id': str(number), 'device_ip': '192.168.%d.%d' % (rank // 8, 10 + number)}]}, **changes)


def group(*instances, **changes):
    servers = {each['server_id'] for each in instances if 'server_id' in each}
    return dict({'group_name': 'hccl_world_group', 'device_num': str(len(instances)), 'server_num': str(len(servers)),
                 'instance_count': str(len(instances)), 'instance_list': list(instances)}, **changes)


def template_2(*instances, **changes):
    """As Huawei documents it beside the other one."""
    return dict({'status': 'completed', 'group_count': '1', 'group_list': [group(*instances)]}, **changes)


def without(mapping, key):
    return {name: value for name, value in mapping.items() if name != key}


def with_device(**changes):
    """A table of devices 0 and 1, of which the second is changed."""
    changed = server('a', [0, 1])
    changed['device'][1].update(changes)
    return table(changed)


@pytest.mark.parametrize('numbers', [[0], [7], [0, 1], [2, 3], [4, 7], [0, 1, 2, 3], [4, 5, 6, 7], list(range(8))])
def test_one_two_four_or_eight_devices_of_one_network_are_right(numbers):
    devices = rank_table.devices(table(server('a', numbers)))
    assert [device.number for device in devices] == numbers and rank_table.against_first_910(devices) == ''


@pytest.mark.parametrize('numbers, words', [
    ([0, 1, 2], 'server "a" has 3 devices, one of the first 910 takes 1, 2, 4 or 8'),
    ([3, 4], 'server "a": devices 3, 4 are on two networks of the first 910'),
    ([2, 3, 4, 5], 'devices 2, 3, 4, 5 are on two networks'),
    ([8], 'server "a" has device_id 8, the highest of the first 910 is 7')], ids=['three', 'two', 'four', 'device 8'])
@pytest.mark.parametrize('form', ['1', '2'])
def test_what_the_first_910_could_not_do_is_right_on_later_ones(form, numbers, words):
    content = table(server('a', numbers))
    if form == '2':
        content = template_2(*[instance(number, rank) for rank, number in enumerate(numbers)])
    assert words in rank_table.against_first_910(rank_table.devices(content))


def test_addresses_of_ipv6_are_right():
    devices = rank_table.devices(with_device(device_ip='fd00::1:8'))
    assert [device.ip for device in devices] == ['192.168.0.10', 'fd00::1:8']


def test_version_1_2_of_super_pods_may_lack_addresses_and_the_count():
    devices = [{'device_id': str(i), 'super_device_id': str(i), 'rank_id': str(i)} for i in range(16)]
    content = without(table({'server_id': 'node_0', 'device': devices}, version='1.2', super_pod_list=[
        {'super_pod_id': '0', 'server_list': [{'server_id': 'node_0'}]}]), 'server_count')
    assert rank_table.devices(content)[15] == rank_table.Device('node_0', 15, '', 15)


def pod(name, numbers, server_id='10.0.0.1'):
    return {'pod_name': name, 'server_id': server_id, 'devices': [
        {'device_id': str(number), 'device_ip': '192.1.%d.%d' % (int(name[-1]), number)} for number in numbers]}


def modelarts(*pods, **changes):
    """As ModelArts writes jobstart_hccl.json."""
    return {'status': 'completed', 'group_count': '1', 'group_list': [dict({
        'group_name': 'job-trainjob', 'device_count': str(sum(len(each['devices']) for each in pods)),
        'instance_count': str(len(pods)), 'instance_list': list(pods)}, **changes)]}


def test_modelarts_gives_the_devices_of_its_pods_their_ranks_in_order():
    found = rank_table.devices(modelarts(pod('job-0', [4, 5]), pod('job-1', range(2), '10.0.0.2')))
    assert [(device.rank, device.number, device.server) for device in found] == [
        (0, 4, '10.0.0.1'), (1, 5, '10.0.0.1'), (2, 0, '10.0.0.2'), (3, 1, '10.0.0.2')]


def test_devices_come_by_rank_over_all_servers():
    found = rank_table.devices(table(server('b', range(8), first_rank=8), server('a', range(8))))
    assert [device.rank for device in found] == list(range(16))
    assert found[0] == rank_table.Device('a', 0, '192.168.0.10', 0) and found[15].server == 'b'


@pytest.mark.parametrize('numbers', [[0], [7], [0, 1], [4, 5, 6, 7], list(range(8))])
def test_template_2_is_right_as_well(numbers):
    content = template_2(*[instance(number, rank) for rank, number in enumerate(numbers)])
    assert rank_table.devices(content) == rank_table.devices(table(server('a', numbers)))


def test_template_2_of_two_servers():
    instances = [instance(number, 8 * s + number, 'ba'[s]) for s in (1, 0) for number in range(8)]
    found = rank_table.devices(template_2(*instances))
    assert [(device.rank, device.number, device.server) for device in found] == [
        (rank, rank % 8, 'ba'[rank // 8]) for rank in range(16)]


@pytest.mark.parametrize('content', [{'status': 'initializing'}, {'status': 'initializing', 'group_list': []},
                                     template_2(instance(0, 0), status='initializing')])
def test_a_table_that_is_still_written_is_waited_for(content):
    with pytest.raises(rank_table.NotReady, match='wait until it is "completed"'):
        rank_table.devices(content)


WRONG = {
    'a list': ([], 'the table is not an object'),
    'no status': (without(table(server('a', [0])), 'status'), 'the table has no "status"'),
    'another status': (table(server('a', [0]), status='done'), '"status" is "done", not "completed"'),
    'version 2': (table(server('a', [0]), version='2.0'), '"version" is "2.0", not "1.0" or "1.2"'),
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
    'device twice': (with_device(device_id='0'), 'device_id "0" appears twice'),
    'device of 10 digits': (with_device(device_id='0000000001'), 'is "0000000001", not a number of at most 9 digits'),
    'device a number': (with_device(device_id=1), '"device_id" of a device of server "a" is not a string'),
    'device -1': (with_device(device_id='-1'), '"device_id" of a device of server "a" is "-1", not a number'),
    'ip twice': (with_device(device_ip='192.168.0.10'), 'device_ip "192.168.0.10" appears twice'),
    'ip of 5 parts': (with_device(device_ip='192.168.0.1.1'), 'device_ip "192.168.0.1.1" is no IP address'),
    'ip 256': (with_device(device_ip='192.168.0.256'), 'device_ip "192.168.0.256" is no IP address'),
    'ip empty': (with_device(device_ip=''), '"device_ip" of a device of server "a" is not a string'),
    'rank twice': (with_device(rank_id='0'), 'rank_id "0" appears twice'),
    'rank gap': (with_device(rank_id='2'), 'the ranks are 0, 2, not 0 to 1 without a gap'),
    'rank a number': (with_device(rank_id=1), '"rank_id" of a device of server "a" is not a string'),
    'server twice': (table(server('a', [0]), server('a', [1], first_rank=1)), 'server_id "a" appears twice'),
    'no version': (without(table(server('a', [0])), 'version'), 'the table has no "version"'),
    '2: no count': (without(template_2(instance(0, 0)), 'group_count'), 'the table has no "group_count"'),
    '2: no groups': (without(template_2(instance(0, 0)), 'group_list'), 'the table has no "group_list"'),
    '2: group count': (template_2(instance(0, 0), group_count='2'), '"group_count" is 2, "group_list" has 1'),
    '2: a number': (template_2(instance(0, 0), group_count=1), '"group_count" of the table is not a string'),
    '2: group a list': (template_2(group_list=[[]]), 'a group is not an object'),
    '2: no name': (template_2(group_list=[without(group(instance(0, 0)), 'group_name')]), 'has no "group_name"'),
    '2: instance count': (template_2(group_list=[group(instance(0, 0), instance_count='2')]),
                          '"instance_count" is 2, "instance_list" has 1'),
    '2: device_num': (template_2(group_list=[group(instance(0, 0), device_num='2')]),
                      '"device_num" of group "hccl_world_group" is 2, "instance_list" has 1'),
    '2: server_num': (template_2(group_list=[group(instance(0, 0), server_num='2')]),
                      '"server_num" of group "hccl_world_group" is 2, "instance_list" has 1'),
    '2: no rank': (template_2(without(instance(0, 0), 'rank_id')), 'an instance of group "hccl_world_group" has'),
    '2: no server': (template_2(without(instance(0, 0), 'server_id')), 'the instance of rank 0 has no "server_id"'),
    '2: no devices': (template_2(without(instance(0, 0), 'devices')), 'the instance of rank 0 has no "devices"'),
    '2: two devices': (template_2(instance(0, 0, devices=[{}, {}])), 'the instance of rank 0 has 2 devices, not 1'),
    '2: no ip': (template_2(instance(0, 0, devices=[{'device_id': '0'}])), 'a device of server "a" has no "device_ip"'),
    '2: device twice': (template_2(instance(0, 0), instance(0, 1)), 'device_id "0" appears twice'),
    '2: rank gap': (template_2(instance(0, 0), instance(1, 2)), 'the ranks are 0, 2, not 0 to 1 without a gap'),
    'M: no pod': (modelarts(without(pod('job-0', [0]), 'pod_name')), 'has no "pod_name"'),
    'M: count': (modelarts(pod('job-0', [0]), device_count='2'), '"device_count" of group "job-trainjob" is 2'),
    'M: device twice': (modelarts(pod('job-0', [0]), pod('job-1', [0])), 'device_id "0" appears twice'),
    'rank twice over servers': (table(server('a', [0]), server('b', [1])), 'rank_id "0" appears twice'),
}


@pytest.mark.parametrize('wrong', sorted(WRONG))
def test_what_is_wrong_is_said_in_one_line(wrong):
    content, words = WRONG[wrong]
    with pytest.raises(ValueError) as raised:
        rank_table.devices(content)
    assert words in str(raised.value) and '\n' not in str(raised.value)
