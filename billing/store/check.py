"""Whether a store is what it should be: findings as values, none where all is well.

`CHECKS` is open: a part of billing that keeps tables of its own adds the checks of them here.
"""

from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256

from sqlalchemy import Connection, func, select, text

from billing.errors import EventError
from billing.finding import Finding
from billing.log.event import Event, data_of, event_hash, require_event
from billing.log.gaps import Arrived, arrive
from billing.store.check_audit import check_audit
from billing.store.check_books import check_books
from billing.store.migrate import differences
from billing.store.reader import quarantined, terms_in
from billing.store.tables_books import invoice
from billing.store.tables_log import event, event_gap, event_source, event_terms
from billing.store.walls.selfcheck import wall_findings
from billing.store.writer import arrived_of

Check = Callable[[Connection], list[Finding]]
_PAGE = 10_000


def check_file(connection: Connection) -> list[Finding]:
    """Ask SQLite to read its whole file; PostgreSQL looks after its own."""
    if connection.dialect.name != "sqlite":
        return []
    told = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check"))]
    return [Finding("file", " ".join(line.split()), 1) for line in told if line != "ok"]


def check_schema(connection: Connection) -> list[Finding]:
    """Hold the tables of the store to those that the program declares."""
    found = [Finding("schema", step, 1) for step in differences(connection)]
    if connection.dialect.name == "sqlite":
        others = text("SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view') ORDER BY name")
        found += [Finding("schema", f"{kind} {name} is not ours", 1) for kind, name in connection.execute(others)]
    return found


def check_chain(connection: Connection) -> list[Finding]:
    """Recompute every hash and follow every link, source by source."""
    found = []
    before: tuple[str, int, str] = ("", 0, "")
    for each, stored in _events_by_seq(connection):
        where = f"{each.source}, seq {each.seq}"
        hash_ = event_hash(each)
        if hash_ != stored:
            found.append(Finding(where, f"event {each.id} is not the one that was hashed", 1))
        if before[:2] == (each.source, each.seq - 1) and each.prevhash != before[2]:
            found.append(Finding(where, f"event {each.id} does not link to the event before it", 1))
        try:
            require_event(each)
            data_of(each)
        except EventError as error:
            found.append(Finding(where, str(error), 1))
        before = (each.source, each.seq, hash_)
    return found


def check_gaps(connection: Connection) -> list[Finding]:
    """Name the sequence numbers that are missing, and hold what was noted of each source to its events."""
    seqs: dict[str, list[int]] = {}
    for source, seq in connection.execute(select(event.c.source, event.c.seq)):
        seqs.setdefault(source, []).append(seq)
    noted = set(connection.execute(select(event_source.c.source)).scalars())
    ghosts = sorted(set(connection.execute(select(event_gap.c.source)).scalars()) - noted)
    found = [Finding(source, "gaps are noted of a source that is not", 1) for source in ghosts]
    told = {row.source: row.events for row in terms_in(connection)}
    for source in sorted(noted | set(seqs)):
        mine = seqs.get(source, [])
        arrived = arrive(Arrived(), mine)
        if arrived_of(connection, source) != (len(mine), arrived):
            found.append(Finding(source, "what was noted of its arrivals is not what is there", len(mine)))
        for first, end in arrived.gaps:
            found.append(Finding(source, f"seq {first} to {end - 1} have not arrived", end - first))
        if (lacking := (told.get(source) or 0) - arrived.last_seq) > 0:
            found.append(Finding(source, f"of {told[source]} events that it was said to have, still to come", lacking))
    last, count = connection.execute(select(func.coalesce(func.max(event.c.position), 0), func.count())).one()
    if last != count:
        found.append(Finding("log", f"positions up to {last}, events", count))
    made_from = connection.execute(select(invoice.c.number).where(invoice.c.log_position > last)) if count else ()
    found += [Finding(number, "was made from more of the log than there is", 1) for (number,) in made_from]
    return found


def check_kept(connection: Connection) -> list[Finding]:
    """Hash again what was put aside, and the terms that sources are billed by."""
    found = []
    for aside in quarantined(connection):
        where = f"quarantine, {aside.record} of {aside.origin}"
        if sha256(aside.content.encode()).hexdigest() != aside.hash:
            found.append(Finding(where, "is not the content that was put aside", 1))
        there = select(event.c.position).where(event.c.hash == aside.known_hash)
        if aside.reason == "conflict" and connection.execute(there).first() is None:
            found.append(Finding(where, "what it was in conflict with is not in the log", 1))
    for source, hash_, terms in connection.execute(
        select(event_terms.c.source, event_terms.c.hash, event_terms.c.terms).order_by(event_terms.c.source)
    ):
        if sha256(terms.encode()).hexdigest() != hash_:
            found.append(Finding(f"terms of {source}", "are not those that were noted", 1))
    return found


def check_deeds(connection: Connection) -> list[Finding]:
    """Hash the audit log again. Whether it was written anew as a whole, its witness knows: `spillway audit verify`."""
    _, faults = check_audit(connection)
    return [
        Finding(f"audit log of {each.tenant or 'the house'}, entry {each.position}", each.what, 1) for each in faults
    ]


CHECKS: Mapping[str, Check] = {
    "file": check_file,
    "schema": check_schema,
    "walls": wall_findings,
    "gaps": check_gaps,
    "chain": check_chain,
    "kept": check_kept,
    "books": check_books,
    "audit": check_deeds,
}


def check(connection: Connection) -> dict[str, list[Finding]]:
    """Return the findings of every check, by its name; of the first two alone where they leave nothing to stand on.

    Cost: a few passes over the log.
    """
    found = {}
    for name, run in CHECKS.items():
        found[name] = run(connection)
        if found[name] and name in ("file", "schema"):
            break
    return found


def _events_by_seq(connection: Connection) -> Iterator[tuple[Event, str]]:
    """Yield the events with their stored hashes, source by source in order of seq, a page at a time."""
    columns = event.c
    wanted = select(*(columns[name] for name in Event._fields), columns.hash)
    for source in sorted(connection.execute(select(columns.source).distinct()).scalars()):
        mine = wanted.where(columns.source == source).order_by(columns.seq).limit(_PAGE)
        last = 0
        while rows := connection.execute(mine.where(columns.seq > last)).all():
            for row in rows:
                yield Event._make(row[:-1]), row[-1]
            last = rows[-1].seq
