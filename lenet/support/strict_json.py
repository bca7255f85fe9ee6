"""JSON by the letter: other parsers, the NPU toolkit's among them, are stricter than Python's."""

import json
import math
import re
from typing import Any, List, Tuple

_DEEPEST = 50  # what this program reads has 6 levels; what takes a value apart or prints it may call itself

# Innermost, without text. It takes a line each, or a confusion matrix would fill a screen.
_LIST_OF_NUMBERS = re.compile(r'\[\n[^\[\]{}"]*\]')


def parse(content: bytes) -> Any:
    """Reads JSON in UTF-8: without duplicate keys, NaN or Infinity, its integers of 64 bits, its floats finite, and not
    nested deeply.

    Raises:
      ValueError: it is no such JSON; one line.
    """
    try:
        value = json.loads(content.decode('utf-8'), object_pairs_hook=_unique, parse_constant=_refuse,
                           parse_int=_integer, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise ValueError('no JSON at line %d, column %d: %s' % (error.lineno, error.colno, error.msg))
    except UnicodeDecodeError as error:
        raise ValueError('no UTF-8 at byte %d' % error.start)
    except RecursionError:
        raise ValueError('nested too deeply')
    _require_shallow(value)
    return value


def text(value: Any) -> str:
    """`value` as the content of a file."""
    indented = json.dumps(without_nan(value), indent=1, allow_nan=False)
    return _LIST_OF_NUMBERS.sub(lambda match: ' '.join(match.group().split()), indented) + '\n'


def without_nan(value: Any) -> Any:
    """`value` with None for every NaN and infinity, which JSON has not."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _unique(pairs: List[Tuple[str, Any]]) -> dict:
    members = {}
    for name, value in pairs:
        if name in members:
            raise ValueError('"%s" appears twice in one object' % name)
        members[name] = value
    return members


def _integer(text: str) -> int:
    # The time that thousands of digits take grows with their square.
    if len(text) > 20 or not -2 ** 63 <= int(text) < 2 ** 63:
        raise ValueError('%.20s… is too large' % text)
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError('%.20s is too large' % text)
    return value


def _require_shallow(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        level = [item for outer in level if isinstance(outer, (dict, list))
                 for item in (outer.values() if isinstance(outer, dict) else outer) if isinstance(item, (dict, list))]
    if level:
        raise ValueError('nested too deeply')


def _refuse(constant: str) -> None:
    raise ValueError('%s is no JSON' % constant)
