"""The papers of a tenant's month, as settling makes them, with a word or a number of the caller's in every field."""

from collections.abc import Callable
from typing import Any

from billing.documents.invoice_data import invoice_data
from billing.documents.parties import Parties
from billing.invoices.invoice import Heading, Item, draft
from billing.money import Exact
from invoice_facts import CENT, JANUARY_S

FROM, UNTIL = "2026-02-03T10:00:00Z", "2026-02-03T12:00:00Z"


def month_papers(tenant: str, word: Callable[[str], str], number: Callable[[str], int]) -> dict[str, Any]:
    """What each kind of paper says of one month."""
    log = ((word("log source"), 1, 9),)
    amount = Exact(number("amount") * CENT)
    item = Item("usage", word("product"), word("description"), amount, word("cause"), *JANUARY_S)
    made = draft(Heading(tenant, "2026-02", word("price_version"), log, "0" * 64), [item])
    return {
        "draft": invoice_data(made, {}, Parties(word("issuer"), {tenant: word("name")}, {})),
        "sla": _sla(tenant, word, number),
        "contracts": [_contract(tenant, word, number)],
        "wallets": [_movement(tenant, word, number)],
        "spend": [_alert(tenant, word, number)],
    }


def _sla(tenant: str, word: Callable[[str], str], number: Callable[[str], int]) -> dict[str, Any]:
    span = {"from": FROM, "until": UNTIL}
    evidence = {"what": f"outage {word('event')}", "job": word("job"), "gpus": 8, **span, "gpu_s": number("gpu_s")}
    credit = {
        "basis": "product", "reason": word("reason of a credit"), "percent": "10.00", "amount": "1.00",
        "charge_micro": f"{number('charge')}/1", "exact_micro": f"{number('credit')}/1",
        "evidence_hash": word("evidence hash"), "evidence": [evidence],
    }  # fmt: skip
    counts = dict.fromkeys(("notices_kept", "notices", "inside_guarantee", "starts", "evictions", "faults"), 1)
    held = {
        name: number(name)
        for name in (
            *("healthy_gpu_s", "entitled_gpu_s", "excluded_gpu_s", "degraded_gpu_s"),
            *("reserved_gpu_s", "delivered_gpu_s"),
        )
    }
    level = {
        "product": word("product"), "terms": word("terms"), "target_percent": "99.90", "reached_percent": None,
        "met": False, **held, **counts, "amount": "1.00", "notice_s_min": None, "wait_s": [0, None, 7],
        "interruptions_per_1000_gpu_h": None, "gpu_h_between_interruptions": None, "delivered_percent": None,
        "kept_percent": None, "credits": [credit],
        "excluded": [{"cause": word("cause"), **span, "held_gpu_s": number("held"), "lost_gpu_s": number("lost")}],
    }  # fmt: skip
    return {
        "issuer": word("issuer"), "tenant": tenant, "tenant_name": word("name"), "month": "2026-02",
        "currency": "USD", "rounding": "HALF_UP", "total": "1.00", "levels": [level],
        "price_version": word("price_version"), "log_hash": None, "hash": word("hash"),
        "log_range": [{"source": word("log source"), "first": 1, "last": 9}],
    }  # fmt: skip


def _contract(tenant: str, word: Callable[[str], str], number: Callable[[str], int]) -> dict[str, Any]:
    contract, exact = word("contract"), f"{number('amount')}/1"
    held = {f"{part}_gpu_s": number(part) for part in ("entitled", "used", "unused", "lent", "undelivered")}
    line = {
        "contract": contract, "kind": "reservation_unused", "tenant": tenant, "product": word("product"),
        "sku": word("sku"), "region": word("region"), "month": "2026-02", "from_s": JANUARY_S[0],
        "until_s": JANUARY_S[1], "quantity": number("quantity"), "exact": exact, "effective": exact,
        "note": word("note"),
    }  # fmt: skip
    floor = {"in_gpu_s": False, "committed": exact, "drawn": exact, "owed": exact}
    return {"contract": contract, "tenant": tenant, **held, **floor, "lines": [line], "currency": "USD"}


def _movement(tenant: str, word: Callable[[str], str], number: Callable[[str], int]) -> dict[str, Any]:
    micro = number("amount") * CENT
    return {
        "wallet": word("wallet"), "tenant": tenant, "kind": "bought", "month": "2026-02", "at_s": 0, "at": FROM,
        "amount_micro": micro, "balance_micro": micro, "amount": "1.00", "balance": "1.00", "currency": "USD",
    }  # fmt: skip


def _alert(tenant: str, word: Callable[[str], str], number: Callable[[str], int]) -> dict[str, Any]:
    exact = f"{number('amount')}/1"
    return {
        "alert": word("alert"), "tenant": tenant, "kind": "spent", "month": "2026-02", "threshold_bp": 5_000,
        "at_s": 0, "at": FROM, "spent": "1.00", "expected": "2.00", "spent_micro_usd": exact,
        "expected_micro_usd": exact, "currency": "USD",
    }  # fmt: skip
