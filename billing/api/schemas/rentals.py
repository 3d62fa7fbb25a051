"""What is sold, what is on offer now, and what a tenant rents."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from billing.api.schemas.basic import Closed, Id, maybe_moment, moment
from billing.rentals.model import CAUSES, REFUSALS, Offer, Rental

HOURS_MAX, GPUS_MAX = 8_784, 100_000
Word = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Time = Annotated[str, StringConstraints(max_length=40, pattern=r"^[0-9TtZz:.+-]+$")]
StateWord = Literal["requested", "running", "noticed", "ended", "refused"]
Hours = Annotated[int, Field(ge=1, le=HOURS_MAX)]
_PRODUCT = Field(description="Code of a product.", examples=["bare.ondemand"])
_REGION = Field(description="Where the GPUs are.", examples=["eu-north"])
_SKU = Field(description="Kind of GPU.", examples=["H100"])
_PRICE = Field(
    description="Per GPU-hour, in the currency beside it, as decimal text; of a tiered price that of the first unit. "
    "null: none is known.",
    examples=["2.95"],
)


class PriceOut(Closed):
    """What a GPU-hour of a product costs now, for the SKUs and regions that the row names; * stands for all."""

    sku: str = _SKU
    region: str = _REGION
    model: str = Field(description="How quantities become amounts.", examples=["standard"])
    unit_price: str = _PRICE
    until: str | None = Field(description="When this price ends, RFC 3339; null: no end is known.", examples=[None])


class CreditStepOut(Closed):
    """Availability below `below_bp` gives back `credit_bp` of a month's charge."""

    below_bp: int = Field(description="Basis points: hundredths of a percent.", examples=[9_950])
    credit_bp: int = Field(description="Basis points of the charge.", examples=[1_000])


class ProductOut(Closed):
    """A product: what is promised with it, and what it costs."""

    code: str = _PRODUCT
    band: str = Field(description="How important it is to the house.", examples=["ON_DEMAND"])
    guarantee_s: int = Field(description="Seconds after its start without an eviction.", examples=[3_600])
    rolling: bool = Field(description="Whether a guarantee is renewed at its end.", examples=[True])
    notice_s: int = Field(description="Seconds between the notice of an eviction and the eviction.", examples=[600])
    refund_s: int = Field(description="Seconds given back for an eviction that broke a promise.", examples=[3_600])
    sla_target_bp: int | None = Field(description="Availability that is promised, in basis points; null: none.")
    sla_steps: list[CreditStepOut] = Field(description="What is given back where availability falls short.")
    about: str = Field(description="The same in a sentence.", examples=["Not evicted for 3600 s after its start."])
    currency: str = Field(description="Of the prices.", examples=["USD"])
    prices: list[PriceOut] = Field(description="Those in force now.")


class AvailabilityOut(Closed):
    """GPUs that may be rented now."""

    product: str = _PRODUCT
    region: str = _REGION
    sku: str = _SKU
    free_at_least: int = Field(description="So many GPUs are free, perhaps more: a power of two.", examples=[64])
    guarantee_s: int = Field(description="Seconds after its start in which a rental is not evicted.", examples=[3_600])
    notice_s: int | None = Field(description="Seconds of notice of an eviction; null: not known.", examples=[600])
    until: str | None = Field(description="When the offer ends, RFC 3339; null: no end is known.", examples=[None])
    currency: str | None = Field(description="Of the price.", examples=["USD"])
    unit_price: str | None = _PRICE


class NewRental(Closed):
    """GPUs that a tenant asks for, for some hours from now or until a time."""

    product: Word = _PRODUCT
    region: Word = _REGION
    sku: Word = _SKU
    gpus: int = Field(ge=1, le=GPUS_MAX, description="How many GPUs.", examples=[8])
    hours: Hours | None = Field(default=None, description="For so many hours from now; or say until.", examples=[24])
    until: Time | None = Field(default=None, description="Until then, RFC 3339; or say hours.", examples=[None])


