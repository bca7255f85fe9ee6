"""The documents: what they name is there, and PORTING.md's two programs train the same network."""

import os
import re
import unicodedata
from typing import List

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from lenet.platforms import npu_config
from tests import npu_standin
from tests.processes import ROOT

DOCUMENTS = ('README.md', 'BUILD.md', 'PORTING.md', 'README.zh.md', 'PORTING.zh.md')
SCRIPTS = sorted(name for name in os.listdir(ROOT) if name.endswith(('.sh', '.flags')))
PATH = re.compile(r'(?<![\w/.-])(?:\./)?((?:lenet|bench|tests)/[\w/]*\w(?:\.\w+)?|requirements[\w-]*\.txt|'
                  r'\w+(?:\.zh)?\.(?:sh|flags|md))(?![\w*])', re.ASCII)  # no space parts a path from Chinese
FOREIGN = {'set_env.sh', 'train_full_1p.sh'}  # of Ascend's toolkit, and of the ModelZoo
LINE = 120  # columns, but for tables and what a program printed
STEPS = 20


def text_of(document: str) -> str:
    with open(os.path.join(ROOT, document), encoding='utf-8') as stream:
        return stream.read()


def paths_in(text: str) -> List[str]:
    return sorted(set(PATH.findall(text)) - FOREIGN)


@pytest.mark.parametrize('document', DOCUMENTS + tuple(SCRIPTS))
def test_every_path_it_names_exists(document):
    paths = paths_in(text_of(document))
    assert len(paths) > (5 if document in DOCUMENTS else 0)
    assert [path for path in paths if not os.path.exists(os.path.join(ROOT, path))] == []


def test_paths_are_found_in_prose_code_and_tables():
    text = ('see lenet/a_b.py, (`tests/c/d.py`)\n| bench/e.png | lenet/graph/ |\n./run_x.sh --flagfile=y.flags\n'
            'lenet/z*.py requirements*.txt toolkit/other.sh 见B.zh.md和bench/f.py。')
    assert paths_in(text) == ['B.zh.md', 'bench/e.png', 'bench/f.py', 'lenet/a_b.py', 'lenet/graph', 'run_x.sh',
                              'tests/c/d.py', 'y.flags']


def columns(line: str) -> int:
    """Columns of a terminal; a Chinese character takes two."""
    return len(line) + sum(unicodedata.east_asian_width(character) in 'WF' for character in line)


@pytest.mark.parametrize('document', DOCUMENTS)
def test_prose_fits_a_line(document):
    prose = re.sub(r'^```.*?^```', '', text_of(document), flags=re.MULTILINE | re.DOTALL)
    assert [line for line in prose.splitlines() if columns(line) > LINE and not line.startswith('|')] == []


@pytest.mark.parametrize('document', [document for document in DOCUMENTS if document.endswith('.zh.md')])
def test_chinese_lines_end_where_the_space_of_a_line_break_does_not_show(document):
    assert re.findall(r'^.*[\u4e00-\u9fff]\n(?=[\u4e00-\u9fff])', text_of(document), re.MULTILINE) == []


def test_code_fits_a_line():
    paths = [os.path.join(folder, name) for package in ('lenet', 'bench', 'tests')
             for folder, _, names in os.walk(os.path.join(ROOT, package)) for name in names
             if name.endswith(('.py', '.js', '.css'))] + [os.path.join(ROOT, name) for name in SCRIPTS]
    assert ['%s:%d' % (os.path.relpath(path, ROOT), number) for path in sorted(paths)
            for number, line in enumerate(text_of(path).splitlines(), 1) if len(line) > LINE] == []


@pytest.mark.parametrize('language', ['.md', '.zh.md'], ids=['english', 'chinese'])
def test_porting_is_short_and_the_first_thing_readme_links(language):
    assert len(text_of('PORTING' + language).splitlines()) <= 100
    assert '](PORTING%s)' % language in '\n'.join(text_of('README' + language).splitlines()[:15])


@pytest.mark.parametrize('package', ['graph', 'run'])
def test_the_reading_order_has_every_module(package):
    order = re.search(r'^- `lenet/%s/`:(.*?)(?=^- |\n\n)' % package, text_of('README.md'), re.MULTILINE | re.DOTALL)
    modules = {name[:-len('.py')] for name in os.listdir(os.path.join(ROOT, 'lenet', package))
               if name.endswith('.py') and name != '__init__.py'}
    assert set(re.findall(r'`(\w+)`', order.group(1))) == modules


def test_porting_has_the_session_config_s_keys_in_their_fields():
    rows = re.findall(r'^\| ([bis]) \| (.*) \|$', text_of('PORTING.md'), re.MULTILINE)
    words = {field: set(re.findall(r'\w+', keys)) for field, keys in rows}
    assert sorted(words) == ['b', 'i', 's']
    assert [key for key, parameter in npu_config.TABLE.items() if key not in words[parameter.field]] == []


class Digits:
    """What PORTING.md's programs leave to the reader, small: 192 points of 784 numbers, two classes."""

    def __init__(self) -> None:
        self.images = np.random.RandomState(1).rand(192, 784).astype(np.float32)
        self.labels = (self.images[:, 0] > 0.5).astype(np.int32)
        self.events: List[int] = []  # steps of the summaries

    def next_batch(self, size: int) -> tuple:
        start = len(self.events) * size % len(self.labels)
        return self.images[start:start + size], self.labels[start:start + size]

    @staticmethod
    def network(images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        weights = tf.get_variable('weights', [784, 2], tf.float32, tf.ones_initializer())
        logits = tf.matmul(images, weights)
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))

    def add_summary(self, summary: object, step: int) -> None:
        self.events.append(step)

    def trained(self, program: str) -> np.ndarray:
        """The weights that the program saves last, after STEPS steps."""
        with tf.Graph().as_default():
            dataset = tf.data.Dataset.from_tensor_slices((self.images, self.labels))
            exec(program.replace('1000', '10'), dict(tf=tf, STEPS=STEPS, network=self.network, dataset=dataset,
                                                     next_batch=self.next_batch, writer=self))
        return tf.train.load_variable('model-%d' % STEPS, 'weights')


@pytest.mark.parametrize('generation', npu_standin.GENERATIONS)
def test_porting_s_programs_train_the_same_and_the_second_breaks_no_rule(generation, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ('RANK_SIZE', 'ASCEND_DEVICE_ID', 'DEVICE_ID', 'NPU_STANDIN_MODE', 'NPU_STANDIN_FAULT'):
        monkeypatch.delenv(name, raising=False)
    journal = str(tmp_path / 'journal.jsonl')
    monkeypatch.setenv('NPU_STANDIN_JOURNAL', journal)
    before, after = re.findall(r'^```python\n(.*?)^```', text_of('PORTING.md'), re.MULTILINE | re.DOTALL)
    digits, digits_of_npu = Digits(), Digits()
    weights = digits.trained(before)
    with npu_standin.loaded(generation):
        weights_of_npu = digits_of_npu.trained(after)
    np.testing.assert_array_equal(weights_of_npu, weights)
    assert np.abs(weights - 1).max() > 1e-3
    assert (digits.events, digits_of_npu.events) == (list(range(1, STEPS + 1)), [10, 20])
    assert [run['iterations'] for run in npu_standin.read_journal(journal, 'run') if run['kind'] == 'train'] == [10, 10]
    assert npu_standin.read_journal(journal, 'violation', 'silent') == []
