"""Notices in words: a sentence for each type, whatever its body holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.api.notice_types import NOTICE_TYPES
from billing.console.pages.notice_words import SENTENCES, sentence_of
from billing.rentals.model import CAUSES

_GPUS = {"gpus": 8, "sku": "h100", "region": "eu", "product": "bare.spot", "cause": ""}
_TIMES = {"until": "2026-11-02T00:00:00Z", "evict": "2026-11-01T12:00:00Z", "ended": "2026-11-01T12:00:00Z"}
_EURO = {"amount": "-1234.50", "currency": "EUR"}


def test_every_type_has_its_sentence() -> None:
    assert SENTENCES.keys() == NOTICE_TYPES.keys()


@pytest.mark.parametrize(
    ("type_", "body", "sentence"),
    [
        ("rental.granted", _GPUS | _TIMES, "You hold 8 GPUs of h100 in eu (bare.spot) until 2026-11-02 00:00:00 UTC."),
        (
            "rental.refused",
            _GPUS | {"cause": "quota"},
            "You were refused 8 GPUs of h100 in eu (bare.spot). The tenant would hold more GPUs than its quota.",
        ),
        (
            "rental.noticed",
            _GPUS | _TIMES,
            "The house needs 8 GPUs of h100 in eu (bare.spot) back: they are taken at 2026-11-01 12:00:00 UTC.",
        ),
        (
            "rental.ended",
            _GPUS | _TIMES | {"cause": "evicted"},
            f"You hold 8 GPUs of h100 in eu (bare.spot) no longer, since 2026-11-01 12:00:00 UTC. {CAUSES['evicted']}",
        ),
        (
            "invoice.issued",
            {"number": "acme-000001", "period": "2026-01", "total": _EURO | {"amount": "1234.50"}},
            "Invoice acme-000001 for 2026-01 stands: 1,234.50 EUR.",
        ),
        (
            "invoice.paid",
            {"number": "acme-000001", "period": "2026-01", "total": _EURO},
            "Invoice acme-000001 for 2026-01 is paid: 1,234.50 EUR.",
        ),
        (
            "invoice.voided",
            {"number": "acme-000001", "period": "2026-01", "total": _EURO},
            "Invoice acme-000001 for 2026-01 was taken back: 1,234.50 EUR are not to be paid.",
        ),
        (
            "credit_note.issued",
            {"number": "acme-C000001", "invoice": "acme-000001", "cause": "goodwill", "total": _EURO},
            "1,234.50 EUR of invoice acme-000001 were given back with credit note acme-C000001. Cause: goodwill.",
        ),
        (
            "budget.reached",
            {"period": "2026-11", "threshold_bp": 8_000, "amount": {"amount": "812.34", "currency": "USD"}},
            "The charges for 2026-11 have reached 80 % of a budget: 812.34 USD.",
        ),
        (
            "sla.credited",
            {"number": "acme-000001", "period": "2026-01", "line": 3, "net": _EURO},
            "A service level for 2026-01 was missed: 1,234.50 EUR are given back, line 3 of invoice acme-000001.",
        ),
        ("key.revoked", {"key": "key_1"}, "Key key_1 lets nobody in any more."),
    ],
)
def test_a_sentence_says_what_happened(type_: str, body: dict[str, object], sentence: str) -> None:
    assert sentence_of(type_, body) == sentence


_MONEY = st.fixed_dictionaries({"amount": st.sampled_from(["0.00", "-3.10"]), "currency": st.just("USD")})
_BODIES = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.text(max_size=5) for name in ("sku", "region", "product", "cause", "number", "until", "period")},
        "gpus": st.integers(0, 9),
        "total": _MONEY,
        "net": _MONEY,
        "threshold_bp": st.integers(0, 10_000),
        "amount": _MONEY,
    },
)


@given(st.sampled_from([*NOTICE_TYPES, "of.tomorrow"]), _BODIES)
def test_no_body_is_without_words(type_: str, body: dict[str, object]) -> None:
    assert sentence_of(type_, body).strip() and "{" not in sentence_of(type_, {})
