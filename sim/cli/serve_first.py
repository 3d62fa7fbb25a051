"""The first start of a service: a store where there is none, a way to the first key, and a finished run to look at."""

from pathlib import Path
from typing import TYPE_CHECKING

from sim.cli.frame import Session
from sim.cli.output import note
from sim.cli.store import current_store, secrets_of
from tenants.audit.entry import LOCAL

if TYPE_CHECKING:
    from billing.store.engine import Store
    from billing.terms import Terms

_FIRST = "spillway keys create --role operator"
_DEMO_S = 7 * 86_400  # how long keys to a run that is looked at hold


def ready_store(session: Session, db: str, secrets: str | None, init: bool, named: bool) -> "Store":
    """Return the store that is to be served, made where there is none yet.

    The usual file is made if it is absent; one that was `named` is made, and a PostgreSQL database filled by its owner,
    with `init` alone.

    Raises:
        StoreError: no store that could be served.
    """
    from billing.store.door import make_walls
    from billing.store.engine import open_store, place_of
    from billing.store.migrate import init as make
    from billing.store.secrets_file import secrets_path
    from sim.cli.edge import now_s

    if init or not (named or Path(db).exists()):
        engine = open_store(db, create=True)
        make(engine, now_s())
        make_walls(engine, secrets_of(db, secrets), now_s())
        note(session, f"{place_of(engine)}: a store is there, and its secrets are in {secrets_path(db, secrets)}")
    return current_store(db)


def say_first_key(session: Session, engine: "Store", db: str, secrets: str | None, init: bool) -> None:
    """Say how a store without keys gets its first. With `init` it has it now: an operator's, which is shown once."""
    from billing.store.access import keys_in
    from billing.store.engine import reading

    with reading(engine) as connection:
        has_keys = bool(keys_in(connection))
    if not has_keys:
        secrets_of(db, secrets)
        if init:
            note(session, f"operator's key, shown this once: {first_key(engine, db, secrets)}")
        else:
            note(session, f"no key opens it yet; make the first with `{_FIRST}`, or start with --init")


def first_key(engine: "Store", db: str, secrets: str | None, tenant: str = "", lifetime_s: int = 0) -> str:
    """Mint a key with all that its role may do, an operator's or of a tenant's admin, and return its text."""
    from billing.store.access import save_key
    from billing.store.engine import writing
    from billing.store.tenant_rows import require_account, require_tenant
    from sim.cli.edge import entropy, now_s
    from tenants.access.identity import ROLE_SCOPES, Role
    from tenants.access.keys import mint
    from tenants.access.scope import local_scope

    role: Role = Role.TENANT_ADMIN if tenant else Role.OPERATOR
    kept, now = secrets_of(db, secrets), now_s()
    with writing(engine) as connection:
        if tenant:
            require_tenant(connection, LOCAL, tenant, now)
        who = require_account(connection, LOCAL, tenant, role, "service", role, entropy, now)
        ends_s = now + lifetime_s if lifetime_s else None
        new = mint(local_scope(), who.id, tenant, role, ROLE_SCOPES[role], kept, entropy, now, expires_s=ends_s)
        save_key(connection, LOCAL, new, now)
    return new.text


def show_run(session: Session, engine: "Store", db: str, secrets: str | None, name: str) -> None:
    """Bring a finished run into a store, issue its invoices and settle it; show a key of an operator and one of each
    kind of tenant.

    Raises:
        SimError: no such run, or one without a log.
    """
    from functools import partial

    from billing.store.engine import reading, writing
    from billing.store.ingest import ingest
    from billing.store.settling import settle_store
    from sim.cli.bill_export import ISSUER
    from sim.cli.db_import import of_run
    from sim.cli.db_settle import parse_terms
    from sim.cli.edge import now_s
    from sim.cli.store import terms_for

    ingest(engine, of_run(session, engine, name).records, origin=name, at_s=now_s())
    terms = terms_for(engine, None)
    _issue_all(engine, terms)
    settle_store(partial(reading, engine), partial(writing, engine), parse_terms, ISSUER, now_s())
    tenants = terms.registry.tenants
    shown = [next((each.id for each in tenants if each.kind == kind), None) for kind in ("external", "internal")]
    note(session, f"key of the operator: {first_key(engine, db, secrets, lifetime_s=_DEMO_S)}")
    for tenant in filter(None, shown):
        note(session, f"key of {tenant}: {first_key(engine, db, secrets, tenant, _DEMO_S)}")
    others = [each.id for each in tenants if each.id not in shown]
    if others:
        note(session, f"of others: spillway keys create --db {db} --role tenant_admin --tenant {'|'.join(others)}")


def _issue_all(engine: "Store", terms: "Terms") -> None:
    """Issue the invoices of all months of a run, which is over. Raises BillingError where it has no books."""
    from billing.closing.month import months_with_lines
    from billing.errors import BillingError
    from billing.store.engine import reading
    from billing.store.issuing import issue_month
    from billing.store.log_basis import basis_at, known_at
    from sim.cli.bill_issue import telling

    with reading(engine) as connection:
        (basis, arrived, _), position = basis_at(connection, terms)
        if isinstance(basis, BillingError):
            raise basis
        known = known_at(connection, terms)
        for month in sorted({month for month, _ in months_with_lines(basis)}):
            issue_month(engine, basis, month, terms.epoch_s, arrived, position, known, telling())
