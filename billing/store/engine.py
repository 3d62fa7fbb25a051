"""Opening a store: a SQLite file by default, PostgreSQL by URL. One writer at a time on both.

SQLite runs in WAL mode with synchronous=FULL: what a commit has confirmed survives a kill and a power cut. Nothing is
created or changed by opening; a file that is no store of ours, or is damaged, is refused as it is.

Errors of the database come out as one StoreError of one line; the statement and its data stay out of it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, exc, make_url, text

from billing.errors import StoreError

Store = Engine  # what `open_store` returns and the rest of the store takes
APPLICATION_ID = 0x5350494C  # "SPIL", in the header of our SQLite files
BUSY_MS = 30_000  # how long a second writer waits for the first
_WRITER_LOCK = 0x5350494C
_HEADER = b"SQLite format 3\x00"


def is_url(place: str) -> bool:
    """Whether a place is a URL of a database rather than a file."""
    return "://" in place


def open_store(place: str, *, create: bool = False) -> Store:
    """Return an engine for the store at a file or URL.

    Args:
        place:  a file, or `postgresql://user@host/name`.
        create: make the SQLite file when it is absent.

    Raises:
        StoreError: no such store, one that cannot be opened, or a file that is no SQLite database.
    """
    if not is_url(place):
        return _sqlite(Path(place), create)
    try:
        url = make_url(place)
    except exc.ArgumentError:
        raise StoreError("not a URL", path="--db", found=place, allowed="FILE or postgresql://...") from None
    if url.get_backend_name() == "sqlite":
        return _sqlite(Path(url.database or ""), create)
    if url.get_backend_name() != "postgresql":
        raise StoreError("unknown kind of database", path="--db", found=url.drivername, allowed="FILE, postgresql")
    return _postgres(url)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one state of the store and changes nothing. Raises StoreError."""
    with _one_line(engine), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        elif engine.get_execution_options().get("spillway_write", True):
            connection.execution_options(spillway_write=False)
        else:  # it can do nothing but read: past SQLAlchemy, whose transactions cost as much as a statement
            driver = connection.connection.dbapi_connection
            assert driver is not None
            driver.cursor().execute("BEGIN")
            yield connection
            return
        with connection.begin():
            yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction of the one writer: committed as a whole at the end, or not at all. Raises StoreError."""
    with _one_line(engine), engine.connect().execution_options(spillway_write=True) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITER_LOCK})
        yield connection


@contextmanager
def kept_open(engine: Engine) -> Iterator[None]:
    """Keep a SQLite file open over many transactions: whoever closes it last writes its log back, which takes time."""
    if engine.dialect.name != "sqlite":
        yield
        return
    with _one_line(engine), engine.connect():
        yield


def place_of(engine: Engine) -> str:
    """Return where a store is, as a person named it, without a password."""
    if engine.dialect.name == "sqlite":
        return str(engine.get_execution_options()["spillway_file"])
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=True)


@contextmanager
def _one_line(engine: Engine) -> Iterator[None]:
    try:
        yield
    except exc.DBAPIError as error:
        raise refused(place_of(engine), error.orig or error) from None
    except sqlite3.Error as error:
        raise refused(place_of(engine), error) from None


def refused(place: str, error: BaseException) -> StoreError:
    """Return the one line for what a database said."""
    said = " ".join(str(error).split()).rpartition("failed: ")[2]  # psycopg begins with where it tried
    allowed = "a sound database made by `spillway db init`"
    if 'database "' in said and "does not exist" in said:
        return StoreError("no such database: make it first, with createdb", code="no_store", file=place)
    if "no such table" in said or "does not exist" in said:
        return StoreError("no store in this database", code="no_store", file=place, found=said, allowed=allowed)
    if "locked" in said or "lock timeout" in said:
        return StoreError("another writer is at work", code="store_busy", file=place, found=said)
    return StoreError("database cannot be used", code="bad_store", file=place, found=said, allowed=allowed)


# -- SQLite ----------------------------------------------------------------------------------------------------------


def _sqlite(path: Path, create: bool) -> Engine:
    if not path.is_file():
        if path.exists() or not create:
            message = "not a database file" if path.exists() else "no such database"
            raise StoreError(message, code="no_store", file=str(path), allowed="a file made by `spillway db init`")
        if not path.absolute().parent.is_dir():
            raise StoreError("no such folder", code="no_store", file=str(path.absolute().parent))
    else:
        _require_sound(path)
    uri = f"file:{quote(str(path.absolute()))}?mode={'rwc' if create else 'rw'}"

    def connect() -> sqlite3.Connection:
        try:
            return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise refused(str(path), error) from None

    options = {"spillway_file": str(path)}
    engine = create_engine("sqlite://", creator=connect, execution_options=options, poolclass=NullPool)
    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _require_sound(path: Path) -> None:
    """Refuse, by its header alone, a file that SQLite would refuse later, overwrite, or read only in part."""
    with path.open("rb") as file:
        head = file.read(100)
    size = path.stat().st_size
    if size == 0:
        return  # SQLite calls an empty file an empty database
    allowed = "a sound database made by `spillway db init`"
    if len(head) < 100 or not head.startswith(_HEADER):
        raise StoreError("not a database file", code="bad_store", file=str(path), found=head[:16], allowed=allowed)
    page = int.from_bytes(head[16:18], "big")
    page = 65536 if page == 1 else page
    pages = int.from_bytes(head[28:32], "big")
    if int.from_bytes(head[68:72], "big") not in (0, APPLICATION_ID):
        raise StoreError("another program's database", code="bad_store", file=str(path), allowed=allowed)
    # What is still in the write-ahead log may stand in for pages that are missing here.
    wal = path.with_name(f"{path.name}-wal")
    if not (wal.exists() and wal.stat().st_size) and size < page * pages:
        found = f"{size} of {page * pages} bytes"
        raise StoreError("database file is cut short", code="bad_store", file=str(path), found=found, allowed=allowed)


def prepare(connection: Any, _record: object) -> None:
    """Set what SQLite keeps per connection. The journal mode is part of the file: `init` sets it."""
    for pragma in (
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_MS}",
        "trusted_schema=OFF",
        "cache_size=-65536",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Take the writer's lock at once: a transaction that upgrades later could find that it has read an old state."""
    write = connection.get_execution_options().get("spillway_write", True)
    connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if write else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def make_durable(engine: Engine) -> None:
    """Mark a SQLite file as ours and put it into WAL mode; nothing to do elsewhere. Raises StoreError."""
    if engine.dialect.name != "sqlite":
        return
    with _one_line(engine):
        raw = engine.raw_connection()
        try:
            with suppress(sqlite3.Warning):
                raw.cursor().execute(f"PRAGMA application_id={APPLICATION_ID}")
                raw.cursor().execute("PRAGMA journal_mode=WAL")
        except sqlite3.Error as error:
            raise refused(place_of(engine), error) from None
        finally:
            raw.close()


# -- PostgreSQL ------------------------------------------------------------------------------------------------------


def _postgres(url: URL) -> Engine:
    try:
        return create_engine(url.set(drivername="postgresql+psycopg"), poolclass=NullPool)
    except ImportError:
        message, allowed = "PostgreSQL needs its driver", "pip install 'spillway[postgres]'"
        raise StoreError(message, code="no_driver", path="--db", allowed=allowed) from None
