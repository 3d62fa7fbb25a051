"""Intervals: quantiles against exact tables, formulas against worked cases, and coverage of a known truth."""

import math

import numpy as np
import pytest

from sim.stats.batches import BATCHES, batch_means
from sim.stats.estimates import Estimate, mean_interval, poisson_band, quantile_interval, t_quantile
from sim.stats.paired import paired, shared_level_bp
from sim.stats.warmup import mser5

EXPERIMENTS = 1_000
COVERED = (930, 970)
# 97.5 % and 99.95 % quantiles of Student's t, from printed tables to five digits.
TABLE_9500 = {1: 12.706, 2: 4.3027, 3: 3.1824, 4: 2.7764, 5: 2.5706, 9: 2.2622, 19: 2.0930, 29: 2.0452, 99: 1.9842}
TABLE_9990 = {1: 636.62, 2: 31.599, 3: 12.924, 4: 8.6103, 5: 6.8688, 9: 4.7809, 19: 3.8834, 29: 3.6594}


def draws(name: int, *shape: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(name))).standard_normal(shape)


def covered(intervals: list[Estimate], truth: float) -> int:
    assert len(intervals) == EXPERIMENTS
    return sum(interval.holds(truth) for interval in intervals)


@pytest.mark.parametrize(("level_bp", "table"), [(9_500, TABLE_9500), (9_990, TABLE_9990)])
def test_quantiles_are_those_of_the_tables(level_bp: int, table: dict[int, float]) -> None:
    for freedom, wanted in table.items():
        assert t_quantile(freedom, level_bp) == pytest.approx(wanted, rel=3e-5), freedom


def test_quantiles_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for level_bp in (9_000, 9_500, 9_834, 9_999):
        for freedom in (1, 2, 3, 7, 30, 200, 999, 1_000, 5_000):
            wanted = stats.t.ppf((1 + level_bp / 10_000) / 2, freedom)
            assert t_quantile(freedom, level_bp) == pytest.approx(wanted, rel=1e-7)


def test_the_two_forms_of_the_quantile_meet() -> None:
    assert t_quantile(999) == pytest.approx(t_quantile(1_000), rel=3e-6)
    assert t_quantile(999) > t_quantile(1_000) > 1.959964


def test_worked_cases() -> None:
    assert batch_means(range(1, 301)) == pytest.approx((150.5, 32.872, 30, 9_500), abs=1e-3)
    found = paired([1, 2, 3, 4], [0, 2, 2, 3])
    assert found.difference == pytest.approx((0.75, 0.7956, 4, 9_500), abs=1e-4)
    assert (found.verdict, found.needed_n) == ("not shown", 5)
    assert paired([2, 3, 4, 6], [1, 2, 3, 4]).verdict == "higher"
    assert paired([1, 1, 1, 1], [2, 2, 2, 2]) == ((-1, 0, 4, 9_500), "lower", None)
    assert paired([1, 1], [1, 1]) == ((0, 0, 2, 9_500), "not shown", None)
    low, high = poisson_band(419)
    assert (round(high - 419, 1), round(419 - low, 1)) == (40.1, 40.1)


def test_several_comparisons_share_what_the_level_leaves() -> None:
    assert [shared_level_bp(count) for count in (0, 1, 2, 3, 500)] == [9_500, 9_500, 9_750, 9_834, 9_999]
    wide = paired([1, 2, 3, 5], [0, 1, 2, 3], comparisons=4)
    assert wide.difference.level_bp == 9_875 and wide.verdict == "not shown"
    assert paired([1, 2, 3, 5], [0, 1, 2, 3]).verdict == "higher"
    with pytest.raises(ValueError, match="at most 500"):
        shared_level_bp(501)


def test_too_few_values_have_no_interval() -> None:
    for call in (
        lambda: mean_interval([1]),
        lambda: batch_means(range(29)),
        lambda: quantile_interval([], 5_000),
        lambda: t_quantile(0),
    ):
        with pytest.raises(ValueError):
            call()
    assert mean_interval([1, 3]).half_width == pytest.approx(12.706, abs=1e-3)


