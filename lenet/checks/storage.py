"""Whether the directories that the flags name can be made and written: a probe file of 2 MB is written and removed."""

import os
import shutil
import tempfile

from lenet.checks import Result, failed, passed, warned
from lenet.flags import Params

_NAME = '--output_dir'
_CHECKPOINT = 2 * 10 ** 6  # bytes, rounded up: 107,786 float32 weights and Adam's two slots
_RUN = 10 ** 8  # bytes; a run with the default flags writes a tenth of it
_RUN_WITH_DUMPS = 2 * 10 ** 9


def directories(params: Params) -> Result:
    """--output_dir, and the folders in it that profiling and dumps need."""
    names = [''] + ['profiling'] * bool(params.profiling) + ['dump'] * bool(params.over_dump or params.data_dump_flag)
    for name in names:
        path = os.path.abspath(os.path.join(params.output_dir, name))
        error = _write_error(path)
        if error:
            return failed(_NAME, '%s: %s' % (path, error), 'choose another directory, or make room in it')
    return _space(os.path.abspath(params.output_dir), _RUN_WITH_DUMPS if len(names) > 1 else _RUN)


def _space(path: str, needed: int) -> Result:
    free = shutil.disk_usage(_existing(path)).free
    if free < needed:
        return warned(_NAME, '%s: %d MB free' % (path, free // 10 ** 6),
                      'have %d MB: checkpoints and logs%s' %
                      (needed // 10 ** 6, ', profiles and dumps' if needed > _RUN else ''), alert=True)
    return passed(_NAME, '%s, %.1f GB free' % (path, free / 1e9))


def _write_error(path: str) -> str:
    """Writes as much as a checkpoint where `path` is or would be made, into a file that vanishes when it is closed; the
    permission bits alone do not tell.
    """
    try:
        with tempfile.TemporaryFile(dir=_existing(path)) as stream:
            stream.write(bytes(_CHECKPOINT))
    except OSError as error:
        return 'cannot be written (%s)' % error.strerror
    return ''


def _existing(path: str) -> str:
    """`path` or the nearest directory above it that exists."""
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return path
