"""Trains LeNet on MNIST and evaluates it on all test images.

  python -m lenet.train                            on this CPU, MNIST fetched where it is missing
  python -m lenet.train --flagfile=npu.flags       on an Ascend NPU
  python -m lenet.train --data_path=synthetic      offline, on digits that the program draws

Writes --output_dir. Exit statuses: 0 done, 1 failed, 2 wrong command line, 130 Ctrl-C and 143 SIGTERM (with a
checkpoint to --resume from).
"""

from absl import flags as absl_flags

from lenet import flags
from lenet import platforms
from lenet.support import entry
from lenet.support import stack


def main() -> int:
    params = flags.read()
    params = flags.complete(params, platforms.resolve(params.platform))
    with stack.importing():
        from lenet.report import writing  # seconds of imports, after the command line is known to be right
        from lenet.run import trainer
    return trainer.train(params, writing.show)


if __name__ == '__main__':
    flags.define()
    absl_flags.adopt_module_key_flags(flags)
    entry.run(main)
