import csv
import hashlib
import json
import re

import numpy as np
import pytest

from lenet.data.splits import Split
from lenet.errors import UsageError
from lenet.export import binaries
from lenet.export import inference
from lenet.support import files
from tests import data_files
from tests import graphs
from tests import npu_standin
from tests.data_files import error_of
from tests.stacks import first_stack_only

IMAGES, LABELS = data_files.images(37, 2)[..., None], data_files.labels(37)  # the test split that write_dataset writes
PROBABILITIES = graphs.probabilities(IMAGES)
CORRECT = int((PROBABILITIES.argmax(axis=1) == LABELS).sum())


@pytest.fixture
def infer(tmp_path, capsys):
    """Infers on 37 images in this process; returns CSV rows, the summary and what was printed."""
    data_files.write_dataset(str(tmp_path / 'data'), test=37)

    def run(graph_batch=None, num_classes=10, **changes):
        target = str(tmp_path / 'out.')
        request = inference.Request(
            model_path=graphs.write(tmp_path / 'x.pb', graph_batch, num_classes), data_dir=str(tmp_path / 'data'),
            seed=1, batch_size=None, warmup=2, platform='cpu', csv_out=target + 'csv', json_out=target + 'json')
        inference.infer(request._replace(**changes))
        with open(target + 'csv', newline='') as rows, open(target + 'json') as summary:
            return list(csv.reader(rows)), json.load(summary), capsys.readouterr().out
    return run


def predictions(rows):
    return np.array([row[2:] for row in rows[1:]], float)


@pytest.mark.parametrize('graph_batch, batch_size, calls, padding', [
    (None, None, 1, 0), (None, 13, 3, 2), (None, 37, 1, 0), (None, 99, 1, 62), (None, 1, 37, 0), (7, None, 6, 5),
    (7, 7, 6, 5), (64, None, 1, 27)])
def test_every_image_counts_once_and_padding_never(infer, graph_batch, batch_size, calls, padding):
    rows, summary, text = infer(graph_batch, batch_size=batch_size, warmup=0)
    assert rows[0] == ['name', 'label', 'class'] + ['probability_%d' % index for index in range(10)]
    assert [row[0] for row in rows[1:]] == ['%05d' % index for index in range(37)]
    assert [int(row[1]) for row in rows[1:]] == LABELS.tolist()
    np.testing.assert_array_equal(predictions(rows)[:, 0], PROBABILITIES.argmax(axis=1))
    np.testing.assert_allclose(predictions(rows)[:, 1:], PROBABILITIES, atol=1e-5)
    counted, latency = summary['accuracy'], summary['latency']
    assert 0 < CORRECT < 37 and (counted['correct'], counted['images']) == (CORRECT, 37)
    assert (latency['calls'], summary['padding'], summary['images']) == (calls, padding, 37)
    assert latency['timed_images'] == max(0, 37 - summary['batch_size']) and latency['timed_calls'] == calls - 1
    assert '%.4f (%d of 37), 95 %% interval ' % (CORRECT / 37, CORRECT) in text
    assert ('%d of padding' % padding in text) == (padding > 0)


def test_flags_say_in_what_files_differ_from_mnist_s_form(infer, tmp_path):
    split = Split(IMAGES, LABELS)
    data_files.write_emnist(str(tmp_path), 'digits', split, split, first=3)
    rows, _, _ = infer(data_dir='%s/emnist-digits' % tmp_path, label_offset=3)
    upright, _, _ = infer()
    assert rows == upright
    on_their_sides, _, _ = infer(data_dir='%s/emnist-digits' % tmp_path, label_offset=3, transpose_images=False)
    assert on_their_sides != upright


def test_the_interval_is_wilsons(infer):
    _, summary, _ = infer()
    low, high = summary['accuracy']['wilson_95']
    for p in (low, high):  # its definition: the p whose standard error puts the count 1.96 of them away
        assert abs(CORRECT / 37 - p) == pytest.approx(1.959964 * (p * (1 - p) / 37) ** 0.5, rel=1e-5)


def test_the_way_of_the_binaries_predicts_to_the_digit_what_the_way_in_memory_does(infer, tmp_path):
    in_memory, _, _ = infer(batch_size=13)
    (tmp_path / 'bins').mkdir()
    dataset = inference.input_kinds.dataset.open_dataset(str(tmp_path / 'data'), 1)
    binaries.write(str(tmp_path / 'bins'), dataset.test, 'data', 5)
    by_binaries, _, text = infer(batch_size=13, data_dir=str(tmp_path / 'bins'))
    assert [row[1:] for row in by_binaries] == [row[1:] for row in in_memory]
    assert by_binaries[8][0] == 'images/00007.bin' and 'every file verified' in text


def test_probabilities_are_written_so_that_the_float32_comes_back(tmp_path):
    values = np.random.RandomState(1).rand(99, 10).astype(np.float32) ** 9
    answers = inference.Answers(values, values, values.argmax(axis=1))
    inputs = inference.Inputs('x', ['a,"b"'] * 99, np.zeros((99, 784), np.float32), None)
    inference.write_csv(str(tmp_path / 'x.csv'), inputs, answers)
    with open(str(tmp_path / 'x.csv'), newline='') as stream:
        rows = list(csv.reader(stream))
    assert rows[1][:2] == ['a,"b"', '']
    assert np.array([row[3:] for row in rows[1:]], np.float32).tobytes() == values.tobytes()


