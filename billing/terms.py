"""The terms that a bill is made from: parties, products, contracts, service levels, prices, taxes and the currency.

They come from a *terms file*, a TOML file with the same tables as a scenario, or from a scenario itself:

    currency = "EUR"
    rounding = "HALF_UP"

    [[tenant]]
    id = "acme"
    ...
    [[price]]
    product = "bare.ondemand"
    ...
    [[tax]]
    name = "VAT"
    tax_bp = 2000

    [showback]                  # what internal teams are shown instead of the price book's price
    usd_per_gpu_hour = "1.40"

Everything is checked when it is read; a bill made from the same facts and the same terms is the same, byte for byte.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from billing.contracts.wallet import require_currency
from billing.currency import DEFAULT, Currency, currency_of
from billing.errors import BillingError, PriceError
from billing.metering.close import AT_ONCE, LATE_RULES, MeteringTerms
from billing.money import INT64_MAX
from billing.months import parse_utc
from billing.rating.price_row import ANY
from billing.rating.prices import PriceBook
from billing.tax import TaxRow, refuse_equal_taxes
from billing.toml_rows import read_row, rows_of
from tenants.errors import did_you_mean
from tenants.registry import Registry, RegistryFile, read_toml

PARTIES = tuple(RegistryFile.model_fields)
KEYS = ("epoch", "currency", "rounding", *PARTIES, "price", "tax", "showback", "metering")


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed. `epoch_s` is the Unix time from which the seconds of contracts count.

    `showback` holds the transfer price of internal teams; None: they are shown what the price book says.
    """

    registry: Registry
    book: PriceBook
    taxes: tuple[TaxRow, ...] = ()
    currency: Currency = DEFAULT
    epoch_s: int = 0
    showback: PriceBook | None = None
    metering: MeteringTerms = AT_ONCE

    def plans(self, products: Sequence[str]) -> tuple[str, ...]:
        """Return the price plan of each product code. Raises TenantError for a product that is not known."""
        registry = self.registry
        return tuple(registry.products[registry.product_index(code)].price_plan for code in products)


def load_terms(path: Path | str) -> Terms:
    """Return the terms in a TOML file.

    Raises:
        TenantError, BillingError: one line that names the file, the key, what was found and what is allowed.
    """
    return terms_from(read_toml(path), str(path))


def terms_from(mapping: Mapping[str, Any], file: str = "terms") -> Terms:
    """Return the terms in parsed TOML. Raises as `load_terms`."""
    for key in mapping:
        if key not in KEYS:
            message = f"unknown key{did_you_mean(key, KEYS)}"
            raise PriceError(message, code="unknown_key", file=file, path=key, allowed=", ".join(KEYS))
    try:
        currency = currency_of(mapping.get("currency", DEFAULT.code), mapping.get("rounding"))
        epoch_s = parse_utc(_text(mapping.get("epoch", "1970-01-01T00:00:00Z")))
    except BillingError as error:
        error.file, error.path = file, error.path or "epoch"
        raise
    book = PriceBook.from_mappings(rows_of(mapping, "price", file), file=file)
    for number, row in enumerate(book.rows):
        if row.usd_per_gpu_hour is not None and currency.code != DEFAULT.code:
            path, allowed = f"price[{number}].usd_per_gpu_hour", f"unit_price, in {currency.code} per GPU-hour"
            raise PriceError("not in the currency of the terms", file=file, path=path, allowed=allowed)
    registry = Registry.from_mapping({key: mapping[key] for key in PARTIES if key in mapping}, file)
    require_currency(registry, currency, file)
    return Terms(
        registry=registry,
        book=book,
        taxes=taxes_from(rows_of(mapping, "tax", file), file),
        currency=currency,
        epoch_s=epoch_s,
        metering=metering_from(mapping.get("metering", {}), file),
        showback=showback_from(mapping["showback"], file, currency) if "showback" in mapping else None,
    )


def showback_from(row: object, file: str | None = None, currency: Currency = DEFAULT) -> PriceBook:
    """Return the `[showback]` table as a price book of one row. Raises PriceError."""
    given = row if isinstance(row, Mapping) else {}
    names = ("unit_price", "usd_per_gpu_hour") if currency.code == DEFAULT.code else ("unit_price",)
    if len(given) != 1 or not set(given) <= set(names):
        allowed = f"{' or '.join(names)}, per GPU-hour in {currency.code}"
        raise PriceError("not a transfer price", file=file, path="showback", found=row, allowed=allowed)
    always = {"product": ANY, "sku": ANY, "from": "1970-01-01T00:00:00Z"}
    try:
        return PriceBook.from_mappings([{**always, **given}], file=file)
    except PriceError as error:
        error.path = f"showback.{next(iter(given))}"
        raise


def metering_from(row: object, file: str | None = None) -> MeteringTerms:
    """Return the `[metering]` table: `grace_s`, `late_usage`, `late_months`. Raises PriceError."""
    names = MeteringTerms._fields
    if not isinstance(row, Mapping) or not set(row) <= set(names):
        raise PriceError(
            "unknown key", code="unknown_key", file=file, path="metering", found=row, allowed=", ".join(names)
        )
    given = MeteringTerms(**row)
    for name in ("grace_s", "late_months"):
        value = getattr(given, name)
        if type(value) is not int or not 0 <= value <= INT64_MAX:
            raise PriceError("not a number", file=file, path=f"metering.{name}", found=value, allowed="0 or more")
    if given.late_usage not in LATE_RULES:
        allowed = ", ".join(LATE_RULES)
        raise PriceError("unknown rule", file=file, path="metering.late_usage", found=given.late_usage, allowed=allowed)
    return given


def taxes_from(rows: Sequence[Mapping[str, Any]], file: str | None = None) -> tuple[TaxRow, ...]:
    """Return `[[tax]]` rows, checked. Raises PriceError with the row's place."""
    taxes = tuple(read_row(TaxRow, row, f"tax[{number}]", file) for number, row in enumerate(rows))
    refuse_equal_taxes(taxes, file)
    return taxes


def _text(value: object) -> str:
    isoformat = getattr(value, "isoformat", None)  # TOML has times of its own
    return str(isoformat()) if isoformat else str(value)
