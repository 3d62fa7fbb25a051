"""What the house does to its tenants' books: requests, and answers that say no more than number and total."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from billing.api.problems import MONTH_PATTERN
from billing.api.schemas.basic import PLAIN, Closed, Id, Money, MoneyIn, Name, Reason, moment, money
from billing.api.schemas.house import TenantOut, tenant_out
from billing.invoices.credit_note import CreditNote
from billing.invoices.invoice import Invoice
from billing.store.api_acts import Finalised, Paid
from billing.store.tenant_admin import TenantHead
from tenants.access.keys import KeyRecord

Period = Annotated[str, StringConstraints(pattern=MONTH_PATTERN)]
Number = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=PLAIN)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[a-z][a-z0-9_.-]*$")]


class Finalise(Closed):
    """A month whose invoices are to be issued."""

    period: Period = Field(description="A month that is over, UTC.", examples=["2026-10"])
    tenant: Id | None = Field(default=None, description="The only one to issue for; null: all.", examples=["acme"])


class FinalisedOut(Closed):
    """What became of a tenant's month. What stands already stays as it is."""

    tenant: str = Field(description="Its id.", examples=["acme"])
    outcome: Literal["issued", "stood", "refused", "nothing due"] = Field(
        description="issued: now; stood: before; refused: its amounts have no room in the books."
    )
    number: str | None = Field(description="Of its invoice; null where it has none.", examples=["acme-000007"])
    total: Money | None = Field(description="Of its invoice, with tax.")
    reason: str = Field(description="Why it was refused.", examples=[""])


class FinalisedAll(Closed):
    """What became of a month."""

    period: str = Field(description="The month, UTC.", examples=["2026-10"])
    tenants: list[FinalisedOut] = Field(description="By id: those that had something to pay for in the month.")


class ReturnLine(Closed):
    """A line of an invoice of which something is given back."""

    line: Annotated[int, Field(ge=1, le=1_000_000)] = Field(description="Number of the line.", examples=[1])
    part: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}/[0-9]{1,18}$")] = Field(
        default="1/1", description="How much of its net amount, as a fraction.", examples=["1/3"]
    )


class NewCreditNote(Closed):
    """What is given back of an invoice, and why."""

    number: Number = Field(description="Number or id of the invoice.", examples=["acme-000007"])
    lines: Annotated[list[ReturnLine], Field(max_length=1_000)] = Field(
        default=[], description="Lines of it; none: all that is left of the invoice."
    )
    cause: Word = Field(description="A word that names the account: goodwill, sla, billing_error.", examples=["sla"])
    reason: Reason = Field(description="For people: the tenant reads it.", examples=["an outage on 3 October"])


class CreditNoteMade(Closed):
    """A credit note that was issued."""

    number: str = Field(description="Its number.", examples=["acme-CN-000001"])
    invoice: str = Field(description="Number of the invoice.", examples=["acme-000007"])
    total: Money = Field(description="What is given back, with tax.")
    issued: str = Field(description="RFC 3339 in UTC.", examples=["2026-11-02T09:00:00Z"])


class NewPayment(Closed):
    """What was paid of an invoice. The same payment again changes nothing."""

    number: Number = Field(description="Number or id of the invoice.", examples=["acme-000007"])
    amount: MoneyIn = Field(description="In the currency of the invoice.")
    reference: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=PLAIN)] = Field(
        description="The payer's; unique per invoice.", examples=["bank-2026-11-02-17"]
    )
    time: Annotated[str, StringConstraints(max_length=40)] | None = Field(
        default=None, description="When, RFC 3339; null: now.", examples=["2026-11-02T09:00:00Z"]
    )


class PaymentNoted(Closed):
    """An invoice after a payment."""

    number: str = Field(description="Number of the invoice.", examples=["acme-000007"])
    status: str = Field(description="Of the invoice: issued, or paid once nothing is open.", examples=["paid"])
    open: Money = Field(description="What is still to be paid.")
    new: bool = Field(description="False where that very payment was noted before.")


class NewTenant(Closed):
    """A tenant to be made."""

    name: Name = Field(description="What it is called.", examples=["Acme Robotics"])
    id: Id | None = Field(default=None, description="Its id in terms and events; null: one is made.", examples=["acme"])
    organisation: Name | None = Field(
        default=None, description="Who owns it; null: an organisation of the same name.", examples=["Acme Group"]
    )
    regions: Annotated[list[Id], Field(max_length=100)] = Field(
        default=[], description="Where its data and its work may be; none: anywhere.", examples=[["eu-1"]]
    )
    first_key: bool = Field(
        default=False, description="Answer with a key of its admin, too. Needs the scope keys:write.", examples=[True]
    )


class FirstKey(Closed):
    """A key of a new tenant's admin, for whoever is to hold it: with it they make others, and end this one."""

    id: str
    account: str = Field(description="The service that it belongs to.", examples=["a-0123456789abcdef0123"])
    expires: str = Field(description="RFC 3339 in UTC: a week from now.", examples=["2026-11-09T09:00:00Z"])
    text: str | None


class MadeTenant(TenantOut):
    """A tenant that was made, and its first key where that was asked for."""

    key: FirstKey | None = Field(description="null: not asked for.")


def made_tenant(head: TenantHead) -> MadeTenant:
    """Return a tenant that was made, as yet without a key."""
    return MadeTenant(**tenant_out(head).model_dump(), key=None)


def first_key(record: KeyRecord, text: str | None) -> FirstKey:
    """Return the key of a new tenant; a `text` that was shown before is None."""
    return FirstKey(id=record.id, account=record.account, expires=moment(record.expires_s), text=text)


def finalised_out(found: Finalised) -> FinalisedOut:
    """Return what became of a tenant's month."""
    invoice = found.invoice
    return FinalisedOut(
        tenant=found.tenant,
        outcome=found.outcome,  # type: ignore[arg-type]
        number=invoice.number if invoice else None,
        total=money(invoice.currency, invoice.total_micro) if invoice else None,
        reason=found.reason,
    )


def credit_note_made(note: CreditNote) -> CreditNoteMade:
    """Return a credit note that was issued."""
    total = money(note.currency, note.total_micro)
    return CreditNoteMade(number=note.number, invoice=note.invoice_number, total=total, issued=moment(note.issued_s))


def payment_noted(paid: Paid) -> PaymentNoted:
    """Return an invoice after a payment."""
    invoice: Invoice = paid.invoice
    left = money(invoice.currency, paid.open_micro)
    return PaymentNoted(number=invoice.number, status=invoice.status, open=left, new=paid.new)
