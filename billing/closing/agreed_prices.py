"""Which prices a tenant may see: the list, and what it has agreed to itself; nothing that was agreed with others."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from json import dumps

from billing.rating.price_row import PriceRow
from billing.terms import Terms


def rows_seen_by(terms: Terms, tenant: str) -> list[PriceRow]:
    """Return the price rows that a tenant may see, in the order of the book."""
    agreed = _agreed_with(terms)
    return [row for row in terms.book.rows if tenant in agreed.get(row.product, (tenant,))]


def versions_seen(terms: Terms, tenants: Iterable[str]) -> dict[str, str]:
    """Return by tenant a name for the content of the price book as that tenant sees it: equal exactly for the same
    rows in the same order. What the house agrees on with another does not change it.

    Cost: O(rows of the book + tenants).
    """
    agreed = _agreed_with(terms)
    everybodys = book_version(row for row in terms.book.rows if row.product not in agreed)
    own: dict[str, list[PriceRow]] = {}
    for row in terms.book.rows:
        for tenant in agreed.get(row.product, ()):
            own.setdefault(tenant, []).append(row)
    return {
        tenant: _digest([everybodys, book_version(own[tenant])]) if tenant in own else everybodys for tenant in tenants
    }


def book_version(rows: Iterable[PriceRow]) -> str:
    """Return "sha256:" and 12 digits: equal exactly for the same rows in the same order."""
    return _digest([row.model_dump(mode="json", by_alias=True) for row in rows])


def _agreed_with(terms: Terms) -> Mapping[str, set[str]]:
    """Price plans whose products are all named in contracts, with the tenants who have those. Others see none of it."""
    contracted: dict[str, set[str]] = {}
    for contract in terms.registry.contracts:
        contracted.setdefault(contract.product, set()).add(contract.tenant)
    parties: dict[str, list[set[str]]] = {}
    for product in terms.registry.products:
        parties.setdefault(product.price_plan, []).append(contracted.get(product.code, set()))
    return {plan: set().union(*each) for plan, each in parties.items() if all(each)}


def _digest(plain: object) -> str:
    return f"sha256:{sha256(dumps(plain, sort_keys=True).encode()).hexdigest()[:12]}"