def test_without_labels_the_classes_themselves_are_told(infer, monkeypatch):
    inputs = inference.Inputs('pictures', ['%d.png' % index for index in range(37)],
                              inference.input_kinds.flatten(IMAGES), None)
    monkeypatch.setattr(inference.input_kinds, 'open_inputs', lambda *unused: inputs)
    rows, summary, text = infer()
    assert {row[1] for row in rows[1:]} == {''} and summary['accuracy'] is None
    assert 'accuracy          unknown, there are no labels' in text
    best = PROBABILITIES.argmax(axis=1).tolist()
    told = re.findall(r'(\d+)\.png: class (\d), probability (0\.\d{4})\n', text)
    assert [(int(name), int(found)) for name, found, _ in told] == list(enumerate(best))[:20]
    np.testing.assert_allclose([float(row[2]) for row in told], PROBABILITIES[:20].max(axis=1), atol=1e-4)
    assert '20.png' not in text and 'and 17 more; --csv_out=FILE holds all' in text


def test_a_batch_that_contradicts_the_graph_is_a_wrong_command_line(infer):
    with pytest.raises(UsageError, match='--batch_size=13: .*x.pb was frozen for batches of 7'):
        infer(7, batch_size=13)


def test_the_sidecar_of_the_graph_is_verified_and_not_overwritten(infer, tmp_path):
    model_path, described = graphs.write(tmp_path / 'y.pb'), tmp_path / 'y.json'
    described.write_text(json.dumps({'sha256': hashlib.sha256((tmp_path / 'y.pb').read_bytes()).hexdigest()}))
    infer(model_path=model_path)
    with pytest.raises(UsageError, match='--json_out=.*y.json is the file that describes .*y.pb'):
        infer(model_path=model_path, json_out=str(described))
    described.write_text(json.dumps({'sha256': '0' * 64}))
    assert 'y.pb: is damaged, or not the file that' in error_of(lambda: infer(model_path=model_path))


def test_labels_that_the_graph_does_not_know_are_refused(infer):
    message = error_of(lambda: infer(num_classes=7))
    item = np.flatnonzero(LABELS >= 7)[0]
    assert 'expected labels from 0 to 6, got %d at item %d; ' % (LABELS[item], item) in message
    assert message.endswith('x.pb knows no others; take a graph trained on such data')


def test_a_graph_of_more_classes_than_the_labels_serves(infer):
    rows, _, _ = infer(num_classes=13)
    np.testing.assert_allclose(predictions(rows)[:, 1:], graphs.probabilities(IMAGES, 13), atol=1e-5)


def test_answers_that_are_no_numbers_are_refused_and_nothing_is_written(infer, tmp_path, monkeypatch):
    broken = graphs.weights()
    broken['fc_2/bias'][3] = np.nan
    monkeypatch.setattr(graphs, 'weights', lambda *unused: broken)
    message = error_of(infer)
    assert 'x.pb: its answer to image 0 (and 36 more) is NaN or infinite' in message
    assert not (tmp_path / 'out.csv').exists() and not (tmp_path / 'out.json').exists()


def test_a_csv_that_fails_half_way_leaves_the_former_one(infer, tmp_path, monkeypatch):
    infer()
    former = (tmp_path / 'out.csv').read_bytes()

    def full(*unused):
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(files.os, 'fsync', full)
    assert 'out.csv: cannot be written (No space left on device)' in error_of(infer)
    assert (tmp_path / 'out.csv').read_bytes() == former
    assert sorted(path.name for path in tmp_path.iterdir()) == ['data', 'out.csv', 'out.json', 'x.json', 'x.pb']


@first_stack_only
@pytest.mark.parametrize('generation', npu_standin.GENERATIONS)
def test_the_npu_runs_in_inference_mode_and_float16_and_predicts_as_the_cpu(infer, tmp_path, monkeypatch, generation):
    on_cpu, _, _ = infer(batch_size=13)
    journal = str(tmp_path / 'journal')
    for name, value in (('JOURNAL', journal), ('MODE', 'strict'), ('FAULT', '')):
        monkeypatch.setenv('NPU_STANDIN_' + name, value)
    for name in ('RANK_SIZE', 'RANK_ID', 'RANK_TABLE_FILE', 'JOB_ID', 'ASCEND_DEVICE_ID'):
        monkeypatch.delenv(name, raising=False)
    with npu_standin.loaded(generation):
        on_npu, summary, text = infer(batch_size=13, platform='npu')
    session, = npu_standin.read_journal(journal, 'session')
    assert session['parameter_map']['graph_run_mode'] == 0
    assert session['parameter_map']['precision_mode'] == session['precision'] == 'force_fp16'
    assert session['parameter_map']['use_off_line'] is True
    assert len(npu_standin.read_journal(journal, 'compile')) == 1, 'every new list of fetches is compiled anew'
    assert len(npu_standin.read_journal(journal, 'run')) == 3 and npu_standin.read_journal(journal, 'session_closed')
    assert not npu_standin.read_journal(journal, 'violation', 'silent')
    assert on_npu == on_cpu
    assert summary['platform'] == 'npu' and 'never tried on a device' in text


def test_without_the_adapter_the_npu_is_refused(infer):
    assert error_of(lambda: infer(platform='npu')).startswith('--platform=npu: npu_bridge cannot be imported')
