"""Builds the graph of a training in a process of its own, for the doctor, and tells which operators it is made of: the
adapter's optimizers, which may abort, make some of them.

`find` starts that process, which runs `main`: python -m lenet.checks.graph_probe, with flags on stdin, a line each.
"""

import json
import sys

import numpy as np

from lenet import flags
from lenet.checks import import_probe
from lenet.checks import operators
from lenet.data.splits import Dataset, Split
from lenet.errors import UserError
from lenet.flags import Params
from lenet.support import stack


def find(params: Params) -> operators.Needed:
    """What the graph of `params`, completed, needs.

    Raises:
      UserError: it cannot be built.
    """
    # Nothing is to be left behind: for these `start` makes directories.
    params = params._replace(profiling=False, over_dump=False, data_dump_flag=0)
    answer = import_probe.ask(__name__, text='\n'.join(flags.to_lines(params)))
    if not answer.reported:
        raise UserError('building it %s: %s' % (answer.end, answer.printed[-1] if answer.printed else 'not a word'))
    return operators.Needed(**json.loads(answer.reported))


def _build(params: Params) -> operators.Needed:
    with stack.importing():
        from lenet import platforms
        from lenet.graph import training_graph
    images = Split(np.zeros([8, 28, 28, 1], np.uint8), np.zeros([8], np.int32))
    platform = platforms.choose(params).start()
    return operators.needed(training_graph.build(params, platform, Dataset(images, images, 'zeros', True)))


def main() -> None:
    """Reports the fields of operators.Needed as a line of JSON."""
    with import_probe.answering() as report:
        params = flags.from_lines(sys.stdin.read().splitlines())
        print(json.dumps(_build(params)._asdict()), file=report)


if __name__ == '__main__':
    main()
