"""Checks whether training with these flags would work, before minutes of compilation.

  python -m lenet.doctor --flagfile=npu.flags     everything that an Ascend NPU needs, and the session config
  python -m lenet.doctor                          what a CPU needs
  python -m lenet.doctor --json ...               the same as one JSON object

Takes the flags of lenet.train. No device is touched, what may abort is imported in another process, and nothing is
left behind (a file of 2 MB is written where --output_dir is or would be made, and removed). Exit statuses: 0 nothing
would fail, 1 something would, 2 wrong command line.
"""

import os

from absl import flags as absl_flags

from lenet import flags
from lenet.checks import examination
from lenet.checks import report
from lenet.support import entry


def main() -> int:
    examined = examination.examine(flags.read(), os.environ)
    print(report.to_json(examined) if absl_flags.FLAGS.json else '\n'.join(report.to_text(examined)))
    return 0 if examined.ready() else 1


if __name__ == '__main__':
    flags.define()
    absl_flags.DEFINE_bool('json', False, 'Prints one JSON object instead of lines.')
    absl_flags.adopt_module_key_flags(flags)
    entry.run(main)
