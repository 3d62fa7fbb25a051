"""Who may do what with which table, as data: the walls of both engines are made from it, and checked against it.

Tenant data are in tables `all_<noun>`. Nobody who comes through the door touches those: there is a view `<noun>` of
each, with the rows that the role may see and without the columns in `HIDDEN`. What is not granted is refused.

    sign_in    looks keys up, before it is known whose they are; a service can start as it, and needs no owner
    ingest     appends to the log, as a source of the one tenant that it is bound to
    app        a tenant's own rows; also an operator's who has broken the glass, for reading
    operator   the metadata of all tenants, and the platform's own rows (tenant ""); of the audit log it writes only
    auditor    everything but secrets, of the tenant that it is bound to, or of all
    worker     what the service does without anybody asking: settling, deliveries, rentals' clock, purging. It works on
               the tables of all, sees no digest of a key, and adds events of the house's sources alone (0063)

Design: ISOLATION 8.6 and the table of section 10.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from billing.store.schema import all_tables


class Wall(StrEnum):
    """A role of the database."""

    SIGN_IN = "sign_in"
    INGEST = "ingest"
    APP = "app"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    WORKER = "worker"


class Rows(StrEnum):
    """Which rows of a table a role sees, and may write."""

    BOUND = "bound"  # of the tenant that the transaction is bound to; without one, none
    BOUND_OR_ALL = "bound_or_all"
    ALL = "all"
    PLATFORM = "platform"  # those that are no tenant's


class Verbs(NamedTuple):
    """What a role may do with the rows of a view. `update` names columns."""

    rows: Rows
    select: bool = True
    insert: bool = False
    update: tuple[str, ...] = ()
    delete: bool = False


# Columns that no view shows: secrets, and positions by which one could count what others do. Rows with secrets are
# added through a view of their own, `new_<noun>`, which nobody reads.
HIDDEN: Mapping[str, tuple[str, ...]] = {
    "event": ("position",),
    "invoice": ("log_position",),
    "api_key": ("digest", "pepper"),
    "agent_token": ("digest", "pepper"),
}
# The column that says whose a row is, where it is not `tenant`.
OWNER: Mapping[str, str] = {"event": "subject"}

_READ = Verbs(Rows.BOUND)
_ADD = Verbs(Rows.BOUND, insert=True)
_ALL, _BLIND = Rows.ALL, Verbs(Rows.ALL, select=False, insert=True)
_TREE = ("size", "frontier", "root")
_BOOKS = ("invoice", "invoice_line", "credit_note", "payment", "ledger_entry")
# The read model, and what tenants and the house see of it. Terms name all tenants: no tenant's role reads those.
_MODEL, _HOUSE_MODEL = ("usage_hour", "month_paper"), ("capacity_hour", "house_hour", "settled", "settling")
_HOUSE_ROW = Verbs(Rows.PLATFORM)
_RENTAL = (
    *("state", "gpus", "starts_s", "until_s", "guaranteed_until_s", "noticed_s", "evict_s", "ended_s", "cause"),
    "version",
)
_DELIVERY = ("status", "attempts", "next_s", "last_code", "last_error", "updated_s")
_SESSION = ("seen_s", "ended_s")

GRANTS: Mapping[Wall, Mapping[str, Verbs]] = {
    Wall.APP: {
        "event": _READ,
        **dict.fromkeys(_BOOKS, _READ),
        "tenant": _READ,
        "break_glass": _READ,
        "quota": _READ,
        "account": Verbs(Rows.BOUND, insert=True, update=("name", "role", "disabled_s")),
        "api_key": Verbs(Rows.BOUND, insert=True, update=("expires_s", "revoked_s", "successor", "last_used_s")),
        "agent_token": Verbs(Rows.BOUND, insert=True, update=("revoked_s",)),
        "audit_entry": _ADD,
        "audit_details": _ADD,
        "audit_tree": Verbs(Rows.BOUND, insert=True, update=_TREE),
        "idempotency": Verbs(Rows.BOUND, insert=True, delete=True),
        "webhook": Verbs(Rows.BOUND, insert=True, update=("disabled_s", "generation", "rotated_s")),
        **dict.fromkeys(_MODEL, _READ),
        **dict.fromkeys(("offer", "settled"), _HOUSE_ROW),
        # A tenant asks, and says until when; everything else of a rental is the desk's.
        "rental": Verbs(Rows.BOUND, insert=True, update=("until_s", "version")),
        "notice": _ADD,
        "delivery": Verbs(Rows.BOUND, insert=True, update=_DELIVERY),
        "budget": Verbs(Rows.BOUND, insert=True, update=("name", "limit_micro", "thresholds_bp", "disabled_s")),
        "alert": _READ,
        "session": Verbs(Rows.BOUND, insert=True, update=_SESSION),
    },
    Wall.OPERATOR: {
        "tenant": Verbs(
            _ALL,
            insert=True,
            update=("name", "organisation", "regions", "status", "suspended_s", "deleted_s"),
        ),
        "account": Verbs(_ALL, insert=True, update=("disabled_s",)),
        "api_key": Verbs(_ALL, insert=True, update=("expires_s", "revoked_s", "successor", "last_used_s")),
        "agent_token": Verbs(_ALL, update=("revoked_s",)),
        "break_glass": Verbs(_ALL, insert=True, update=("closed_s",)),
        "tombstone": Verbs(_ALL, insert=True),
        "quota": Verbs(_ALL, insert=True, update=("keys_max", "webhooks_max", "gpus_max")),
        "audit_entry": _BLIND,
        "audit_details": _BLIND,
        "audit_tree": Verbs(_ALL, insert=True, update=_TREE),
        "idempotency": Verbs(Rows.PLATFORM, insert=True, delete=True),
        **dict.fromkeys(_HOUSE_MODEL, _HOUSE_ROW),
        "offer": Verbs(
            Rows.PLATFORM, insert=True, update=("gpus", "guarantee_s", "until_s", "version", "updated_s"), delete=True
        ),
        "terms": Verbs(Rows.PLATFORM, insert=True),
        "snapshot": Verbs(Rows.PLATFORM, insert=True, update=("time_s", "received_s", "body"), delete=True),
        "session": Verbs(Rows.PLATFORM, insert=True, update=_SESSION),
    },
    Wall.AUDITOR: dict.fromkeys(
        (
            *("event", *_BOOKS, "tenant", "account", "api_key", "agent_token", "break_glass", "tombstone"),
            *("audit_entry", "audit_details", "audit_tree", "webhook", "quota"),
            *(*_MODEL, "rental", "notice", "delivery", "budget", "alert"),
        ),
        Verbs(Rows.BOUND_OR_ALL),
    )
    | dict.fromkeys((*_HOUSE_MODEL, "offer", "terms", "snapshot"), _HOUSE_ROW),
}


class Direct(NamedTuple):
    """What a role that works on the tables themselves may do: no view can stand before what it needs."""

    select: tuple[str, ...] = ()
    insert: bool = False
    update: tuple[str, ...] = ()
    delete: bool = False


_READS, _ADDS = Direct(("*",)), Direct(("*",), insert=True)
_KEEPS = Direct(("*",), insert=True, delete=True)
DIRECT: Mapping[Wall, Mapping[str, Direct]] = {
    # The log's writer must know the last position of all, and what stands under a key. Of an event it reads its keys
    # and hashes, never what it says.
    Wall.INGEST: {
        "all_event": Direct(("position", "source", "id", "seq", "hash", "prevhash"), insert=True),
        **dict.fromkeys(("event_source", "event_gap", "quarantine"), _KEEPS),
    },
    Wall.SIGN_IN: {
        "all_api_key": Direct(("*",), update=("digest", "pepper", "last_used_s")),
        "all_agent_token": Direct(("*",)),
        "all_account": Direct(("*",)),
        "all_tenant": Direct(("*",)),
        # Whoever signs in to the console shows a cookie from then on: it is looked up as a key is. An auditor, who
        # writes nothing, has sessions too.
        "all_session": Direct(("*",), insert=True, update=_SESSION),
        # What a service asks before it starts, so that its process needs no owner's rights.
        **dict.fromkeys(("alembic_version", "event_terms", "all_terms"), Direct(("*",))),
    },
    Wall.WORKER: {
        **dict.fromkeys(("event_source", "event_gap", "event_terms", "quarantine", "platform_organisation"), _KEEPS),
        **dict.fromkeys(("alembic_version", "all_terms", "all_snapshot"), _READS),
        "all_tombstone": _ADDS,  # of whom a restored backup brought back
        "all_break_glass": Direct(("*",), delete=True),
        "all_event": _ADDS,
        **dict.fromkeys((f"all_{noun}" for noun in _BOOKS), _ADDS),
        "all_invoice": Direct(("*",), insert=True, update=("status", "stands")),
        "all_audit_entry": _ADDS,
        "all_audit_details": Direct(("*",), insert=True, update=("salt", "details"), delete=True),
        "all_audit_tree": Direct(("*",), insert=True, update=_TREE),
        # What purging takes away; of keys and tokens it sees whose they are, and what a session must end with. (SQLite
        # asks for the keys of an account before it lets the account go.)
        **dict.fromkeys(("all_idempotency", "all_quota", "all_account", "all_session"), _KEEPS),
        "all_webhook": Direct(("*",), insert=True, update=("told",), delete=True),
        "all_tenant": Direct(("*",), insert=True, update=("status", "suspended_s", "deleted_s"), delete=True),
        "all_api_key": Direct(("tenant", "id", "account", "expires_s", "revoked_s"), delete=True),
        "all_agent_token": Direct(("tenant", "id", "account", "key", "expires_s", "revoked_s"), delete=True),
        **dict.fromkeys((f"all_{noun}" for noun in (*_MODEL, *_HOUSE_MODEL)), _KEEPS),
        **dict.fromkeys(("all_budget", "all_alert", "all_notice"), _KEEPS),
        "all_offer": Direct(("*",), update=("free_at_least", "counted_gpus", "counted_s")),
        "all_rental": Direct(("*",), insert=True, update=_RENTAL, delete=True),
        "all_delivery": Direct(("*",), insert=True, update=_DELIVERY, delete=True),
    },
}


def nouns() -> tuple[str, ...]:
    """Return the nouns of tenant data: what has a table `all_<noun>`."""
    return tuple(name.removeprefix("all_") for name in all_tables().tables if name.startswith("all_"))


def columns_of(noun: str) -> tuple[str, ...]:
    """Return the columns of a table of tenant data."""
    return tuple(column.name for column in all_tables().tables[f"all_{noun}"].columns)


def shown(noun: str) -> tuple[str, ...]:
    """Return the columns that a view shows."""
    return tuple(name for name in columns_of(noun) if name not in HIDDEN.get(noun, ()))


def added_through(noun: str) -> str:
    """Return the name of the view through which rows of a noun are added."""
    return f"new_{noun}" if noun in HIDDEN else noun


def owner_of(noun: str) -> str:
    """Return the column that says whose a row is."""
    return OWNER.get(noun, "tenant")


def key_of(noun: str) -> tuple[str, ...]:
    """Return the columns of the primary key."""
    return tuple(column.name for column in all_tables().tables[f"all_{noun}"].primary_key)


def kin_of(table: str) -> set[str]:
    """Return the tables to which a table's foreign keys lead, and those whose keys lead to it."""
    tables = all_tables().tables
    parents = {key.column.table.name for key in tables[table].foreign_keys}
    return parents | {
        name for name, each in tables.items() for key in each.foreign_keys if key.column.table.name == table
    }
