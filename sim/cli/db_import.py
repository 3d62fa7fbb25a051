"""`spillway db import`: runs, events and files of past use, into the log."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from sim.cli import edge
from sim.cli.failure import NEGATIVE
from sim.cli.frame import Session, session_of
from sim.cli.intake import INTERVAL_FORMATS, ClockFlag, ProductFlag, RegionFlag, SkuFlag, reader_of
from sim.cli.output import answer, note
from sim.cli.progress import progress
from sim.cli.store import DEFAULT, DbFlag, current_store

if TYPE_CHECKING:
    from billing.errors import EventError
    from billing.intake.record import Interval, Passed, Rejected
    from billing.log.event import Event
    from billing.store.engine import Store
    from billing.store.ingest import Ingested
    from billing.store.writer import Aside

FORMATS = ("run", "cloudevents", *INTERVAL_FORMATS)
FormatFlag = Annotated[str, typer.Option("--format", metavar="NAME", help=f"What SOURCE is: {', '.join(FORMATS)}.")]
TermsFlag = Annotated[str | None, typer.Option("--terms", metavar="TOML", help="Terms that a file's use is billed by.")]
NameFlag = Annotated[str | None, typer.Option("--name", metavar="NAME", help="Whose files these are: one per cluster.")]


class Records(NamedTuple):
    """What is to be brought in: records, how many in total (0: nobody knows), and what was known or set aside."""

    records: "Iterable[Event | EventError]"
    total: int = 0
    known: int = 0
    aside: "tuple[Aside, ...]" = ()


def import_(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A run, or a file of events or intervals.")],
    format_: FormatFlag = "run",
    terms: TermsFlag = None,
    name: NameFlag = None,
    product: ProductFlag = "",
    region: RegionFlag = "",
    sku: SkuFlag = "",
    clock: ClockFlag = "UTC",
    db: DbFlag = DEFAULT,
) -> None:
    """Bring events into the log. What is there already is left alone, so a killed import is simply started again."""
    from billing.intake.record import Defaults
    from billing.metering.local_months import zone_of
    from billing.store.engine import place_of
    from billing.store.ingest import ingest
    from sim.cli.choice import choose

    session = session_of(ctx)
    choose(format_, FORMATS, "format", "--format")
    engine = current_store(db)
    if format_ == "run":
        brought = of_run(session, engine, source)
    elif format_ == "cloudevents":
        brought = Records(_of_events(source))
    else:
        told = reader_of(source, format_, Defaults(product, region, sku), zone_of(clock))()
        brought = _of_intervals(engine, source, name or format_, _required(ctx, terms), told)
    with progress(session, f"importing {source}") as tick:
        on_batch = None if tick is None else lambda done: tick(done.seen, brought.total or done.seen)
        done = ingest(engine, brought.records, origin=source, at_s=edge.now_s(), on_batch=on_batch)
    _tell_faults(session, brought, done)
    document = {
        "db": place_of(engine),
        "from": source,
        "new": done.new,
        "duplicates": done.duplicates + brought.known,
        "conflict_count": done.conflict_count + len(brought.aside),
        "broken_count": done.broken_count,
        "refused_count": done.refused_count,
    }
    answer(session, lambda: document, list, after=_in_words(document))
    if document["conflict_count"] or done.refused_count or done.broken_count:
        raise typer.Exit(NEGATIVE)


def _in_words(document: dict[str, object]) -> str:
    told = f"{document['new']:,} new, {document['duplicates']:,} known already"
    told += f", {document['conflict_count']} in conflict" if document["conflict_count"] else ""
    told += f", {document['refused_count']} refused" if document["refused_count"] else ""
    return f"{document['db']}: {told}"


def _required(ctx: typer.Context, terms: str | None) -> str:
    if terms is None:
        raise typer.BadParameter("intervals are imported with the terms that they are billed by", ctx, None, "--terms")
    return terms


def of_run(session: Session, engine: "Store", name: str) -> Records:
    """The events of a run. Its scenario is noted as the terms that it is billed by."""
    from billing.store.engine import writing
    from billing.store.ingest import note_terms
    from sim.cli.books import require_metered
    from sim.cli.runs import find_run
    from sim.folder.log import event_count, events_of, source_of
    from sim.folder.run_folder import read
    from sim.folder.terms import run_terms_text

    run = read(find_run(session, name))
    require_metered(run)
    count = event_count(run)
    with writing(engine) as connection:
        note_terms(connection, source_of(run), run_terms_text(run), count, edge.now_s())
    return Records(events_of(run), count)


def _of_events(name: str) -> "Iterator[Event | EventError]":
    """The events of a file with one CloudEvents object a line."""
    from billing.log.cloudevents import read_cloudevents

    # Bytes that are no text become characters that no event may hold, so their line is refused and the rest read.
    with Path(name).open(encoding="utf-8-sig", errors="surrogateescape") as lines:
        yield from read_cloudevents(lines, name)


def _of_intervals(
    engine: "Store", file: str, name: str, terms: str, told: "Iterable[Interval | Rejected | Passed]"
) -> Records:
    """The intervals of a file as the events of a source of its own, without what another file of `name` has told."""
    import hashlib

    from billing.intake.to_events import chained_facts, interval_facts
    from billing.store.engine import writing
    from billing.store.fresh import fresh_facts
    from billing.store.ingest import note_terms
    from billing.store.writer import put_aside
    from sim.scenario.any_terms import load_any_terms

    load_any_terms(terms)
    facts, refused = interval_facts(told, file)
    with Path(file).open("rb") as data:
        source = f"{name}/{hashlib.file_digest(data, 'sha256').hexdigest()[:16]}"
    with writing(engine) as connection:
        note_terms(connection, source, Path(terms).read_text(encoding="utf-8"), None, edge.now_s())
        fresh, known, aside = fresh_facts(connection, name, source, facts)
        put_aside(connection, aside)
    return Records([*refused, *chained_facts(source, fresh)], len(refused) + len(fresh) + 1, known, tuple(aside))


def _tell_faults(session: Session, brought: Records, done: "Ingested") -> None:
    """Each record at fault on a line of its own; there may be more in quarantine."""
    for record in brought.aside[:20]:
        note(session, f"{record.origin}: event {record.record}: {record.reason}, other content is there")
    for conflict in done.conflicts:
        event = conflict.event
        where = f"{event.source}: event {event.id}, seq {event.seq}"
        note(session, f"{where}: other content is there (found {conflict.hash}; there {conflict.known_hash})")
    for link in done.broken:
        what = f"does not link to the event before it (found {link.prevhash}; that is {link.hash_before})"
        note(session, f"{link.source}: seq {link.seq} {what}")
    for error in done.refused:
        note(session, str(error))
