"""A receiver of webhooks on this machine: what it was sent, and how it answers, path by path.

with receiver() as hooks:
    hooks.answers["/a"] = lambda sent: (500, {}, b"")
    hooks.url("/a")
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import urljoin

from billing.webhooks.sending import Way
from billing.webhooks.target import TargetError, require_redirects

Answer = tuple[int, Mapping[str, str], bytes]


class Received(NamedTuple):
    """A message as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class Receiver:
    """See the module. `release` ends answers that wait for it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.received: list[Received] = []
        self.answers: dict[str, Callable[[Received], Answer]] = {}
        self.release = threading.Event()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def paths(self) -> list[str]:
        return [each.path for each in self.received]

    def way(self, wait_s: int = 2) -> Way:
        """The way here, plainly; to anywhere else as the product would go."""

        def addresses(url: str, locations: Sequence[str]) -> Sequence[str]:
            here = url
            for location in locations:
                here = urljoin(here, location)
            if here.startswith(self.url("/")):
                if len(locations) > 3:
                    raise TargetError("too many redirects")
                return ["127.0.0.1"]
            return require_redirects(here, [], lambda _host: ("10.0.0.7",))

        return Way(addresses, lambda plain, _host: plain, wait_s)


@contextmanager
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            message = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            hooks.received.append(message)
            status, headers, told = hooks.answers.get(self.path, lambda _: (204, {}, b""))(message)
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(told)
            except OSError:
                pass  # whoever asked has gone

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hooks = Receiver(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield hooks
    finally:
        hooks.release.set()
        server.shutdown()
        server.server_close()
