"""What a TFLite file of somebody else's may consist of, read from its bytes before an interpreter sees them.

TensorFlow's own interpreter also runs operators of TensorFlow ("Flex"), which read and write files. See operators.py.
"""

import struct
from typing import Iterator, List, Optional

from lenet.errors import UserError

# Numbers of TFLite's schema (BuiltinOperator). What lenet.freeze writes on either stack, and what else other ways to
# convert such a network leave.
NAMES = {0: 'ADD', 1: 'AVERAGE_POOL_2D', 3: 'CONV_2D', 4: 'DEPTHWISE_CONV_2D', 6: 'DEQUANTIZE', 9: 'FULLY_CONNECTED',
         14: 'LOGISTIC', 17: 'MAX_POOL_2D', 18: 'MUL', 19: 'RELU', 21: 'RELU6', 22: 'RESHAPE', 25: 'SOFTMAX',
         28: 'TANH', 39: 'TRANSPOSE', 40: 'MEAN', 43: 'SQUEEZE', 56: 'ARG_MAX', 98: 'LEAKY_RELU', 114: 'QUANTIZE'}
_OPERATOR_CODES = 1  # a field of Model
_OLD_CODE, _CUSTOM_NAME, _CODE = 0, 1, 3  # of OperatorCode
_MOST = 10000  # operator codes; TFLite has some 200, and any number of bytes could be taken for as many


def check(content: bytes, path: str) -> None:
    """
    Raises:
      UserError: the file at `path` has an operator that is not in NAMES, or is damaged.
    """
    try:
        found = names(content)
    except (struct.error, IndexError):
        raise UserError('%s: is no TFLite file, or a damaged one; python -m lenet.freeze writes one' % path)
    strange = sorted(set(found) - set(NAMES.values()))
    if strange:
        raise UserError('%s: refused, it has the operator(s) %s, which a network like this one does not need, and '
                        'which might do anything; allowed are %s; take a file that python -m lenet.freeze wrote' %
                        (path, ', '.join(strange[:10]), ' '.join(sorted(NAMES.values()))))


def names(content: bytes) -> List[str]:
    """The operators of a file, each once.

    Raises:
      struct.error, IndexError: it ends before what it points to, or has absurdly many.
    """
    return [_name(content, table) for table in _tables(content, _field(content, _follow(content, 0), _OPERATOR_CODES))]


def _name(content: bytes, table: int) -> str:
    places = [_field(content, table, number) for number in (_OLD_CODE, _CODE, _CUSTOM_NAME)]
    old = 0 if places[0] is None else content[places[0]]
    code = max(old, 0 if places[1] is None else _integer(content, places[1]))
    return NAMES.get(code, 'number %d' % code) if places[2] is None else 'custom operator'


# A flatbuffer: a table begins with the distance back to its own list of where each field lies.


def _integer(content: bytes, place: int, form: str = '<I') -> int:
    if place < 0:
        raise IndexError(place)
    return struct.unpack_from(form, content, place)[0]


def _follow(content: bytes, place: int) -> int:
    return place + _integer(content, place)


def _field(content: bytes, table: int, number: int) -> Optional[int]:
    """Where a table's field lies; None where it is left out."""
    fields = table - _integer(content, table, '<i')
    if 4 + 2 * number >= _integer(content, fields, '<H'):
        return None
    distance = _integer(content, fields + 4 + 2 * number, '<H')
    return table + distance if distance else None


def _tables(content: bytes, place: Optional[int]) -> Iterator[int]:
    """The tables of a list of tables."""
    if place is None:
        return
    start = _follow(content, place)
    count = _integer(content, start)
    if count > _MOST:
        raise IndexError(count)
    for index in range(count):
        yield _follow(content, start + 4 + 4 * index)
