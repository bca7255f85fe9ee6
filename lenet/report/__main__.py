"""Writes report.html, one page that shows a run: what it learned, what it gets wrong, and reads a digit you draw.

  python -m lenet.report                        output/report.html of the run in output/
  python -m lenet.report run1 run2              run1/report.html, both runs in one page
  python -m lenet.report run1 run2 --html_out=both.html

The page is one file that opens by double click and asks for nothing from elsewhere. Exit statuses as lenet.train.
"""

import os

from absl import flags

from lenet.run import run_directory
from lenet.support import entry
from lenet.support import flag_parsing
from lenet.support import paths
from lenet.support import progress
from lenet.support import stack


def main(*directories: str) -> None:
    directories = [paths.interpret(directory, 'OUTPUT_DIR') for directory in directories or ('output',)]
    with stack.importing():
        from lenet.report import writing  # seconds of imports, after the command line is known to be right
    path = flags.FLAGS.html_out or os.path.join(directories[0], run_directory.REPORT)
    writing.write(directories, path)
    progress.answer('wrote %s' % path)


if __name__ == '__main__':
    flag_parsing.define_path('html_out', None, 'The page. Default: report.html in the first directory.')
    entry.run(main, positional='OUTPUT_DIR', several=True, optional=True)
