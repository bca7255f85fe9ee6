import struct

import pytest

from lenet.export import tflite_operators
from tests import exports
from tests.data_files import error_of


def model_of(*codes, custom=False):
    """A TFLite file of operator codes alone, written by hand: (deprecated_builtin_code, builtin_code) each."""
    # The table of Model: where its list of fields is, and the field of the codes.
    head = struct.pack('<I4sHHHHHH', 20, b'TFL3', 8, 8, 0, 4, 0, 0) + struct.pack('<iI', 12, 4)
    tables, places = b'', []
    start = len(head) + 4 + 4 * len(codes)
    for old, new in codes:
        fields = struct.pack('<HHHHHH', 12, 12, 4, 5 if custom else 0, 0, 8)
        places.append(start + len(tables) + len(fields))
        tables += fields + struct.pack('<ibbHi', len(fields), old, 0, 0, new)
    here = len(head)
    vector = struct.pack('<I', len(codes)) + b''.join(
        struct.pack('<I', place - (here + 4 + 4 * index)) for index, place in enumerate(places))
    return head + vector + tables


def test_the_names_are_those_of_the_file():
    assert set(tflite_operators.names(exports.content('tflite'))) >= {'CONV_2D', 'MAX_POOL_2D', 'FULLY_CONNECTED',
                                                                    'TANH', 'SOFTMAX', 'ARG_MAX'}


def test_both_places_of_a_code_count():
    assert tflite_operators.names(model_of((3, 0), (9, 9), (56, 0))) == ['CONV_2D', 'FULLY_CONNECTED', 'ARG_MAX']


@pytest.mark.parametrize('content, word', [
    (model_of((3, 3), (127, 129)), 'number 129'), (model_of((119, 119)), 'number 119'),
    (model_of((32, 32), custom=True), 'custom operator'), (model_of((3, 3), custom=True), 'custom operator')],
    ids=['CALL_ONCE', 'WHILE', 'Flex', 'custom name'])
def test_an_operator_that_the_network_does_not_need_is_refused(content, word):
    message = error_of(tflite_operators.check, content, 'x.tflite')
    assert message.startswith('x.tflite: refused, it has the operator(s) %s, ' % word) and 'CONV_2D' in message


def test_what_points_outside_of_the_file_is_damaged():
    whole = model_of((3, 3), (9, 9))
    for length in range(len(whole)):
        message = error_of(tflite_operators.check, whole[:length], 'x.tflite')
        assert message == ('x.tflite: is no TFLite file, or a damaged one; python -m lenet.freeze writes one'), length
    assert 'x.tflite: is no TFLite file' in error_of(tflite_operators.check, model_of(*[(3, 3)] * 10001), 'x.tflite')
    for place in (0, 20, 24, 28):
        damaged = whole[:place] + b'\xff\xff\xff\x7f' + whole[place + 4:]
        assert 'x.tflite: is no TFLite file' in error_of(tflite_operators.check, damaged, 'x.tflite')
