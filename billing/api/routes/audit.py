"""Routes of the audit log: a tenant reads its own, and proves to anybody that an entry stands in it."""

from typing import Annotated

from fastapi import Path, Query

from billing.api.call import Call, Calling
from billing.api.paging import LIMIT_USUAL, Cursor, Limit
from billing.api.problems import Problem
from billing.api.schemas.audit import AuditRow, Consistency, Head, TreeAt, audit_row
from billing.api.schemas.basic import Page, moment
from billing.api.table import Routes
from billing.store import audit as store
from tenants.audit.checkpoint import Checkpoint, TreeHead, make_checkpoint
from tenants.audit.proof import Proof, consistency, prove

routes = Routes()
Position = Annotated[int, Path(ge=1, le=2**53)]
Size = Annotated[int, Query(ge=0, le=2**53)]


@routes.get("/v1/audit", Page[AuditRow])
def list_audit(call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None) -> Page[AuditRow]:
    """List the tenant's audit log, oldest first."""
    return audit_page(call, call.tenant, limit, cursor)


def audit_page(call: Call, tenant: str, limit: int, cursor: str | None) -> Page[AuditRow]:
    """Return a page of a tenant's log as the caller may see it."""
    after = call.after(cursor, int)
    with call.reading() as bound:
        found = store.entries_of(bound.connection, tenant, int(after[0]) if after else 0, limit + 1)
    rows, following = call.page(found, limit, lambda row: (row.entry.position,))
    return Page[AuditRow](items=[audit_row(row) for row in rows], next=following)


@routes.get("/v1/audit/checkpoint", Head)
def read_checkpoint(call: Calling) -> Head:
    """Read what the log comes to now, signed."""
    with call.reading() as bound:
        head = store.head_of(bound.connection, call.tenant)
    signed = _signed(call, head)
    return Head(time=moment(signed.time_s), size=head.size, root=head.root, signature=signed.signature)


@routes.get("/v1/audit/consistency", Consistency)
def read_consistency(call: Calling, first: Size, second: Size) -> Consistency:
    """Prove that the log of one size begins with the log of an earlier one."""
    with call.reading() as bound:
        tree = store.tree_in(bound.connection, call.tenant)
    if not first <= second <= len(tree):
        raise Problem("not_found")
    proof = consistency(tree, first, second)
    return Consistency(first=TreeAt(**proof["first"]), second=TreeAt(**proof["second"]), path=proof["path"])


@routes.get("/v1/audit/{position}/proof", Proof)
def read_proof(call: Calling, position: Position) -> Proof:
    """Prove that an entry stands in the log: `spillway audit verify --proof` checks it without the database."""
    with call.reading() as bound:
        entry = store.entry_at(bound.connection, call.tenant, position).entry
        tree = store.tree_in(bound.connection, call.tenant)
    return prove(entry, tree, [_signed(call, TreeHead(call.tenant, len(tree), tree.root().hex()))])


def _signed(call: Call, head: TreeHead) -> Checkpoint:
    return make_checkpoint([head], call.now_s, "", call.house.secrets.checkpoint)
