"""The environment of several devices."""

import json

import pytest

from lenet.checks import FAIL, PASS, WARN
from lenet.checks import ranks
from tests.checks.test_rank_table import server, table

TWO = {'RANK_SIZE': '2', 'RANK_ID': '1', 'ASCEND_DEVICE_ID': '1', 'JOB_ID': '10087'}


@pytest.fixture
def table_file(tmp_path):
    """Writes a rank table of devices 0 and 1, or of other content; returns its path."""
    def write(content=None):
        path = tmp_path / 'ranks.json'
        path.write_text(content or json.dumps(table(server('a', [0, 1]))))
        return str(path)
    return write


@pytest.mark.parametrize('check, environ, status, words', [
    (ranks.rank_size, {}, PASS, 'not set: one device'),
    (ranks.rank_size, {'RANK_SIZE': '8'}, PASS, '8'),
    (ranks.rank_size, {'RANK_SIZE': 'two'}, FAIL, '"two" is no number of devices'),
    (ranks.rank_size, {'RANK_SIZE': '0'}, FAIL, '"0" is no number of devices'),
    (ranks.rank_size, {'RANK_SIZE': ''}, FAIL, '"" is no number of devices'),
    (ranks.rank_id, {}, PASS, 'not set: 0'),
    (ranks.rank_id, {'RANK_ID': ''}, PASS, 'not set: 0'),
    (ranks.rank_id, {'RANK_ID': '0'}, PASS, '0'),
    (ranks.rank_id, TWO, PASS, '1'),
    (ranks.rank_id, {'RANK_SIZE': '2'}, FAIL, 'not set, with RANK_SIZE=2'),
    (ranks.rank_id, {'RANK_SIZE': '2', 'RANK_ID': '2'}, FAIL, '"2", with RANK_SIZE=2'),
    (ranks.rank_id, {'RANK_SIZE': '2', 'RANK_ID': '-1'}, FAIL, '"-1", with RANK_SIZE=2'),
    (ranks.rank_id, {'RANK_ID': '1'}, FAIL, '"1", with RANK_SIZE=1'),
    (ranks.job_id, {'JOB_ID': '10087'}, PASS, '10087'),
    (ranks.job_id, {}, WARN, 'not set'),
    (ranks.job_id, {'RANK_SIZE': '2'}, FAIL, 'not set, with RANK_SIZE=2'),
    (ranks.table, {}, PASS, 'one device needs none'),
    (ranks.table, TWO, FAIL, 'not set, with RANK_SIZE=2'),
    (ranks.table, dict(TWO, RANK_TABLE_FILE='/nowhere'), FAIL, '/nowhere: cannot be read (No such file'),
    (ranks.cluster_variables, TWO, PASS, 'not set'),
    (ranks.cluster_variables, {'CM_CHIEF_IP': '10.0.0.1', 'CM_WORKER_SIZE': '8'}, FAIL, 'each would train alone'),
    (ranks.cluster_variables, {'CM_CHIEF_IP': '10.0.0.1', 'CM_WORKER_SIZE': '1'}, WARN, 'CM_CHIEF_IP, CM_WORKER_SIZE'),
    (ranks.cluster_variables, dict(TWO, RANK_TABLE_FILE='x', CM_CHIEF_PORT='6000'), WARN,
     'RANK_TABLE_FILE, RANK_SIZE, RANK_ID exclude each other'),
    (ranks.cluster_variables, dict(TWO, CM_WORKER_SIZE='2'), FAIL, 'the adapter ends in a ValueError'),
    (ranks.cluster_variables, {'RANK_SIZE': '1', 'CM_WORKER_SIZE': '1'}, FAIL, 'the adapter ends in a ValueError'),
    (ranks.cluster_variables, {'RANK_TABLE_FILE': 'x', 'CM_CHIEF_IP': '10.0.0.1'}, FAIL, 'HCCL is not set up'),
    (ranks.rank_id, {'RANK_TABLE_FILE': 'x'}, WARN, 'HCCL finds neither it nor POD_NAME'),
    (ranks.rank_id, {'RANK_TABLE_FILE': 'x', 'POD_NAME': 'job-0'}, PASS, 'POD_NAME=job-0 stands in for it'),
    (ranks.rank_id, {'RANK_TABLE_FILE': 'x', 'RANK_ID': '0'}, PASS, '0'),
    (ranks.rank_id, dict(TWO, RANK_ID='', POD_NAME='job-0'), FAIL, 'not set, with RANK_SIZE=2')])
def test_each_variable(check, environ, status, words):
    result = check(environ)
    assert (result.status, words in result.found) == (status, True), result
    assert bool(result.remedy) == (status != PASS)


def test_a_right_table_passes(table_file):
    result = ranks.table(dict(TWO, RANK_TABLE_FILE=table_file()))
    assert result.status == PASS and result.found.endswith('ranks.json: 2 on 1 server(s)')


@pytest.mark.parametrize('content, words', [
    ('{"status": "completed", "status": "completed"}', '"status" appears twice'),
    (json.dumps(table(server('a', [0, 1, 2, 3]))), 'it has 4 ranks, RANK_SIZE is 2')])
def test_a_wrong_table_fails_with_the_file_s_name(table_file, content, words):
    result = ranks.table(dict(TWO, RANK_TABLE_FILE=table_file(content)))
    assert result.status == FAIL and words in result.found and 'ranks.json: ' in result.found


def test_what_the_first_910_could_not_do_is_worth_a_line(table_file):
    result = ranks.table(dict(TWO, ASCEND_DEVICE_ID='4', RANK_TABLE_FILE=table_file(json.dumps(
        table(server('a', [3, 4]))))))
    assert result.status == WARN and result.alert and 'two networks of the first 910' in result.found
    assert 'A2' in result.remedy


def test_a_table_that_is_still_written_is_not_to_be_corrected(table_file):
    result = ranks.table(dict(TWO, RANK_TABLE_FILE=table_file('{"status": "initializing"}')))
    assert result.status == FAIL and 'wait until it is "completed"' in result.found
    assert 'wait' in result.remedy and 'correct' not in result.remedy


def test_a_table_of_several_ranks_on_one_device_is_worth_a_line(table_file):
    result = ranks.table({'RANK_TABLE_FILE': table_file()})
    assert result.status == WARN and result.alert and 'it has 2 ranks, RANK_SIZE is not set' in result.found


def test_physical_and_logical_device_may_differ_so_it_is_a_warning(table_file):
    result = ranks.table(dict(TWO, RANK_TABLE_FILE=table_file(), ASCEND_DEVICE_ID='5'))
    assert result.status == WARN and 'gives rank 1 the physical device 1, ASCEND_DEVICE_ID is 5' in result.found


def test_size_is_that_of_the_environment_or_one():
    assert [ranks.size(environ) for environ in (TWO, {}, {'RANK_SIZE': 'x'}, {'RANK_SIZE': '0'})] == [2, 1, 1, 1]
