"""Who may do what, route by route: the table of the tests, from ISOLATION.md section 10 and the list of routes.

It is written without a look at the policies of the product and must stay so: two tables that agree are evidence, one
table read twice is none.
"""

from collections.abc import Mapping
from typing import Any

from matrix import ROLES, TENANTS, Rule, Table

ADMIN = ("tenant_admin",)
OPERATOR = ("operator",)
AUDITOR = ("auditor",)
BILLS = (*TENANTS, "agent")  # the agent of the world has a token for reading bills, and for a tool that does
EVENT: Mapping[str, Any] = {
    "id": "e-1",
    "type": "usage.metered",
    "time": "2026-02-20T00:00:00Z",
    "data": {"meter": "tool_calls", "quantity": 1, "product": "agents", "sku": "any", "region": "eu"},
}
FED: Mapping[str, Any] = {
    "id": "e-1",
    "source": "run/a",
    "type": "source.beat",
    "time": "2026-02-20T00:00:00Z",
    "subject": "operator",
    "seq": 1,
    "data": {},
}
SEEN: Mapping[str, Any] = {
    "source": "run/a",
    "time": "2026-02-20T00:00:00Z",
    "nodes": [],
    "queue": [],
    "queue_count": 0,
    "notices": [],
}
BUDGET: Mapping[str, Any] = {
    "name": "a lab",
    "limit": {"currency": "USD", "amount": "5.00"},
    "thresholds_percent": [50],
}
TOKEN: Mapping[str, Any] = {"scopes": ["bills:read", "tools:call"], "tools": ["read_bill"], "lifetime_s": 60}
TOOL: Mapping[str, Any] = {"tool": "read_bill", "product": "agents", "sku": "any", "region": "eu"}
SEEN_ANY: Mapping[str, str] = {"If-Match": "*"}
WHY: Mapping[str, Any] = {"reason": "a fault that was reported"}
RATED: Mapping[str, Any] = {"price": {"unit_price": "1.25"}, "quantities": [{"units": "3"}]}
QUOTED: Mapping[str, Any] = {"product": "bare.ondemand", "sku": "h100", "gpus": 8, "hours": 10}
USE: Mapping[str, Any] = {
    "id": "job-1",
    "product": "bare.ondemand",
    "region": "eu",
    "sku": "h100",
    "gpus": 8,
    "since": "2026-02-01T00:00:00Z",
    "until": "2026-02-01T08:00:00Z",
}
GIVEN: Mapping[str, Any] = {"number": "invoice:", "lines": [{"line": 1, "part": "1/1000"}], "cause": "sla", **WHY}
PAID: Mapping[str, Any] = {
    "number": "invoice:",
    "amount": {"currency": "USD", "amount": "0.01"},
    "reference": "a transfer",
}
GLASS: Mapping[str, Any] = {**WHY, "tenant": "bystander:", "lifetime_s": 60}


def _reads(roles: tuple[str, ...] = TENANTS, **ids: str) -> Rule:
    return Rule(roles, ids)


def _changes(roles: tuple[str, ...], hints: Mapping[str, Any] | None = None, **ids: str) -> Rule:
    return Rule(roles, ids, hints or {}, changes=True, uses_up=True, house=roles == OPERATOR)


