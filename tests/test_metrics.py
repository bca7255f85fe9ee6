import json

import pytest
import tensorflow.compat.v1 as tf

from lenet import metrics
from lenet.errors import UserError


def recorder(tmp_path, start_step=0):
    return metrics.Recorder(str(tmp_path), str(tmp_path / '0' / 'loss.txt'), tf.Graph(), start_step)


def lines(tmp_path):
    return [json.loads(line) for line in (tmp_path / 'metrics.jsonl').read_text().splitlines()]


def test_records_are_lines_of_strict_json(tmp_path):
    record = recorder(tmp_path)
    record.losses([2.5, float('nan')])
    record.record('train', 2, {'loss': float('nan'), 'images_per_second': 3.5})
    record.close()
    assert lines(tmp_path) == [{'kind': 'train', 'step': 2, 'loss': None, 'images_per_second': 3.5}]
    assert (tmp_path / '0' / 'loss.txt').read_text() == '2.5\nnan\n'


def test_tensorboard_gets_the_numbers(tmp_path):
    record = recorder(tmp_path)
    record.record('evaluation', 7, {'accuracy': 0.5, 'confusion': [[1]]})
    record.close()
    events = [event for path in tmp_path.glob('events.*') for event in tf.train.summary_iterator(str(path))]
    scalars = {value.tag: (event.step, value.simple_value) for event in events for value in event.summary.value}
    assert scalars == {'evaluation/accuracy': (7, 0.5)}
    assert any(event.graph_def for event in events)


def test_a_resumed_run_cuts_back_to_its_first_step(tmp_path):
    record = recorder(tmp_path)
    for step in (2, 4, 6):
        record.losses([step - 1, step])
        record.record('train', step, {'loss': step})
    record.close()
    with open(str(tmp_path / 'metrics.jsonl'), 'a') as stream:
        stream.write('{"kind": "train", "st')  # killed in the middle of a line
    record = recorder(tmp_path, start_step=4)
    record.losses([50, 60])
    record.record('train', 6, {'loss': 60})
    record.close()
    assert [(line['step'], line['loss']) for line in lines(tmp_path)] == [(2, 2), (4, 4), (6, 60)]
    assert (tmp_path / '0' / 'loss.txt').read_text().split() == ['1', '2', '3', '4', '50', '60']


def test_a_full_disk_is_named(tmp_path):
    record = recorder(tmp_path)
    record._metrics = open('/dev/full', 'w')
    with pytest.raises(UserError, match='/dev/full: cannot be written'):
        record.record('train', 1, {'loss': 1.0})
