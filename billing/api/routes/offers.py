"""Routes of what is sold: products, what of them may be had now, and what operators put on offer."""

from contextlib import suppress
from typing import Annotated

from fastapi import Query

from billing.api.call import Call, Calling, Done, Told
from billing.api.paging import LIMIT_USUAL, Cursor, Limit
from billing.api.problems import invalid
from billing.api.routes.rentals import instant
from billing.api.schemas.basic import Page, maybe_moment
from billing.api.schemas.rentals import (
    AvailabilityOut,
    CreditStepOut,
    NewOffer,
    OfferOut,
    PriceOut,
    ProductOut,
    Word,
    offer_out,
)
from billing.api.table import Routes
from billing.errors import BillingError
from billing.money import format_price
from billing.rating.price_row import NEVER_S
from billing.rentals.catalogue import is_rented, price_of, prices_of, sentence
from billing.rentals.model import Offer
from billing.store import tenant_rentals as store
from billing.store.door import Bound
from billing.terms import Terms
from tenants.errors import TenantError
from tenants.product import Product

routes = Routes()
Only = Annotated[Word | None, Query(description="Only this one.")]


@routes.get("/v1/products", Page[ProductOut])
def list_products(call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None) -> Page[ProductOut]:
    """List what is rented out: what is promised, and what it costs now."""
    after = call.after(cursor, str)
    terms = call.house.desk.terms()
    sold = [] if terms is None else sorted((each for each in terms.registry.products if is_rented(each)), key=_code)
    found = [each for each in sold if after is None or each.code > str(after[0])]
    rows, following = call.page(found[: limit + 1], limit, lambda each: (each.code,))
    items = [_product(terms, each, call.now_s) for each in rows if terms is not None]
    return Page[ProductOut](items=items, next=following)


@routes.get("/v1/availability", Page[AvailabilityOut])
def list_availability(
    call: Calling,
    limit: Limit = LIMIT_USUAL,
    cursor: Cursor = None,
    region: Only = None,
    sku: Only = None,
    product: Only = None,
) -> Page[AvailabilityOut]:
    """List what the tenant may rent now, in the regions where its work may be."""
    after = call.after(cursor, str, str, str)
    terms = call.house.desk.terms()
    with call.reading() as bound:
        found = store.offers_of(bound, after, limit + 1, region=region, sku=sku, product=product)
        regions = store.regions_of(bound, call.tenant)
    rows, following = call.page(found, limit, lambda row: row.place)
    mine = [row for row in rows if row.gpus_at(call.now_s) and (not regions or row.region in regions)]
    return Page[AvailabilityOut](items=[_available(terms, row, call.now_s) for row in mine], next=following)


@routes.get("/v1/operator/offers", Page[OfferOut])
def list_offers(call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None) -> Page[OfferOut]:
    """List what is on offer."""
    after = call.after(cursor, str, str, str)
    with call.reading() as bound:
        found = store.offers_of(bound, after, limit + 1)
    rows, following = call.page(found, limit, lambda row: row.place)
    return Page[OfferOut](items=[offer_out(row) for row in rows], next=following)


@routes.put("/v1/operator/offers", OfferOut)
def set_offer(call: Calling, body: NewOffer) -> OfferOut:
    """Set what is on offer of a SKU in a region as a product; a change must name the version that it has seen. Where
    fewer GPUs are left than are rented, rentals get notice."""
    guarantee_s = _guarantee_s(call, body)
    until_s = None if body.until is None else instant(body.until)
    new = store.NewOffer(body.region, body.sku, body.product, body.gpus, guarantee_s, until_s)

    def work(bound: Bound) -> Done:
        only = {"region": body.region, "sku": body.sku, "product": body.product}
        known = next(iter(store.offers_of(bound, None, 1, **only)), None)
        if known is not None:
            call.require_tag(known.version)
        made = store.put_offer(bound, new, known, call.now_s)
        return Done(offer_out(made), Told("/".join(made.place), {"gpus": made.gpus, "version": made.version}))

    done: OfferOut = call.change(work)
    call.turn()
    return done


def _guarantee_s(call: Call, body: NewOffer) -> int:
    """The guarantee of an offer, of a product that is rented out. Raises Problem."""
    terms = call.house.desk.terms()
    if terms is None:
        return body.guarantee_s or 0
    found = next((each for each in terms.registry.products if each.code == body.product and is_rented(each)), None)
    if found is None:
        raise invalid("body.product", "is no product that is rented out")
    try:
        price_of(terms, (body.region, body.sku, body.product), call.now_s)
    except BillingError:
        raise invalid("body.product", "has no price for this SKU and region now") from None
    return found.guarantee_s if body.guarantee_s is None else body.guarantee_s


def _code(product: Product) -> str:
    return product.code


def _product(terms: Terms, product: Product, now_s: int) -> ProductOut:
    sla = terms.registry.sla_of(terms.registry.product_index(product.code))
    prices = [
        PriceOut(
            sku=row.sku,
            region=row.region,
            model=row.model,
            unit_price=format_price(row.micro_at(now_s)),
            until=maybe_moment(None if row.until_unix_s == NEVER_S else row.until_unix_s),
        )
        for row in prices_of(terms, product, now_s)
    ]
    return ProductOut(
        code=product.code,
        band=product.band.name,
        guarantee_s=product.guarantee_s,
        rolling=product.rolling,
        notice_s=product.notice_s,
        refund_s=product.refund_s,
        sla_target_bp=None if sla is None else sla.target_bp,
        sla_steps=[] if sla is None else [CreditStepOut(**step._asdict()) for step in sla.steps],
        about=sentence(product),
        currency=terms.currency.code,
        prices=prices,
    )


def _available(terms: Terms | None, offer: Offer, now_s: int) -> AvailabilityOut:
    price, notice_s = None, None
    if terms is not None:
        notice_s = next((each.notice_s for each in terms.registry.products if each.code == offer.product), None)
        with suppress(BillingError, TenantError):  # nobody can rent it until it has one
            price = format_price(price_of(terms, offer.place, now_s))
    return AvailabilityOut(
        product=offer.product,
        region=offer.region,
        sku=offer.sku,
        free_at_least=offer.free_at_least,
        guarantee_s=offer.guarantee_s,
        notice_s=notice_s,
        until=maybe_moment(offer.until_s),
        currency=None if terms is None else terms.currency.code,
        unit_price=price,
    )
