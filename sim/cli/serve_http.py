"""The processes that answer: one, or several that share a socket; and how long they wait for whom.

Each of several is a process of its own with a door of its own, started anew if it dies. What the service does by itself
is none of their business: that is done in one place, by the process that started them.
"""

import gc
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from socket import socket as Socket
from threading import Event, Thread
from typing import Any

from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from sim.cli.output import note
from sim.cli.serve_app import Served, app_of

SHUTDOWN_S = 10  # how long answers under way may take once we are told to stop
HEAD_WAIT_S = 10  # how long the head of a request may take to come
IDLE_WAIT_S = 15  # how long a connection may rest between two requests
_LOOK_EVERY_S = 1


class Patient(H11Protocol):
    """HTTP/1.1, for clients that say what they want within `HEAD_WAIT_S`: one that dribbles its head holds a connection
    for no longer than that."""

    _head_timer: Any = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Wait on, unless a request is there."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._wait_no_more()
        elif self._head_timer is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_WAIT_S, self.transport.abort)

    def _wait_no_more(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class Settled(Server):
    """A server for whose time the collector of cycles need not look through what was there before."""

    def run(self, sockets: list[Socket] | None = None) -> None:
        """Serve until told to stop. Libraries that look for what was never let go, as DuckDB's, then find nothing."""
        gc.collect()
        gc.freeze()
        try:
            super().run(sockets)
        finally:
            gc.unfreeze()


def server_of(app: Any, connections_max: int, trusted_proxies: Sequence[str] = ()) -> Server:
    """Return a server of an application; of more connections than it may have, the last are answered with 503.

    Who asks, and over what, is taken from X-Forwarded-For and X-Forwarded-Proto where the connection comes from one of
    the `trusted_proxies`, addresses or networks; from anybody else those headers say nothing.
    """
    config = Config(
        app,
        http=Patient,
        log_config=None,  # its access log holds URLs, and those hold what people put into them
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted_proxies),  # by itself it believes everybody on this machine, and its environment
        forwarded_allow_ips=list(trusted_proxies),
        limit_concurrency=connections_max or None,
        timeout_keep_alive=IDLE_WAIT_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
        lifespan="off",
    )
    return Settled(config)


def answer_in_process(served: Served, listening: Socket, connections_max: int, parent: int) -> None:
    """Serve until told to stop, or until nobody is there to tell: the whole life of one of several processes."""
    from billing.errors import StoreError
    from billing.store.door import open_door
    from billing.store.engine import open_store
    from sim.cli.edge import entropy
    from sim.cli.store import secrets_of

    quiet = served._replace(session=replace(served.session, quiet=True))  # whoever started it has said it all
    try:
        kept = secrets_of(served.db, served.secrets, make=False)
        door, store = open_door(served.db, kept, entropy), open_store(served.db)
        server = server_of(app_of(quiet, door, store, f"{os.getpid()}"), connections_max, served.trusted_proxies)
    except StoreError as error:
        note(served.session, str(error))
        raise SystemExit(1) from None
    ended = Event()

    def watch() -> None:
        while not ended.wait(_LOOK_EVERY_S):
            if os.getppid() != parent:
                server.should_exit = True

    Thread(target=watch, daemon=True).start()
    with suppress(KeyboardInterrupt, SystemExit):
        server.run(sockets=[listening])
    ended.set()


class Processes:
    """So many processes that answer. `say` is given a line when one had to be started anew."""

    def __init__(
        self, served: Served, listening: Socket, count: int, connections_max: int, say: Callable[[str], None]
    ) -> None:
        self._of, self._count, self._say = (served, listening, connections_max, os.getpid()), count, say
        self._running: list[BaseProcess] = []
        self._stopped = Event()

    def run(self) -> None:
        """Answer until `KeyboardInterrupt` or `SystemExit`."""
        self._running = [self._started() for _ in range(self._count)]
        while not self._stopped.wait(_LOOK_EVERY_S):
            for at, process in enumerate(self._running):
                if not process.is_alive():
                    self._say(f"process {process.pid} ended with {process.exitcode}; another takes its place")
                    self._running[at] = self._started()

    def stop(self) -> None:
        """Let answers under way end, and everything else."""
        self._stopped.set()
        for process in self._running:
            if process.pid is not None and process.is_alive():
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGTERM)
        for process in self._running:
            process.join(SHUTDOWN_S + 2)
            if process.is_alive():
                process.kill()

    def _started(self) -> BaseProcess:
        process = get_context("spawn").Process(target=answer_in_process, args=self._of)
        process.start()
        return process
