import json

import pytest
import tensorflow.compat.v1 as tf

from lenet.errors import UserError
from lenet.run import metrics


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


def test_a_resumed_run_takes_up_the_steps_since_the_last_whole_record(tmp_path):
    record = recorder(tmp_path)
    record.losses([1.5, 2.5])
    record.record('train', 2, {'loss': 2.0, 'skipped_steps': [2]})
    record.losses([3.5, 4.5, 5.5])
    record.record('train', 5, {'loss': 4.0, 'skipped_steps': [4], metrics.PARTIAL: True})
    record.close()
    resumed = recorder(tmp_path, start_step=5)
    resumed.close()
    assert resumed.unlogged.losses.tolist() == [3.5, 4.5, 5.5] and resumed.unlogged.skipped_steps == [4]
    assert [line['step'] for line in lines(tmp_path)] == [2]
    assert recorder(tmp_path, start_step=2).unlogged.losses.tolist() == []


@pytest.mark.parametrize('content', [b'', b'1\nx\n', b'\xff\n'])
def test_a_damaged_loss_file_keeps_a_line_a_step(tmp_path, content):
    (tmp_path / '0').mkdir()
    (tmp_path / '0' / 'loss.txt').write_bytes(content)
    record = recorder(tmp_path, start_step=3)
    record.losses([7.0])
    record.close()
    assert len((tmp_path / '0' / 'loss.txt').read_text(errors='replace').splitlines()) == 4
    assert len(record.unlogged.losses) == 3


def test_a_full_disk_is_named(tmp_path):
    record = recorder(tmp_path)
    record._metrics = open('/dev/full', 'w')
    with pytest.raises(UserError, match='/dev/full: cannot be written'):
        record.record('train', 1, {'loss': 1.0})
