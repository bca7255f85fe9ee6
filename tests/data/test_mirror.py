import socket
import threading
import time
import urllib.request

import pytest

from lenet.data import mirror
from lenet.data.mnist_files import SourceError
from lenet.support import progress
from tests import loopback
from tests.data_files import raw_file, zipped

CONTENT = bytes(range(256)) * 99
FILE = raw_file('digits', CONTENT)
ZIPPED = zipped(CONTENT)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv('no_proxy', '*')


def read(answer, timeout=5.0, deadline=10.0):
    with loopback.Server({'/mnist/digits.gz': answer}) as server:
        return list(mirror.read(server.url, [FILE], timeout, deadline))


def refusal(answer, **bounds):
    with pytest.raises(SourceError) as raised:
        read(answer, **bounds)
    message = str(raised.value)
    assert message.startswith('digits') and '\n' not in message
    return message


def test_file_is_unzipped_and_verified():
    assert read(ZIPPED) == [(FILE, CONTENT)]


def test_slash_at_the_end_of_the_address_is_optional():
    with loopback.Server({'/mnist/digits.gz': ZIPPED}) as server:
        assert list(mirror.read(server.url.rstrip('/'), [FILE], 5, 10)) == [(FILE, CONTENT)]


@pytest.mark.parametrize('answer, expected', [
    (None, 'digits.gz: HTTP status 404'),
    (loopback.truncated(ZIPPED), 'digits.gz: truncated after %d bytes' % (len(ZIPPED) // 2)),
    (b'', 'digits.gz: truncated after 0 bytes'),
    (CONTENT, 'digits.gz: damaged ('),
    (ZIPPED[:-8] + b'CRC!' + ZIPPED[-4:], 'digits.gz: damaged ('),
    (zipped(CONTENT[:-1]), 'digits: expected 25344 bytes, got 25343'),
    (zipped(CONTENT + b'!'), 'digits: expected 25344 bytes, got 25345'),
    (zipped(bytes(1 << 20)), 'digits: expected 25344 bytes, got 25345'),
    (zipped(CONTENT[::-1]), 'digits: expected sha256'),
    (loopback.endless, 'digits.gz: more than'),
    (loopback.garbled, 'digits.gz: '),
], ids=['missing', 'truncated', 'empty', 'not zipped', 'wrong CRC', 'a byte short', 'a byte long', 'far too long',
        'other digits', 'endless', 'no HTTP'])
def test_bad_answer_is_refused(answer, expected):
    assert refusal(answer).startswith(expected)


@pytest.mark.parametrize('answer', [loopback.stalled(ZIPPED), lambda handler: handler.server.closing.wait()],
                         ids=['in the body', 'before the header'])
def test_silent_server_is_left_after_the_timeout(answer):
    start = time.monotonic()
    assert 'timed out' in refusal(answer, timeout=0.2)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize('answer', [loopback.dripping, loopback.dripping_body], ids=['header', 'body'])
def test_dripping_server_is_left_at_the_deadline(answer):
    start = time.monotonic()
    assert 'too slow' in refusal(answer, deadline=0.3)
    assert time.monotonic() - start < 4


def test_transfer_that_was_left_stops_reading():
    with loopback.Server({'/mnist/digits.gz': loopback.dripping_body}) as server:
        with pytest.raises(SourceError):
            list(mirror.read(server.url, [FILE], 5, 0.3))
        for thread in threading.enumerate():
            if isinstance(thread, mirror._Transfer):
                thread.join(5)
                assert not thread.is_alive()


def test_bar_on_a_terminal_counts_the_bytes(monkeypatch, capfd):
    monkeypatch.setattr(progress, 'on_terminal', lambda: True)
    read(ZIPPED)
    assert 'digits.gz: ' in capfd.readouterr().err


def test_server_that_refuses_is_reported():
    with socket.socket() as unserved:
        unserved.bind(('127.0.0.1', 0))  # bound, not listening
        url = 'http://127.0.0.1:%d/' % unserved.getsockname()[1]
        with pytest.raises(SourceError, match='digits.gz: Connection refused'):
            list(mirror.read(url, [FILE], 5, 10))


@pytest.mark.parametrize('url', ['nonsense', 'http://', 'http://[::1', 'ssh://host/'])
def test_address_that_is_no_url_is_reported(url):
    with pytest.raises(SourceError):
        list(mirror.read(url, [FILE], 5, 10))


def test_proxy_of_the_environment_is_used(monkeypatch):
    monkeypatch.delenv('no_proxy')
    monkeypatch.setattr(urllib.request, '_opener', None)  # it remembers the proxies of the first request
    with loopback.Server({'http://mirror.invalid/digits.gz': ZIPPED}) as proxy:
        monkeypatch.setenv('http_proxy', proxy.url)
        assert list(mirror.read('http://mirror.invalid/', [FILE], 5, 10)) == [(FILE, CONTENT)]


def test_fault_of_the_program_is_no_fault_of_the_mirror(monkeypatch):
    def broken(*unused_args):
        raise KeyError('a bug')

    monkeypatch.setattr(mirror._Transfer, '_pump', broken)
    with pytest.raises(KeyError):
        read(ZIPPED)
