import os

from lenet.support import quiet


def test_matching_lines_are_held_back_and_the_others_printed(capfd):
    with quiet.without_stderr_lines('noise'):
        os.write(2, b'some noise\nreal warning\n')
    os.write(2, b'noise after\n')
    assert capfd.readouterr().err == 'real warning\nnoise after\n'
