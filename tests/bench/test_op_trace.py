import json
import re

import pytest

from bench import op_trace
from bench import text
from lenet import flags
from lenet import platforms
from lenet.errors import UsageError
from tests import trainings


@pytest.fixture(scope='module')
def metadata():
    params = flags.make_params(batch_size=6, steps=20, epochs=1, iterations_per_loop=4, evaluate=False)
    return op_trace.record(params, platforms.choose(params).start(), trainings.random_dataset())


def as_written(name):
    """oneDNN puts kernels of its own in the place of some."""
    return re.sub('^_Mkl(Native)?', '', name)


def test_the_trace_is_chromes_with_the_steps_ops_in_it(metadata, tmp_path):
    op_trace.write(metadata, str(tmp_path / 'trace.json'))
    events = json.loads((tmp_path / 'trace.json').read_text())['traceEvents']
    complete = [event for event in events if event['ph'] == 'X']
    names = {as_written(event['name']) for event in complete}
    assert {'MatMul', 'Conv2DBackpropInput', 'ResourceApplyAdam'} <= names


def test_the_costliest_ops_come_first_with_name_and_type(metadata):
    costs = op_trace.costs(metadata)
    assert [cost.milliseconds for cost in costs] == sorted((cost.milliseconds for cost in costs), reverse=True)
    types = {cost.name: cost.type for cost in costs}
    assert {'MatMul', 'ResourceApplyAdam'} <= set(map(as_written, types.values()))
    assert all(type_ for type_ in types.values())
    assert len(types) == len(costs), 'an op is counted once'


def test_they_are_shown_with_their_share():
    lines = text.costliest([op_trace.Cost('layer/Conv2D', 'Conv2D', 1.5)], total=6.0)
    assert lines[2].split() == ['|', '1.500', '|', '25.0', '|', 'Conv2D', '|', 'layer/Conv2D', '|']


def test_an_npu_hides_its_ops_from_tensorflow():
    with pytest.raises(UsageError, match='--trace .*--platform=npu'):
        op_trace.check('npu')
