"""What the terms say of what is rented out, as tenants read it before they rent."""

from billing.metering.meters import GPU_S, METER_CODES
from billing.rating.price_row import ANY, Key, PriceRow, key_of
from billing.rentals.model import Place
from billing.terms import Terms
from tenants.band import LENDABLE
from tenants.product import Product


def is_rented(product: Product) -> bool:
    """Whether the desk may rent a product out: what the house needs itself and what a contract reserves it does not."""
    return product.band in LENDABLE


def prices_of(terms: Terms, product: Product, now_s: int) -> list[PriceRow]:
    """Return the rows by which a GPU-hour of a product is priced at Unix second `now_s`, in the order of the book: of
    those that price the same, the latest."""
    latest: dict[Key, PriceRow] = {}
    for row in terms.book.rows:
        mine = row.product in (product.price_plan, ANY) and row.meter == METER_CODES[GPU_S]
        if mine and row.from_unix_s <= now_s < row.until_unix_s:
            known = latest.get(key_of(row), row)
            latest[key_of(row)] = max(known, row, key=lambda each: each.from_unix_s)
    return list(latest.values())


def price_of(terms: Terms, place: Place, now_s: int) -> int:
    """Return the price of a GPU-hour at Unix second `now_s`, in micro-units.

    Raises:
        PriceError, TenantError: there is none, or no such product.
    """
    region, sku, product = place
    (plan,) = terms.plans([product])
    return terms.book.price_at(plan, sku, region, now_s)


def sentence(product: Product) -> str:
    """Return what a product promises in words."""
    safe = f"not evicted for {product.guarantee_s} s after its start" if product.guarantee_s else "may be evicted"
    again = ", and for as long again while nobody needs the GPUs" if product.rolling else ""
    late = f"; an eviction that breaks this gives back up to {product.refund_s} s" if product.refund_s else ""
    return f"{safe[0].upper()}{safe[1:]}{again}; always with {product.notice_s} s of notice{late}."
