"""What all models of requests and answers have in common.

Every model is strict and closed: a field that is not declared is refused in a request (nobody sets what he may not),
and never leaves in an answer.
"""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from billing.currency import currency_of
from billing.money import money_json, parse_signed
from billing.months import utc_text

T = TypeVar("T", bound=BaseModel)

# No control or format character that could break a line, a terminal or the direction of writing.
PLAIN = r"^[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\uffff]+$"
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=PLAIN)]
Reason = Annotated[str, StringConstraints(min_length=3, max_length=500, pattern=PLAIN)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


class Closed(BaseModel):
    """A model with the fields that it declares and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Money(Closed):
    """An amount, twice as text, so that no reader rounds it by accident: as a decimal, and as a whole number of the
    currency's smallest coin."""

    currency: str
    amount: str
    minor: str


class MoneyIn(Closed):
    """A sum of money, in whole minor units of its currency."""

    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    amount: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$")] = Field(
        description="Decimal text, above 0.", examples=["5000.00"]
    )
    minor: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}$")] | None = Field(
        default=None, description="The same in minor units, such as cents; may be left out.", examples=["500000"]
    )


class Page(Closed, Generic[T]):
    """Some rows of a list; `next` is the cursor of the page behind it, null on the last one."""

    items: list[T]
    next: str | None = Field(default=None, description="Pass it as `cursor`, with the rest of the query as it was.")


class Empty(Closed):
    """Nothing more to say."""


def money(currency: str, micro: int) -> Money:
    """Return int micro-units of a currency as money, in the currency's own decimals."""
    return Money(**money_json(micro, currency, currency_of(currency).decimals))


def money_told(currency: str, amount: str) -> Money:
    """Return a document's decimal text, which may be below 0, as money."""
    return money(currency, parse_signed(amount))


def moment(time_s: int) -> str:
    """Return Unix seconds as RFC 3339 in UTC."""
    return utc_text(time_s)


def maybe_moment(time_s: int | None) -> str | None:
    """Return Unix seconds as RFC 3339 in UTC; None stays None."""
    return None if time_s is None else utc_text(time_s)
