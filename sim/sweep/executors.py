"""Where work is done in parallel: processes of this machine, or a Dask cluster. Both are
executors of `concurrent.futures`.

    with executor("local", 4) as crew:
        results = run_all(tasks, function, crew)

Functions and tasks travel to other processes: a function stands at the top of a module, a task can be pickled.
"""

import logging
import os
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context, parent_process
from typing import Any

from sim.errors import SimError
from sim.sweep.code import code_digest

LOCAL = "local"
DASK = re.compile(r"dask://(?P<host>\[[0-9A-Fa-f:]+\]|[\w.-]+):(?P<port>\d{1,5})")
ALLOWED = "local, or dask://host:port"
ANSWERS_WITHIN_S = 5


@contextmanager
def executor(name: str, workers: int) -> Iterator[Executor]:
    """Yield the executor of this name; whoever leaves by an error waits for nobody.

    Args:
        name:    `local`, or the address of a Dask scheduler as `dask://host:port`.
        workers: processes of the local one; a cluster has its own.

    Raises:
        SimError: no such executor, the extra `dask` is not installed, or nobody answers at the address.
    """
    crew = LocalCrew(workers) if name == LOCAL else _cluster(name)
    try:
        yield crew
    except BaseException:
        crew.abandon()
        raise
    finally:
        crew.shutdown(wait=False, cancel_futures=True)


def width(crew: Executor) -> int:
    """Return how many tasks to hand out at once: as many as run, so that a lost worker loses no more than those."""
    return int(getattr(crew, "width", 1))


class LocalCrew(Executor):
    """Processes of this machine that are started anew when one of them dies. They start with a clean interpreter, so
    that no lock or thread of ours is copied into them."""

    def __init__(self, workers: int) -> None:
        self.width = workers
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """As Executor.submit. Tasks of a pool that broke fail with BrokenExecutor; the next one has a new pool."""
        try:
            return self._running().submit(fn, *args, **kwargs)
        except BrokenExecutor:
            self.shutdown(wait=False)
            return self._running().submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As Executor.shutdown."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=wait, cancel_futures=cancel_futures)

    def abandon(self) -> None:
        """Kill the workers, whatever they do. They are not asked: a run may take minutes to its next look around."""
        for worker in list((getattr(self._pool, "_processes", None) or {}).values()):
            worker.kill()

    def _running(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self.width, mp_context=get_context("spawn"), initializer=_settle_in)
        return self._pool


class ClusterCrew(Executor):
    """The workers of a Dask cluster. Tasks of a worker that is lost are given to another one by the scheduler."""

    def __init__(self, client: Any, width: int) -> None:
        self.width = width
        self._client = client
        # Not pure: two equal tasks are two runs, and nothing that a cluster still knows stands in for one.
        self._inner = client.get_executor(pure=False)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """As Executor.submit."""
        future: Future[Any] = self._inner.submit(fn, *args, **kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As Executor.shutdown; the cluster itself stays."""
        self._inner.shutdown(wait=wait)
        self._client.close()

    def abandon(self) -> None:
        """Leave; the scheduler forgets what nobody waits for."""


def _settle_in() -> None:
    """Make a worker one that Ctrl-C does not reach (it is for our parent) and that does not outlive its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


def _leave_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _cluster(name: str) -> ClusterCrew:
    """Raises SimError as `executor`."""
    address = DASK.fullmatch(name)
    if address is None or int(address["port"]) > 65_535:
        raise SimError("unknown executor", code="unknown_name", path="--executor", found=name, allowed=ALLOWED)
    if find_spec("distributed") is None:
        allowed = "local, or an installation with the extra dask: pip install 'spillway[dask]'"
        raise SimError("Dask is not installed", code="no_dask", path="--executor", found=name, allowed=allowed)
    host, port = address["host"].strip("[]"), int(address["port"])
    try:
        socket.create_connection((host, port), ANSWERS_WITHIN_S).close()  # a wrong address is refused at once
        distributed = import_module("distributed")
        for noisy in ("asyncio", "distributed.client", "distributed.core", "distributed.comm", "tornado"):
            logging.getLogger(noisy).setLevel(logging.CRITICAL)  # they tell in tracebacks what we say in a line
        client = distributed.Client(f"tcp://{address['host']}:{port}", timeout=ANSWERS_WITHIN_S)
    except (OSError, TimeoutError, ValueError) as error:
        reason = f"no Dask scheduler answers there: {getattr(error, 'strerror', None) or type(error).__name__}"
        raise _unreachable(name, reason, "the address of a running `dask scheduler`") from None
    _refuse_strangers(name, client)
    threads = sum(client.nthreads().values())
    if not threads:
        client.close()
        raise _unreachable(name, "the Dask cluster has no workers", "a cluster with a running `dask worker`")
    return ClusterCrew(client, threads)


def _refuse_strangers(name: str, client: Any) -> None:
    """Raises SimError: workers that cannot import what they are to run, or other code than ours."""
    ours = code_digest()
    try:
        theirs = set(client.run(code_digest).values())
        client.run(import_module, "sim.sweep.run_all")
    except Exception as error:  # whatever the worker raised
        client.close()
        message = f"a worker of the Dask cluster cannot use Spillway: {type(error).__name__}: {error}"
        raise _unreachable(name, message, "workers on which it is installed") from None
    if theirs - {ours}:
        client.close()
        found = "a worker of the Dask cluster has other code"
        raise _unreachable(name, found, f"Spillway {ours.split()[0]} everywhere, with the same changes")


def _unreachable(name: str, message: str, allowed: str) -> SimError:
    return SimError(message, code="unreachable", path="--executor", found=name, allowed=allowed)
