"""The audit log as its tenant and auditors read it."""

import json
from typing import Any

from billing.api.schemas.basic import Closed, moment
from billing.store.audit import Written


class AuditRow(Closed):
    """An entry of the log. `details` are null once they have been erased."""

    position: int
    time: str
    actor: str
    action: str
    object: str
    reason: str
    details: dict[str, Any] | None


class Head(Closed):
    """What the log comes to, signed: keep it, and hold the log to it later."""

    time: str
    size: int
    root: str
    signature: str


class TreeAt(Closed):
    """A tree at one size."""

    size: int
    root: str


class Consistency(Closed):
    """The proof that the log of the second size begins with that of the first (RFC 6962)."""

    first: TreeAt
    second: TreeAt
    path: list[str]


def audit_row(written: Written) -> AuditRow:
    """Return an entry."""
    entry = written.entry
    return AuditRow(
        position=entry.position,
        time=moment(entry.time_s),
        actor=entry.actor,
        action=entry.action,
        object=entry.object,
        reason=entry.reason,
        details=None if written.details is None else json.loads(written.details),
    )
