"""Lend against its slow twin: the priced quota, the forecaster and the feedback, each with a canary that must fail."""

import random
from fractions import Fraction

import numpy as np
import pytest

from broken_lends import every_submission_known, evictions_unseen, one_exceedance_too_many
from lend_worlds import lend_world, watched
from reference import slow_lend
from scheduler.policy.forecast import Forecast
from scheduler.policy.lend import LOOKS, Look, PriceRow, Supply, next_eta_bp, priced_quota
from small_worlds import HORIZON_S, flat_drive

SEEDS = range(12)


def quota_differences(seed: int) -> list[str]:
    """Offers on random samples and prices, several guarantees at once, many ties."""
    rng = random.Random(seed)
    capacity, count = rng.randint(0, 40), rng.randint(1, 30)
    horizons = sorted(rng.sample(range(1, 9), rng.randint(1, 3)))
    peaks_of = {horizon: sorted(rng.randint(0, 45) for _ in range(count)) for horizon in horizons}
    stakes = (0, 1, 2, 9, 99, rng.randint(0, 10**9))
    prices = tuple(
        PriceRow(place, rng.choice((0, 60, 3600)), rng.choice(horizons), rng.choice(stakes), rng.choice(stakes))
        for place in range(rng.randint(1, 4))
    )
    forecast = Forecast(tuple(horizons), np.array([peaks_of[horizon] for horizon in horizons]).T)
    offer = priced_quota(Supply(0, capacity, capacity, 0), forecast, prices)
    wanted = slow_lend.offer(capacity, peaks_of, prices)
    found = dict(zip(offer.guarantee_s, offer.nodes_max, strict=True))
    assert list(offer.nodes_max) == sorted(offer.nodes_max, reverse=True), "a longer guarantee allows no more nodes"
    return [] if {length: found[length] for length in wanted} == wanted else [f"seed {seed}: {found}, not {wanted}"]


def test_the_priced_quota_is_the_counted_one() -> None:
    assert [text for seed in range(400) for text in quota_differences(seed)] == []


def test_one_exceedance_too_many_is_caught() -> None:
    with one_exceedance_too_many():
        assert any(quota_differences(seed) for seed in range(400))


def feedback_differs(seed: int) -> bool:
    rng = random.Random(seed)
    ended = rng.choice((0, 1, 7, 100, rng.randint(0, 10**5)))
    evicted, queued = rng.randint(0, ended), rng.random() < 0.5
    eta_bp, target_bp = rng.randint(2_500, 12_500), rng.choice((1, 100, 1_000, 5_000))
    wanted = slow_lend.feedback(Fraction(eta_bp, 10_000), evicted, ended, queued, Fraction(target_bp, 10_000))
    return next_eta_bp(eta_bp, evicted, ended, queued, target_bp) != wanted * 10_000


def test_the_feedback_is_the_one_of_fractions() -> None:
    assert [seed for seed in range(2000) if feedback_differs(seed)] == []


def forecast_differences(seed: int, look: Look) -> list[str]:
    """What lend was told at each tick of a whole run, against a recount from the ticks alone."""
    watch = watched(seed, look)
    found = []
    for pool, told in enumerate(watch.told):
        for place, (supply, forecast, _) in enumerate(told):
            wanted = watch.peaks(pool, place) if look == Look.SAMPLES else watch.need(pool, place)
            seen = forecast.peak_nodes.T.tolist() if look == Look.SAMPLES else list(forecast.need_nodes)
            if seen != wanted:
                found.append(f"seed {seed}, pool {pool}, tick {place}: {seen} is not {wanted}")
            if look == Look.TENANTS and supply.eta_bp != watch.eta_bp(pool, place):
                found.append(f"seed {seed}, pool {pool}, tick {place}: eta {supply.eta_bp}")
    return found


@pytest.mark.parametrize("look", [Look.SAMPLES, Look.TENANTS])
def test_the_forecaster_and_the_feedback_are_those_recounted_from_the_ticks(look: Look) -> None:
    assert [text for seed in SEEDS for text in forecast_differences(seed, look)] == []


def test_the_worlds_of_these_tests_do_reach_a_history_a_feedback_and_an_announcement() -> None:
    assert {supply.eta_bp for seed in SEEDS for told in watched(seed, Look.TENANTS).told for supply, _, _ in told} > {
        10_000
    }
    known = [watched(seed, Look.SAMPLES) for seed in SEEDS]
    assert any(len(watch.slots(pool)) > 64 for watch in known for pool in range(len(watch.told)))
    assert any(watch.announced(pool, place) for watch in known for pool in range(len(watch.told)) for place in (0, 9))


def test_a_feedback_that_never_fires_is_caught() -> None:
    """The published simulator's: kept and failed are always 0, so that eta stays where it was."""
    with evictions_unseen():
        assert any(forecast_differences(seed, Look.TENANTS) for seed in SEEDS)


def decided(seed: int, lend: str, unknown_at_s: int = HORIZON_S) -> list:
    """All decisions and Offers; everything about jobs that nobody knows of at `unknown_at_s` is made another."""
    world = lend_world(seed)
    rng, jobs = random.Random(seed), world.jobs
    unknown = (jobs["submit_s"] > unknown_at_s) & (jobs["announced_s"] > unknown_at_s)
    for name, most in (("gpus", 5), ("run_s", 9), ("estimate_s", 9)):
        jobs[name] = np.where(unknown, jobs[name] * rng.randint(2, most) + 1, jobs[name])
    jobs["product"] = np.where(unknown, rng.randint(0, 4), jobs["product"])
    core = world.core("easy", LOOKS[lend])
    offers = []
    log = flat_drive(
        core, world.small, HORIZON_S, lambda now_s: offers.append((now_s, [pool.offer for pool in core.pools]))
    )
    return log.decisions + offers


def peeks(lend: str) -> list[str]:
    found = []
    for seed in range(20):
        world_as_it_is = decided(seed, lend)
        for at_s in (900, 1300):
            known, unknown = (
                [line for line in log if line[0] <= at_s] for log in (world_as_it_is, decided(seed, lend, at_s))
            )
            if known != unknown:
                found.append(f"seed {seed}, {lend}: what nobody knew at {at_s} changed a decision")
    return found


@pytest.mark.parametrize("lend", ["quantile_quota", "priced_quota"])
def test_what_is_neither_submitted_nor_announced_changes_no_decision(lend: str) -> None:
    assert peeks(lend) == []


def test_a_forecaster_that_peeks_is_caught() -> None:
    with every_submission_known():
        assert peeks("priced_quota") != []
