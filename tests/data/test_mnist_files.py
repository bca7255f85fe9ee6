import pytest

from lenet.data import idx
from lenet.data.mnist_files import MNIST, SourceError, check
from tests.data_files import raw_file

CONTENT = b'thirteen more'
FILE = raw_file('digits', CONTENT)


def test_right_content_passes():
    check(FILE, CONTENT)


@pytest.mark.parametrize('file, content, expected', [
    (FILE, CONTENT[:-1], 'digits: expected 13 bytes, got 12'),
    (FILE, b'thirteen mare', 'digits: expected sha256 ' + FILE.sha256),
    (FILE._replace(sha256='0' * 64), CONTENT, 'digits: expected sha256 ' + '0' * 64),
])
def test_other_content_is_refused(file, content, expected):
    with pytest.raises(SourceError) as raised:
        check(file, content)
    assert str(raised.value).startswith(expected)


def test_table_names_the_files_that_are_read_and_fits_their_sizes():
    assert tuple(file.name for file in MNIST) == idx.NAMES
    assert [file.size for file in MNIST] == [16 + 60000 * 784, 8 + 60000, 16 + 10000 * 784, 8 + 10000]
    assert all(len(file.sha256) == 64 for file in MNIST)
