"""What may stand in a file instead of what should: a strategy for hypothesis that makes it from what should."""

import json
from typing import Any, Iterator, List, Tuple

from hypothesis import strategies as st

_PUT = '"@put here@"'
_DEEP = 100000

# Texts of single JSON values that programs stumble over.
_VALUES = st.sampled_from(
    ['null', 'true', '0', '-1', '-0.0', '1e308', '-1e308', '1e-320', '1e999', 'NaN', '-Infinity', str(2 ** 31),
     str(2 ** 40), str(2 ** 63), str(-2 ** 63), '1' + '0' * 400, '9' * 5000, '1.' + '3' * 5000, '""', r'"\u0000"',
     r'"\ud800"', r'"\u001b[31m\n"', r'"\u202e"', '"²"', '"%s"' % ('x' * 20000), '"/dev/zero"', '"../../x"', '[]', '{}',
     '[[], {}]', '[[NaN]]', '{"a": 1, "a": 2}', '[' * 60 + ']' * 60, '[' * 900 + ']' * 900, '[' * _DEEP + ']' * _DEEP,
     '{"a":' * _DEEP + '1' + '}' * _DEEP, '{"sha256": "x"}', '[1, 2, 3]'])
_ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda some: st.lists(some, max_size=4) | st.dictionaries(st.text(max_size=8), some, max_size=4),
    max_leaves=12).map(json.dumps) | _VALUES


class Content(bytes):
    """Whose text does not fill the screen when a test fails."""

    def __repr__(self) -> str:
        text = super().__repr__()
        return text if len(text) < 1000 else '%s … %s, %d bytes' % (text[:500], text[-500:], len(self))


def contents(valid: bytes, is_json: bool) -> st.SearchStrategy:
    """Contents of a file.

    Args:
      valid: a right one.
      is_json: it is JSON, or a file of lines of JSON; then values in it are exchanged as well.
    """
    any_bytes = st.binary(max_size=300)
    if not is_json:
        return st.one_of(any_bytes, _damaged(valid), _damaged(valid)).map(Content)
    lines = valid.decode().splitlines() if valid.count(b'\n{') else [valid.decode()]
    return st.one_of(any_bytes, _damaged(valid), _ANY_JSON.map(lambda text: text.encode('utf-8', 'replace')),
                     _exchanged(lines), _exchanged(lines), _exchanged(lines)).map(Content)


@st.composite
def _damaged(draw: Any, valid: bytes) -> bytes:
    """Bytes turned over, cut out, repeated and inserted, mostly near the start or the end, where structure is."""
    content = bytearray(valid)
    for _ in range(draw(st.integers(1, 3))):
        size = len(content)
        place = draw(st.one_of(st.integers(0, size), st.integers(0, min(size, 200)),
                               st.integers(max(0, size - 200), size)))
        length = draw(st.one_of(st.integers(1, 8), st.integers(1, size + 1)))
        how = draw(st.sampled_from(['bit', 'bytes', 'insert', 'repeat', 'drop', 'end']))
        if how == 'bit':
            for byte in content[place:place + 1]:
                content[place] = byte ^ (1 << draw(st.integers(0, 7)))
        elif how == 'bytes':
            new = draw(st.binary(min_size=1, max_size=8))
            content[place:place + len(new)] = new
        elif how == 'insert':
            content[place:place] = draw(st.binary(min_size=1, max_size=8))
        elif how == 'repeat':
            content[place:place] = content[place:place + min(length, 4096)]
        elif how == 'drop':
            del content[place:place + length]
        else:
            del content[place:]
    return bytes(content)


@st.composite
def _exchanged(draw: Any, lines: List[str]) -> bytes:
    """JSON with one value exchanged, left out or named anew."""
    number = draw(st.integers(0, len(lines) - 1))
    value = json.loads(lines[number])
    places = list(_places(value))
    container, key = places[draw(st.integers(0, len(places) - 1))]
    how = draw(st.sampled_from(['exchange', 'exchange', 'exchange', 'exchange', 'drop', 'rename']))
    if how == 'exchange':
        container[key] = json.loads(_PUT)
    elif how == 'drop':
        del container[key]
    elif isinstance(container, dict):
        container[draw(st.text(max_size=8))] = container.pop(key)
    text = json.dumps(value).replace(_PUT, draw(_ANY_JSON))
    return ''.join(line + '\n' for line in lines[:number] + [text] + lines[number + 1:]).encode('utf-8', 'replace')


def _places(value: Any) -> Iterator[Tuple[Any, Any]]:
    """Every item in a value: what it is in, and its index or key there."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from _places(value[key])
