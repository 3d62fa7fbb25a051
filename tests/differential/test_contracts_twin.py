"""Contract lines against the slow twin on random contracts, and broken products that it must catch."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from billing.books import Books
from billing.contracts import floor, lines, reservation
from billing.months import month_label
from billing.usage import STATES
from billing_facts import HOUR_S, NAMES, price_book
from contract_worlds import full_world, lines_of, random_parties
from reference.slow_contracts import Facts, SlowContracts
from tenants.registry import Registry

SEEDS = range(60)
INFORMATION = ("commitment_covered", "commitment_on_demand")


def said(books: Books, who: Registry) -> Facts:
    found: dict[tuple[str, str, str], tuple[Fraction, Fraction]] = {}
    for line in lines_of(books, who):
        if line.kind == "prepayment":
            continue
        key = (line.contract, line.kind, month_label(line.month))
        before = found.get(key, (Fraction(0), Fraction(0)))
        found[key] = (before[0] + line.quantity, before[1] + Fraction(*line.exact))
    return {key: fact for key, fact in found.items() if any(fact)}


def worked_out(books: Books, who: Registry) -> Facts:
    table = books.lines
    held: dict[Any, int] = {}
    charged: dict[Any, Fraction] = {}
    columns = (table.tenant, table.product, table.region, table.sku, table.hour_s, table.quantity, table.numerator)
    for t, p, r, s, hour_s, gpu_s, numerator in zip(*(column.tolist() for column in columns), strict=True):
        hour, names = hour_s // HOUR_S, (NAMES.tenants[t], NAMES.products[p])
        key = (*names, NAMES.regions[r], NAMES.skus[s], hour)
        held[key] = held.get(key, 0) + gpu_s
        charged[*names, hour] = charged.get((*names, hour), Fraction(0)) + Fraction(numerator, table.denominator)
    states, idle = books.capacity, STATES.index("idle.reserved_unused")
    free = {
        (NAMES.regions[r], NAMES.skus[s], hour_s // HOUR_S): gpu_s
        for r, s, hour_s, state, gpu_s in zip(
            *(column.tolist() for column in (states.region, states.sku, states.hour_s, states.state, states.gpu_s)),
            strict=True,
        )
        if state == idle
    }
    prices = {
        ("bare.reserved", region, sku, hour): price_book()
        .row_at("bare.reserved", sku, region, NAMES.epoch_s + hour * HOUR_S)
        .micro_usd
        for region in NAMES.regions
        for sku in NAMES.skus
        for hour in range(5)
    }
    return SlowContracts(NAMES.epoch_s, who.contracts, held, charged, free, prices, books.horizon_s).run()


def require_equal(found: Facts, expected: Facts) -> None:
    assert found.keys() == expected.keys()
    for key, (quantity, amount) in expected.items():
        # A quantity of a floor is cut to whole GPU-seconds; everything else is exact.
        tolerance = 2 if key[1].startswith(("commitment", "true_up")) else 0
        assert amount == found[key][1], key
        assert 0 <= quantity - found[key][0] <= tolerance, key


@pytest.mark.parametrize("seed", SEEDS)
def test_contracts_agree_with_their_slow_twin(seed: int) -> None:
    books, who = full_world(seed), random_parties(seed)
    require_equal(said(books, who), worked_out(books, who))


def never_shared(contracts: Any, keys: Any, due: Any, table: Any, hours: int) -> Any:
    """Two contracts count the same usage."""
    import numpy as np

    return [
        np.minimum(each.delivered, reservation.held(table, hours, *key)) for each, key in zip(due, keys, strict=True)
    ]


def nothing_lent(names: Any, registry: Any, pools: Any, left: Any, states: Any, hours: int) -> Any:
    import numpy as np

    return [np.zeros(hours, dtype=np.int64) for _ in pools]


def both_due(size: int, charged: int) -> floor.Drawdown:
    """The floor is due beside what was charged."""
    covered = min(size, charged)
    return floor.Drawdown(covered, size, charged - covered)


BROKEN: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "usage counted for two contracts": (reservation, "_used", never_shared),
    "what was lent is called unused": (reservation, "_lent", nothing_lent),
    "a floor that is charged twice": (floor, "draw_down", both_due),
    "remedies forgotten": (lines, "BP", lambda: None),
}


@pytest.mark.parametrize("mistake", BROKEN)
def test_a_broken_twin_is_caught(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, name, broken = BROKEN[mistake]
    expected = [(full_world(seed), random_parties(seed)) for seed in SEEDS]
    monkeypatch.setattr(module, name, 1_000 if name == "BP" else broken)
    for books, who in expected:
        try:
            require_equal(said(books, who), worked_out(books, who))
        except AssertionError:
            return
    pytest.fail(f"nobody noticed: {mistake}")
