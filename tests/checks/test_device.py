"""CANN's environment, the device number and the device files."""

import os

import pytest

from lenet.checks import device
from lenet.checks import FAIL, PASS, WARN


@pytest.fixture
def toolkit(tmp_path):
    """The environment that set_env.sh would make."""
    (tmp_path / 'opp').mkdir()
    return {'ASCEND_HOME_PATH': str(tmp_path), 'ASCEND_OPP_PATH': str(tmp_path / 'opp'),
            'LD_LIBRARY_PATH': '/usr/lib:%s/lib64' % tmp_path}


def test_a_sourced_set_env_passes_also_an_older_one(toolkit):
    assert device.cann(toolkit).status == PASS
    toolkit['ASCEND_TOOLKIT_HOME'] = toolkit.pop('ASCEND_HOME_PATH')
    assert device.cann(toolkit).status == PASS


@pytest.mark.parametrize('changes, words', [
    ({'ASCEND_HOME_PATH': '', 'ASCEND_OPP_PATH': ''}, 'ASCEND_HOME_PATH and ASCEND_OPP_PATH not set'),
    ({'ASCEND_OPP_PATH': ''}, 'ASCEND_OPP_PATH not set'),
    ({'ASCEND_HOME_PATH': '/nowhere'}, 'ASCEND_HOME_PATH=/nowhere is no directory'),
    ({'ASCEND_OPP_PATH': '/nowhere'}, 'ASCEND_OPP_PATH=/nowhere is no directory'),
    ({'LD_LIBRARY_PATH': '/usr/lib'}, 'LD_LIBRARY_PATH has nothing of ')])
def test_what_set_env_would_have_set_is_missed(toolkit, changes, words):
    result = device.cann(dict(toolkit, **changes), scripts=['/opt/a/set_env.sh', '/opt/b/set_env.sh'])
    assert result.status == WARN and result.alert and words in result.found
    assert result.remedy == 'source /opt/a/set_env.sh and /opt/b/set_env.sh'


def test_without_a_set_env_file_the_remedy_says_where_it_was_looked_for():
    assert 'none is in /usr/local/Ascend' in device.cann({}, scripts=[]).remedy


@pytest.mark.parametrize('environ, size, status, words', [
    ({}, 1, PASS, 'not set: device 0'),
    ({'DEVICE_ID': '3'}, 1, PASS, 'not set: device 3, from DEVICE_ID'),
    ({'ASCEND_DEVICE_ID': '7'}, 1, PASS, '7'),
    ({'ASCEND_DEVICE_ID': '7', 'DEVICE_ID': '7'}, 8, PASS, '7'),
    ({'ASCEND_DEVICE_ID': '0', 'DEVICE_ID': '1'}, 1, WARN, '0, but DEVICE_ID=1'),
    ({'ASCEND_DEVICE_ID': '15'}, 1, PASS, '15'),
    ({'ASCEND_DEVICE_ID': '', 'DEVICE_ID': '3'}, 1, PASS, 'not set: device 3, from DEVICE_ID'),
    ({'ASCEND_DEVICE_ID': '', 'DEVICE_ID': ''}, 1, PASS, 'not set: device 0'),
    ({'ASCEND_DEVICE_ID': '0', 'DEVICE_ID': ''}, 1, PASS, '0'),
    ({'ASCEND_DEVICE_ID': '12345'}, 1, FAIL, '"12345" is no number from 0 on'),
    ({'ASCEND_DEVICE_ID': '-1'}, 1, FAIL, '"-1" is no number'),
    ({'ASCEND_DEVICE_ID': 'npu0'}, 1, FAIL, '"npu0" is no number'),
    ({'ASCEND_DEVICE_ID': ''}, 2, FAIL, 'not set, with RANK_SIZE=2'),
    ({'ASCEND_DEVICE_ID': ' 0'}, 1, FAIL, '" 0" is no number'),
    ({'DEVICE_ID': 'x'}, 1, FAIL, 'not set, and DEVICE_ID="x" is no number'),
    ({}, 2, FAIL, 'not set, with RANK_SIZE=2')])
def test_the_device_number(environ, size, status, words):
    result = device.device_id(environ, size)
    assert (result.status, words in result.found) == (status, True), result
    assert result.alert == (status == WARN)


def test_ascend_device_id_beats_device_id():
    assert device.number({'ASCEND_DEVICE_ID': '2', 'DEVICE_ID': '1'}) == 2


@pytest.mark.parametrize('environ, files, words', [
    ({}, [], 'no {0}/davinci_manager and no {0}/davinci0'),
    ({}, ['davinci0'], 'no {0}/davinci_manager; there are davinci0'),
    ({'ASCEND_DEVICE_ID': '3'}, ['davinci_manager', 'davinci0', 'davinci12'], 'no {0}/davinci3; there are davinci0, '
     'davinci12')])
def test_missing_device_files_are_worth_a_line(tmp_path, environ, files, words):
    for name in files:
        (tmp_path / name).touch()
    result = device.nodes(environ, str(tmp_path))
    assert result.status == WARN and result.alert and result.found == words.format(tmp_path)
    assert 'container' in result.remedy


def test_device_files_that_are_there_pass_and_are_only_looked_at(tmp_path, monkeypatch):
    for name in ('davinci_manager', 'davinci5'):
        os.mkfifo(str(tmp_path / name))  # opening one would wait forever
    assert device.nodes({'ASCEND_DEVICE_ID': '5'}, str(tmp_path)).status == PASS
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    result = device.nodes({'ASCEND_DEVICE_ID': '5'}, str(tmp_path))
    assert result.status == WARN and 'may not be read and written' in result.found
