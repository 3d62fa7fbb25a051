"""Routes of the house: operators, who see tenants and not their data unless they break the glass; and auditors, who
read and change nothing.
"""

from collections.abc import Sequence
from dataclasses import replace

from billing.api.call import Call, Calling, Done, Told
from billing.api.ids import IdOfPath, new_id
from billing.api.moments import Month
from billing.api.paging import LIMIT_USUAL, Cursor, Limit
from billing.api.problems import Problem
from billing.api.routes.audit import audit_page
from billing.api.routes.bills import invoice_page
from billing.api.routes.events import event_page
from billing.api.schemas.audit import AuditRow
from billing.api.schemas.basic import Empty, Page
from billing.api.schemas.bills import InvoiceHead
from billing.api.schemas.events import EventOut
from billing.api.schemas.house import GrantOut, NewGrant, TenantOut, Why, grant_out, tenant_out, unregistered
from billing.api.schemas.keys import KeyId
from billing.api.schemas.settings import QuotaOut, quota_out
from billing.api.table import Routes
from billing.store import tenant_admin as store
from billing.store.api_acts import acting, tell_revoked, tenants_of_log
from billing.store.break_glass import close_break_glass, open_break_glass
from billing.store.door import Bound
from billing.store.tenant_keys import key_of_anyone, keys_of, revoke_key
from billing.store.tenant_settings import quota_of
from tenants.access.keys import KeyRecord
from tenants.access.scope import audited

routes = Routes()


@routes.get("/v1/operator/tenants", Page[TenantOut])
def list_tenants(call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None) -> Page[TenantOut]:
    """List the tenants, without any of their data; also those that only the log knows, as unregistered."""
    after = call.after(cursor, str)
    with acting(call.house.door, call.scope, call.policy.scope, write=False) as bound:
        unmade = tenants_of_log(bound, str(after[0]) if after else "", limit + 1)
    return _tenant_page(call, limit, cursor, [unregistered(each) for each in unmade])


def _tenant_page(call: Call, limit: int, cursor: str | None, others: Sequence[TenantOut] = ()) -> Page[TenantOut]:
    after = call.after(cursor, str)
    with call.reading() as bound:
        found = [tenant_out(row) for row in store.tenants_of(bound, after, limit + 1)]
    both = sorted([*found, *others], key=lambda each: each.id)
    rows, following = call.page(both[: limit + 1], limit, lambda row: (row.id,))
    return Page[TenantOut](items=list(rows), next=following)


@routes.post("/v1/operator/tenants/{tenant}/suspend", TenantOut)
def suspend_tenant(call: Calling, tenant: IdOfPath, body: Why) -> TenantOut:
    """Suspend a tenant: its keys hold, and do nothing."""
    return _moved(call, tenant, "suspend", body.reason)


@routes.post("/v1/operator/tenants/{tenant}/resume", TenantOut)
def resume_tenant(call: Calling, tenant: IdOfPath, body: Why) -> TenantOut:
    """Resume a tenant that was suspended."""
    return _moved(call, tenant, "resume", body.reason)


@routes.post("/v1/operator/tenants/{tenant}/delete", TenantOut)
def delete_tenant(call: Calling, tenant: IdOfPath, body: Why) -> TenantOut:
    """Delete a tenant: its keys end at once, the rest goes as its deadlines come."""
    return _moved(call, tenant, "delete", body.reason)


def _moved(call: Call, tenant: str, action: str, reason: str) -> TenantOut:
    def work(bound: Bound) -> Done:
        found = store.tenant_of(bound, tenant)
        if found is None:
            raise Problem("not_found")
        new = store.move_tenant(bound, found, action, call.now_s)
        return Done(tenant_out(new), Told(tenant, reason=reason, tenant=tenant))

    moved: TenantOut = call.change(work)
    return moved


@routes.delete("/v1/operator/keys/{id}", Empty)
def revoke_any_key(call: Calling, id: IdOfPath) -> Empty:
    """End a key of anybody at once."""

    ended: list[KeyRecord] = []

    def work(bound: Bound) -> Done:
        found = key_of_anyone(bound, id)
        if found is None:
            raise Problem("not_found")
        ended.extend([found] if found.revoked_s is None and found.tenant else [])
        revoke_key(bound, found, call.now_s)
        return Done(Empty(), Told(id, tenant=found.tenant))

    done: Empty = call.change(work)
    for each in ended:
        tell_revoked(call.house.door, call.scope, call.policy.scope, each.tenant, each.id, call.now_s)
    return done


@routes.get("/v1/operator/break-glass", Page[GrantOut])
def list_grants(call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None) -> Page[GrantOut]:
    """List one's own grants."""
    after = call.after(cursor, str)
    with call.reading() as bound:
        found = store.grants_of(bound, call.scope.principal.id, after, limit + 1)
    rows, following = call.page(found, limit, lambda row: (row.id,))
    return Page[GrantOut](items=[grant_out(row) for row in rows], next=following)


