"""A web server on loopback whose answers, good and bad, are chosen by the test."""

import http.server
import threading
from typing import Callable, Dict, Union

Handler = http.server.BaseHTTPRequestHandler
Answer = Union[bytes, Callable[[Handler], None]]


class Server(http.server.ThreadingHTTPServer):
    """Serves `answers`, path -> bytes or a function that writes the answer; 404 for any other path.

    Use it as a context manager: at its end every handler that waits for `closing` returns.
    """

    def __init__(self, answers: Dict[str, Answer]) -> None:
        super().__init__(('127.0.0.1', 0), _Handler)
        self.answers = answers
        self.requests = []  # the paths, in the order of their arrival
        self.requested = threading.Event()
        self.closing = threading.Event()
        self.url = 'http://127.0.0.1:%d/mnist/' % self.server_address[1]

    def __enter__(self) -> 'Server':
        threading.Thread(target=self.serve_forever, kwargs={'poll_interval': 0.01}, daemon=True).start()
        return self

    def __exit__(self, *unused_args: object) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()


class _Handler(Handler):
    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        self.server.requested.set()
        answer = self.server.answers.get(self.path)
        try:
            if answer is None:
                self.send_error(404)
            elif callable(answer):
                answer(self)
            else:
                good(answer)(self)
        except ConnectionError:
            pass  # the client left, as many tests want

    def log_message(self, *unused_args: object) -> None:
        pass


def head(handler: Handler, length: int) -> None:
    handler.send_response(200)
    handler.send_header('Content-Length', str(length))
    handler.end_headers()


def good(body: bytes) -> Answer:
    """All of `body`."""
    def answer(handler: Handler) -> None:
        head(handler, len(body))
        handler.wfile.write(body)
    return answer


def truncated(body: bytes) -> Answer:
    """Announces all of `body`, sends half of it, hangs up."""
    def answer(handler: Handler) -> None:
        head(handler, len(body))
        handler.wfile.write(body[:len(body) // 2])
    return answer


def stalled(body: bytes) -> Answer:
    """Sends half of `body`, then nothing."""
    def answer(handler: Handler) -> None:
        truncated(body)(handler)
        handler.server.closing.wait()
    return answer


def dripping(handler: Handler) -> None:
    """A byte now and then, for ever; the header never ends."""
    while not handler.server.closing.wait(0.02):
        handler.wfile.write(b'H')


def dripping_body(handler: Handler) -> None:
    """A good header, then a byte now and then, for ever."""
    head(handler, 1 << 20)
    dripping(handler)


def endless(handler: Handler) -> None:
    """As many bytes as the client takes."""
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.closing.is_set():
        handler.wfile.write(bytes(1 << 16))


def garbled(handler: Handler) -> None:
    """No HTTP."""
    handler.wfile.write(b'\xff\xfe nonsense\r\n\r\n')
