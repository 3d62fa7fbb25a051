"""Of all services on a store, one at a time is its worker: a lock that lives in the store, as long as its holder.

    SQLite        a file beside the database, `<file>.worker`, locked by the system for as long as the process lives
    PostgreSQL    an advisory lock of one session, which the server gives back when that session ends, in whatever way

Nothing depends on it but that work is not done twice: each round is a transaction of its own, whoever does it. A pool
between us and PostgreSQL that hands one session to many (transaction pooling) breaks the lock, and is not for us.
"""

from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import IO

from sqlalchemy import Connection, Engine, exc, text

from billing.errors import StoreError
from billing.store.engine import Store, place_of, refused

_KEY = 0x53504957  # of the worker; the writer's is another
# A machine that vanished holds the lock until the server notices: within about a minute.
_NOTICED = (
    "SET tcp_keepalives_idle = 30",
    "SET tcp_keepalives_interval = 10",
    "SET tcp_keepalives_count = 3",
    "SET idle_session_timeout = 0",
)


class WorkerLock:
    """See the module. Safe to be asked from several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._mutex = Lock()
        self._held: IO[str] | Connection | None = None
        self._closed = False

    def mine(self) -> bool:
        """Whether the lock is ours now: taken if it was free, looked at again if we had it. Raises StoreError where the
        store does not answer; then it is not ours. Never waits for another holder.

        Cost: a call of the system, or one small statement.
        """
        with self._mutex:
            if self._closed:
                return False
            if isinstance(self._held, Connection):
                return self._still(self._held)
            if self._held is None:
                self._held = self._file() if self._store.dialect.name == "sqlite" else self._session(self._store)
            return self._held is not None

    def close(self) -> None:
        """Give it back, for ever."""
        with self._mutex:
            self._closed = True
            self._let_go()

    def _let_go(self) -> None:
        held, self._held = self._held, None
        if isinstance(held, Connection):
            held.invalidate()  # the session ends with it, and so does the lock
        if held is not None:
            held.close()

    def _file(self) -> IO[str] | None:
        """The file stays where it is: one that was removed could be locked by two, under one name."""
        import fcntl

        place = Path(f"{Path(place_of(self._store)).resolve()}.worker")
        try:
            file = place.open("a", encoding="utf-8")
        except OSError as error:
            said = (error.strerror or "").lower()
            raise StoreError("no lock for its worker", code="no_lock", file=str(place), found=said) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
        return file

    @staticmethod
    def _session(store: Engine) -> Connection | None:
        try:
            with ExitStack() as on_failure:
                connection = store.connect().execution_options(isolation_level="AUTOCOMMIT")
                on_failure.callback(connection.close)
                for setting in _NOTICED:
                    connection.execute(text(setting))
                if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _KEY}).scalar_one():
                    return None
                on_failure.pop_all()
                return connection
        except exc.DBAPIError as error:
            raise refused(place_of(store), error.orig or error) from None

    def _still(self, connection: Connection) -> bool:
        try:
            connection.execute(text("SELECT 1"))
        except exc.DBAPIError as error:
            self._let_go()
            raise refused(place_of(self._store), error.orig or error) from None
        return True
