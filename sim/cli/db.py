"""`spillway db`: the database that keeps the log and the books."""

from typing import Any

import typer

from sim.cli.db_import import import_
from sim.cli.db_settle import settle
from sim.cli.failure import NEGATIVE
from sim.cli.frame import Session, command, group, session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form
from sim.cli.store import DEFAULT, DbFlag, SecretsFlag, current_store, secrets_of

app = group("db", "The database of the log and the books.", "spillway db init", "spillway db import last")


@command(app, "init", "spillway db init", "spillway db init --db postgresql://spillway@db/spillway")
def init(ctx: typer.Context, db: DbFlag = DEFAULT) -> None:
    """Make the store; one that is there already is brought up to date."""
    from billing.store.engine import open_store, place_of
    from billing.store.migrate import init as make
    from sim.cli import edge

    engine = open_store(db, create=True)
    revision = make(engine, edge.now_s())
    _answer_revision(session_of(ctx), place_of(engine), revision)


@command(app, "upgrade", "spillway db upgrade", "spillway db upgrade --db books.db")
def upgrade(ctx: typer.Context, db: DbFlag = DEFAULT) -> None:
    """Bring a store of an older program up to this one."""
    from billing.store.engine import open_store, place_of
    from billing.store.migrate import require_store
    from billing.store.migrate import upgrade as bring_up
    from sim.cli import edge

    engine = open_store(db)
    require_store(engine)
    _answer_revision(session_of(ctx), place_of(engine), bring_up(engine, edge.now_s()))


def _answer_revision(session: Session, place: str, revision: str) -> None:
    document = {"db": place, "revision": revision}
    answer(session, lambda: document, list, after=f"{place}: revision {revision}")


@command(app, "roles", "spillway db roles --db postgresql://spillway@db/spillway")
def roles(ctx: typer.Context, db: DbFlag = DEFAULT, secrets: SecretsFlag = None) -> None:
    """Make or mend the roles, policies and views of a PostgreSQL store, as its owner. A SQLite file needs none."""
    from billing.store.door import make_walls
    from billing.store.engine import place_of
    from sim.cli import edge

    engine = current_store(db)
    made = make_walls(engine, secrets_of(db, secrets), edge.now_s())
    document = {"db": place_of(engine), "roles": made}
    after = f"{document['db']}: {', '.join(made) or 'no roles are needed'}"
    answer(session_of(ctx), lambda: document, list, after=after)


@command(app, "status", "spillway db status", "spillway db status --json")
def status(ctx: typer.Context, db: DbFlag = DEFAULT, csv: CsvFlag = False, md: MdFlag = False) -> None:
    """Show what the store holds: its revision, and what has arrived of each source."""
    from billing.months import utc_text
    from billing.store.engine import place_of, reading
    from billing.store.migrate import head
    from billing.store.reader import quarantined, sources_in, terms_in

    engine = current_store(db)
    with reading(engine) as connection:
        sources, aside, terms = sources_in(connection), quarantined(connection), terms_in(connection)
    expected = {row.source: row.events for row in terms}
    rows = [
        {
            **source._asdict(),
            "told_until": None if source.told_until_s is None else utc_text(source.told_until_s),
            "expected": expected.get(source.source),
        }
        for source in sources
    ]
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
    heads = ("source", "events>", "expected>", "last seq>", "missing>", "told until")
    keys = ("source", "events", "expected", "last_seq", "missing", "told_until")
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

    engine = current_store(db)
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


command(
    app,
    "import",
    "spillway db import last",
    "spillway db import jobs.txt --format sacct --terms terms.toml --product bare.ondemand --region eu-1",
)(import_)
command(app, "settle", "spillway db settle", "spillway db settle --db books.db --json")(settle)
