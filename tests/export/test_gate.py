import numpy as np
import pytest

from lenet.export import gate
from lenet.export import network
from lenet.export import trained
from tests import checkpoints
from tests import trainings
from tests.data_files import error_of

SPLIT = trainings.random_split(1000)
RIGHT = 0.5 * np.eye(10, dtype=np.float32)[SPLIT.labels]


class Told(network.Network):
    """Answers the images in order with the given logits."""

    def __init__(self, logits, node):
        self._logits, self._next = logits, 0
        self._nodes = {'input_image': {'dtype': 'float32', 'shape': [None, 784]},
                       'logits': dict({'dtype': 'float32', 'shape': [None, 10]}, **node)}
        super().__init__('x')

    def nodes(self):
        return self._nodes

    def compute(self, images):
        self._next += len(images)
        return network.complete(self._logits[self._next - len(images):self._next], {})


@pytest.fixture
def check(tmp_path):
    """Holds logits against a checkpoint that is right everywhere."""
    source = trained.load(checkpoints.write(tmp_path), 'nowhere')
    (tmp_path / 'x').write_bytes(bytes(12345))

    def run(logits, tolerance=1e-3, tolerance_accuracy=0.003, **node):
        held = gate.Gate(source, SPLIT, 'the test', RIGHT, tolerance, tolerance_accuracy)
        return held.check(Told(logits, node), str(tmp_path / 'x'), 'final', 'direct')
    return run


def with_mistakes(count):
    logits = RIGHT.copy()
    logits[:count] = np.roll(logits[:count], 1, axis=1)
    return logits


def test_floats_are_held_against_the_logits(check, capsys):
    described = check(RIGHT + np.float32(2 ** -11))
    assert described['parity'] == {'images': 1000, 'largest_difference': 2 ** -11, 'predictions_changed': 0,
                                   'tolerance': 1e-3, 'checkpoint_accuracy': 1.0}
    assert (described['test']['accuracy'], described['bytes']) == (1.0, 12345)
    assert capsys.readouterr().out == (
        'final: largest logit difference 0.000488 (--tolerance=0.001), 0 of 1000 predictions changed, test accuracy '
        "1.0000 (1000 of 1000), the checkpoint's 1.0000, 12 KB\n")
    assert error_of(check, RIGHT + np.float32(2 ** -9)).startswith('final: not written, its logits differ')
    assert error_of(check, with_mistakes(1)).startswith('final: not written, its logits differ')


def test_integers_are_held_against_the_accuracy(check):
    described = check(3 * with_mistakes(3), scale=0.5, zero_point=3)
    assert described['parity']['tolerance_accuracy'] == 0.003 and 'tolerance' not in described['parity']
    assert described['parity']['predictions_changed'] == 3 and described['test']['correct'] == 997
    assert described['nodes']['logits']['zero_point'] == 3
    assert error_of(lambda: check(with_mistakes(4), scale=0.5, zero_point=3)) == (
        "final: not written, its accuracy of 0.9960 is lower than the checkpoint's 1.0000 by more than "
        '--tolerance_accuracy=0.003')
    check(with_mistakes(4), scale=0.5, zero_point=3, tolerance_accuracy=0.004)
