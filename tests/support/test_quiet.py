import os
import signal
import subprocess
import sys

from lenet.support import quiet
from tests import processes


def test_matching_lines_are_held_back_and_the_others_printed(capfd):
    with quiet.without_stderr_lines('noise'):
        os.write(2, b'some noise\nreal warning\n')
    os.write(2, b'noise after\n')
    assert capfd.readouterr().err == 'real warning\nnoise after\n'


def test_nothing_reaches_stdout_not_even_what_c_has_buffered():
    program = ('import ctypes, os\nfrom lenet.support import quiet\nprintf = ctypes.CDLL(None).printf\n'
               'printf(b"before\\n")\nwith quiet.without_stdout():\n'
               '    printf(b"from C\\n")\n    os.write(1, b"from Python\\n")\nprint("after")\n')
    ended = subprocess.run([sys.executable, '-c', program], stdout=subprocess.PIPE, universal_newlines=True,
                           cwd=processes.ROOT)
    assert ended.stdout == 'before\nafter\n'


def test_the_last_words_of_an_aborted_process_get_through():
    program = ('import os\nfrom lenet.support import quiet\nwith quiet.filtering_stderr("noise"):\n'
               '    os.write(2, b"some noise\\nfatal: no AVX\\n")\n    os.abort()\n')
    ended = subprocess.run([sys.executable, '-c', program], stderr=subprocess.PIPE, universal_newlines=True,
                           cwd=processes.ROOT)
    assert (ended.returncode, ended.stderr) == (-signal.SIGABRT, 'fatal: no AVX\n')
