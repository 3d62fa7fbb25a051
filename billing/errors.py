"""What billing refuses, as one small tree.

    BillingError            root
    ├── ContractError       a contract that cannot be billed as it stands
    ├── DocumentError       a document that cannot be made from its invoice, or read back
    ├── InvoiceError        a document that cannot be drafted, issued, credited, paid or voided as asked
    ├── MoneyError          text or a number that is not an exact amount
    ├── PeriodError         a month, hour or time that cannot be read
    ├── PriceError          a price book that cannot be loaded, or that does not know a price
    ├── EventError          a usage event that is malformed
    ├── StoreError          a database that is absent, damaged, another program's, or too old
    └── UsageError          tables that cannot be metered or billed: wrong shape, impossible row

Faults in data that can still be billed (a residual, a bill that does not add up) are findings of `billing.reconcile`,
not errors.
"""

_FOUND_CHARS_MAX = 80  # one line stays one line


class BillingError(Exception):
    """A refusal that one line can explain to a person.

    Attributes:
        code:    stable word for scripts: bad_value, unknown_key, missing_key, duplicate, unknown_price, bad_table.
        message: what is wrong, without the place.
        file:    the file as the caller named it, if there is one.
        path:    key path or row, such as `price[3].from`.
        found:   the value at fault.
        allowed: what would have been accepted.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "bad_value",
        file: str | None = None,
        path: str | None = None,
        found: object = None,
        allowed: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.file = file
        self.path = path
        self.found = found
        self.allowed = allowed

    def __str__(self) -> str:
        details = [f"found {_shown(self.found)}"] if self.found is not None else []
        details += [f"allowed {self.allowed}"] if self.allowed else []
        text = ": ".join(part for part in (self.file, self.path, self.message) if part)
        text += f" ({'; '.join(details)})" if details else ""
        return " ".join(text.split())


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _FOUND_CHARS_MAX else f"{text[:_FOUND_CHARS_MAX]}..."


class ContractError(BillingError):
    """A contract that cannot be billed as it stands."""


class InvoiceError(BillingError):
    """A document that cannot be drafted, issued, credited, paid or voided as asked."""


class DocumentError(BillingError):
    """A document that cannot be made from its invoice, or read back."""


class MoneyError(BillingError):
    """Text or a number that is not an exact amount of money."""


class PeriodError(BillingError):
    """A month, hour or time that cannot be read."""


class PriceError(BillingError):
    """A price book that cannot be loaded, or that does not know a price."""


class UsageError(BillingError):
    """Tables that cannot be metered or billed."""


class EventError(BillingError):
    """A usage event that is malformed."""


class StoreError(BillingError):
    """A database that is absent, damaged, another program's, or too old."""
