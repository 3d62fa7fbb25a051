"""What surrounds a change that the API makes: the answer it gave, and its row of the audit log."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import delete, insert, select

from billing.store.audit import record
from billing.store.door import Bound
from billing.store.walls.views import table_of

KEPT_S = 86_400  # a request is repeated within a day, or it is another one


class KeptAnswer(NamedTuple):
    """An answer under an Idempotency-Key: of which request, and as which JSON text."""

    key: str
    method: str
    path: str
    body_hash: str
    body: str
    created_s: int


def kept_answer(bound: Bound, key: str, now_s: int) -> KeptAnswer | None:
    """Return what was answered under a key of this caller within the last day."""
    kept = table_of(bound.connection, "idempotency").c
    mine = (kept.tenant == _tenant(bound)) & (kept.key == _key(bound, key))
    wanted = select(*(kept[name] for name in KeptAnswer._fields)).where(mine, kept.created_s > now_s - KEPT_S)
    row = bound.connection.execute(wanted).one_or_none()
    return None if row is None else KeptAnswer._make(row)


def keep_answer(bound: Bound, answer: KeptAnswer) -> None:
    """Keep an answer, and forget those of this caller's tenant that are too old to come again."""
    kept = table_of(bound.connection, "idempotency")
    mine = kept.c.tenant == _tenant(bound)
    bound.connection.execute(delete(kept).where(mine, kept.c.created_s <= answer.created_s - KEPT_S))
    row = answer._asdict() | {"tenant": _tenant(bound), "key": _key(bound, answer.key), "status": 200}
    bound.connection.execute(insert(kept), row)


def note(
    bound: Bound,
    tenant: str,
    action: str,
    object_: str,
    reason: str,
    details: Mapping[str, Any],
    at_s: int,
) -> None:
    """Write a row of a tenant's audit log ("" is the house's own), in the transaction that makes the change."""
    record(bound.connection, tenant, bound.scope.principal.id, action, object_, reason, details, at_s)


def _tenant(bound: Bound) -> str:
    return bound.scope.principal.tenant or ""


def _key(bound: Bound, key: str) -> str:
    """Keys are a name space of each account's own: nobody is answered what somebody else was."""
    return f"{bound.scope.principal.id}/{key}"
