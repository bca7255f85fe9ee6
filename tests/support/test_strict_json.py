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
    (b'[' * 100000, 'nested too deeply')])
def test_what_is_no_strict_json_is_refused_in_one_line(tmp_path, content, words):
    path = tmp_path / 'file.json'
    path.write_bytes(content)
    with pytest.raises(ValueError) as raised:
        strict_json.load(str(path))
    assert words in str(raised.value) and '\n' not in str(raised.value)


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match='is a directory'):
        strict_json.load(str(tmp_path))
    with pytest.raises(ValueError, match='is no file'):
        strict_json.load(str(tmp_path / 'missing'))


def test_right_json_is_read(tmp_path):
    path = tmp_path / 'file.json'
    path.write_text('{"a": [1, {"b": "c", "d": null}], "e": {"b": 2.5}}')
    assert strict_json.load(str(path)) == {'a': [1, {'b': 'c', 'd': None}], 'e': {'b': 2.5}}
