"""Routes of prices: models and quantities to amounts, quotes, and the price book by versions."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import chain

from billing.api.call import Call, Calling, Done, Told
from billing.api.ids import IdOfPath
from billing.api.moments import moment_of
from billing.api.problems import Fault, Problem, invalid
from billing.api.routes.acts import refusal
from billing.api.schemas.basic import Page, maybe_moment, moment, money
from billing.api.schemas.price_books import PriceBookHead, PriceBookOut, TermsKept, TermsText, price_out
from billing.api.schemas.prices import (
    QuantityIn,
    QuoteLine,
    QuoteOut,
    Rated,
    RatePreview,
    WantedQuote,
    percent,
    rated,
    step_out,
)
from billing.api.schemas.usage import exact_out
from billing.api.table import Routes
from billing.closing.agreed_prices import rows_seen_by
from billing.currency import currency_of, share_minor
from billing.errors import BillingError, StoreError
from billing.invoices.invoice import Heading, Item, draft
from billing.metering.meters import GPU_S, METER_CODES, METERS
from billing.money import SECONDS_PER_HOUR, parse_units
from billing.quote import Quote, Want, measure_of, plan_at, quote
from billing.rating.models import Measure, exact, rate_measure, total_of
from billing.rating.plan import prorated
from billing.rating.price_row import ANY, NEVER_S, PriceRow
from billing.rating.prices import PriceBook
from billing.settling.buckets import exact_sum
from billing.store import api_terms as store
from billing.store.api_acts import rentals_without_price
from billing.store.door import Bound
from billing.store.tenant_usage import closed_until_s
from billing.terms import Terms
from billing.terms_change import faults_of_change
from tenants.errors import TenantError

routes = Routes()
CURRENT, _FAULTS_MAX = "current", 20
_ALWAYS = {"product": ANY, "sku": ANY, "from": "1970-01-01T00:00:00Z", "meter": "tool_calls"}


@routes.post("/v1/rate-preview", Rated)
def preview_rate(call: Calling, body: RatePreview) -> Rated:
    """Say what quantities come to under a price model. Nothing is looked up, nothing is kept."""
    del call
    given = body.price.model_dump(exclude_none=True, exclude_defaults=True)
    series = [{"from": step.since, "unit_price": step.unit_price} for step in body.price.series]
    try:
        of_series = {"series": series, "from": series[0]["from"]} if series else {}
        (row,) = PriceBook.from_mappings([{**_ALWAYS, **given, **of_series}]).rows
        numerator, denominator = (int(part) for part in body.month_share.split("/"))
        if not 0 < numerator <= denominator:
            raise invalid("body.month_share", "must be above 0 and at most 1/1")
        share, currency = Fraction(numerator, denominator), currency_of(body.currency, body.rounding)
        steps = [
            rate_measure(prorated(plan_at(row, _time_of(row, each)), share), _measure(each)) for each in body.quantities
        ]
        lines = [(each, exact(total_of(each))) for each in steps]
        minors = share_minor([amount for _, amount in lines], currency)
    except BillingError as error:
        raise _of_price(error) from None
    return rated(lines, minors, exact_sum(amount for _, amount in lines), currency)


@routes.post("/v1/quotes", QuoteOut)
def quote_purchase(call: Calling, body: WantedQuote) -> QuoteOut:
    """Say what a month would cost by the tenant's terms, line by line. Nothing is kept or reserved."""
    at_s = call.now_s if body.at is None else moment_of(body.at, "body.at")
    wants: list[tuple[str, Fraction, int | None]]
    wants = [(METER_CODES[GPU_S], Fraction(body.gpus * body.hours), None)] if body.gpus * body.hours else []
    wants += [(each.meter, parse_units(each.units), each.events) for each in body.meters]
    if not wants:
        raise invalid("body", "must name gpus and hours, or meters")
    terms = _terms(call)
    seen = rows_seen_by(terms, call.tenant)
    place = body.product, body.sku, body.region, at_s
    try:
        quotes = [
            quote(terms, Want(*place, measure_of(units, (), events), meter, call.tenant))
            for meter, units, events in wants
        ]
    except TenantError:
        raise invalid("body.product", "is not sold here") from None
    except BillingError as error:
        raise _of_price(error) from None
    if any(each.row not in seen for each in quotes):
        raise invalid("body.product", "is not sold here")
    # Of what was agreed with others not even the time at which it changes is told.
    return _quoted(terms, PriceBook(tuple(seen)), quotes, call.tenant, at_s)


@routes.get("/v1/price-books", Page[PriceBookHead])
def list_price_books(call: Calling) -> Page[PriceBookHead]:
    """List the versions of the price book, oldest first; the last one is in force."""
    found = store.versions(call.house.door)
    items = [
        PriceBookHead(version=each.version, created=maybe_moment(each.created_s or None), current=each is found[-1])
        for each in found
    ]
    return Page[PriceBookHead](items=items)


@routes.get("/v1/price-books/{version}", PriceBookOut)
def read_price_book(call: Calling, version: IdOfPath) -> PriceBookOut:
    """Read the prices that the tenant may see; `current` is the version in force."""
    found = store.versions(call.house.door)
    named = [each for each in found if str(each.version) == version or (version == CURRENT and each is found[-1])]
    if not named:
        raise Problem("not_found")
    terms = call.house.terms.parse(named[0].text)
    products: dict[str, list[str]] = {}
    for product in terms.registry.products:
        products.setdefault(product.price_plan, []).append(product.code)
    return PriceBookOut(
        version=named[0].version,
        currency=terms.currency.code,
        rounding=terms.currency.rounding,
        prices=[price_out(row, products.get(row.product, [])) for row in rows_seen_by(terms, call.tenant)],
    )


