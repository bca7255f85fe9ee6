import os

import pytest

from lenet.support.text import printable


@pytest.mark.parametrize('name, shown', [
    (b'a b,\xc3\xa9.png', 'a b,é.png'), (b'\xff.png', '\\xff.png'), (b'a\nb\x1b[31m', 'a\\nb\\x1b[31m')],
                         ids=['text', 'no text', 'control characters'])
def test_any_file_name_can_be_printed_on_one_line(name, shown):
    assert printable(os.fsdecode(name)) == shown


@pytest.mark.parametrize('encoding, shown', [
    ('utf-8', 'naïve ☃'), ('latin-1', 'naïve \\u2603'), ('ascii', 'na\\xefve \\u2603'), (None, 'na\\xefve \\u2603')],
                         ids=['utf-8', 'latin-1', 'ascii', 'none'])
def test_what_an_encoding_has_not_is_escaped(encoding, shown):
    assert printable('naïve ☃', encoding) == shown


def test_half_a_pair_of_surrogates_is_escaped_too():
    assert printable('\ud800') == '\\ud800'
