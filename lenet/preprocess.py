"""Writes the test set as raw binaries, for inference outside this program.

  python -m lenet.preprocess --output_path=binaries                    MNIST, fetched where it is missing
  python -m lenet.preprocess --output_path=binaries --batch=64         batches of 64 images as well
  python -m lenet.preprocess --output_path=binaries --data_path=DIR    other data

lenet/export/binaries.py has the format. The directory appears whole or not at all; a former one is replaced, unless it
holds anything else.
Needs no TensorFlow. Exit statuses as lenet.train.
"""

import os
import time
from typing import Optional

from absl import flags as absl_flags

from lenet import flags
from lenet.data import dataset
from lenet.data.splits import Dataset
from lenet.errors import UserError
from lenet.export import binaries
from lenet.export import model_flags
from lenet.support import entry
from lenet.support import files
from lenet.support import progress
from lenet.support.flag_parsing import define_path


def check_target(path: str) -> None:
    """Raises:
      UserError: something is there that a directory of binaries must not replace.
    """
    if not os.path.lexists(path):
        return
    if not os.path.isdir(path):
        raise UserError('--output_path=%s: is a file; name a directory, which will be made' % path)
    try:
        stranger = binaries.find_stranger(path)
    except OSError as error:
        raise UserError('--output_path=%s: cannot be listed (%s); name another directory' % (path, error.strerror))
    if stranger is not None:
        raise UserError('--output_path=%s: is not empty and not what a former preprocess left, it holds %s; name a new '
                        'directory, or move that elsewhere' % (path, stranger))
    if os.path.samefile(path, os.getcwd()):
        raise UserError('--output_path=%s: is the working directory, which cannot be replaced; name another one' % path)


def preprocess(output_path: str, data: Dataset, batch: Optional[int]) -> str:
    """Writes the test split.

    Args:
      batch: images a batch, None for no batches.

    Returns:
      what was written, in one line.

    Raises:
      UserError: the directory cannot be written.
    """
    began = time.perf_counter()
    source = '%s, test split' % data.origin
    files.make_directory(os.path.dirname(os.path.realpath(output_path)))
    with files.replacing_directory(output_path) as directory:
        batches = binaries.write(directory, data.test, source, batch)
        check_target(output_path)  # again: what came meanwhile would go with the former directory
    return '%s: %d images and labels of %s%s in %.1f s' % (
        output_path, len(data.test.labels), source, ', %d batches of %d' % (batches, batch) if batch else '',
        time.perf_counter() - began)


def main() -> None:
    values = absl_flags.FLAGS
    files.recover(values.output_path)
    check_target(values.output_path)
    data = dataset.open_for(values, values.num_classes)
    progress.say(preprocess(values.output_path, data, values.batch))


def _define_flags() -> None:
    define_path('data_path', None, flags.DATA_PATH_HELP)
    model_flags.define_form()
    define_path('output_path', None, 'Directory that is written; one of a former preprocess is replaced.',
                required=True)
    absl_flags.DEFINE_integer('batch', None, 'Also writes batches of so many images, the last one filled up with '
                              'zeros.', 1, 60000)
    absl_flags.DEFINE_integer('seed', 1, 'Of the synthetic digits.', 0, flags.MAX_SEED)
    absl_flags.DEFINE_integer('num_classes', 10, 'Classes of the data; labels go from 0 to this less 1.', 2, 65536)


if __name__ == '__main__':
    _define_flags()
    absl_flags.adopt_module_key_flags(model_flags)
    entry.run(main)