@routes.get("/v1/operator/price-book", TermsKept)
def read_terms(call: Calling) -> TermsKept:
    """Read the terms in force, whole."""
    found = store.versions(call.house.door)
    if not found:
        raise Problem("not_found")
    call.tag(found[-1].hash)
    return _kept(found[-1])


@routes.put("/v1/operator/price-book", TermsKept)
def set_terms(call: Calling, body: TermsText) -> TermsKept:
    """Put new terms in force. Nothing of the past may change, and no rental that runs may lose its price."""
    house = call.house
    if house.terms.given is not None:
        raise Problem("conflict", [Fault("terms", "are those of a file that the service was started with")])
    found = store.versions(house.door)
    last = found[-1] if found else store.KeptTerms(0, "", 0)
    call.require_tag(last.hash)
    try:
        new = house.terms.parse(body.terms)
        old = house.terms.parse(last.text) if found else None
    except (BillingError, TenantError, ValueError) as error:
        # Of a text in a database this would be a fault of ours; of one that came just now it is the sender's.
        raise invalid("body.terms", getattr(error, "message", "are not TOML")) from None
    with call.reading() as bound:
        from_s = max(call.now_s, closed_until_s(bound) or 0)
    from_s += -from_s % SECONDS_PER_HOUR
    faults = [Fault("body.terms", reason) for reason in (faults_of_change(old, new, from_s) if old else ())]
    if faults:
        raise Problem("invalid_request", faults)

    def work(bound: Bound) -> Done:
        # While this transaction writes nobody else does: no rental is granted between the look and the terms.
        if without := rentals_without_price(house.door, call.scope, call.policy.scope, new, call.now_s):
            raise Problem("conflict", [Fault("terms.price", each) for each in without[:_FAULTS_MAX]])
        try:
            made = store.keep_version(bound, body.terms, last.version, call.now_s)
        except StoreError as error:
            if error.code != "conflict":
                raise
            raise Problem("precondition_failed") from None
        return Done(_kept(made), Told(str(made.version), {"hash": made.hash, "before": last.hash}))

    kept: TermsKept = call.change(work)
    call.tag(store.KeptTerms(0, body.terms, 0).hash)
    return kept


def _kept(found: store.KeptTerms) -> TermsKept:
    created = maybe_moment(found.created_s or None)
    return TermsKept(version=found.version, hash=found.hash, created=created, terms=found.text)


def _terms(call: Call) -> Terms:
    try:
        return store.current_terms(call.house.door, call.house.terms)
    except StoreError as error:
        if error.code != "no_terms":
            raise
        raise Problem("conflict", [Fault("terms", "there are none to buy by")]) from None


def _quoted(terms: Terms, seen: PriceBook, quotes: Sequence[Quote], tenant: str, at_s: int) -> QuoteOut:
    """The quotes as lines of a draft, so that they are rounded and taxed as an invoice is."""
    code = terms.currency.code
    items = [
        Item("usage", each.want.product, "", each.exact, each.rate_id, at_s, at_s + 1, tax_bp=each.tax_bp)
        for each in quotes
    ]
    made = draft(Heading(tenant, moment(at_s)[:7], currency=terms.currency), items)
    changes = chain(seen.change_times(), seen.ends())
    next_s = min((each for each in changes if each > at_s and each < NEVER_S), default=None)
    return QuoteOut(
        at=moment(at_s),
        valid_until=maybe_moment(next_s),
        lines=[
            QuoteLine(
                meter=each.want.meter,
                price_unit=METERS[METER_CODES.index(each.want.meter)].price_unit,
                model=each.row.model,
                steps=[step_out(step) for step in each.steps],
                exact=exact_out(each.exact),
                net=money(code, line.net_micro),
                tax_percent=percent(line.tax_bp),
                tax=money(code, line.tax_micro),
            )
            for each, line in zip(quotes, made.lines, strict=True)
        ],
        net=money(code, made.net_micro),
        tax=money(code, made.tax_micro),
        total=money(code, made.total_micro),
    )


def _measure(given: QuantityIn) -> Measure:
    values = [parse_units(each) for each in given.values]
    if given.units is None and not values:
        raise invalid("body.quantities", "must have units, or values of events")
    made = measure_of(None if given.units is None else parse_units(given.units), values, given.events)
    return made if given.tier_units is None else made._replace(tier_units=parse_units(given.tier_units))


def _time_of(row: PriceRow, given: QuantityIn) -> int:
    if not row.series_micro:
        return 0
    if given.at is None:
        raise invalid("body.quantities", "must say at which time, for a series of prices")
    at_s = moment_of(given.at, "body.quantities.at")
    if at_s < row.series_micro[0][0]:
        raise invalid("body.quantities.at", "lies before the first price of the series")
    return at_s


def _of_price(error: BillingError) -> Problem:
    """The problem of a price that cannot be used, without the value that was found."""
    place = (error.path or "price").replace("price[0]", "price")
    at = place if place.startswith("price") else "quantities"
    return invalid(f"body.{at}", refusal(error).faults[0].reason)
