"""Credit notes: they give back parts of issued lines, and together never more than the invoice.

Notes telescope (BILLING 9.3): with x_j the exact amounts given back so far, a line gives back R(x_1 + ... + x_j) -
R(x_1 + ... + x_(j-1)), for the net amount and for each tax rate on its own. So whatever the order and the number of
notes, all of them together are the whole rounded once, and crediting every line in full gives back the invoice's total.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

from billing.currency import Currency, round_minor
from billing.errors import InvoiceError
from billing.invoices.invoice import Invoice, InvoiceLine
from billing.money import BP, CURRENCY, Exact

NAME_CHARS_MAX = 200


class Return(NamedTuple):
    """What is asked for: the part numerator / denominator of the net amount of a line, 0 < part <= 1."""

    line: int
    numerator: int = 1
    denominator: int = 1


@dataclass(frozen=True, slots=True)
class CreditNoteLine:
    """Part of an issued line that is given back. Amounts have the sign of the line; `exact` is the net before rounding.

    `line` is the number of the invoice's line, `kind` what that was for, `number` that of this one.
    """

    number: int
    line: int
    kind: str
    product: str
    description: str
    exact: Exact
    net_micro: int
    tax_bp: int
    tax_micro: int


@dataclass(frozen=True, slots=True)
class CreditNote:
    """What is given back of one invoice, and why. Amounts are micro-units in whole minor units, above 0.

    `cause` is a word (`sla`, `billing_error`, `goodwill`, ...) that names the account of the reduction, `reason` is for
    people, and may name an event or a credit.
    """

    id: str
    number: str
    tenant: str
    invoice: str
    invoice_number: str
    cause: str
    reason: str
    issued_s: int
    lines: tuple[CreditNoteLine, ...]
    net_micro: int
    tax_micro: int
    total_micro: int
    hash: str
    currency: str = CURRENCY
    showback: bool = False


def credit_note(
    invoice: Invoice, earlier: Sequence[CreditNote], returns: Sequence[Return], cause: str, reason: str
) -> CreditNote:
    """Return the note, not yet issued, that gives back `returns` after the notes `earlier`, oldest first.

    Raises:
        InvoiceError: nothing to give back, an unknown line, a part outside 0 to 1, a line or an invoice of which more
            would be given back than was charged, an invoice that is no longer due, or a cause that is no name.
    """
    path = f"credit note on {invoice.number or 'a draft'}"
    if invoice.status not in ("issued", "paid"):
        raise InvoiceError("invoice is not due", path=path, found=invoice.status, allowed="issued or paid")
    require_name(cause, f"{path}, cause")
    if not returns:
        raise InvoiceError("nothing to give back", path=path, allowed="at least one line")
    done = [line for note in earlier for line in note.lines]
    lines: list[CreditNoteLine] = []
    for wish in returns:
        line = _line_of(invoice, wish, path)
        _require_left(line, [*done, *lines], wish, path)
        lines.append(_next_line(invoice, [*done, *lines], line, wish, len(lines) + 1))
    net_micro, tax_micro = sum(line.net_micro for line in lines), sum(line.tax_micro for line in lines)
    left = invoice.total_micro - sum(note.total_micro for note in earlier)
    if not 0 <= net_micro + tax_micro <= left:
        allowed = f"0 to {left} micro-{invoice.currency}"
        raise InvoiceError("more than the invoice has left", path=path, found=net_micro + tax_micro, allowed=allowed)
    return CreditNote(
        id="",
        number="",
        tenant=invoice.tenant,
        invoice=invoice.id,
        invoice_number=invoice.number,
        cause=cause,
        reason=reason,
        issued_s=0,
        lines=tuple(lines),
        net_micro=net_micro,
        tax_micro=tax_micro,
        total_micro=net_micro + tax_micro,
        hash="",
        currency=invoice.currency,
        showback=invoice.showback,
    )


def whole_invoice(invoice: Invoice, earlier: Sequence[CreditNote] = ()) -> list[Return]:
    """Return what is left of every line, so that a note of it closes the invoice."""
    done = [line for note in earlier for line in note.lines]
    wishes = []
    for line in invoice.lines:
        left = 1 - _part_given_back(line, done) if line.net_micro else Fraction(0)
        if left:
            wishes.append(Return(line.number, left.numerator, left.denominator))
    return wishes


def amount_of(invoice: Invoice, line: int, net_micro: int) -> Return:
    """Return the part of a line that is `net_micro`, such as a sum of money that was agreed.

    Raises:
        InvoiceError: no such line, or a line of 0.
    """
    found = _line_of(invoice, Return(line), f"credit note on {invoice.number}")
    part = Fraction(net_micro, found.net_micro)
    return Return(line, part.numerator, part.denominator)


def parse_return(line: int, part: str) -> Return:
    """Return what "1/3" of a line is.

    Raises:
        InvoiceError: not two whole numbers with a slash between them.
    """
    numerator, slash, denominator = part.partition("/")
    if not (numerator.isdecimal() and slash and denominator.isdecimal()):
        raise InvoiceError("not a part of a line", path="--part", found=part, allowed="such as 1/3; 1/1 is all of it")
    return Return(line, int(numerator), int(denominator))


def require_name(text: str, path: str) -> None:
    """Refuse a name that an account or an entry of the ledger could not be told by.

    Raises:
        InvoiceError: empty, too long, or with characters that do not print.
    """
    if not (0 < len(text) <= NAME_CHARS_MAX and text.isprintable() and text.strip()):
        allowed = f"1 to {NAME_CHARS_MAX} characters that print"
        raise InvoiceError("not a name", path=path, found=text, allowed=allowed)


def _line_of(invoice: Invoice, wish: Return, path: str) -> InvoiceLine:
    if not 1 <= wish.line <= len(invoice.lines):
        raise InvoiceError("no such line", path=path, found=wish.line, allowed=f"1 to {len(invoice.lines)}")
    line = invoice.lines[wish.line - 1]
    if line.net_micro == 0:
        raise InvoiceError("nothing was charged", path=f"{path}, line {wish.line}", found=0)
    return line


def _require_left(line: InvoiceLine, done: Sequence[CreditNoteLine], wish: Return, path: str) -> None:
    left = 1 - _part_given_back(line, done)
    if wish.denominator <= 0 or not 0 < Fraction(wish.numerator, wish.denominator) <= left:
        found, allowed = f"{wish.numerator}/{wish.denominator}", f"above 0, up to {left} of the line"
        raise InvoiceError("cannot give back that part", path=f"{path}, line {wish.line}", found=found, allowed=allowed)


def _part_given_back(line: InvoiceLine, done: Sequence[CreditNoteLine]) -> Fraction:
    return sum((Fraction(*each.exact) for each in done if each.line == line.number), Fraction(0)) * Fraction(
        1, line.net_micro
    )


def _next_line(
    invoice: Invoice, done: Sequence[CreditNoteLine], line: InvoiceLine, wish: Return, number: int
) -> CreditNoteLine:
    part = Fraction(line.net_micro * wish.numerator, wish.denominator)
    exact = Exact(part.numerator, part.denominator)
    net = _step([each.exact for each in done], exact, 1, 1, invoice.money)
    taxed = [each.exact for each in done if each.tax_bp == line.tax_bp]
    tax = _step(taxed, exact, line.tax_bp, BP, invoice.money)
    return CreditNoteLine(number, line.number, line.kind, line.product, line.description, exact, net, line.tax_bp, tax)


def _step(before: Sequence[Exact], exact: Exact, factor: int, per: int, currency: Currency) -> int:
    """Return R(before + exact) - R(before), all times factor / per."""
    start = sum((Fraction(*each) for each in before), Fraction(0)) * Fraction(factor, per)
    end = start + Fraction(*exact) * Fraction(factor, per)
    after, earlier = (Exact(value.numerator, value.denominator) for value in (end, start))
    return (round_minor(after, currency) - round_minor(earlier, currency)) * currency.minor_micro


def numbered(note: CreditNote, number: str, issued_s: int) -> CreditNote:
    """Return the note with its number and time; `billing.invoices.lifecycle` seals it."""
    return replace(note, number=number, issued_s=issued_s)
