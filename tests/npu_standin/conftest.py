"""What the stand-in's own tests share."""

import pytest
import tensorflow.compat.v1 as tf

from tests import npu_standin


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in ('RANK_SIZE', 'RANK_ID', 'RANK_TABLE_FILE', 'JOB_ID', 'ASCEND_DEVICE_ID', 'DEVICE_ID',
                 'CM_WORKER_SIZE', 'CM_CHIEF_IP',
                 'NPU_STANDIN_MODE', 'NPU_STANDIN_DEVICE', 'NPU_STANDIN_FAULT', 'NPU_STANDIN_JOURNAL'):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def journal(monkeypatch, tmp_path):
    """Returns what the journal holds of the named events."""
    path = str(tmp_path / 'journal.jsonl')
    monkeypatch.setenv('NPU_STANDIN_JOURNAL', path)
    return lambda *events: npu_standin.read_journal(path, *events)


@pytest.fixture(params=['v23'])
def standin(request):
    """The package `standin`, loaded in this process, and a fresh default graph."""
    with npu_standin.loaded(request.param) as package, tf.Graph().as_default():
        yield package
