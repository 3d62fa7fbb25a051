"""Who may open which page: one row for each, and a console that does not start where one is missing.

A row is a `Policy` as of the API's routes: the roles that may come, and the scope word that the key of the session must
have. To everybody else a page is not there. It stands before the page, not instead of the API: whatever a page shows or
changes, the API is asked for it and decides once more. `action` is what the API will call a change in the audit log.
"""

from collections.abc import Mapping
from typing import NamedTuple

from billing.api.policy import Policy, Route, Whose
from tenants.access.identity import Role

ROOT = "/console"
HOME, LOGIN, LOGOUT = f"{ROOT}/", f"{ROOT}/login", f"{ROOT}/logout"
AUDITOR = f"{ROOT}/auditor"
CLUSTER, HOUSE, SESSIONS = f"{ROOT}/cluster", f"{ROOT}/house", f"{ROOT}/sessions"
_TENANTS, _ADMIN, _OPERATOR = (Role.MEMBER, Role.TENANT_ADMIN), (Role.TENANT_ADMIN,), (Role.OPERATOR,)
_ALL = tuple(Role)


def _own(scope: str = "", action: str = "", roles: tuple[Role, ...] = _TENANTS) -> Policy:
    return Policy(Whose.OWN, scope, roles, action)


def _house(scope: str, action: str = "") -> Policy:
    return Policy(Whose.HOUSE, scope, _OPERATOR, action)


def _audits(scope: str) -> Policy:
    return Policy(Whose.ALL, scope, (Role.AUDITOR,))


PAGES: Mapping[Route, Policy] = {
    ("GET", HOME): Policy(Whose.OWN, "", _ALL),
    ("GET", SESSIONS): Policy(Whose.OWN, "", _ALL),
    ("POST", SESSIONS): Policy(Whose.OWN, "", _ALL, "session.end"),
    ("GET", "/console/rentals"): _own("jobs:read"),
    ("POST", "/console/rentals"): _own("jobs:write", "rental.request"),
    ("GET", "/console/rentals/{id}"): _own("jobs:read"),
    ("POST", "/console/rentals/{id}/extend"): _own("jobs:write", "rental.extend"),
    ("POST", "/console/rentals/{id}/release"): _own("jobs:write", "rental.release"),
    ("GET", "/console/usage"): _own("usage:read"),
    ("GET", "/console/bills"): _own("bills:read"),
    ("GET", "/console/bills/{number}"): _own("bills:read"),
    ("GET", "/console/bills/{number}/lines/{line}"): _own("bills:read"),
    ("GET", "/console/draft"): _own("bills:read"),
    ("GET", "/console/draft/lines/{line}"): _own("bills:read"),
    ("GET", "/console/exports"): _own("bills:read"),
    ("GET", "/console/hour"): _own("usage:read"),
    ("GET", "/console/ledger"): _own("bills:read"),
    ("GET", "/console/budgets"): _own("bills:read"),
    ("POST", "/console/budgets"): _own("budgets:write", "budget.create", _ADMIN),
    ("POST", "/console/budgets/{id}/disable"): _own("budgets:write", "budget.disable", _ADMIN),
    ("GET", "/console/sla"): _own("bills:read"),
    ("GET", "/console/contracts"): _own("bills:read"),
    ("GET", "/console/notices"): _own(),
    ("GET", "/console/keys"): _own("keys:read", roles=_ADMIN),
    ("POST", "/console/keys"): _own("keys:write", "key.create", _ADMIN),
    ("POST", "/console/keys/{id}/rotate"): _own("keys:write", "key.rotate", _ADMIN),
    ("POST", "/console/keys/{id}/revoke"): _own("keys:write", "key.revoke", _ADMIN),
    ("POST", "/console/accounts"): _own("keys:write", "account.create", _ADMIN),
    ("POST", "/console/accounts/{id}/disable"): _own("keys:write", "account.disable", _ADMIN),
    ("GET", "/console/webhooks"): _own("webhooks:read", roles=_ADMIN),
    ("POST", "/console/webhooks"): _own("webhooks:write", "webhook.create", _ADMIN),
    ("GET", "/console/webhooks/{id}"): _own("webhooks:read", roles=_ADMIN),
    ("POST", "/console/webhooks/{id}/rotate-secret"): _own("webhooks:write", "webhook.rotate_secret", _ADMIN),
    ("POST", "/console/webhooks/{id}/test"): _own("webhooks:write", "webhook.test", _ADMIN),
    ("POST", "/console/webhooks/{id}/redeliver"): _own("webhooks:write", "webhook.redeliver", _ADMIN),
    ("POST", "/console/webhooks/{id}/disable"): _own("webhooks:write", "webhook.disable", _ADMIN),
    ("GET", "/console/audit"): _own("audit:read", roles=_ADMIN),
    ("GET", "/console/audit/{position}/proof"): _own("audit:read", roles=_ADMIN),
    ("GET", HOUSE): _house("tenants:read"),
    ("POST", HOUSE): _house("tenants:write", "tenant.suspend"),
    ("POST", f"{HOUSE}/new"): _house("tenants:write", "tenant.create"),
    ("POST", "/console/break-glass"): _house("break_glass:write", "break_glass.open"),
    ("POST", "/console/break-glass/{id}/close"): _house("break_glass:write", "break_glass.close"),
    ("GET", "/console/break-glass/{tenant}"): _house("break_glass:write"),
    ("GET", AUDITOR): _audits("tenants:read"),
    ("GET", f"{AUDITOR}/{{tenant}}"): _audits("quota:read"),
    ("GET", f"{AUDITOR}/{{tenant}}/{{what}}"): _audits("tenants:read"),
    ("GET", CLUSTER): _house("jobs:read"),
    ("GET", "/console/nodes"): _house("jobs:read"),
    ("GET", "/console/queue"): _house("jobs:read"),
    ("GET", "/console/evictions"): _house("jobs:read"),
    ("GET", "/console/revenue"): _house("jobs:read"),
    ("GET", "/console/offers"): _house("jobs:read"),
    ("POST", "/console/offers"): _house("jobs:write", "offer.set"),
    ("GET", "/console/runs"): _house("jobs:read"),
    ("GET", "/console/runs/{run}"): _house("jobs:read"),
}


