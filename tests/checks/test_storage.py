"""The directories that a run writes."""

import collections
import os
import shutil

import pytest

from lenet import flags
from lenet.checks import FAIL, PASS, WARN
from lenet.checks import storage


def check(path, **overrides):
    return storage.directories(flags.make_params(platform='npu', output_dir=path, **overrides))


def test_a_directory_that_can_be_made_passes_and_is_not_made(tmp_path):
    result = check(tmp_path / 'a' / 'b', profiling=True, over_dump=True)
    assert result.status == PASS and result.found.startswith(str(tmp_path / 'a' / 'b')), result
    assert os.listdir(str(tmp_path)) == []


def test_a_directory_that_cannot_be_made_or_written_fails(tmp_path):
    assert check('/proc/nowhere').status == FAIL
    (tmp_path / 'file').touch()
    for path in (tmp_path / 'file', tmp_path / 'file' / 'below'):
        result = check(path)
        assert result.status == FAIL and 'cannot be written (Not a directory)' in result.found


@pytest.mark.parametrize('folder, asked', [('profiling', {'profiling': True}), ('dump', {'over_dump': True}),
                                           ('dump', {'data_dump_flag': 1})])
def test_the_folders_of_profiles_and_dumps_are_tried_where_they_are_asked_for(tmp_path, folder, asked):
    (tmp_path / folder).touch()
    assert check(tmp_path).status == PASS
    result = check(tmp_path, **asked)
    assert result.status == FAIL and str(tmp_path / folder) in result.found


def test_a_full_disk_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(storage.tempfile, 'TemporaryFile', lambda dir: open('/dev/full', 'wb'))
    result = check(tmp_path)
    assert result.status == FAIL and result.found == '%s: cannot be written (No space left on device)' % tmp_path


@pytest.mark.parametrize('free, asked, status', [
    (99 * 10 ** 6, {}, WARN), (101 * 10 ** 6, {}, PASS), (101 * 10 ** 6, {'over_dump': True}, WARN)])
def test_little_space_is_worth_a_line(tmp_path, monkeypatch, free, asked, status):
    usage = collections.namedtuple('usage', 'total used free')(0, 0, free)
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: usage)
    result = check(tmp_path, **asked)
    assert (result.status, result.alert) == (status, status == WARN)