class LongerRental(Closed):
    """How much longer a rental is to last."""

    hours: Hours | None = Field(default=None, description="So many hours beyond its end; or say until.", examples=[2])
    until: Time | None = Field(default=None, description="Until then, RFC 3339; or say hours.", examples=[None])


class RentalOut(Closed):
    """A rental. Times are RFC 3339 in UTC; null: not yet, or never."""

    id: str = Field(examples=["rnt_0123456789abcdef0123456789abcdef"])
    product: str = _PRODUCT
    region: str = _REGION
    sku: str = _SKU
    gpus: int = Field(description="How many GPUs.", examples=[8])
    state: StateWord = Field(description="GPUs are held, and charged, while it is running or noticed.")
    cause: str | None = Field(description="Why it ended or was refused, or will end: one word.", examples=["finished"])
    reason: str | None = Field(description="The same in a sentence.")
    requested: str = Field(examples=["2026-11-01T00:00:00Z"])
    starts: str | None = Field(description="When its GPUs were given.", examples=["2026-11-01T00:00:00Z"])
    until: str = Field(description="When its tenant ends it.", examples=["2026-11-02T00:00:00Z"])
    guaranteed_until: str | None = Field(description="Until when it is not evicted.", examples=["2026-11-01T01:00:00Z"])
    noticed: str | None = Field(description="When its tenant was told that it must end.", examples=[None])
    evict: str | None = Field(description="When the house takes the GPUs back.", examples=[None])
    ended: str | None = Field(description="When its GPUs were given back.", examples=[None])
    version: int = Field(description="Its ETag: what a change must have seen.", examples=[1])


class NewOffer(Closed):
    """What the house offers of a SKU in a region, as a product. Capacity that the desk alone rents out."""

    product: Id = _PRODUCT
    region: Word = _REGION
    sku: Word = _SKU
    gpus: int = Field(ge=0, le=GPUS_MAX, description="GPUs on offer; fewer than are rented: some get notice.")
    guarantee_s: int | None = Field(
        default=None, ge=0, le=31_622_400, description="Seconds after its start; null: what the product says."
    )
    until: Time | None = Field(default=None, description="When it ends, RFC 3339; null: no end.", examples=[None])


class OfferOut(Closed):
    """An offer."""

    product: str = _PRODUCT
    region: str = _REGION
    sku: str = _SKU
    gpus: int = Field(description="GPUs on offer.", examples=[512])
    guarantee_s: int = Field(description="Seconds after the start of a rental without an eviction.", examples=[3_600])
    until: str | None = Field(description="When it ends, RFC 3339; null: no end.", examples=[None])
    free_at_least: int = Field(description="So many GPUs are free, perhaps more: a power of two.", examples=[64])
    version: int = Field(description="What a change must have seen, in If-Match.", examples=[1])
    updated: str = Field(examples=["2026-11-01T00:00:00Z"])


def rental_out(rental: Rental) -> RentalOut:
    """Return a rental as its tenant reads it."""
    times = {name: maybe_moment(getattr(rental, f"{name}_s")) for name in _TIMES}
    return RentalOut(
        id=rental.id,
        product=rental.product,
        region=rental.region,
        sku=rental.sku,
        gpus=rental.gpus,
        state=rental.state,  # type: ignore[arg-type]
        cause=rental.cause or None,
        reason=(CAUSES | REFUSALS).get(rental.cause),  # type: ignore[operator]
        requested=moment(rental.requested_s),
        until=moment(rental.until_s),
        version=rental.version,
        **times,
    )


_TIMES = ("starts", "guaranteed_until", "noticed", "evict", "ended")


def offer_out(offer: Offer) -> OfferOut:
    """Return an offer as operators read it."""
    return OfferOut(
        product=offer.product,
        region=offer.region,
        sku=offer.sku,
        gpus=offer.gpus,
        guarantee_s=offer.guarantee_s,
        until=maybe_moment(offer.until_s),
        free_at_least=offer.free_at_least,
        version=offer.version,
        updated=moment(offer.updated_s),
    )