class Entry(NamedTuple):
    """A line of the navigation."""

    path: str
    words: str


# In the order in which they are shown, under their headings. Whoever may not open a page is not shown its line.
NAVIGATION: Mapping[str, tuple[Entry, ...]] = {
    "": (Entry(HOME, "Overview"), Entry("/console/rentals", "Rentals"), Entry("/console/notices", "Notices")),
    "Cluster": (
        Entry(CLUSTER, "Over time"),
        Entry("/console/nodes", "Nodes"),
        Entry("/console/queue", "Queue"),
        Entry("/console/evictions", "Evictions"),
        Entry("/console/revenue", "Revenue and delay"),
        Entry("/console/offers", "Offers"),
        Entry("/console/runs", "Runs"),
    ),
    "Audit": (Entry(AUDITOR, "Tenants to audit"),),
    "House": (Entry(HOUSE, "Tenants"),),
    "Use and cost": (
        Entry("/console/usage", "Usage"),
        Entry("/console/draft", "Draft"),
        Entry("/console/bills", "Bills"),
        Entry("/console/budgets", "Budgets"),
        Entry("/console/sla", "Service levels"),
        Entry("/console/contracts", "Contracts and wallets"),
        Entry("/console/ledger", "Ledger"),
        Entry("/console/exports", "Exports"),
    ),
    "Account": (
        Entry("/console/keys", "Keys"),
        Entry("/console/webhooks", "Webhooks"),
        Entry("/console/audit", "Audit log"),
        Entry(SESSIONS, "Sessions"),
    ),
}


def may_open(policy: Policy, role: Role, scopes: frozenset[str]) -> bool:
    """Whether somebody of a role, with a key of these scopes, may open a page."""
    return role in policy.roles and (not policy.scope or policy.scope in scopes)


def navigation(role: Role, scopes: frozenset[str]) -> dict[str, list[Entry]]:
    """Return the lines that somebody is shown, by their headings."""
    shown = {
        heading: [entry for entry in entries if may_open(PAGES["GET", entry.path], role, scopes)]
        for heading, entries in NAVIGATION.items()
    }
    return {heading: entries for heading, entries in shown.items() if entries}
