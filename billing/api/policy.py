"""Who may do what: one row for each route, and an application that does not start where one is missing.

A row says which scope word the key must have, which roles may come at all, whose data the route touches, and under
which name a change is written into the audit log. `guard` asks it before a body is read; routes hold no checks of
their own, so this table is the whole of it.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from billing.errors import BillingError
from tenants.access.identity import Role

MEMBER, ADMIN, OPERATOR, AUDITOR = Role.MEMBER, Role.TENANT_ADMIN, Role.OPERATOR, Role.AUDITOR
Route = tuple[str, str]  # (method, path)


class Whose(StrEnum):
    """Whose data a route touches."""

    NOBODY = "nobody"  # no key is asked for, and no data of a tenant are read
    OWN = "own"  # the tenant of the key, and no other
    HOUSE = "house"  # what the house knows of its tenants: no rows of theirs
    GRANTED = "granted"  # of the tenant that an open break-glass names
    ALL = "all"  # of any tenant, reading only


class Deprecated(NamedTuple):
    """Since when a route should no longer be used, and when it will be gone, Unix seconds."""

    since_s: int
    gone_s: int


class Policy(NamedTuple):
    """Who may use a route. `scope` "": any key will do. `action` names it in the audit log, "" if it only reads.
    `deprecated`: told in the headers of each answer, and in the description."""

    whose: Whose
    scope: str = ""
    roles: tuple[Role, ...] = ()
    action: str = ""
    deprecated: Deprecated | None = None


PUBLIC = Policy(Whose.NOBODY)
ANYONE = (MEMBER, ADMIN, OPERATOR, AUDITOR)


def _own(scope: str, action: str = "", roles: tuple[Role, ...] = (MEMBER, ADMIN)) -> Policy:
    return Policy(Whose.OWN, scope, roles, action)


def _house(scope: str, action: str = "", whose: Whose = Whose.HOUSE) -> Policy:
    return Policy(whose, scope, (OPERATOR,), action)


_ADMIN = (ADMIN,)
POLICIES: Mapping[Route, Policy] = {
    ("GET", "/healthz"): PUBLIC,
    ("GET", "/readyz"): PUBLIC,
    ("GET", "/openapi.json"): PUBLIC,
    ("GET", "/docs"): PUBLIC,
    ("GET", "/v1/me"): Policy(Whose.OWN, "", ANYONE),
    ("GET", "/v1/events"): _own("usage:read"),
    ("POST", "/v1/events"): _own("usage:write", "events.post"),
    ("GET", "/v1/usage"): _own("usage:read"),
    ("GET", "/v1/usage/hours"): _own("usage:read"),
    ("GET", "/v1/bill/hour"): _own("bills:read"),
    ("GET", "/v1/invoices"): _own("bills:read"),
    ("GET", "/v1/invoices/draft"): _own("bills:read"),
    ("GET", "/v1/invoices/draft/lines/{line}/explain"): _own("bills:read"),
    ("GET", "/v1/invoices/{number}/lines"): _own("bills:read"),
    ("GET", "/v1/invoices/{number}/lines/{line}/explain"): _own("bills:read"),
    ("GET", "/v1/invoices/{number}/document"): _own("bills:read"),
    ("POST", "/v1/invoice-preview"): _own("bills:read", "invoice.preview"),
    ("GET", "/v1/price-books"): _own("bills:read"),
    ("GET", "/v1/price-books/{version}"): _own("bills:read"),
    ("POST", "/v1/rate-preview"): Policy(Whose.OWN, "", ANYONE, "rate.preview"),
    ("POST", "/v1/quotes"): _own("bills:read", "quote.make"),
    ("GET", "/v1/invoices/{number}"): _own("bills:read"),
    ("GET", "/v1/credit-notes"): _own("bills:read"),
    ("GET", "/v1/ledger"): _own("bills:read"),
    ("GET", "/v1/sla"): _own("bills:read"),
    ("GET", "/v1/sla/incidents"): _own("bills:read"),
    ("GET", "/v1/contracts"): _own("bills:read"),
    ("GET", "/v1/wallets"): _own("bills:read"),
    ("GET", "/v1/budgets"): _own("bills:read"),
    ("POST", "/v1/budgets"): _own("budgets:write", "budget.create", _ADMIN),
    ("DELETE", "/v1/budgets/{id}"): _own("budgets:write", "budget.disable", _ADMIN),
    ("GET", "/v1/alerts"): _own("bills:read"),
    ("GET", "/v1/exports/focus"): _own("bills:read"),
    ("GET", "/v1/exports/lines"): _own("bills:read"),
    ("GET", "/v1/exports/usage"): _own("bills:read"),
    ("GET", "/v1/keys"): _own("keys:read", roles=_ADMIN),
    ("POST", "/v1/keys"): _own("keys:write", "key.create", _ADMIN),
    ("POST", "/v1/keys/revoke"): _own("keys:write", "key.revoke", _ADMIN),
    ("POST", "/v1/keys/{id}/rotate"): _own("keys:write", "key.rotate", _ADMIN),
    ("DELETE", "/v1/keys/{id}"): _own("keys:write", "key.revoke", _ADMIN),
    ("GET", "/v1/accounts"): _own("keys:read", roles=_ADMIN),
    ("POST", "/v1/accounts"): _own("keys:write", "account.create", _ADMIN),
    ("DELETE", "/v1/accounts/{id}"): _own("keys:write", "account.disable", _ADMIN),
    ("GET", "/v1/tokens"): _own("tokens:write"),
    ("POST", "/v1/tokens"): _own("tokens:write", "token.issue"),
    ("DELETE", "/v1/tokens/{id}"): _own("tokens:write", "token.revoke"),
    ("POST", "/v1/tool-calls"): _own("tools:call", "tool.call"),
    ("GET", "/v1/webhooks"): _own("webhooks:read"),
    ("POST", "/v1/webhooks"): _own("webhooks:write", "webhook.create", _ADMIN),
    ("POST", "/v1/webhooks/{id}/rotate-secret"): _own("webhooks:write", "webhook.rotate_secret", _ADMIN),
    ("POST", "/v1/webhooks/{id}/test"): _own("webhooks:write", "webhook.test", _ADMIN),
    ("GET", "/v1/webhooks/{id}/deliveries"): _own("webhooks:read"),
    ("POST", "/v1/webhooks/{id}/deliveries/{position}/redeliver"): _own("webhooks:write", "webhook.redeliver", _ADMIN),
    ("DELETE", "/v1/webhooks/{id}"): _own("webhooks:write", "webhook.disable", _ADMIN),
    ("GET", "/v1/notices"): _own(""),  # each type asks for a scope of its own (notice_types)
    ("GET", "/v1/products"): _own("jobs:read"),
    ("GET", "/v1/availability"): _own("jobs:read"),
    ("GET", "/v1/rentals"): _own("jobs:read"),
    ("POST", "/v1/rentals"): _own("jobs:write", "rental.request"),
    ("GET", "/v1/rentals/{id}"): _own("jobs:read"),
    ("POST", "/v1/rentals/{id}/extend"): _own("jobs:write", "rental.extend"),
    ("POST", "/v1/rentals/{id}/release"): _own("jobs:write", "rental.release"),
    ("GET", "/v1/operator/offers"): _house("jobs:read"),
    ("PUT", "/v1/operator/offers"): _house("jobs:write", "offer.set"),
    ("GET", "/v1/audit"): _own("audit:read", roles=_ADMIN),
    ("GET", "/v1/audit/checkpoint"): _own("audit:read", roles=_ADMIN),
    ("GET", "/v1/audit/consistency"): _own("audit:read", roles=_ADMIN),
    ("GET", "/v1/audit/{position}/proof"): _own("audit:read", roles=_ADMIN),
    ("GET", "/v1/quota"): _own("quota:read"),
    ("PUT", "/v1/quota"): _house("quota:write", "quota.set"),
    ("GET", "/v1/operator/tenants"): _house("tenants:read"),
    ("GET", "/v1/operator/price-book"): _house("bills:write"),
    ("PUT", "/v1/operator/price-book"): _house("bills:write", "terms.set"),
    ("POST", "/v1/operator/tenants"): _house("tenants:write", "tenant.create"),
    ("POST", "/v1/operator/invoices/finalise"): _house("bills:write", "invoice.issue"),
    ("POST", "/v1/operator/credit-notes"): _house("bills:write", "credit_note.issue"),
    ("POST", "/v1/operator/payments"): _house("bills:write", "payment.note"),
    ("POST", "/v1/operator/tenants/{tenant}/suspend"): _house("tenants:write", "tenant.suspend"),
    ("POST", "/v1/operator/tenants/{tenant}/resume"): _house("tenants:write", "tenant.resume"),
    ("POST", "/v1/operator/tenants/{tenant}/delete"): _house("tenants:write", "tenant.delete"),
    ("DELETE", "/v1/operator/keys/{id}"): _house("keys:write", "key.revoke"),
    ("GET", "/v1/operator/break-glass"): _house("break_glass:write"),
    ("POST", "/v1/operator/break-glass"): _house("break_glass:write", "break_glass.open"),
    ("DELETE", "/v1/operator/break-glass/{id}"): _house("break_glass:write", "break_glass.close"),
    ("GET", "/v1/operator/tenants/{tenant}/invoices"): _house("break_glass:write", whose=Whose.GRANTED),
    ("POST", "/v1/operator/events"): _house("usage:write", "events.feed"),
    ("PUT", "/v1/operator/source-terms"): _house("usage:write", "terms.note"),
    ("PUT", "/v1/operator/snapshots"): _house("usage:write", "snapshot.set"),
    ("GET", "/v1/operator/runs"): _house("jobs:read"),
    ("GET", "/v1/operator/runs/{run}"): _house("jobs:read"),
    ("GET", "/v1/operator/clusters"): _house("jobs:read"),
    ("GET", "/v1/operator/cluster"): _house("jobs:read"),
    ("GET", "/v1/operator/revenue"): _house("jobs:read"),
    ("GET", "/v1/operator/nodes"): _house("jobs:read"),
    ("GET", "/v1/operator/queue"): _house("jobs:read"),
    ("GET", "/v1/operator/evictions"): _house("jobs:read"),
    ("GET", "/v1/operator/credits"): _house("jobs:read"),
    ("GET", "/v1/auditor/tenants"): Policy(Whose.ALL, "tenants:read", (AUDITOR,)),
    ("GET", "/v1/auditor/tenants/{tenant}/events"): Policy(Whose.ALL, "usage:read", (AUDITOR,)),
    ("GET", "/v1/auditor/tenants/{tenant}/keys"): Policy(Whose.ALL, "keys:read", (AUDITOR,)),
    ("GET", "/v1/auditor/tenants/{tenant}/quota"): Policy(Whose.ALL, "quota:read", (AUDITOR,)),
    ("GET", "/v1/auditor/tenants/{tenant}/audit"): Policy(Whose.ALL, "audit:read", (AUDITOR,)),
    ("GET", "/v1/auditor/tenants/{tenant}/invoices"): Policy(Whose.ALL, "bills:read", (AUDITOR,)),
}


def require_policies(routes: Iterable[Route], policies: Mapping[Route, Policy] = POLICIES) -> None:
    """Refuse an application in which a route has no policy, or a policy no route, or a change no name for the log.

    Raises:
        BillingError: names the first at fault.
    """
    known = set(routes)
    for method, path in sorted(known ^ policies.keys()):
        what = "route has no policy" if (method, path) in known else "policy has no route"
        raise BillingError(what, code="no_policy", path=f"{method} {path}", allowed="a row for each route")
    for (method, path), policy in sorted(policies.items()):
        if method != "GET" and not policy.action:
            raise BillingError("change has no action", code="no_policy", path=f"{method} {path}", allowed="a name")
        if policy.whose is not Whose.NOBODY and not policy.roles:
            raise BillingError("no role may come", code="no_policy", path=f"{method} {path}", allowed="a role")
