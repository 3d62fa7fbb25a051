"""Money that a tenant has here before it is billed, and the sums at which it wants to be told."""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from tenants.contract import Amount
from tenants.model import BasisPoints, Id, Record, Seconds

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="three capital letters, such as USD")]


class Wallet(Record):
    """`amount` that bills of `tenant` are paid from, from `from_s` on.

    Wallets of one tenant are drawn in order of (priority, expiry, id): the smallest priority first, then the one that
    expires first. What is left at `expires_s` is lost. `paid` money was bought; the rest is a gift.
    """

    id: Id
    tenant: Id
    amount: Amount
    currency: Currency = "USD"
    priority: Annotated[int, Field(ge=0, le=1_000)] = 0
    from_s: Seconds = 0
    expires_s: Seconds | None = None
    paid: bool = False

    @field_validator("expires_s")
    @classmethod
    def _after_it_begins(cls, expires_s: int | None, info: ValidationInfo) -> int | None:
        from_s = info.data.get("from_s")
        if expires_s is not None and from_s is not None and expires_s <= from_s:
            raise ValueError(f"must be later than from_s, which is {from_s}")
        return expires_s


class SpendAlert(Record):
    """Tell when the charges of `tenant` in a calendar month reach parts of `amount`; with `forecast` also when what
    they will be at the end of the month, at the rate so far, reaches the whole of it."""

    id: Id
    tenant: Id
    amount: Amount
    currency: Currency = "USD"
    thresholds_bp: Annotated[tuple[BasisPoints, ...], Field(strict=False, min_length=1)] = (5_000, 8_000, 10_000)
    forecast: bool = True

    @field_validator("thresholds_bp")
    @classmethod
    def _rise(cls, thresholds_bp: tuple[int, ...]) -> tuple[int, ...]:
        if any(later <= earlier for earlier, later in zip((0, *thresholds_bp), thresholds_bp, strict=False)):
            raise ValueError(f"must rise from above 0, found {', '.join(map(str, thresholds_bp))}")
        return thresholds_bp
