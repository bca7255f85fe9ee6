"""Strict JSON: what is refused, and in which words."""

import pytest

from lenet.support import strict_json


@pytest.mark.parametrize('content, words', [
    (b'{"a": 1, "a": 2}', '"a" appears twice in one object'),
    (b'{"b": {"a": 1, "a": 1}}', '"a" appears twice'),
    (b'[NaN]', 'NaN is no JSON'),
    (b'[-Infinity]', '-Infinity is no JSON'),
    (b'{"a": 1 2}', 'no JSON at line 1, column 9'),
    (b'[1, 2,]', 'no JSON at line 1'),
    (b'{"a": 1} // why', 'no JSON at line 1, column 10'),
    (b'', 'no JSON at line 1, column 1'),
    (b'"\xff"', 'no UTF-8 at byte 1'),
    (b'[1e999]', '1e999 is too large'), (b'[-9223372036854775809]', '-9223372036854775809… is too large'),
    (b'[' + b'9' * 100000 + b']', '99999999999999999999… is too large'),
    (b'[' * 60 + b']' * 60, 'nested too deeply'), (b'[' * 100000, 'nested too deeply')])
def test_what_is_no_strict_json_is_refused_in_one_line(content, words):
    with pytest.raises(ValueError) as raised:
        strict_json.parse(content)
    assert words in str(raised.value) and '\n' not in str(raised.value)


def test_right_json_is_read():
    parsed = strict_json.parse(b'{"a": [1, {"b": "c", "d": null}], "e": {"b": 2.5}}')
    assert parsed == {'a': [1, {'b': 'c', 'd': None}], 'e': {'b': 2.5}}
