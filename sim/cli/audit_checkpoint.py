"""`spillway audit checkpoint`, and the checkpoint that ends the closing of a month."""

from typing import TYPE_CHECKING

import typer

from sim.cli.audit_verify import WitnessFlag
from sim.cli.frame import Session, session_of
from sim.cli.output import answer, note
from sim.cli.store import DEFAULT, DbFlag, SecretsFlag, current_store, secrets_of
from sim.cli.when import AtFlag, at_or_now

if TYPE_CHECKING:
    from billing.store.engine import Store


def checkpoint(
    ctx: typer.Context,
    witness: WitnessFlag = None,
    secrets: SecretsFlag = None,
    at: AtFlag = None,
    db: DbFlag = DEFAULT,
) -> None:
    """Write what all logs hold now into the witness file: one signed line. Nothing new, no line."""
    from billing.months import utc_text
    from billing.store.engine import place_of
    from billing.store.witness import add_checkpoint, witness_file

    engine = current_store(db)
    file = witness or witness_file(place_of(engine))
    key = secrets_of(db, secrets).checkpoint
    made, new = add_checkpoint(engine, file, key, at_or_now(at))
    document = {"witness": file, "new": new, "time_s": made.time_s, "logs": len(made.heads), "root": made.root}
    told = f"{file}: {len(made.heads)} logs at {utc_text(made.time_s)}, root {made.root}"
    answer(session_of(ctx), lambda: document, list, after=told if new else f"{told}; nothing new since")


def checkpoint_closing(session: Session, engine: "Store", db: str, *, new: bool) -> None:
    """Write a checkpoint after `new` invoices were issued, where the store has secrets to sign it with. The invoices
    stay, whatever is said of the log."""
    import os

    from billing.store.engine import place_of
    from billing.store.secrets_file import load_secrets, secrets_path
    from billing.store.witness import add_checkpoint, witness_file
    from sim.cli import edge
    from tenants.audit.checkpoint import AuditError

    secrets = secrets_path(db, os.environ.get("SPILLWAY_SECRETS"))
    if not new or not secrets.exists():
        return
    file = os.environ.get("SPILLWAY_WITNESS") or witness_file(place_of(engine))
    try:
        add_checkpoint(engine, file, load_secrets(secrets).checkpoint, edge.now_s())
    except AuditError as error:
        note(session, f"no checkpoint was written: {error}")
