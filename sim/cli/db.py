"""`spillway db`: the database that keeps the log and the books."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.failure import NEGATIVE
from sim.cli.frame import Session, command, group, session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form, note
from sim.cli.progress import progress

if TYPE_CHECKING:
    from billing.errors import EventError
    from billing.log.event import Event
    from billing.store.engine import Store
    from billing.store.ingest import Ingested

app = group("db", "The database of the log and the books.", "spillway db init", "spillway db import last")

DbFlag = Annotated[
    str, typer.Option("--db", envvar="SPILLWAY_DB", metavar="FILE|URL", help="A SQLite file, or postgresql://...")
]
DEFAULT = "spillway.db"


@command(app, "init", "spillway db init", "spillway db init --db postgresql://spillway@db/spillway")
def init(ctx: typer.Context, db: DbFlag = DEFAULT) -> None:
    """Make the store; one that is there already is brought up to date."""
    from billing.store.engine import open_store, place_of
    from billing.store.migrate import init as make

    engine = open_store(db, create=True)
    revision = make(engine)
    _answer_revision(session_of(ctx), place_of(engine), revision)


@command(app, "upgrade", "spillway db upgrade", "spillway db upgrade --db books.db")
def upgrade(ctx: typer.Context, db: DbFlag = DEFAULT) -> None:
    """Bring a store of an older program up to this one."""
    from billing.store.engine import open_store, place_of
    from billing.store.migrate import require_store
    from billing.store.migrate import upgrade as bring_up

    engine = open_store(db)
    require_store(engine)
    _answer_revision(session_of(ctx), place_of(engine), bring_up(engine))


def _answer_revision(session: Session, place: str, revision: str) -> None:
    document = {"db": place, "revision": revision}
    answer(session, lambda: document, list, after=f"{place}: revision {revision}")


@command(app, "status", "spillway db status", "spillway db status --json")
def status(ctx: typer.Context, db: DbFlag = DEFAULT, csv: CsvFlag = False, md: MdFlag = False) -> None:
    """Show what the store holds: its revision, and what has arrived of each source."""
    from billing.store.engine import place_of, reading
    from billing.store.migrate import head
    from billing.store.reader import quarantined, sources_in, terms_in

    engine = _current(db)
    with reading(engine) as connection:
        sources, aside, terms = sources_in(connection), quarantined(connection), terms_in(connection)
    expected = {row.source: row.events for row in terms}
    rows = [{**source._asdict(), "expected": expected.get(source.source)} for source in sources]
    document = {
        "db": place_of(engine),
        "engine": engine.dialect.name,
        "revision": head(),
        "events": sum(source.events for source in sources),
        "sources": rows,
        "quarantined": [{"origin": row.origin, "record": row.record, "reason": row.reason} for row in aside],
    }
    answer(session_of(ctx), lambda: document, lambda: _status_tables(document), fmt=form(csv=csv, md=md))


def _status_tables(document: dict[str, Any]) -> list[Table]:
    heads = ("source", "events>", "expected>", "last seq>", "missing>")
    keys = ("source", "events", "expected", "last_seq", "missing")
    rows = [["" if row[key] is None else str(row[key]) for key in keys] for row in document["sources"]]
    title = f"{document['db']} ({document['engine']}, revision {document['revision']})"
    tables = [Table(title, heads, rows)]
    if document["quarantined"]:
        aside = [[row["origin"], row["record"], row["reason"]] for row in document["quarantined"]]
        tables.append(Table("In quarantine", ("origin", "record", "reason"), aside))
    return tables


@command(app, "check", "spillway db check", "spillway db check --db books.db --json")
def check(ctx: typer.Context, db: DbFlag = DEFAULT, csv: CsvFlag = False, md: MdFlag = False) -> None:
    """Read everything and say what is wrong: file, schema, missing events, hash chain. Exit code 1 if anything is."""
    from billing.store.check import check as check_all
    from billing.store.engine import place_of, reading

    engine = _current(db)
    with reading(engine) as connection:
        findings = check_all(connection)
    document = {
        "db": place_of(engine),
        "ok": not any(findings.values()),
        "checks": {name: [finding._asdict() for finding in found] for name, found in findings.items()},
    }
    rows = [[name, "ok" if not found else f"{len(found)} found"] for name, found in findings.items()]
    told = [[name, f.where, f.what, str(f.count)] for name, found in findings.items() for f in found]
    tables = [Table(str(document["db"]), ("check", "result"), rows)]
    tables += [Table("Findings", ("check", "where", "what", "count>"), told)] if told else []
    answer(session_of(ctx), lambda: document, lambda: tables, fmt=form(csv=csv, md=md))
    if told:
        raise typer.Exit(NEGATIVE)


FormatFlag = Annotated[str, typer.Option("--format", metavar="NAME", help="What SOURCE is: run, cloudevents.")]


@command(app, "import", "spillway db import last", "spillway db import events.jsonl --format cloudevents")
def import_(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A run, or a file of events.")],
    format_: FormatFlag = "run",
    db: DbFlag = DEFAULT,
) -> None:
    """Bring events into the log. What is there already is left alone, so a killed import is simply started again."""
    from billing.store.engine import place_of
    from billing.store.ingest import ingest
    from sim.cli.choice import choose

    session = session_of(ctx)
    choose(format_, ("run", "cloudevents"), "format", "--format")
    engine = _current(db)
    records, count = _run_records(session, engine, source) if format_ == "run" else _file_records(source)
    with progress(session, f"importing {source}") as tick:
        on_batch = None if tick is None else lambda done: tick(done.seen, count or done.seen)
        done = ingest(engine, records, origin=source, on_batch=on_batch)
    _tell_faults(session, done)
    keys = ("new", "duplicates", "conflict_count", "broken_count", "refused_count")
    document = {"db": place_of(engine), "from": source, **{key: getattr(done, key) for key in keys}}
    told = f"{done.new:,} new, {done.duplicates:,} known already"
    told += f", {done.conflict_count} in conflict" if done.conflict_count else ""
    told += f", {done.refused_count} refused" if done.refused_count else ""
    answer(session, lambda: document, list, after=f"{document['db']}: {told}")
    if done.conflict_count or done.refused_count or done.broken_count:
        raise typer.Exit(NEGATIVE)


def _current(db: str) -> "Store":
    from billing.store.engine import open_store
    from billing.store.migrate import require_current

    engine = open_store(db)
    require_current(engine)
    return engine


def _run_records(session: Session, engine: "Store", name: str) -> "tuple[Iterator[Event], int]":
    """The events of a run. Its scenario is noted as the terms that it is billed by."""
    from billing.store.engine import writing
    from billing.store.ingest import note_terms
    from sim.cli.books import require_metered
    from sim.cli.runs import find_run
    from sim.folder.log import event_count, events_of, source_of
    from sim.folder.run_folder import read

    run = read(find_run(session, name))
    require_metered(run)
    count = event_count(run)
    with writing(engine) as connection:
        note_terms(connection, source_of(run), run.scenario_toml(), count)
    return events_of(run), count


def _file_records(name: str) -> "tuple[Iterator[Event | EventError], int]":
    from pathlib import Path

    from billing.log.cloudevents import read_cloudevents

    def records() -> "Iterator[Event | EventError]":
        # Bytes that are no text become characters that no event may hold, so their line is refused and the rest read.
        with Path(name).open(encoding="utf-8", errors="surrogateescape") as lines:
            yield from read_cloudevents(lines, name)

    return records(), 0


def _tell_faults(session: Session, done: "Ingested") -> None:
    """Each record at fault on a line of its own; there may be more in quarantine."""
    for conflict in done.conflicts:
        event = conflict.event
        where = f"{event.source}: event {event.id}, seq {event.seq}"
        note(session, f"{where}: other content is there (found {conflict.hash}; there {conflict.known_hash})")
    for link in done.broken:
        what = f"does not link to the event before it (found {link.prevhash}; that is {link.hash_before})"
        note(session, f"{link.source}: seq {link.seq} {what}")
    for error in done.refused:
        note(session, str(error))
