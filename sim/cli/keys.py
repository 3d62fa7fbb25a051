"""`spillway keys`: the keys of tenants, operators and auditors. The text of a key is shown once."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.frame import Session, command, group, session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form, note
from sim.cli.store import DEFAULT, DbFlag, SecretsFlag, current_store, secrets_of
from sim.cli.when import AtFlag, at_or_now, parse_duration
from tenants.audit.entry import LOCAL

if TYPE_CHECKING:
    from tenants.access.keys import KeyRecord, Minted

app = group(
    "keys",
    "Keys of the API.",
    "spillway keys create --tenant acme --scope usage:read --scope bills:read",
    "spillway keys list --tenant acme",
)
TenantFlag = Annotated[str | None, typer.Option("--tenant", metavar="T", help="Whose; none for operators, auditors.")]
KeyArgument = Annotated[str, typer.Argument(metavar="ID", help="The id of a key, as `keys list` shows it.")]


@command(
    app,
    "create",
    "spillway keys create --tenant acme --scope usage:read --scope bills:read",
    "spillway keys create --role auditor --account kpmg --kind person --expires 30d --json",
)
def create(
    ctx: typer.Context,
    tenant: TenantFlag = None,
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help="member, tenant_admin, operator, auditor.")] = "",
    scope: Annotated[
        list[str] | None, typer.Option("--scope", metavar="WORD", help="May be given again; else all of the role.")
    ] = None,
    account: Annotated[str, typer.Option("--account", metavar="NAME", help="Who uses it [the role's word].")] = "",
    kind: Annotated[str, typer.Option("--kind", metavar="KIND", help="service or person.")] = "service",
    expires: Annotated[str, typer.Option("--expires", metavar="TIME", help="From now, such as 90d.")] = "90d",
    environment: Annotated[str, typer.Option("--env", metavar="NAME", help="live or test, part of the text.")] = "live",
    at: AtFlag = None,
    db: DbFlag = DEFAULT,
    secrets: SecretsFlag = None,
) -> None:
    """Mint a key. Its text is shown now and never again; the database keeps what it can be compared with."""
    from billing.store.access import keys_in, save_key
    from billing.store.engine import writing
    from billing.store.tenant_rows import require_account, require_tenant
    from sim.cli.choice import choose
    from sim.cli.edge import entropy
    from tenants.access.identity import ROLE_SCOPES, Role
    from tenants.access.keys import mint
    from tenants.access.scope import local_scope

    session, now_s = session_of(ctx), at_or_now(at)
    is_ = Role(choose(role or ("member" if tenant else "operator"), tuple(Role), "role", "--role"))
    choose(kind, ("service", "person"), "kind", "--kind")
    ends_s = now_s + parse_duration(expires, "--expires")
    with writing(current_store(db)) as connection:
        whose = "" if tenant is None else require_tenant(connection, LOCAL, tenant, now_s).tenant
        kept = secrets_of(db, secrets, make=not keys_in(connection))
        who = require_account(connection, LOCAL, whose, account or is_, kind, is_, entropy, now_s)
        wished = scope or ROLE_SCOPES[is_]
        new = mint(
            local_scope(), who.id, whose, is_, wished, kept, entropy, now_s, expires_s=ends_s, environment=environment
        )
        save_key(connection, LOCAL, new, now_s)
    _show_once(session, new, {})


def _show_once(session: Session, new: "Minted", more: dict[str, Any]) -> None:
    note(session, "this is the only time that the key is shown")
    document = {"key": new.text, **summary(new.record), **more}
    answer(session, lambda: document, list, after=new.text)


def summary(record: "KeyRecord") -> dict[str, Any]:
    """What may be shown of a key: all but its digest."""
    from billing.months import utc_text

    return {
        "id": record.id,
        "tenant": record.tenant or None,
        "account": record.account,
        "role": str(record.role),
        "scopes": sorted(record.scopes),
        "not_before_s": record.not_before_s,
        "expires_s": record.expires_s,
        "expires": utc_text(record.expires_s),
        "revoked_s": record.revoked_s,
        "successor": record.successor or None,
        "last_used_s": record.last_used_s,
    }


@command(app, "list", "spillway keys list", "spillway keys list --tenant acme --json")
def list_(
    ctx: typer.Context,
    tenant: TenantFlag = None,
    at: AtFlag = None,
    db: DbFlag = DEFAULT,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """List keys: whose, what they may do, until when. No text of a key is kept that could be shown."""
    from billing.store.access import keys_in
    from billing.store.engine import reading
    from billing.store.tenant_rows import require_known

    now_s = at_or_now(at)
    with reading(current_store(db)) as connection:
        if tenant is not None:
            require_known(connection, tenant)
        found = keys_in(connection, tenant)
    rows = [{**summary(each), "live": each.live(now_s)} for each in found]
    heads = ("id", "tenant", "role", "scopes", "until", "state")
    cells = [
        [row["id"], row["tenant"] or "", row["role"], " ".join(row["scopes"]), row["expires"], _state(row)]
        for row in rows
    ]
    tables = [Table("Keys", heads, cells)]
    answer(session_of(ctx), lambda: {"keys": rows}, lambda: tables, fmt=form(csv=csv, md=md))


def _state(row: dict[str, Any]) -> str:
    if row["revoked_s"] is not None:
        return "revoked"
    if not row["live"]:
        return "ended"
    return "live, has a successor" if row["successor"] else "live"


@command(app, "rotate", "spillway keys rotate 03kZ0aQ8xV1bN7cR2", "spillway keys rotate 03kZ0aQ8xV1bN7cR2 --overlap 1h")
def rotate(
    ctx: typer.Context,
    id_: KeyArgument,
    overlap: Annotated[str, typer.Option("--overlap", metavar="TIME", help="How long both hold.")] = "7d",
    at: AtFlag = None,
    db: DbFlag = DEFAULT,
    secrets: SecretsFlag = None,
) -> None:
    """Mint the successor of a key: same account, role, scopes and lifetime. The old one ends after the overlap."""
    from billing.months import utc_text
    from billing.store.access import key_of, rotate_key
    from billing.store.engine import writing
    from sim.cli.edge import entropy

    session, now_s, overlap_s = session_of(ctx), at_or_now(at), parse_duration(overlap, "--overlap")
    kept = secrets_of(db, secrets, make=False)
    with writing(current_store(db)) as connection:
        old, new = rotate_key(connection, LOCAL, key_of(connection, id_), kept, entropy, now_s, overlap_s)
    note(session, f"{id_} holds until {utc_text(old.expires_s)}")
    _show_once(session, new, {"replaces": id_, "replaced_until_s": old.expires_s})


@command(app, "revoke", "spillway keys revoke 03kZ0aQ8xV1bN7cR2 --reason 'seen in a chat'")
def revoke(
    ctx: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of keys, as `keys list` shows them.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="For the audit log.")] = "",
    at: AtFlag = None,
    db: DbFlag = DEFAULT,
) -> None:
    """End keys at once, all that are named or none."""
    from billing.store.access import key_of, revoke_key
    from billing.store.door import Bound
    from billing.store.engine import writing
    from billing.store.notices import notify
    from tenants.access.scope import local_scope

    now_s = at_or_now(at)
    with writing(current_store(db)) as connection:
        held = [key_of(connection, id_) for id_ in ids]
        done = [(key.id, revoke_key(connection, LOCAL, key, reason, now_s)) for key in held]
        for key, (_, new) in zip(held, done, strict=True):
            if new and key.tenant:
                notify(Bound(connection, local_scope()), key.tenant, "key.revoked", key.id, {"key": key.id}, now_s)
    document = {"revoked": [id_ for id_, new in done if new], "before": [id_ for id_, new in done if not new]}
    told = [f"{id_}: {'revoked' if new else 'was revoked already'}" for id_, new in done]
    answer(session_of(ctx), lambda: document, list, after="\n".join(told))


@command(app, "pepper", "spillway keys pepper", "spillway keys pepper --db books.db --json")
def pepper(ctx: typer.Context, db: DbFlag = DEFAULT, secrets: SecretsFlag = None) -> None:
    """Add a pepper: each key is hashed anew with it at its next use. Whoever has the old file alone can check none."""
    from billing.store.secrets_file import secrets_path, turn_pepper
    from sim.cli.edge import entropy

    path = secrets_path(db, secrets)
    new = turn_pepper(path, entropy)
    document = {"secrets": str(path), "pepper": new.pepper}
    answer(session_of(ctx), lambda: document, list, after=f"{path}: pepper {new.pepper}")
