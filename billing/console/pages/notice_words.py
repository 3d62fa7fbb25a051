"""Notices in words: a sentence for each type, from what the feed tells of it.

What a body lacks (it may come from an older service) is left out of its sentence, and no sentence fails.
"""

from collections.abc import Callable, Mapping
from typing import Any

from billing.console.drawing import for_eyes, plain_moment
from billing.rentals.model import CAUSES, REFUSALS

Body = Mapping[str, Any]
_BP_PERCENT = 100


def sentence_of(type_: str, body: Body) -> str:
    """Return what a notice says, as a sentence; of a type that is not known, its name."""
    words = SENTENCES.get(type_)
    return type_ if words is None else words(body)


def _gpus(body: Body) -> str:
    place = " in ".join(str(body[name]) for name in ("sku", "region") if body.get(name))
    kind = f" ({body['product']})" if body.get("product") else ""
    return f"{body.get('gpus', 'the')} GPUs{' of ' if place else ''}{place}{kind}"


def _at(body: Body, name: str, before: str) -> str:
    return f"{before}{plain_moment(str(body[name]))} UTC" if body.get(name) else ""


def _money(body: Body, name: str) -> str:
    found = body.get(name) or {}
    return for_eyes(f"{found['amount'].lstrip('-')} {found['currency']}") if found else "a sum"


def _for(body: Body) -> str:
    return f" for {body['period']}" if body.get("period") else ""


def _granted(body: Body) -> str:
    safe = _at(body, "guaranteed_until", "; nobody takes them before ")
    return f"You hold {_gpus(body)}{_at(body, 'until', ' until ')}{safe}."


def _refused(body: Body) -> str:
    return f"You were refused {_gpus(body)}. {REFUSALS.get(str(body.get('cause')), '')}".strip()


def _noticed(body: Body) -> str:
    return f"The house needs {_gpus(body)} back: they are taken{_at(body, 'evict', ' at ') or ' soon'}."


def _ended(body: Body) -> str:
    cause = CAUSES.get(str(body.get("cause")), "")
    return f"You hold {_gpus(body)} no longer{_at(body, 'ended', ', since ')}. {cause}".strip()


def _issued(body: Body) -> str:
    return f"Invoice {body.get('number', '')}{_for(body)} stands: {_money(body, 'total')}."


def _paid(body: Body) -> str:
    return f"Invoice {body.get('number', '')}{_for(body)} is paid: {_money(body, 'total')}."


def _voided(body: Body) -> str:
    return f"Invoice {body.get('number', '')}{_for(body)} was taken back: {_money(body, 'total')} are not to be paid."


def _noted(body: Body) -> str:
    of = f" of invoice {body['invoice']}" if body.get("invoice") else ""
    cause = f" Cause: {body['cause']}." if body.get("cause") else ""
    return f"{_money(body, 'total')}{of} were given back with credit note {body.get('number', '')}.{cause}"


def _reached(body: Body) -> str:
    bp = body.get("threshold_bp")
    told = f": {_money(body, 'amount')}" if body.get("amount") else ""
    part = f"{bp // _BP_PERCENT} %" if isinstance(bp, int) else "a threshold"
    return f"The charges{_for(body)} have reached {part} of a budget{told}."


def _credited(body: Body) -> str:
    line = f", line {body['line']} of invoice {body['number']}" if body.get("line") and body.get("number") else ""
    return f"A service level{_for(body)} was missed: {_money(body, 'net')} are given back{line}."


def _revoked(body: Body) -> str:
    return f"Key {body.get('key', '')} lets nobody in any more."


SENTENCES: Mapping[str, Callable[[Body], str]] = {
    "rental.granted": _granted,
    "rental.refused": _refused,
    "rental.noticed": _noticed,
    "rental.ended": _ended,
    "invoice.issued": _issued,
    "invoice.paid": _paid,
    "invoice.voided": _voided,
    "credit_note.issued": _noted,
    "budget.reached": _reached,
    "sla.credited": _credited,
    "key.revoked": _revoked,
    "webhook.test": lambda _: "A test that was asked for: nothing happened.",
}
