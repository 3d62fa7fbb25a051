"""`spillway audit verify`: is the log what was written, and does a proof hold?"""

from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.audit_tables import faults_table, in_words
from sim.cli.failure import NEGATIVE
from sim.cli.frame import session_of
from sim.cli.output import answer, counted, note
from sim.cli.store import DEFAULT, DbFlag, SecretsFlag, current_store

if TYPE_CHECKING:
    from tenants.audit.proof import Growth, Proof

TenantFlag = Annotated[str | None, typer.Option("--tenant", metavar="T", help="One tenant's log.")]
HouseFlag = Annotated[bool, typer.Option("--house", help="The house's own log: what concerns no tenant, or all.")]
WitnessFlag = Annotated[
    str | None,
    typer.Option("--witness", envvar="SPILLWAY_WITNESS", metavar="FILE", help="Checkpoints, outside the database."),
]
ProofFlag = Annotated[str | None, typer.Option("--proof", metavar="FILE", help="Check a proof; no database is read.")]


def verify(
    ctx: typer.Context,
    tenant: TenantFlag = None,
    house: HouseFlag = False,
    proof: ProofFlag = None,
    witness: WitnessFlag = None,
    secrets: SecretsFlag = None,
    db: DbFlag = DEFAULT,
) -> None:
    """Hash everything again, hold it to the checkpoints, and name the first bad position. Exit code 1 if there is one.

    Signatures of checkpoints are checked where the secrets are at hand.
    """
    from billing.store.check_audit import check_audit
    from billing.store.engine import place_of, reading
    from billing.store.witness import checkpoints_in, witness_file

    session, key = session_of(ctx), _key(db, secrets)
    if proof is not None:
        _verify_proof(ctx, proof, witness, key)
        return
    engine = current_store(db)
    file = named(witness) or witness_file(place_of(engine))
    seen = checkpoints_in(file)
    with reading(engine) as connection:
        checked, faults = check_audit(connection, seen, key, whose_log(tenant, house))
    if not seen:
        note(session, f"no checkpoint in {file}: a log that was written anew as a whole would not show")
    elif key is None:
        note(session, "no secrets at hand: signatures of checkpoints were not checked")
    document = {
        "db": place_of(engine),
        "ok": not faults,
        "checkpoints": len(seen),
        "signatures": key is not None,
        "logs": [
            {"tenant": log.tenant, "entries": len(log.tree), "root": log.tree.root().hex(), "erased": log.erased}
            for log in checked
        ],
        "faults": [fault._asdict() for fault in faults],
    }
    entries = sum(len(log.tree) for log in checked)
    sizes = (
        counted(entries, "entry", "entries"),
        f"in {counted(len(checked), 'log')},",
        counted(len(seen), "checkpoint"),
    )
    told = f"{place_of(engine)}: {' '.join(sizes)}: "
    told += "sound" if not faults else f"{counted(len(faults), 'fault')}, the first is {in_words(faults[0])}"
    answer(session, lambda: document, lambda: [faults_table(faults)] if faults else [], after=told)
    if faults:
        raise typer.Exit(NEGATIVE)


def _verify_proof(ctx: typer.Context, file: str, witness: str | None, key: bytes | None) -> None:
    from pathlib import Path

    from billing.store.witness import checkpoints_in
    from tenants.audit.proof import Growth, growth_faults, proof_faults, read_proof

    proof = read_proof(Path(file).read_text(encoding="utf-8", errors="replace"), file)
    seen = None if (given := named(witness)) is None else checkpoints_in(given)
    if isinstance(proof, Growth):
        found, told = growth_faults(proof, seen), _growth_in_words(proof)
    else:
        found, told = proof_faults(proof, key, seen), _proof_in_words(proof)
    document = {"ok": not found, "proof": proof.model_dump(), "witness": witness, "faults": found}
    after = f"{file}: {told}: " + ("; ".join(found) or "proven")
    answer(session_of(ctx), lambda: document, list, after=after)
    if found:
        raise typer.Exit(NEGATIVE)


def _growth_in_words(growth: "Growth") -> str:
    from tenants.audit.entry import shown

    whose = shown(growth.tenant) or "the house"
    return f"log of {whose}, {growth.second.size} entries go on from {growth.first.size}"


def _proof_in_words(proof: "Proof") -> str:
    from billing.months import utc_text
    from tenants.audit.entry import shown

    entry, seen = proof.entry, proof.checkpoint
    what = (
        f"entry {entry.position} of {shown(entry.tenant) or 'the house'}, {shown(entry.action)} {shown(entry.object)}"
    )
    if seen is None:
        return f"{what}, by no checkpoint yet, root {proof.root}"
    return f"{what}, by the checkpoint of {utc_text(seen.time_s)}, root {seen.root}"


def named(witness: str | None) -> str | None:
    """The witness file that was named, if one was. Raises AuditError for one that is not there: it can show nothing."""
    from pathlib import Path

    from tenants.audit.checkpoint import AuditError

    if witness is not None and not Path(witness).is_file():
        raise AuditError("no such file", code="bad_witness", file=witness, allowed="what `audit checkpoint` wrote")
    return witness


def whose_log(tenant: str | None, house: bool) -> str | None:
    """The log meant: a tenant's, "" for the house's own, None for none in particular."""
    if tenant is not None and house:
        raise typer.BadParameter("one log at a time", param_hint="--house")
    return "" if house else tenant


def _key(db: str, secrets: str | None) -> bytes | None:
    """What checkpoints are signed with, None where the secrets are not at hand."""
    from billing.store.secrets_file import load_secrets, secrets_path

    path = secrets_path(db, secrets)
    return load_secrets(path).checkpoint if secrets is not None or path.exists() else None
