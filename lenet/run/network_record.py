"""What a checkpoint says of its network beside the weights.

It lies in the checkpoint itself, as one string among the tensors: so it moves with it, and its bytes are covered by the
checkpoint's checksums. It is saved by a node of the host, not from a variable, so the device has nothing to do with it.
"""

import json
from typing import NamedTuple

import tensorflow.compat.v1 as tf
from tensorflow.python.training import saver

from lenet.errors import UserError
from lenet.graph import model
from lenet.support import strict_json

KEY = 'network_record'


class NetworkRecord(NamedTuple):
    """What must be known to compute with the weights."""

    activation: str  # a key of model.ACTIVATIONS
    num_classes: int
    dark_on_light: bool = False  # how it was shown its digits; MNIST's are light on dark


class Saveable(saver.BaseSaverBuilder.SaveableObject):
    """Saves a record beside variables; restoring takes no notice of it."""

    def __init__(self, record: NetworkRecord) -> None:
        with tf.device('/cpu:0'):
            text = tf.constant(json.dumps(record._asdict(), sort_keys=True), name=KEY)
        spec = saver.BaseSaverBuilder.SaveSpec(text, '', KEY)
        super().__init__(text, [spec], KEY)

    def restore(self, restored_tensors: list, restored_shapes: list) -> tf.Operation:
        return tf.no_op()


def parse(text: object, name: str) -> NetworkRecord:
    """
    Args:
      text: bytes, as a checkpoint holds them.
      name: what errors call the checkpoint.

    Raises:
      UserError: it is no record, or one that this version does not know.
    """
    try:
        values = strict_json.parse(bytes(text))
        record = NetworkRecord(*(values.get(field) for field in NetworkRecord._fields))
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError('%s: its network_record is damaged (%s); take another checkpoint' % (name, error))
    types = [type(value) for value in record]
    if types != [str, int, bool] or record.activation not in model.ACTIVATIONS or record.num_classes < 1:
        raise UserError('%s: its network_record is of no network that this version knows: %.80r; take another '
                        'checkpoint' % (name, values))
    return record
