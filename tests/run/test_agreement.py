import json

import pytest

from lenet import flags
from lenet.errors import UserError
from lenet.run import agreement
from lenet.run.checkpoint import Position

FACTS = {'ranks': 2, 'data': 'abc'}


class TwoRanks:
    """This rank is the second one; rank 0's text is this one's, changed."""

    def __init__(self, change):
        self._change = change

    def exchange(self, text):
        first = json.loads(text)
        self._change(first)
        return [json.dumps(first), text]


def reach(change=lambda first: None, start=Position(0, 0)):
    return agreement.reach(TwoRanks(change), flags.make_params(), FACTS, start)


def test_the_start_is_rank_0s():
    assert reach(lambda first: first.update(start=[300, 298]), Position(7, 7)) == Position(300, 298)


def test_paths_may_differ():
    reach(lambda first: pytest.fail('a path is compared') if 'output_dir' in first['flags'] else None)


@pytest.mark.parametrize('change, words', [
    (lambda first: first['flags'].update(seed=9), '--seed is 1 on rank 1, 9 on rank 0'),
    (lambda first: first['flags'].pop('seed') and None or first['flags'].update(novel=1),
     '--novel is None on rank 1, 1 on rank 0'),
    (lambda first: first['versions'].update(program='f00'), r'the version of program is \w+ on rank 1, f00 on rank 0'),
    (lambda first: first['versions'].update(tensorflow='1.14.0'),
     r'tensorflow is \d+\.\d+\.\d+ on rank 1, 1.14.0 on rank 0'),
    (lambda first: first['facts'].update(data='xyz'), 'the training data of rank 1 are not those of rank 0')])
def test_a_rank_that_differs_is_named(change, words):
    with pytest.raises(UserError, match='the ranks disagree: .*' + words):
        reach(change)


def test_the_programs_digest_is_of_its_files(tmp_path, monkeypatch):
    before = agreement.code_digest()
    (tmp_path / 'sub').mkdir()
    for name in ('agreement.py', 'sub/other.py'):
        (tmp_path / name).write_text('x')
    monkeypatch.setattr(agreement, '__file__', str(tmp_path / 'run' / 'agreement.py'))
    small = agreement.code_digest()
    (tmp_path / 'sub' / 'other.py').write_text('y')
    assert len({before, small, agreement.code_digest()}) == 3
