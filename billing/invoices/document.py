"""Documents as bytes: one canonical JSON text for each invoice or credit note, its hash, its id, and the way back."""

import json
from dataclasses import fields
from hashlib import sha256
from typing import Any, TypeVar

from billing.errors import InvoiceError
from billing.invoices.credit_note import CreditNote, CreditNoteLine
from billing.invoices.invoice import Invoice, InvoiceLine
from billing.money import Exact, format_exact

Document = Invoice | CreditNote
D = TypeVar("D", Invoice, CreditNote)
_ID_DIGITS = 24  # 96 bits of SHA-256


def document_bytes(document: Document) -> bytes:
    """Return the document as canonical JSON: sorted keys, no spaces, UTF-8, exact amounts as "numerator/denominator".

    An invoice's `status` is left out: paying or voiding an invoice does not change the document.
    """
    return _canonical(document, leave_out=("status",))


def document_id(document: Document) -> str:
    """Return the id that follows from the content: equal documents have equal ids, on every machine."""
    prefix = "inv" if isinstance(document, Invoice) else "crn"
    digest = sha256(_canonical(document, leave_out=("status", "hash", "id"))).hexdigest()
    return f"{prefix}_{digest[:_ID_DIGITS]}"


def document_hash(document: Document) -> str:
    """Return the SHA-256, in hex, of the document without its status and the hash itself."""
    return sha256(_canonical(document, leave_out=("status", "hash"))).hexdigest()


def read_invoice(data: bytes, status: str) -> Invoice:
    """Return the invoice that `document_bytes` wrote, in the status that the books have for it.

    Raises:
        InvoiceError: not such a document, or one whose content no longer fits its hash.
    """
    plain = _plain(data, Invoice, leave_out=("status",))
    lines = tuple(InvoiceLine(**{**line, "exact": _exact(line["exact"])}) for line in plain.pop("lines"))
    log_range = tuple((source, first, last) for source, first, last in plain.pop("log_range"))
    return _sealed(Invoice(**plain, status=status, lines=lines, log_range=log_range))


def read_credit_note(data: bytes) -> CreditNote:
    """Return the credit note that `document_bytes` wrote.

    Raises:
        InvoiceError: not such a document, or one whose content no longer fits its hash.
    """
    plain = _plain(data, CreditNote, leave_out=())
    lines = tuple(CreditNoteLine(**{**line, "exact": _exact(line["exact"])}) for line in plain.pop("lines"))
    return _sealed(CreditNote(**plain, lines=lines))


def _canonical(document: Document, leave_out: tuple[str, ...]) -> bytes:
    plain = {field.name: getattr(document, field.name) for field in fields(document) if field.name not in leave_out}
    plain["lines"] = [
        {field.name: getattr(line, field.name) for field in fields(line)} | {"exact": format_exact(line.exact)}
        for line in document.lines
    ]
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _plain(data: bytes, kind: type, leave_out: tuple[str, ...]) -> dict[str, Any]:
    expected = {field.name for field in fields(kind)} - set(leave_out)
    try:
        plain = json.loads(data)
    except ValueError as error:
        raise InvoiceError("not a document", code="damaged", found=str(error)) from None
    if not isinstance(plain, dict) or set(plain) != expected:
        found = sorted(plain) if isinstance(plain, dict) else type(plain).__name__
        raise InvoiceError("not a document", code="damaged", found=found, allowed=", ".join(sorted(expected)))
    return plain


def _exact(text: str) -> Exact:
    numerator, _, denominator = text.partition("/")
    return Exact(int(numerator), int(denominator))


def _sealed(document: D) -> D:
    expected = document_hash(document)
    if document.hash != expected:
        path = f"{document.number} of {document.tenant}"
        raise InvoiceError("document was changed", code="damaged", path=path, found=document.hash, allowed=expected)
    return document
