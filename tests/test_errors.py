"""An error as one line: its first, or all of them joined."""

import pytest
import tensorflow.compat.v1 as tf

from lenet.errors import UsageError, UserError, first_line, one_line


@pytest.mark.parametrize('error, line', [
    (ValueError('\n one\ntwo'), 'one'), (ValueError(), 'ValueError'), (ValueError(' \n'), 'ValueError'),
    (OSError(28, 'No space left on device'), '[Errno 28] No space left on device'),
    (tf.errors.NotFoundError(None, None, 'x is missing\n\t [[node y]]'), 'x is missing')],
    ids=['two lines', 'no text', 'blank', 'OSError', 'OpError'])
def test_first_line(error, line):
    assert first_line(error) == line


@pytest.mark.parametrize('error, line', [(ValueError('\n one\n  two'), 'one two'), (ValueError(' \n'), 'ValueError')],
                         ids=['two lines', 'blank'])
def test_one_line(error, line):
    assert one_line(error) == line


def test_what_a_user_is_told_is_one_line_that_moves_no_terminal():
    error = UsageError('a\nb\x1b[31m\ud800: ' + 'x' * 10000 + '; give another')
    assert isinstance(error, UserError) and str(error).startswith('a\\nb\\x1b[31m\\ud800: xx')
    assert str(error).endswith('xx; give another') and str(error).isprintable() and len(str(error)) < 5000


def test_the_stack_trace_of_an_op_is_left_out():
    with tf.Graph().as_default(), tf.Session() as session:
        with pytest.raises(tf.errors.InvalidArgumentError) as raised:
            session.run(tf.check_numerics(float('nan'), 'broken'))
    assert '\n' in str(raised.value) and first_line(raised.value).startswith('broken')