@routes.post("/v1/operator/break-glass", GrantOut, status=201)
def open_grant(call: Calling, body: NewGrant) -> GrantOut:
    """Break the glass: read one tenant's data for a while, for a reason that the tenant reads."""

    def work(bound: Bound) -> Done:
        if store.tenant_of(bound, body.tenant) is None:
            raise Problem("not_found")
        made = open_break_glass(
            bound.connection, bound.scope, new_id(call, "brk"), body.tenant, body.reason, call.now_s, body.lifetime_s
        )
        return Done(grant_out(made), Told(made.id, {"tenant": made.tenant}, made.reason))

    made: GrantOut = call.change(work)
    return made


@routes.delete("/v1/operator/break-glass/{id}", Empty)
def close_grant(call: Calling, id: IdOfPath) -> Empty:
    """Close a grant of one's own before its time."""

    def work(bound: Bound) -> Done:
        found = store.grant_by_id(bound, call.scope.principal.id, id)
        if found is None or found.closed_s is not None or found.expires_s <= call.now_s:
            raise Problem("not_found")
        close_break_glass(bound.connection, bound.scope, id, found.tenant, call.now_s)
        return Done(Empty(), Told(id, {"tenant": found.tenant}))

    done: Empty = call.change(work)
    return done


@routes.get("/v1/operator/tenants/{tenant}/invoices", Page[InvoiceHead])
def list_invoices_under_grant(
    call: Calling, tenant: IdOfPath, limit: Limit = LIMIT_USUAL, cursor: Cursor = None, period: Month = None
) -> Page[InvoiceHead]:
    """List a tenant's invoices under an open grant. The tenant's log says that they were read."""
    with call.writing() as bound:
        opened = store.opened_scope(bound, tenant, "invoices", call.now_s)
    return invoice_page(replace(call, scope=opened), tenant, limit, cursor, period)


@routes.get("/v1/auditor/tenants/{tenant}/audit", Page[AuditRow])
def list_audit_of_tenant(
    call: Calling, tenant: IdOfPath, limit: Limit = LIMIT_USUAL, cursor: Cursor = None
) -> Page[AuditRow]:
    """List a tenant's audit log. The log says that it was read."""
    return audit_page(_audited(call, tenant, "audit", cursor), tenant, limit, cursor)


@routes.get("/v1/auditor/tenants/{tenant}/invoices", Page[InvoiceHead])
def list_invoices_of_tenant(
    call: Calling, tenant: IdOfPath, limit: Limit = LIMIT_USUAL, cursor: Cursor = None, period: Month = None
) -> Page[InvoiceHead]:
    """List a tenant's invoices. The tenant's log says that they were read."""
    return invoice_page(_audited(call, tenant, "invoices", cursor), tenant, limit, cursor, period)


@routes.get("/v1/auditor/tenants", Page[TenantOut])
def list_audited_tenants(call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None) -> Page[TenantOut]:
    """List the tenants that there are to audit."""
    return _tenant_page(call, limit, cursor)


@routes.get("/v1/auditor/tenants/{tenant}/events", Page[EventOut])
def list_events_of_tenant(
    call: Calling, tenant: IdOfPath, limit: Limit = LIMIT_USUAL, cursor: Cursor = None
) -> Page[EventOut]:
    """List a tenant's events, as the tenant sees them."""
    return event_page(_audited(call, tenant, "events", cursor), tenant, limit, cursor)


@routes.get("/v1/auditor/tenants/{tenant}/keys", Page[KeyId])
def list_keys_of_tenant(
    call: Calling, tenant: IdOfPath, limit: Limit = LIMIT_USUAL, cursor: Cursor = None
) -> Page[KeyId]:
    """List the ids of a tenant's keys, by which its audit log names them."""
    audited_call = _audited(call, tenant, "keys", cursor)
    after = audited_call.after(cursor, str)
    with audited_call.reading() as bound:
        found = keys_of(bound, tenant, after, limit + 1)
    rows, following = audited_call.page(found, limit, lambda row: (row.id,))
    return Page[KeyId](items=[KeyId(id=row.id) for row in rows], next=following)


@routes.get("/v1/auditor/tenants/{tenant}/quota", QuotaOut)
def read_quota_of_tenant(call: Calling, tenant: IdOfPath) -> QuotaOut:
    """Read how many keys and webhooks a tenant may have at a time."""
    with _audited(call, tenant, "quota", None).reading() as bound:
        return quota_out(quota_of(bound, tenant))


def _audited(call: Call, tenant: str, what: str, cursor: str | None) -> Call:
    """The call with its scope bound to the tenant that is audited. A list is noted where it begins: its pages follow by
    cursors that are signed for it, and an entry for each would lengthen the log that is being read."""
    opened = replace(call, scope=audited(call.scope, tenant))
    with opened.reading() as bound:
        if store.tenant_of(bound, tenant) is None:
            raise Problem("not_found")
    if cursor is None:
        call.house.door.note_look(opened.scope, what, call.now_s)
    return opened