_ROWS: Table = {
    ("GET", "/healthz"): Rule(),
    ("GET", "/readyz"): Rule(),
    ("GET", "/openapi.json"): Rule(),
    ("GET", "/docs"): Rule(),
    ("GET", "/v1/me"): _reads(ROLES),
    ("GET", "/v1/events"): _reads(),
    ("POST", "/v1/events"): _changes(ADMIN, EVENT)._replace(audited=False),  # into the log of use, which nobody edits
    ("GET", "/v1/usage"): _reads()._replace(query="?group_by=product,region,sku,meter,charge_class"),
    ("GET", "/v1/usage/hours"): _reads(),
    ("GET", "/v1/bill/hour"): Rule(BILLS, query="?at=2026-02-11T00:30:00Z"),
    ("GET", "/v1/invoices"): _reads(BILLS),
    ("GET", "/v1/invoices/draft"): _reads(BILLS),
    ("GET", "/v1/invoices/draft/lines/{line}/explain"): _reads(BILLS, line="line"),
    ("GET", "/v1/invoices/{number}/lines"): _reads(BILLS, number="invoice"),
    ("GET", "/v1/invoices/{number}/lines/{line}/explain"): _reads(BILLS, number="invoice", line="line"),
    ("GET", "/v1/invoices/{number}/document"): _reads(BILLS, number="invoice"),
    ("POST", "/v1/invoice-preview"): Rule(BILLS, hints={"uses": [USE]}),
    ("GET", "/v1/price-books"): _reads(BILLS),
    ("GET", "/v1/price-books/{version}"): _reads(BILLS, version="price book"),
    ("POST", "/v1/rate-preview"): Rule(ROLES, hints=RATED),
    ("POST", "/v1/quotes"): Rule(BILLS, hints=QUOTED),
    ("GET", "/v1/invoices/{number}"): _reads(BILLS, number="invoice"),
    ("GET", "/v1/credit-notes"): _reads(BILLS),
    ("GET", "/v1/ledger"): _reads(BILLS),
    ("GET", "/v1/sla"): _reads(BILLS),
    ("GET", "/v1/sla/incidents"): _reads(BILLS),
    ("GET", "/v1/contracts"): _reads(BILLS),
    ("GET", "/v1/wallets"): _reads(BILLS),
    ("GET", "/v1/budgets"): _reads(BILLS),
    ("POST", "/v1/budgets"): _changes(ADMIN, BUDGET),
    ("DELETE", "/v1/budgets/{id}"): _changes(ADMIN, id="budget"),
    ("GET", "/v1/alerts"): _reads(BILLS),
    ("GET", "/v1/exports/focus"): Rule(BILLS, query="?period=2025-01"),
    ("GET", "/v1/exports/lines"): Rule(BILLS, query="?period=2025-01"),
    ("GET", "/v1/exports/usage"): Rule(BILLS, query="?period=2025-01"),
    ("GET", "/v1/keys"): _reads(ADMIN),
    ("POST", "/v1/keys"): _changes(ADMIN, {"account": "account:", "scopes": ["bills:read"]}),
    ("POST", "/v1/keys/revoke"): _changes(ADMIN, {"ids": ["key:"]}),
    ("POST", "/v1/keys/{id}/rotate"): _changes(ADMIN, {"overlap_s": 60}, id="key"),
    ("DELETE", "/v1/keys/{id}"): _changes(ADMIN, id="key"),
    ("GET", "/v1/accounts"): _reads(ADMIN),
    ("POST", "/v1/accounts"): _changes(ADMIN, {"kind": "service", "name": "a robot", "role": "member"}),
    ("DELETE", "/v1/accounts/{id}"): _changes(ADMIN, id="account"),
    ("GET", "/v1/tokens"): _reads(ADMIN),
    ("POST", "/v1/tokens"): _changes(ADMIN, TOKEN),
    ("DELETE", "/v1/tokens/{id}"): _changes(ADMIN, id="token"),
    ("POST", "/v1/tool-calls"): _changes(("agent",), TOOL),
    ("GET", "/v1/webhooks"): _reads(ADMIN),
    ("POST", "/v1/webhooks"): _changes(ADMIN, {"url": "https://hooks.example/a", "events": ["invoice.issued"]}),
    ("POST", "/v1/webhooks/{id}/rotate-secret"): _changes(ADMIN, id="webhook"),
    ("POST", "/v1/webhooks/{id}/test"): _changes(ADMIN, id="webhook"),
    ("GET", "/v1/webhooks/{id}/deliveries"): _reads(ADMIN, id="webhook"),
    ("POST", "/v1/webhooks/{id}/deliveries/{position}/redeliver"): _changes(
        ADMIN, id="webhook", position="delivery"
    )._replace(uses_up=False),
    ("DELETE", "/v1/webhooks/{id}"): _changes(ADMIN, id="webhook"),
    ("GET", "/v1/notices"): _reads(BILLS),  # of the types that the key may read
    ("GET", "/v1/products"): _reads(),
    ("GET", "/v1/availability"): _reads(),
    ("GET", "/v1/rentals"): _reads(),
    ("POST", "/v1/rentals"): _changes(TENANTS, {"hours": 1}),
    ("GET", "/v1/rentals/{id}"): _reads(id="rental"),
    ("POST", "/v1/rentals/{id}/extend"): _changes(TENANTS, {"hours": 1}, id="rental")._replace(headers=SEEN_ANY),
    ("POST", "/v1/rentals/{id}/release"): _changes(TENANTS, id="rental"),
    ("GET", "/v1/operator/offers"): _reads(OPERATOR),
    ("PUT", "/v1/operator/offers"): _changes(OPERATOR)._replace(headers=SEEN_ANY),
    ("GET", "/v1/audit"): _reads(ADMIN),
    ("GET", "/v1/audit/checkpoint"): _reads(ADMIN),
    ("GET", "/v1/audit/consistency"): Rule(ADMIN, query="?first=1&second=2"),
    ("GET", "/v1/audit/{position}/proof"): _reads(ADMIN, position="position"),
    ("GET", "/v1/quota"): _reads(),
    ("PUT", "/v1/quota"): _changes(OPERATOR, {"tenant": "bystander:", "keys_max": 5, "webhooks_max": 5}),
    ("GET", "/v1/operator/tenants"): _reads(OPERATOR),
    ("GET", "/v1/operator/price-book"): _reads(OPERATOR),
    # Without If-Match nobody changes terms: that they are there is told, and no more.
    ("PUT", "/v1/operator/price-book"): Rule(OPERATOR, hints={"terms": "# none"}, house=True, status=428),
    ("POST", "/v1/operator/tenants"): _changes(OPERATOR, {"name": "Zeta"}),
    # Nothing of that month can be billed: nothing is issued, and nothing noted.
    ("POST", "/v1/operator/invoices/finalise"): Rule(OPERATOR, hints={"period": "2025-01"}, house=True),
    ("POST", "/v1/operator/credit-notes"): _changes(OPERATOR, GIVEN)._replace(uses_up=False),
    ("POST", "/v1/operator/payments"): _changes(OPERATOR, PAID)._replace(uses_up=False),
    ("POST", "/v1/operator/tenants/{tenant}/suspend"): _changes(OPERATOR, WHY, tenant="bystander"),
    ("POST", "/v1/operator/tenants/{tenant}/resume"): _changes(OPERATOR, WHY, tenant="sleeper"),
    ("POST", "/v1/operator/tenants/{tenant}/delete"): _changes(OPERATOR, WHY, tenant="bystander"),
    ("DELETE", "/v1/operator/keys/{id}"): _changes(OPERATOR, id="key"),
    ("GET", "/v1/operator/break-glass"): _reads(OPERATOR),
    ("POST", "/v1/operator/break-glass"): _changes(OPERATOR, GLASS),
    ("DELETE", "/v1/operator/break-glass/{id}"): _changes(OPERATOR, id="grant"),
    # Without a grant that is open, another tenant is as closed as one that is not there.
    ("GET", "/v1/operator/tenants/{tenant}/invoices"): Rule(OPERATOR, {"tenant": "tenant"}, foreign=403),
    ("POST", "/v1/operator/events"): _changes(OPERATOR, {"events": [FED]}),
    ("PUT", "/v1/operator/source-terms"): _changes(OPERATOR, {"source": "run/a", "terms": "# none"}),
    ("PUT", "/v1/operator/snapshots"): _changes(OPERATOR, SEEN)._replace(audited=False),  # to be looked at, no more
    ("GET", "/v1/operator/runs"): _reads(OPERATOR),
    ("GET", "/v1/operator/runs/{run}"): Rule(OPERATOR, {"run": "run"}, house=True),
    ("GET", "/v1/operator/clusters"): _reads(OPERATOR),
    ("GET", "/v1/operator/cluster"): _reads(OPERATOR),
    ("GET", "/v1/operator/revenue"): _reads(OPERATOR),
    ("GET", "/v1/operator/nodes"): _reads(OPERATOR)._replace(query="?run=gap-1"),
    ("GET", "/v1/operator/queue"): _reads(OPERATOR)._replace(query="?run=gap-1"),
    ("GET", "/v1/operator/evictions"): _reads(OPERATOR)._replace(query="?run=gap-1"),
    ("GET", "/v1/operator/credits"): _reads(OPERATOR)._replace(query="?run=gap-1"),
    ("GET", "/v1/auditor/tenants"): _reads(AUDITOR),
    ("GET", "/v1/auditor/tenants/{tenant}/events"): Rule(AUDITOR, {"tenant": "tenant"}, house=True),
    ("GET", "/v1/auditor/tenants/{tenant}/keys"): Rule(AUDITOR, {"tenant": "tenant"}, house=True),
    ("GET", "/v1/auditor/tenants/{tenant}/quota"): Rule(AUDITOR, {"tenant": "tenant"}, house=True),
    ("GET", "/v1/auditor/tenants/{tenant}/audit"): Rule(AUDITOR, {"tenant": "tenant"}, house=True),
    ("GET", "/v1/auditor/tenants/{tenant}/invoices"): Rule(AUDITOR, {"tenant": "tenant"}, house=True),
}
# What a key must hold beside its role, by the beginning of the path: to read, and to change.
_SCOPES = {
    "/v1/events": ("usage:read", "usage:write"),
    "/v1/usage": ("usage:read", ""),
    "/v1/bill": ("bills:read", ""),
    "/v1/invoices": ("bills:read", ""),
    "/v1/price-books": ("bills:read", ""),
    "/v1/quotes": ("", "bills:read"),
    "/v1/invoice-preview": ("", "bills:read"),
    "/v1/credit-notes": ("bills:read", ""),
    "/v1/ledger": ("bills:read", ""),
    "/v1/sla": ("bills:read", ""),
    "/v1/contracts": ("bills:read", ""),
    "/v1/wallets": ("bills:read", ""),
    "/v1/budgets": ("bills:read", "budgets:write"),
    "/v1/alerts": ("bills:read", ""),
    "/v1/exports": ("bills:read", ""),
    "/v1/keys": ("keys:read", "keys:write"),
    "/v1/accounts": ("keys:read", "keys:write"),
    "/v1/tokens": ("tokens:write", "tokens:write"),
    "/v1/webhooks": ("webhooks:read", "webhooks:write"),
    "/v1/auditor/tenants/{tenant}/audit": ("audit:read", ""),
    "/v1/auditor/tenants/{tenant}/invoices": ("bills:read", ""),
    "/v1/auditor/tenants/{tenant}/events": ("usage:read", ""),
    "/v1/auditor/tenants/{tenant}/keys": ("keys:read", ""),
    "/v1/auditor/tenants/{tenant}/quota": ("quota:read", ""),
    "/v1/auditor/tenants": ("tenants:read", ""),
    "/v1/audit": ("audit:read", ""),
    "/v1/products": ("jobs:read", ""),
    "/v1/availability": ("jobs:read", ""),
    "/v1/rentals": ("jobs:read", "jobs:write"),
    "/v1/operator/offers": ("jobs:read", "jobs:write"),
    "/v1/quota": ("quota:read", "quota:write"),
    "/v1/operator/tenants/{tenant}/invoices": ("break_glass:write", ""),
    "/v1/operator/events": ("", "usage:write"),
    "/v1/operator/source-terms": ("", "usage:write"),
    "/v1/operator/snapshots": ("", "usage:write"),
    "/v1/operator/runs": ("jobs:read", ""),
    "/v1/operator/clusters": ("jobs:read", ""),
    "/v1/operator/cluster": ("jobs:read", ""),
    "/v1/operator/revenue": ("jobs:read", ""),
    "/v1/operator/nodes": ("jobs:read", ""),
    "/v1/operator/queue": ("jobs:read", ""),
    "/v1/operator/evictions": ("jobs:read", ""),
    "/v1/operator/credits": ("jobs:read", ""),
    "/v1/operator/invoices": ("", "bills:write"),
    "/v1/operator/price-book": ("bills:write", "bills:write"),
    "/v1/operator/credit-notes": ("", "bills:write"),
    "/v1/operator/payments": ("", "bills:write"),
    "/v1/operator/tenants": ("tenants:read", "tenants:write"),
    "/v1/operator/keys": ("", "keys:write"),
    "/v1/operator/break-glass": ("break_glass:write", "break_glass:write"),
}


def _scope_of(method: str, path: str) -> str:
    """The word for a route: of the first beginning that fits; "" where any key of a role will do."""
    reads, changes = next((words for start, words in _SCOPES.items() if path.startswith(start)), ("", ""))
    return reads if method == "GET" else changes


TABLE: Table = {route: rule._replace(scope=_scope_of(*route)) for route, rule in _ROWS.items()}
