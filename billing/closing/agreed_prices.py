"""Which prices a tenant may see: the list, and what it has agreed to itself; nothing that was agreed with others."""

from billing.rating.price_row import PriceRow
from billing.terms import Terms


def rows_seen_by(terms: Terms, tenant: str) -> list[PriceRow]:
    """Return the price rows that a tenant may see, in the order of the book.

    A price plan whose products are all named in contracts is agreed with those who have them. Others see none of it.
    """
    contracted: dict[str, set[str]] = {}
    for contract in terms.registry.contracts:
        contracted.setdefault(contract.product, set()).add(contract.tenant)
    parties: dict[str, list[set[str]]] = {}
    for product in terms.registry.products:
        parties.setdefault(product.price_plan, []).append(contracted.get(product.code, set()))
    hidden = {plan for plan, each in parties.items() if all(each) and not any(tenant in whom for whom in each)}
    return [row for row in terms.book.rows if row.product not in hidden]