def test_order_statistics_of_a_quantile() -> None:
    """Printed tables: of 100 values the 95 % interval of the median lies between the 40th and the 61st."""
    found = quantile_interval(list(range(100, 0, -1)), 5_000)
    assert found == (50, 40, 61, 100, 9_500)
    assert quantile_interval(range(1, 101), 9_900)[:3] == (99, 97, None)
    assert quantile_interval([7], 5_000)[:3] == (7, None, None)


def test_the_warm_up_is_cut() -> None:
    assert mser5([0] * 100 + [10] * 900) == 100
    assert mser5([3] * 100) == 0 and mser5(range(19)) == 0
    noise = ar1(5, draws(7, 1, 100_000), 0.95)[0]
    series = noise + 8 * np.exp(-np.arange(100_000) / 800) + 1e9
    cut = mser5(series)
    found = batch_means(series[cut:])
    assert 300 < cut < 3_000
    assert found.holds(1e9 + 5) and found.half_width < 0.2


def ar1(
    mean: float, noise: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", phi: float
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Series around `mean`, one for each row, stationary from the first value on."""
    series = np.empty_like(noise)
    series[:, 0] = noise[:, 0] / math.sqrt(1 - phi**2)
    for at in range(1, noise.shape[1]):
        series[:, at] = phi * series[:, at - 1] + noise[:, at]
    return series + mean


def test_intervals_of_means_cover_the_truth() -> None:
    """1,000 experiments of 20 replications each."""
    found = [mean_interval(row) for row in (draws(1, EXPERIMENTS, 20) * 3 + 7).tolist()]
    assert COVERED[0] <= covered(found, 7) <= COVERED[1]


def test_intervals_of_paired_differences_cover_the_truth_and_are_narrower() -> None:
    worlds = draws(2, EXPERIMENTS, 20) * 5
    one, other = worlds + draws(3, EXPERIMENTS, 20) + 0.5, worlds + draws(4, EXPERIMENTS, 20)
    found = [paired(mine, theirs) for mine, theirs in zip(one.tolist(), other.tolist(), strict=True)]
    assert COVERED[0] <= covered([each.difference for each in found], 0.5) <= COVERED[1]
    assert all(
        each.difference.half_width < mean_interval(row).half_width
        for each, row in zip(found, one.tolist(), strict=True)
    )


def test_nothing_is_shown_where_there_is_nothing() -> None:
    """Of 1,000 comparisons of three ways with a first one that they equal, at most 7 % find any difference."""
    first = draws(5, EXPERIMENTS, 12)
    wrong = 0
    others = [draws(seed, EXPERIMENTS, 12) for seed in (10, 11, 12)]
    for row in range(EXPERIMENTS):
        verdicts = {paired(other[row], first[row], comparisons=3).verdict for other in others}
        wrong += verdicts != {"not shown"}
    assert 20 <= wrong <= 70


def test_batch_means_cover_the_truth_of_series_that_hang_together() -> None:
    series = ar1(5, draws(6, EXPERIMENTS, 3_000), 0.6)
    assert COVERED[0] <= covered([batch_means(row) for row in series], 5) <= COVERED[1]


def test_batch_means_cover_the_mean_wait_of_a_queue() -> None:
    """M/M/1 at a load of 1/2, from empty, by Lindley's recursion: customers wait r / (1 - r) = 1 service on average."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(8)))
    customers, together = 16_000, 4
    wait, means = np.zeros(EXPERIMENTS), np.zeros((customers // together, EXPERIMENTS))
    for at in range(customers):
        means[at // together] += wait / together
        wait = np.maximum(wait + rng.exponential(1, EXPERIMENTS) - rng.exponential(2, EXPERIMENTS), 0)
    found = [batch_means(row[mser5(row) :]) for row in means.T]
    assert COVERED[0] <= covered(found, 1) <= COVERED[1]
    assert all(each.n == BATCHES for each in found)


def test_intervals_of_quantiles_cover_the_truth() -> None:
    """Order statistics of 100 values; their law is exponential, whose 90 % quantile is ln 10."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(9)))
    found = [quantile_interval(row, 9_000) for row in rng.exponential(1, (EXPERIMENTS, 100)).tolist()]
    held = sum(
        each.low is not None and each.high is not None and each.low <= math.log(10) <= each.high for each in found
    )
    assert COVERED[0] <= held <= 985  # whole ranks: never below the level, and a little above it
