"""Contracts, floors, wallets and alerts: what must hold whatever the terms and the usage."""

import random
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.contracts.alerts import forecast, spend_alerts
from billing.contracts.floor import draw_down
from billing.contracts.line import ContractLine
from billing.contracts.reservation import reservations
from billing.contracts.wallet import BOUGHT, DRAWN, EXPIRED, draw, spread, wallet_entries, wallets_of
from billing.errors import MoneyError
from billing.months import month_bounds, month_label, month_of
from billing.rating.rate import LineItemTable
from billing.reconcile import check_bills
from billing_facts import HOUR_S, JANUARY, LAST_HOURS_OF_JANUARY, NAMES, closed_world, price_book, registry
from contract_worlds import full_world, lines_of, parties, random_contract, random_parties
from tenants.registry import Registry
from tenants.wallet import SpendAlert, Wallet

AMOUNTS = st.integers(0, 400).map(lambda cents: cents * 10_000)
SEEDS = st.integers(0, 10**6)
DAY_S = 86_400
FEW = max(20, settings.default.max_examples // 4)  # each makes the books of a small world


@given(st.lists(AMOUNTS, max_size=5), st.lists(AMOUNTS, max_size=5))
def test_credits_pay_lines_in_order_and_nothing_falls_below_0(lines: list[int], credits: list[int]) -> None:
    drawn = draw(lines, credits)
    assert all(left >= 0 for left in (*drawn.remaining, *drawn.left))
    assert sum(lines) - sum(drawn.remaining) == sum(credits) - sum(drawn.left) == sum(map(sum, drawn.applied))
    assert not (any(drawn.remaining) and any(drawn.left))  # nobody pays while there is credit
    used = [credit - left for credit, left in zip(credits, drawn.left, strict=True)]
    for earlier, after in zip(range(len(used)), used[1:], strict=False):
        assert drawn.left[earlier] == 0 or after == 0


@given(st.lists(AMOUNTS, max_size=4), st.lists(AMOUNTS, max_size=4))
def test_credits_that_must_be_used_up_are_or_it_is_said(lines: list[int], credits: list[int]) -> None:
    if sum(credits) <= sum(lines):
        assert spread(lines, credits) == draw(lines, credits)
    else:
        with pytest.raises(MoneyError, match="credits not consumed fully"):
            spread(lines, credits)


@given(st.integers(0, 10**30), st.integers(0, 10**30))
def test_a_floor_is_paid_once_and_never_less(floor: int, charged: int) -> None:
    part = draw_down(floor, charged)
    assert part.covered + part.unused == floor and part.covered + part.on_demand == charged
    assert charged + part.unused == max(floor, charged)


def wallet_row(cents: int, priority: int, from_day: int, days: int | None) -> dict[str, Any]:
    """A wallet of acme, as a file would say it."""
    expires_s = None if days is None else (from_day + days) * DAY_S
    amount = f"{cents // 100}.{cents % 100:02d}"
    return {
        "tenant": "acme",
        "amount": amount,
        "priority": priority,
        "from_s": from_day * DAY_S,
        "expires_s": expires_s,
    }


DAYS = st.one_of(st.none(), st.integers(1, 60))
wallet_rows = st.lists(
    st.builds(wallet_row, st.integers(1, 40_000), st.integers(0, 2), st.integers(0, 80), DAYS), max_size=4
)


def with_wallets(rows: list[dict[str, Any]]) -> Registry:
    known = registry()
    return Registry(
        tenants=known.tenants,
        products=known.products,
        wallets=tuple(Wallet(id=f"w{n}", **r) for n, r in enumerate(rows)),
    )


@given(wallet_rows, st.dictionaries(st.integers(0, 3), st.integers(-5_000, 60_000), max_size=4), st.integers(1, 110))
def test_wallets_pay_bills_and_never_more(rows: list[dict[str, Any]], bills: dict[int, int], days: int) -> None:
    first = month_of(JANUARY, 0)
    payable = {("acme", first + month): cents * 10_000 for month, cents in bills.items()}
    wallets = wallets_of(with_wallets(rows))
    entries = wallet_entries(JANUARY, wallets, payable, days * DAY_S)
    balance: dict[str, int] = {}
    for entry in entries:
        balance[entry.wallet] = balance.get(entry.wallet, 0) + entry.amount_micro
        assert entry.balance_micro == balance[entry.wallet] >= 0
        assert (entry.amount_micro > 0) == (entry.kind == BOUGHT)
    for (tenant, month), micro in payable.items():
        drawn = -sum(e.amount_micro for e in entries if (e.tenant, e.month, e.kind) == (tenant, month, DRAWN))
        assert 0 <= drawn <= max(0, micro)
    for entry in entries:
        wallet = next(each for each in wallets if each.id == entry.wallet)
        if entry.kind == DRAWN:
            begins_s, ends_s = month_bounds(JANUARY, entry.month)
            assert wallet.from_s < ends_s and (wallet.expires_s is None or wallet.expires_s > begins_s)
        if entry.kind == EXPIRED:
            assert wallet.expires_s is not None and wallet.expires_s <= days * DAY_S and entry.balance_micro == 0
    again = wallet_entries(JANUARY, wallets_of(with_wallets(rows)), dict(reversed(payable.items())), days * DAY_S)
    assert again == entries


@given(wallet_rows, st.lists(st.integers(0, 60_000), min_size=3, max_size=3), st.integers(0, 60_000))
def test_what_has_been_drawn_stays_drawn(rows: list[dict[str, Any]], cents: list[int], late_cents: int) -> None:
    """A late fact changes the first month's bill; what its invoice drew stands; later bills draw on the rest."""
    first = month_of(JANUARY, 0)
    payable = {("acme", first + number): each * 10_000 for number, each in enumerate(cents)}
    wallets = wallets_of(with_wallets(rows))
    then = wallet_entries(JANUARY, wallets, payable, 31 * DAY_S)
    drawn: dict[str, int] = {}
    for entry in then:
        if (entry.kind, entry.month) == (DRAWN, first):
            drawn[entry.wallet] = -entry.amount_micro
    known = {**payable, ("acme", first): late_cents * 10_000}
    now = wallet_entries(JANUARY, wallets, known, 90 * DAY_S, drawn={("acme", first): drawn})
    assert [e for e in now if e.month == first and e.kind != EXPIRED] == [
        e for e in then if e.month == first and e.kind != EXPIRED
    ]
    assert all(entry.balance_micro >= 0 for entry in now)


@settings(max_examples=FEW)
@given(SEEDS)
def test_reserved_hours_split_without_a_rest(seed: int) -> None:
    books, who = full_world(seed), random_parties(seed)
    for each in reservations(NAMES, who, {}, books.lines, books.capacity, books.horizon_s):
        assert (each.used + each.unused + each.lent == each.owed.delivered).all()
        assert (each.owed.delivered + each.owed.late + each.owed.recalled == each.owed.promised).all()
        assert min(int(part.min()) for part in (each.used, each.unused, each.lent, each.owed.late)) >= 0


def sums(lines: list[ContractLine]) -> dict[str, tuple[int, Fraction]]:
    """Quantity and amount by kind, but for what only whole periods have."""
    found: dict[str, tuple[int, Fraction]] = {}
    for line in lines:
        before = found.get(line.kind, (0, Fraction(0)))
        found[line.kind] = before[0] + line.quantity, before[1] + Fraction(*line.exact)
    return {kind: some for kind, some in found.items() if any(some)}


@settings(max_examples=FEW)
@given(SEEDS, st.integers(1, 3))
def test_two_halves_of_a_contract_come_to_the_whole(seed: int, cut_hour: int) -> None:
    """Split at a full hour into two contracts that follow each other, a contract costs what it did."""
    books, row = full_world(seed), random_contract(random.Random(seed), 0)
    row |= {"from_s": 0, "until_s": 4 * HOUR_S, "steps": [], "recalls": []}
    row.pop("delivered_s", None)
    row.pop("prepayment", None)
    if "take_or_pay" in row:
        row["take_or_pay"] |= {"per": "hour"}
        if "amount" in row["take_or_pay"]:
            row["take_or_pay"] |= {"upfront_bp": 2_500}
    cut_s = cut_hour * HOUR_S
    halves = [{**row, "id": "first", "until_s": cut_s}, {**row, "id": "second", "from_s": cut_s}]
    whole, parts = sums(lines_of(books, parties([row]))), sums(lines_of(books, parties(halves)))
    assert whole.keys() == parts.keys()
    for kind, (quantity, amount) in whole.items():
        assert amount == parts[kind][1]
        assert 0 <= quantity - parts[kind][0] <= (2 if kind.startswith("commitment") else 0)
    if "commitment_upfront" in whole:
        assert whole["commitment_upfront"][1] + whole["commitment_paid"][1] == 0


@settings(max_examples=FEW)
@given(SEEDS)
def test_bills_with_contracts_and_wallets_add_up(seed: int) -> None:
    world, who = closed_world(seed), random_parties(seed)
    wallets = (
        Wallet(id="gift", tenant="acme", amount="7.50", expires_s=2 * HOUR_S),
        Wallet(id="x", tenant="acme", amount="3"),
    )
    books = world.books(parties=who.model_copy(update={"wallets": wallets}))
    assert books.findings == []
    bills = books.month_bills()
    assert list(check_bills(NAMES, books.lines, books.credits, bills, books.agreed)) == []
    for bill in bills:
        assert bill.wallet_micro_usd <= 0
        assert bill.total_micro_usd >= 0 or any(line.kind == "adjustment" for line in bill.lines)


@settings(max_examples=FEW)
@given(SEEDS, st.lists(st.integers(1, 10_000), min_size=1, max_size=4, unique=True).map(sorted), st.integers(1, 9_000))
def test_an_alert_fires_once_at_the_first_hour_that_reaches_it(seed: int, parts_bp: list[int], cents: int) -> None:
    lines = closed_world(seed).books(parties=registry(), book=price_book()).lines
    amount = f"{cents // 100}.{cents % 100:02d}"
    alert = SpendAlert(id="a", tenant="acme", amount=amount, thresholds_bp=tuple(parts_bp), forecast=False)
    fired = spend_alerts(NAMES, [alert], lines, [])
    expected, acme = [], NAMES.tenants.index("acme")
    by_hour: dict[int, Fraction] = {}
    for tenant, hour_s, numerator in zip(
        lines.tenant.tolist(), lines.hour_s.tolist(), lines.numerator.tolist(), strict=True
    ):
        if tenant == acme:
            by_hour[hour_s] = by_hour.get(hour_s, Fraction(0)) + Fraction(numerator, lines.denominator)
    for month in sorted({month_of(LAST_HOURS_OF_JANUARY, hour_s) for hour_s in by_hour}):
        spent = Fraction(0)
        left = list(parts_bp)
        for hour_s in sorted(by_hour):
            if month_of(LAST_HOURS_OF_JANUARY, hour_s) == month:
                spent += by_hour[hour_s]
                while left and spent >= Fraction(amount) * 10**6 * left[0] / 10_000:
                    expected.append((month_label(month), left.pop(0), hour_s + HOUR_S))
    assert [(month_label(each.month), each.threshold_bp, each.at_s) for each in fired] == expected


@settings(max_examples=FEW)
@given(SEEDS)
def test_what_a_contract_adds_is_told_in_the_month_that_bills_it(seed: int) -> None:
    """Also what is paid when a term begins that goes on into the next month, as this one does."""
    floor = {"per": "hour", "amount": "30.50", "upfront_bp": 2_500}
    row = {**random_contract(random.Random(seed), 0), "tenant": "acme", "prepayment": "20", "take_or_pay": floor}
    row |= {"from_s": 0, "until_s": 4 * HOUR_S, "steps": [], "recalls": []}
    books = full_world(seed)
    owed = [line for line in lines_of(books, parties([row])) if line.exact.numerator > 0]
    assert {"commitment_upfront", "prepayment"} <= {line.kind for line in owed}
    columns = [getattr(books.lines, name)[:0] for name in LineItemTable.__slots__ if name != "denominator"]
    alert = SpendAlert(id="a", tenant="acme", amount="0.01", thresholds_bp=(1,), forecast=False)
    for line in owed:
        assert [each.month for each in spend_alerts(NAMES, [alert], LineItemTable(*columns), [line])] == [line.month]


def test_a_forecast_is_exact_proration() -> None:
    assert forecast(Fraction(100), 10 * DAY_S, 31 * DAY_S) == 310
