"""Who may open which page of the console: the table of the tests, from ISOLATION.md section 10 and the list of pages.

It is written without a look at the policies of the product and must stay so, as `who_may` is.
"""

from collections.abc import Mapping
from typing import NamedTuple

MEMBER, ADMIN, OPERATOR, AUDITOR = "acme/member", "acme", "operator", "auditor"
TENANT, ALL = (MEMBER, ADMIN), (MEMBER, ADMIN, OPERATOR, AUDITOR)


class May(NamedTuple):
    """Who may, and which of the world's objects the ids of the path name."""

    who: tuple[str, ...]
    ids: Mapping[str, str] = {}


PAGES: Mapping[tuple[str, str], May] = {
    ("GET", "/console/"): May(ALL),
    ("GET", "/console/sessions"): May(ALL),
    ("POST", "/console/sessions"): May(ALL),
    ("GET", "/console/rentals"): May(TENANT),
    ("POST", "/console/rentals"): May(TENANT),
    ("GET", "/console/rentals/{id}"): May(TENANT, {"id": "rnt-nobody-has"}),
    ("POST", "/console/rentals/{id}/extend"): May(TENANT, {"id": "rnt-nobody-has"}),
    ("POST", "/console/rentals/{id}/release"): May(TENANT, {"id": "rnt-nobody-has"}),
    ("GET", "/console/usage"): May(TENANT),
    ("GET", "/console/bills"): May(TENANT),
    ("GET", "/console/bills/{number}"): May(TENANT, {"number": "acme-000001"}),
    ("GET", "/console/bills/{number}/lines/{line}"): May(TENANT, {"number": "acme-000001", "line": "1"}),
    ("GET", "/console/draft"): May(TENANT),
    ("GET", "/console/draft/lines/{line}"): May(TENANT, {"line": "nobody-has"}),
    ("GET", "/console/exports"): May(TENANT),
    ("GET", "/console/hour"): May(TENANT),
    ("GET", "/console/ledger"): May(TENANT),
    ("GET", "/console/budgets"): May(TENANT),
    ("POST", "/console/budgets"): May((ADMIN,)),
    ("POST", "/console/budgets/{id}/disable"): May((ADMIN,), {"id": "bud-nobody-has"}),
    ("GET", "/console/sla"): May(TENANT),
    ("GET", "/console/contracts"): May(TENANT),
    ("GET", "/console/notices"): May(TENANT),
    ("GET", "/console/keys"): May((ADMIN,)),
    ("POST", "/console/keys"): May((ADMIN,)),
    ("POST", "/console/keys/{id}/rotate"): May((ADMIN,), {"id": "key-nobody-has"}),
    ("POST", "/console/keys/{id}/revoke"): May((ADMIN,), {"id": "key-nobody-has"}),
    ("POST", "/console/accounts"): May((ADMIN,)),
    ("POST", "/console/accounts/{id}/disable"): May((ADMIN,), {"id": "acc-nobody-has"}),
    ("GET", "/console/webhooks"): May((ADMIN,)),
    ("POST", "/console/webhooks"): May((ADMIN,)),
    ("GET", "/console/webhooks/{id}"): May((ADMIN,), {"id": "whk-nobody-has"}),
    ("POST", "/console/webhooks/{id}/rotate-secret"): May((ADMIN,), {"id": "whk-nobody-has"}),
    ("POST", "/console/webhooks/{id}/test"): May((ADMIN,), {"id": "whk-nobody-has"}),
    ("POST", "/console/webhooks/{id}/redeliver"): May((ADMIN,), {"id": "whk-nobody-has"}),
    ("POST", "/console/webhooks/{id}/disable"): May((ADMIN,), {"id": "whk-nobody-has"}),
    ("GET", "/console/audit"): May((ADMIN,)),
    ("GET", "/console/audit/{position}/proof"): May((ADMIN,), {"position": "1"}),
    ("GET", "/console/house"): May((OPERATOR,)),
    ("POST", "/console/house"): May((OPERATOR,)),
    ("POST", "/console/house/new"): May((OPERATOR,)),
    ("POST", "/console/break-glass"): May((OPERATOR,)),
    ("POST", "/console/break-glass/{id}/close"): May((OPERATOR,), {"id": "brk-nobody-has"}),
    ("GET", "/console/break-glass/{tenant}"): May((OPERATOR,), {"tenant": "nobody"}),
    ("GET", "/console/auditor"): May((AUDITOR,)),
    ("GET", "/console/auditor/{tenant}"): May((AUDITOR,), {"tenant": "acme"}),
    ("GET", "/console/auditor/{tenant}/{what}"): May((AUDITOR,), {"tenant": "acme", "what": "invoices"}),
    ("GET", "/console/cluster"): May((OPERATOR,)),
    ("GET", "/console/nodes"): May((OPERATOR,)),
    ("GET", "/console/queue"): May((OPERATOR,)),
    ("GET", "/console/evictions"): May((OPERATOR,)),
    ("GET", "/console/revenue"): May((OPERATOR,)),
    ("GET", "/console/offers"): May((OPERATOR,)),
    ("POST", "/console/offers"): May((OPERATOR,)),
    ("GET", "/console/runs"): May((OPERATOR,)),
    ("GET", "/console/runs/{run}"): May((OPERATOR,), {"run": "gap-1"}),
}
