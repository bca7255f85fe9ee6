"""The training's graph, built in another process."""

import os

import pytest

from lenet import flags
from lenet.checks import graph_probe
from lenet.errors import UserError
from tests import npu_standin
from tests.stacks import first_stack_only

pytestmark = [first_stack_only, pytest.mark.usefixtures('no_npu_variables')]


def test_it_tells_of_all_operators_and_leaves_nothing_behind(monkeypatch, tmp_path):
    journal = str(tmp_path / 'journal')
    monkeypatch.setenv('NPU_STANDIN_JOURNAL', journal)
    monkeypatch.syspath_prepend(npu_standin.path('v26'))
    asked = graph_probe.find(flags.make_params(platform='npu', loss_scale='dynamic', over_dump=True,
                                               output_dir=str(tmp_path / 'output')))
    assert asked.step['Slice'] == '_append in lenet/graph/step.py'
    assert asked.step['PyFunc'].endswith('float_status.py') and list(asked.after) == ['ArgMax', 'SplitV']
    assert os.listdir(str(tmp_path)) == ['journal']
    assert not npu_standin.read_journal(journal, 'session', 'host_session', 'npu_close')


def test_a_graph_that_cannot_be_built_is_one_line(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(npu_standin.path('v26'))
    with pytest.raises(UserError, match='--freeze_variables') as raised:
        graph_probe.find(flags.make_params(platform='npu', freeze_variables=['.*']))
    assert '\n' not in str(raised.value)
