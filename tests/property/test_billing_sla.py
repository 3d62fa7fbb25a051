"""Service credits: never above the charge, rising with what was lost, and independent of other tenants."""

from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from billing.invoices.bill import month_bills
from billing.money import BP
from billing.months import month_numbers
from billing.rating.rate import LineItemTable
from billing.sla.credit import Key, Measured, Outage, ServiceCredit, claim, claim_by_node, post
from billing.sla.exclusions import Interval, cut
from billing_facts import NAMES, TENANTS, closed_world, registry
from tenants.sla_terms import SLA_PRESETS, SlaTerms

SEEDS = st.integers(0, 10**9)
KEY = Key(0, 0, 0)


@st.composite
def terms(draw: st.DrawFn) -> SlaTerms:
    """A preset, or terms of any bounds, credits and cap."""
    preset = draw(st.sampled_from(SLA_PRESETS))
    bounds = sorted(draw(st.sets(st.integers(1, BP), max_size=4)), reverse=True)
    credits = sorted(draw(st.sets(st.integers(1, BP), min_size=len(bounds), max_size=len(bounds))))
    steps = [] if preset.linear else [*zip(bounds, credits, strict=True)]
    made = {"steps": steps, "target_bp": BP} if draw(st.booleans()) else {}
    return SlaTerms.model_validate({**preset.model_dump(), **made, "cap_bp": draw(st.sampled_from((BP, 5_000, 0)))})


@st.composite
def measured(draw: st.DrawFn) -> Measured:
    """Any month: a metered one, which charges what was healthy, or a fee for all that was entitled."""
    entitled = draw(st.integers(0, 10**9))
    healthy = draw(st.one_of(st.integers(0, entitled), st.integers(max(0, entitled - 10), entitled)))
    charged = draw(st.sampled_from((healthy, entitled, draw(st.integers(0, entitled)))))
    return Measured(healthy, entitled, draw(st.integers(0, 10**16)) if charged else 0, charged)


@given(terms(), measured())
def test_a_credit_is_never_above_the_charge_or_its_cap(chosen: SlaTerms, month: Measured) -> None:
    credit = claim(KEY, chosen, month)
    capped = Fraction(*credit.charge) * chosen.cap_bp / BP
    assert 0 <= Fraction(*credit.exact) <= capped
    (amount,) = [each.amount_micro_usd for each in post([credit])] or [0]
    assert abs(amount - Fraction(*credit.exact)) < 10_000 and amount % 10_000 == 0


@given(terms(), measured(), st.integers(0, 10**9))
def test_the_more_was_lost_the_higher_the_credit(chosen: SlaTerms, month: Measured, more: int) -> None:
    worse = month._replace(healthy=max(0, month.healthy - more))
    assert claim(KEY, chosen, worse).exact.numerator >= claim(KEY, chosen, month).exact.numerator


@given(terms(), measured(), st.integers(1, 1_000))
def test_a_month_of_twice_as_much_is_credited_twice_as_much(chosen: SlaTerms, month: Measured, times: int) -> None:
    many = month._replace(
        **{name: times * getattr(month, name) for name in ("healthy", "entitled", "charge", "charged")}
    )
    one, all_ = (Fraction(*claim(KEY, chosen, each).exact) for each in (month, many))
    cut_off = Fraction(times, 3600 * BP) if chosen.linear else 0
    assert 0 <= all_ - times * one <= cut_off


@given(terms().filter(lambda chosen: not chosen.linear), st.lists(measured(), max_size=5))
def test_nodes_are_credited_as_if_each_were_alone(chosen: SlaTerms, nodes: list[Measured]) -> None:
    lost = [[Outage(str(row), str(row), 1, 0, 1)] for row in range(len(nodes))]
    together = claim_by_node(KEY, chosen, list(zip(nodes, lost, strict=True)))
    alone = [claim(KEY, chosen, node, outages) for node, outages in zip(nodes, lost, strict=True)]
    assert Fraction(*together.exact) == sum(Fraction(*credit.exact) for credit in alone)
    assert together.evidence == tuple(each for credit in alone if credit.credit_bp for each in credit.evidence)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), terms(), measured()), max_size=6))
def test_credits_of_a_month_are_rounded_as_one_sum(rows: list[tuple[int, int, SlaTerms, Measured]]) -> None:
    claims = [claim(Key(tenant, product, 0), *rest) for tenant, product, *rest in rows]
    posted = post(claims)
    for tenant in range(3):
        exact = sum(Fraction(*each.exact) for each in claims if each.key.tenant == tenant)
        total = sum(each.amount_micro_usd for each in posted if each.key.tenant == tenant)
        assert abs(total - exact) * 2 <= 10_000


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=4), st.integers(0, 60), st.integers(0, 60))
def test_cutting_leaves_every_second_in_one_part(windows: list[tuple[int, int]], from_s: int, length: int) -> None:
    outside: list[Interval] = []
    for start, size in sorted(windows):
        begins = max(start, outside[-1].until_s if outside else 0)
        if begins < start + size:
            outside.append(Interval(begins, start + size, 0))
    counts, excluded = cut(outside, from_s, from_s + length)
    seconds = [second for part in (*counts, *(each[:2] for each in excluded)) for second in range(*part)]
    assert sorted(seconds) == list(range(from_s, from_s + length))
    assert all(
        any(each.from_s <= second < each.until_s for each in outside)
        for part in excluded
        for second in range(*part[:2])
    )


@given(SEEDS)
def test_no_second_pays_twice_whatever_happened(seed: int) -> None:
    """Refunds and credits for availability of any world come to no more than what its products were charged."""
    books = closed_world(seed).books(parties=registry(refund_s=3_600))
    given_back: dict[Key, Fraction] = {}
    for credit in books.credits:
        given_back[credit.key] = given_back.get(credit.key, Fraction(0)) + Fraction(*credit.exact)
    for row in books.sla:
        charged = charge_of(books.lines, row[:3])
        assert given_back.get(Key(*row[:3]), 0) <= charged
    assert all(bill.total_micro_usd >= 0 for bill in month_bills(NAMES, books.lines, books.credits))


@given(SEEDS, st.integers(0, len(TENANTS) - 1))
def test_credits_of_one_tenant_do_not_depend_on_another(seed: int, tenant: int) -> None:
    world, parties = closed_world(seed), registry(refund_s=3_600)
    mine = replace(
        world,
        segments=[row for row in world.segments if row[1] == tenant],
        evictions=[row for row in world.evictions if row[1] == tenant],
        outages=[row for row in world.outages if row[1] == tenant],
        starts=[row for row in world.starts if row[1] == tenant],
    )
    assert of(world.books(parties=parties).credits, tenant) == of(mine.books(parties=parties).credits, tenant)


def of(credits: list[ServiceCredit], tenant: int) -> list[ServiceCredit]:
    """A tenant's credits; rows of evidence are rows of tables, which hold everybody's."""
    return [
        credit._replace(evidence=tuple(each._replace(event="") for each in credit.evidence))
        for credit in credits
        if credit.key.tenant == tenant
    ]


def charge_of(lines: LineItemTable, key: tuple[int, int, int]) -> Fraction:
    """What a tenant was charged for a product in a month, in micro-USD."""
    month = month_numbers(NAMES.epoch_s, lines.hour_s)
    mine = (lines.tenant == key[0]) & (lines.product == key[1]) & (month == key[2])
    return Fraction(sum(lines.numerator[mine].tolist()), lines.denominator)
