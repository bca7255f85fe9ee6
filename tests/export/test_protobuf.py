import warnings

import pytest
import tensorflow.compat.v1 as tf
from google.protobuf import message

from lenet.export import protobuf

WHOLE = tf.GraphDef(node=[tf.NodeDef(name='x', op='NoOp')]).SerializeToString()


@pytest.mark.parametrize('content', [WHOLE[:-1], WHOLE + b'\x0c', b'\n\xff'], ids=['early', 'late', 'length'])
def test_a_damaged_message_is_an_error_without_other_words(content, capfd):
    with pytest.raises(message.DecodeError), warnings.catch_warnings(record=True) as told:
        with protobuf.parsing():
            tf.GraphDef().ParseFromString(content)
    assert not told and capfd.readouterr() == ('', '')


def test_a_whole_one_is_parsed():
    graph_def = tf.GraphDef()
    with protobuf.parsing():
        graph_def.ParseFromString(WHOLE)
    assert graph_def.node[0].op == 'NoOp'
