"""`spillway audit show | verify | prove | checkpoint | erase`: the log of who did what, and proofs of it."""

from typing import Annotated

import typer

from sim.cli.audit_checkpoint import checkpoint
from sim.cli.audit_tables import entries_table, heads_table
from sim.cli.audit_verify import HouseFlag, TenantFlag, WitnessFlag, named, verify, whose_log
from sim.cli.frame import command, group, session_of
from sim.cli.output import CsvFlag, MdFlag, answer, form, note
from sim.cli.store import DEFAULT, DbFlag, current_store
from sim.cli.when import AtFlag, at_or_now

app = group("audit", "The audit log, and proofs of it.", "spillway audit show", "spillway audit verify")

SinceFlag = Annotated[
    int | None,
    typer.Option("--since", metavar="N", help="Prove instead that the log goes on from its first N entries."),
]


@command(app, "show", "spillway audit show", "spillway audit show --tenant acme --json")
def show(
    ctx: typer.Context,
    tenant: TenantFlag = None,
    house: HouseFlag = False,
    after: Annotated[int, typer.Option("--after", metavar="N", min=0, help="Entries after this position.")] = 0,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="At most so many.")] = None,
    db: DbFlag = DEFAULT,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Show a log, oldest first; without a tenant, what logs there are."""
    from billing.store.audit import entries_of, heads_in
    from billing.store.engine import reading
    from billing.store.tenant_rows import require_known

    session, fmt, whose = session_of(ctx), form(csv=csv, md=md), whose_log(tenant, house)
    with reading(current_store(db)) as connection:
        heads = heads_in(connection)
        if whose and whose not in {head.tenant for head in heads}:
            require_known(connection, whose)
        found = [] if whose is None else entries_of(connection, whose, after, limit)
    if whose is None:
        answer(session, lambda: {"logs": [head._asdict() for head in heads]}, lambda: [heads_table(heads)], fmt=fmt)
        return
    if not found:
        note(session, f"no entry in the log of {whose or 'the house'}")
    told = [written.entry._asdict() | {"details": _as_json(written.details)} for written in found]
    answer(session, lambda: {"entries": told}, lambda: [entries_table(whose, found)], fmt=fmt)


command(
    app, "verify", "spillway audit verify", "spillway audit verify --proof proof.json --witness spillway.db.witness"
)(verify)


@command(app, "prove", "spillway audit prove 3 --tenant acme > proof.json", "spillway audit prove --since 12 --house")
def prove(
    ctx: typer.Context,
    position: Annotated[int | None, typer.Argument(metavar="[POSITION]", help="Of the entry.")] = None,
    tenant: TenantFlag = None,
    house: HouseFlag = False,
    since: SinceFlag = None,
    witness: WitnessFlag = None,
    db: DbFlag = DEFAULT,
) -> None:
    """Print the proof of an entry as JSON: anybody can check it with `audit verify --proof`, without the database."""
    from billing.store.audit import proof_of, tree_in
    from billing.store.engine import place_of, reading
    from billing.store.witness import checkpoints_in, witness_file
    from tenants.audit.proof import consistency

    session, engine, whose = session_of(ctx), current_store(db), whose_log(tenant, house)
    if whose is None:
        raise typer.BadParameter("whose log: name a tenant, or --house", param_hint="--tenant")
    if (position is None) == (since is None):
        raise typer.BadParameter("name an entry by its position, or a size with --since", param_hint="POSITION")
    with reading(engine) as connection:
        if position is None:
            tree = tree_in(connection, whose)
            document = {"tenant": whose, **consistency(tree, since or 0, len(tree))}
        else:
            seen = checkpoints_in(named(witness) or witness_file(place_of(engine)))
            document = proof_of(connection, whose, position, seen).model_dump()
            if document["checkpoint"] is None:
                note(session, "no checkpoint has seen this entry yet: see `spillway audit checkpoint`")
    answer(session, lambda: document, list, fmt="json")


command(
    app, "checkpoint", "spillway audit checkpoint", "spillway audit checkpoint --witness /mnt/worm/spillway.witness"
)(checkpoint)


@command(app, "erase", "spillway audit erase 3 4 --tenant acme --reason 'asked to be forgotten'")
def erase(
    ctx: typer.Context,
    positions: Annotated[list[int], typer.Argument(metavar="POSITION...", help="Of entries.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="For the log.")],
    tenant: TenantFlag = None,
    house: HouseFlag = False,
    at: AtFlag = None,
    db: DbFlag = DEFAULT,
) -> None:
    """Erase the details of entries, bytes and all. The entries stay, every proof stays valid, and the log says so."""
    from billing.store.audit import erase as erase_details
    from billing.store.engine import writing
    from billing.store.purge import scrub
    from tenants.audit.entry import LOCAL

    whose = whose_log(tenant, house)
    if whose is None:
        raise typer.BadParameter("whose log: name a tenant, or --house", param_hint="--tenant")
    at_s = at_or_now(at)
    engine = current_store(db)
    with writing(engine) as connection:
        made = erase_details(connection, whose, positions, LOCAL, reason, at_s)
    scrub(engine)
    told = f"details of {made.object} erased, noted as entry {made.position}"
    answer(session_of(ctx), lambda: {"erased": made.object, "position": made.position}, list, after=told)


def _as_json(details: str | None) -> object:
    import json

    return None if details is None else json.loads(details)
