"""Sessions of the console as rows, on a connection of the role that signs in: it sees cookies' HMACs and keys, and
nothing of anybody's data."""

from collections.abc import Collection

from sqlalchemy import Connection, select, update

from billing.store.tables_console import session
from tenants.access.sessions import IDLE_S, SessionRecord

SEEN_EVERY_S = 60  # between two notes that a session is in use: not every look is a write


def session_at(connection: Connection, digest: str) -> SessionRecord | None:
    """Return the session of a cookie by its digest, None if there is none."""
    row = connection.execute(select(session).where(session.c.digest == digest)).first()
    return None if row is None else SessionRecord(**row._mapping)


def add_session(connection: Connection, record: SessionRecord) -> None:
    """Keep a new session."""
    connection.execute(session.insert(), record._asdict())


def note_seen(connection: Connection, record: SessionRecord, now_s: int) -> None:
    """Write that a session is in use; never backwards."""
    mine = (session.c.tenant == record.tenant) & (session.c.digest == record.digest) & (session.c.seen_s < now_s)
    connection.execute(update(session).where(mine).values(seen_s=now_s))


def live_sessions(connection: Connection, tenant: str, account: str, now_s: int) -> list[SessionRecord]:
    """Return the sessions of an account that hold at an instant, newest first."""
    mine = (session.c.tenant == tenant) & (session.c.account == account) & session.c.ended_s.is_(None)
    holds = mine & (session.c.expires_s > now_s) & (session.c.seen_s > now_s - IDLE_S)
    wanted = select(session).where(holds).order_by(session.c.created_s.desc(), session.c.digest)
    return [SessionRecord(**row._mapping) for row in connection.execute(wanted)]


def end_sessions(connection: Connection, tenant: str, account: str, digests: Collection[str], now_s: int) -> int:
    """End those of some sessions that are an account's and have not ended; return how many."""
    mine = (session.c.tenant == tenant) & (session.c.account == account) & session.c.ended_s.is_(None)
    named = mine & session.c.digest.in_(sorted(digests))
    return int(connection.execute(update(session).where(named).values(ended_s=now_s)).rowcount)
