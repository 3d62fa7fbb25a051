"""`spillway tenants`: who rents here, and how they begin, pause and end."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.frame import command, group, session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form, note
from sim.cli.store import DEFAULT, DbFlag, current_store
from sim.cli.when import AtFlag, at_or_now, lately_or_now, past_or_now
from tenants.audit.entry import LOCAL

if TYPE_CHECKING:
    from billing.store.engine import Store
    from billing.store.purge import Tombstone
    from billing.store.tenant_rows import TenantRow

app = group(
    "tenants",
    "Tenants of the database.",
    "spillway tenants list",
    "spillway tenants suspend acme --reason 'bill unpaid since May'",
)
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The id of a tenant.")]
ReasonFlag = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="For the audit log, where the tenant reads it.")
]
RegionFlag = Annotated[
    list[str] | None, typer.Option("--region", metavar="NAME", help="Where its data may lie; may be given again.")
]
TombstonesFlag = Annotated[
    str | None,
    typer.Option("--tombstones", metavar="FILE", help="Who was deleted, outside the database [DB.tombstones]."),
]


@command(app, "create", "spillway tenants create 'Acme Labs' --region eu-1", "spillway tenants create Acme --id acme")
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="For people.")],
    id_: Annotated[str | None, typer.Option("--id", metavar="ID", help="As in a contract; else a random one.")] = None,
    organisation: Annotated[str | None, typer.Option("--organisation", metavar="NAME", help="Who owns it.")] = None,
    region: RegionFlag = None,
    at: AtFlag = None,
    db: DbFlag = DEFAULT,
) -> None:
    """Make a tenant. Two of the same name are two tenants; an id is never used twice."""
    from billing.store.engine import writing
    from billing.store.tenant_rows import create_tenant
    from sim.cli.edge import entropy

    now_s = at_or_now(at)
    with writing(current_store(db)) as connection:
        made = create_tenant(connection, LOCAL, name, entropy, now_s, id_=id_, owner=organisation, regions=region or ())
    answer(session_of(ctx), lambda: summary(made), list, after=made.tenant)


def summary(row: "TenantRow") -> dict[str, Any]:
    """A tenant as a JSON object."""
    return {**row._asdict(), "status": str(row.status), "regions": list(row.regions)}


@command(app, "list", "spillway tenants list", "spillway tenants list --json")
def list_(ctx: typer.Context, db: DbFlag = DEFAULT, csv: CsvFlag = False, md: MdFlag = False) -> None:
    """List the tenants that have keys or were made here. Those of imported terms appear when they first get a key."""
    from billing.months import utc_text
    from billing.store.engine import reading
    from billing.store.tenant_rows import tenants_in

    with reading(current_store(db)) as connection:
        found = tenants_in(connection)
    heads = ("id", "name", "status", "regions", "since")
    rows = [[row.tenant, row.name, str(row.status), " ".join(row.regions), utc_text(row.created_s)] for row in found]
    document = {"tenants": [summary(row) for row in found]}
    answer(session_of(ctx), lambda: document, lambda: [Table("Tenants", heads, rows)], fmt=form(csv=csv, md=md))


@command(app, "suspend", "spillway tenants suspend acme --reason 'bill unpaid since May'")
def suspend(
    ctx: typer.Context, id_: IdArgument, reason: ReasonFlag = "", at: AtFlag = None, db: DbFlag = DEFAULT
) -> None:
    """Suspend a tenant: from now on every key and token of it is answered with 403."""
    _move(ctx, id_, "suspend", reason, at, db)


@command(app, "resume", "spillway tenants resume acme --reason 'bill paid'")
def resume(
    ctx: typer.Context, id_: IdArgument, reason: ReasonFlag = "", at: AtFlag = None, db: DbFlag = DEFAULT
) -> None:
    """Let a suspended tenant go on."""
    _move(ctx, id_, "resume", reason, at, db)


def _move(ctx: typer.Context, id_: str, action: str, reason: str, at: str | None, db: str) -> None:
    from billing.store.engine import writing
    from billing.store.tenant_rows import set_status

    with writing(current_store(db)) as connection:
        row = set_status(connection, LOCAL, id_, action, reason, at_or_now(at))
    answer(session_of(ctx), lambda: summary(row), list, after=f"{id_}: {row.status}")


@command(app, "regions", "spillway tenants regions acme --region eu-1")
def regions(
    ctx: typer.Context, id_: IdArgument, region: RegionFlag = None, at: AtFlag = None, db: DbFlag = DEFAULT
) -> None:
    """Say where a tenant's data may lie; refused for other regions once it has data."""
    from billing.store.engine import writing
    from billing.store.tenant_rows import set_regions

    with writing(current_store(db)) as connection:
        row = set_regions(connection, LOCAL, id_, region or (), at_or_now(at))
    answer(session_of(ctx), lambda: summary(row), list, after=f"{id_}: {' '.join(row.regions) or 'anywhere'}")


@command(app, "delete", "spillway tenants delete acme --reason 'contract ended'")
def delete(
    ctx: typer.Context,
    id_: IdArgument,
    reason: ReasonFlag = "",
    tombstones: TombstonesFlag = None,
    at: AtFlag = None,
    db: DbFlag = DEFAULT,
) -> None:
    """Delete a tenant: its keys are gone at once, the rest goes by its deadlines (`tenants purge`); bills are kept."""
    from billing.store.engine import writing
    from billing.store.purge import CATEGORIES, delete_tenant, scrub
    from tenants.access.lifecycle import RETENTION_S, purge_at_s

    engine = current_store(db)
    with writing(engine) as connection:
        dead = delete_tenant(connection, LOCAL, id_, reason, lately_or_now(at))
    _keep(engine, db, tombstones, [dead])
    scrub(engine)
    deadlines = {
        category: purge_at_s(category, dead.deleted_s) for category in RETENTION_S if category in CATEGORIES.values()
    }
    document = {"tenant": id_, "deleted_s": dead.deleted_s, "purge_at_s": deadlines}
    answer(session_of(ctx), lambda: document, list, after=f"{id_}: deleted, and its keys with it")


def _keep(engine: "Store", db: str, named: str | None, tombstones: "list[Tombstone]") -> None:
    from billing.store.tombstones_file import add_tombstones, tombstones_path

    add_tombstones(tombstones_path(db, named), tombstones)


@command(app, "purge", "spillway tenants purge", "spillway tenants purge --json")
def purge(
    ctx: typer.Context,
    tombstones: TombstonesFlag = None,
    at: AtFlag = None,
    db: DbFlag = DEFAULT,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Take away what is due of deleted tenants, bytes and all. First, delete again whoever a restored backup brought
    back."""
    from billing.store.engine import writing
    from billing.store.purge import purge as take_away
    from billing.store.purge import reapply, scrub, tombstones_in
    from billing.store.tombstones_file import read_tombstones, tombstones_path

    session, now_s, engine = session_of(ctx), past_or_now(at), current_store(db)
    known = read_tombstones(tombstones_path(db, tombstones))
    with writing(engine) as connection:
        again = reapply(connection, known, now_s)
        done = take_away(connection, now_s)
        buried = tombstones_in(connection)
    _keep(engine, db, tombstones, buried)
    scrub(engine)
    for each in again:
        note(session, f"{each.tenant} was deleted again: the store is from before its deletion")
    rows = [[each.tenant, each.category, str(each.rows)] for each in done]
    document = {"again": [each._asdict() for each in again], "purged": [each._asdict() for each in done]}
    tables = [Table("Purged", ("tenant", "category", "rows>"), rows)]
    answer(session, lambda: document, lambda: tables, fmt=form(csv=csv, md=md))
