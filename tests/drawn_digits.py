"""Digits that the program draws, 2000 and 1007 of them: the four IDX files in PATH, made once for all processes of a
test run. (--data_path=synthetic draws 70,000 in every process.)"""

import atexit
import os
import shutil
import tempfile

import numpy as np

from lenet.data import idx
from lenet.data import synthetic
from tests import data_files

_VARIABLE = 'LENET_TEST_DIGITS'  # processes that one with it starts have it too


def _write() -> str:
    folder = tempfile.mkdtemp(prefix='lenet-digits-')
    atexit.register(shutil.rmtree, folder)
    drawn = synthetic.draw(1, train=2000, test=1007)
    for name, array in zip(idx.NAMES, drawn.train + drawn.test):
        array = array.reshape(array.shape[:3]).astype(np.uint8)
        data_files.write(os.path.join(folder, name), data_files.idx_bytes(array))
    return folder


PATH = os.environ[_VARIABLE] = os.environ.get(_VARIABLE) or _write()
FLAG = '--data_path=' + PATH
