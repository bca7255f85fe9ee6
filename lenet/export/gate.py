"""What an export must pass: read back from its file, it answers every test image as the checkpoint does.

Letters: n images, C classes.
"""

import os
from typing import Any, Dict, NamedTuple

import numpy as np

from lenet.data.splits import Split
from lenet.export import evaluation
from lenet.export import parity
from lenet.export import scoring
from lenet.export import sidecar
from lenet.export.network import Network
from lenet.export.trained import Trained
from lenet.support import progress


class Gate(NamedTuple):
    """What an export is held against."""

    trained_network: Trained
    split: Split
    source: str  # of the split
    expected: np.ndarray  # the checkpoint's logits, float32 [n, C]
    tolerance: float  # of a logit
    tolerance_accuracy: float  # of files of integers, whose logits are coarse

    def check(self, network: Network, path: str, name: str, convolution: str) -> Dict[str, Any]:
        """Lets a network that was read back from its file answer all images, and tells how it did.

        Args:
          path: the file, where it lies now.
          name: what it will be called.
          convolution: as in model.Form.

        Returns:
          Its description for a sidecar.

        Raises:
          UserError: it answers otherwise than the checkpoint.
        """
        answers = evaluation.ask(network, self.split.images, parity.BATCH)
        difference = parity.compare(self.expected, answers.logits)
        counts = scoring.count(answers, self.split.labels)
        accuracy = float((self.expected.argmax(axis=1) == self.split.labels).mean())
        has_integers = any('scale' in node for node in network.nodes().values())
        limits = {'tolerance_accuracy' if has_integers else 'tolerance':
                  self.tolerance_accuracy if has_integers else self.tolerance}
        progress.say("%s: largest logit difference %.3g (%s), %d of %d predictions changed, test accuracy %.4f (%d of "
                     "%d), the checkpoint's %.4f, %.0f KB" % (
                         name, difference.largest_difference, ', '.join('--%s=%g' % limit for limit in limits.items()),
                         difference.predictions_changed, difference.images, counts.accuracy, counts.correct,
                         counts.images, accuracy, os.path.getsize(path) / 1e3))
        if has_integers:
            parity.require_accuracy(accuracy, counts.accuracy, self.tolerance_accuracy, name)
        else:
            parity.require(difference, self.tolerance, name)
        description = sidecar.describe(path, network.nodes(), self.trained_network, convolution)
        return dict(description, **sidecar.results(counts, self.source, difference, checkpoint_accuracy=accuracy,
                                                   **limits))
