"""The expected credits of the design's table: 64 GPUs reserved at 2.35 for 30 days, one node of 8 down for 8 hours."""

import pytest

from billing.sla.credit import Key, Measured, Outage, ServiceCredit, claim, credit_step_bp, post, reaches
from tenants.sla_terms import SLA_PRESETS, CreditStep, SlaTerms

TERMS = {terms.name: terms for terms in SLA_PRESETS}
MONTH_S = 30 * 86_400
FEE_2_35 = 2_350_000
KEY = Key(0, 0, 0)


def one_outage(hours: int) -> list[Outage]:
    return [Outage(event="down", job="j0", gpus=8, from_s=3600, until_s=3600 * (1 + hours))]


def claim_for(gpus: int, hours: int, terms: str, key: Key = KEY) -> ServiceCredit:
    """`gpus` entitled for a month at 2.35, the fee charged in full, 8 of them down for some hours."""
    lost, entitled = one_outage(hours), gpus * MONTH_S
    healthy = entitled - sum(outage.gpu_s for outage in lost)
    return claim(key, TERMS[terms], Measured(healthy, entitled, entitled * FEE_2_35, entitled), lost)


@pytest.mark.parametrize(
    ("gpus", "hours", "terms", "credit_micro_usd"),
    [
        (64, 8, "target_9990", 10_828_800_000),
        (8, 8, "target_9950", 4_060_800_000),
        (64, 4, "target_9990", 0),
        (64, 8, "target_9950", 0),
        (64, 8, "linear", 150_400_000),
    ],
    ids=["pool", "node", "pool, 4 h instead", "pool, milder terms", "lost seconds"],
)
def test_expected_credits(gpus: int, hours: int, terms: str, credit_micro_usd: int) -> None:
    posted = post([claim_for(gpus, hours, terms)])
    assert sum(credit.amount_micro_usd for credit in posted) == credit_micro_usd


@pytest.mark.parametrize(("bound_bp", "reached"), [(9_986, True), (9_987, False), (10_000, False), (0, True)])
def test_a_bound_is_reached_without_dividing(bound_bp: int, reached: bool) -> None:
    assert reaches(165_657_600, 165_888_000, bound_bp) is reached


def test_bounds_are_inclusive() -> None:
    steps = TERMS["target_9990"].steps
    assert credit_step_bp(999, 1000, steps) == 0
    assert credit_step_bp(998_999_999, 1_000_000_000, steps) == 1_000
    assert credit_step_bp(99, 100, steps) == 1_000
    assert credit_step_bp(95, 100, steps) == 2_500
    assert credit_step_bp(0, 100, steps) == 10_000
    assert credit_step_bp(0, 0, steps) == 0


def test_a_cap_limits_the_share_of_the_charge() -> None:
    terms = SlaTerms(
        name="capped",
        target_bp=9_900,
        steps=(CreditStep(9_900, 3_000), CreditStep(9_500, 10_000)),
        cap_bp=5_000,
        source="a test",
        confidence="guess",
    )
    credit = claim(KEY, terms, Measured(1, 100, 3600 * 1_000_000, 1), [Outage("down", "j0", 99, 0, 1)])
    assert credit.credit_bp == 5_000
    assert post([credit])[0].amount_micro_usd == 500_000


def test_a_credit_carries_its_evidence_and_its_exact_amount() -> None:
    (credit,) = post([claim_for(64, 8, "target_9990")])
    assert [outage.gpu_s for outage in credit.evidence] == [230_400]
    assert credit.exact.numerator * 10_000 == credit.charge.numerator * 1_000 * (credit.exact.denominator // 3600)


def test_credits_of_a_month_are_rounded_together() -> None:
    """Two credits of half a cent each: alone they would come to 2 cents, more than was charged."""
    half_a_cent = 3600 * 5_000
    measured = Measured(1, 10_001, half_a_cent, 1)
    claims = [claim(Key(0, product, 0), TERMS["target_9950"], measured) for product in (0, 1)]
    assert [credit.amount_micro_usd for credit in post(claims)] == [10_000, 0]
    strangers = [claims[0], claims[1]._replace(key=Key(1, 1, 0))]
    assert [credit.amount_micro_usd for credit in post(strangers)] == [10_000, 10_000]


def test_claims_that_come_to_nothing_are_not_posted() -> None:
    assert post([claim(KEY, TERMS["target_9950"], Measured(0, 28_800, 0, 0), one_outage(1))]) == []


def test_credits_come_sorted_by_key() -> None:
    keys = [Key(1, 0, 0), Key(0, 1, 1), Key(0, 1, 0), Key(0, 0, 1)]
    posted = post([claim_for(8, 80, "target_9950", key) for key in keys])
    assert [credit.key for credit in posted] == sorted(keys)
