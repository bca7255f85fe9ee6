"""absl's parsing, with errors of one line."""

import pytest
from absl import flags

from lenet.errors import UsageError
from lenet.support import flag_parsing


def values():
    known = flags.FlagValues()
    known.set_gnu_getopt(True)
    flags.DEFINE_integer('n', 7, 'A number.', 1, 13, flag_values=known)
    return known


def test_it_sets_flags_and_returns_the_rest():
    known = values()
    assert flag_parsing.parse(known, ['a', '--n=3', 'b']) == ['a', 'b'] and known.n == 3
    assert flag_parsing.parse(values(), ['a', '--m=3', '--n=5'], known_only=True) == ['a', '--m=3']


@pytest.mark.parametrize('argument, words', [
    ('--m=3', 'm'), ('--n=14', 'n=14'), ('--flagfile=nowhere', 'nowhere'), ('--flagfile={}', 'a text file is needed')],
    ids=['unknown', 'out of bounds', 'no flagfile', 'binary flagfile'])
def test_errors_are_usage_errors_of_one_line(tmp_path, argument, words):
    (tmp_path / 'binary').write_bytes(b'\xff\xfe')
    with pytest.raises(UsageError) as raised:
        flag_parsing.parse(values(), [argument.format(tmp_path / 'binary')])
    assert words in str(raised.value) and '\n' not in str(raised.value)
