"""Taxes as dated rows: which rate applies to a tenant's purchase of a product. The invoice does the arithmetic."""

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import ConfigDict, Field, field_validator

from billing.errors import BillingError, PriceError
from billing.months import parse_utc
from tenants.model import BasisPoints, Record, Title

ANY = "*"


class TaxRow(Record):
    """One `[[tax]]` table: `tax_bp` of the net amount, from `from` until `until` (without it: until a later row)."""

    model_config = ConfigDict(populate_by_name=True)

    name: Title
    tax_bp: BasisPoints
    tenant: Annotated[str, Field(min_length=1)] = ANY
    product: Annotated[str, Field(min_length=1)] = ANY
    from_: str = Field(alias="from", default="1970-01-01T00:00:00Z", description="RFC 3339 time")
    until: str = Field(default="9999-01-01T00:00:00Z", description="RFC 3339 time")

    @field_validator("from_", "until")
    @classmethod
    def _readable_time(cls, text: str) -> str:
        try:
            parse_utc(text)
        except BillingError as error:
            raise ValueError(f"{error.message}; write {error.allowed}") from None
        return text

    def applies(self, tenant: str, product: str, at_unix_s: int) -> bool:
        """Whether the row is one for this purchase at a Unix time."""
        return (
            self.tenant in (tenant, ANY)
            and self.product in (product, ANY)
            and parse_utc(self.from_) <= at_unix_s < parse_utc(self.until)
        )


def tax_at(rows: Iterable[TaxRow], tenant: str, product: str, at_unix_s: int) -> TaxRow | None:
    """Return the row that taxes a purchase: a named tenant outweighs a named product, then the latest `from`.

    None where no row applies: the purchase is not taxed.
    """
    fitting = [row for row in rows if row.applies(tenant, product, at_unix_s)]
    return max(fitting, key=_weight, default=None)


def refuse_equal_taxes(rows: Sequence[TaxRow], file: str | None) -> None:
    """Refuse two rows of which nobody could say which applies, and rows that end before they begin.

    Raises:
        PriceError: naming the row.
    """
    seen: dict[tuple[str, str, int], int] = {}
    for number, row in enumerate(rows):
        path = f"tax[{number}]"
        if parse_utc(row.until) <= parse_utc(row.from_):
            raise PriceError("ends before it begins", file=file, path=f"{path}.until", found=row.until)
        first = seen.setdefault((row.tenant, row.product, parse_utc(row.from_)), number)
        if first != number:
            message = f"same tenant, product and time as tax[{first}]"
            raise PriceError(message, code="duplicate", file=file, path=path, found=row.name)


def _weight(row: TaxRow) -> tuple[bool, bool, int]:
    return row.tenant != ANY, row.product != ANY, parse_utc(row.from_)
