from itertools import pairwise

import numpy as np
import pytest

from billing.metering.meter import meter
from billing.months import parse_month, split_at_months
from billing.rating.rate import rate
from billing.sla.credit import ServiceCredit
from billing.sla.exclusions import NO_EXCLUSIONS
from billing.sla.facts import SlaFacts
from billing.sla.indicators import SlaRow, assess, nearest_rank, promises
from billing.sla.told import told_by_number
from billing.usage import EvictionTable, OutageTable, SegmentTable, StartTable, WorkTable
from billing_facts import HOUR_S, NAMES, PRODUCTS, price_book, registry, table

JAN, FEB = parse_month("2026-01"), parse_month("2026-02")
MONTH_END_S = 2 * HOUR_S  # in the run of NAMES
ACME = 1
RESEARCH, ON_DEMAND, SPOT, RESERVED = range(4)
Row = tuple[int, ...]


def assessed(
    segments: list[Row] | None = None,
    starts: list[Row] | None = None,
    evictions: list[Row] | None = None,
    outages: list[Row] | None = None,
) -> tuple[list[SlaRow], list[ServiceCredit]]:
    """Indicators from short rows: (product, gpus, start_s, end_s), (product, pending_s, start_s),
    (product, noticed_s, evicted_s, guaranteed_until_s), (product, gpus, from_s, until_s)."""
    held = table(SegmentTable, [(0, ACME, row[0], 0, 0, row[1], row[2], row[3], 0) for row in segments or []])
    gone = table(EvictionTable, [(0, ACME, product, 8, *times) for product, *times in evictions or []])
    down = table(OutageTable, [(row, ACME, *values) for row, values in enumerate(outages or [])])
    facts = SlaFacts(
        rate(NAMES, meter(held), price_book()),
        held,
        table(WorkTable, [(0, 0, 0)] * len(held.job)),
        table(StartTable, [(0, ACME, *row) for row in starts or []]),
        gone,
        down,
        NO_EXCLUSIONS,
        told_by_number(held, gone, down),
    )
    rows, credits, _ = assess(NAMES, promises(NAMES, registry()), facts)
    return rows, credits


def test_rented_products_with_an_sla_or_a_notice_are_promises() -> None:
    made = promises(NAMES, registry())
    assert [PRODUCTS[product] for product in made] == ["bare.ondemand", "bare.spot", "bare.reserved"]
    assert (made[SPOT].notice_s, made[SPOT].terms) == (60, None)
    assert made[ON_DEMAND].terms is not None and made[ON_DEMAND].terms.name == "target_9950"


def test_internal_work_is_promised_nothing() -> None:
    assert assessed([(RESEARCH, 8, 0, 100)], outages=[(RESEARCH, 8, 100, 200)]) == ([], [])


def test_availability_is_delivered_over_delivered_and_lost() -> None:
    (row,), credits = assessed([(ON_DEMAND, 8, 0, 3000)], outages=[(ON_DEMAND, 8, 3000, 3010)])
    assert (row.healthy_gpu_s, row.entitled_gpu_s, row.faults) == (24_000, 24_080, 1)
    assert row.met is True
    assert credits == []


def test_a_missed_target_is_credited_by_itself_with_its_outages() -> None:
    (row,), (credit,) = assessed([(ON_DEMAND, 8, 0, 3000)], outages=[(ON_DEMAND, 8, 3000, 3031)])
    assert (row.met, row.credit_bp) == (False, 3_000)
    charge = 24_000 * 2_953_717
    assert credit.exact == (charge * 3_000, 3600 * 10_000)
    assert row.credit_micro_usd == credit.amount_micro_usd == 5_910_000  # 30 % of 19.69 USD
    assert credit.evidence == (("0", "0", 8, 3000, 3031),)


def test_usage_and_outages_are_split_at_the_month_end() -> None:
    segments = [(RESERVED, 4, 0, MONTH_END_S - 100), (RESERVED, 4, MONTH_END_S + 50, MONTH_END_S + 1050)]
    rows, credits = assessed(segments, outages=[(RESERVED, 4, MONTH_END_S - 100, MONTH_END_S + 50)])
    assert [(row.month, row.healthy_gpu_s, row.entitled_gpu_s) for row in rows] == [
        (JAN, 4 * (MONTH_END_S - 100), 4 * MONTH_END_S),
        (FEB, 4000, 4200),
    ]
    assert [row.faults for row in rows] == [1, 0]
    assert [credit.evidence[0][3:] for credit in credits] == [(7100, 7200), (7200, 7250)]


def test_splitting_leaves_no_second_out() -> None:
    parts = list(split_at_months(NAMES.epoch_s, 10, 70 * 86_400))
    assert [month for month, *_ in parts] == [JAN, FEB, FEB + 1, FEB + 2]
    assert parts[0][1] == 10 and parts[-1][2] == 70 * 86_400
    assert all(before[2] == after[1] for before, after in pairwise(parts))
    assert list(split_at_months(NAMES.epoch_s, 10, 10)) == []


@pytest.mark.parametrize(
    ("noticed_s", "evicted_s", "guaranteed_until_s", "kept"),
    [(0, 600, 0, 1), (0, 599, 0, 0), (0, 700, 700, 1), (0, 700, 701, 0), (100, 700, 700, 1)],
    ids=["full notice", "a second short", "at the end of the guarantee", "inside the guarantee", "both exact"],
)
def test_a_notice_is_kept_in_full_or_not_at_all(
    noticed_s: int, evicted_s: int, guaranteed_until_s: int, kept: int
) -> None:
    (row,), _ = assessed(evictions=[(ON_DEMAND, noticed_s, evicted_s, guaranteed_until_s)])
    assert (row.notices_kept, row.notices_total, row.evictions) == (kept, 1, 1)


def test_times_to_start_are_nearest_rank_percentiles() -> None:
    (row,), _ = assessed(starts=[(SPOT, 0, wait_s) for wait_s in range(1, 101)])
    assert (row.starts, row.wait_s_p50, row.wait_s_p95, row.wait_s_p99) == (100, 50, 95, 99)


@pytest.mark.parametrize(
    ("values", "p50", "p95"), [([7], 7, 7), ([1, 2], 1, 2), ([1, 2, 3], 2, 3), (list(range(1, 21)), 10, 19)]
)
def test_nearest_rank_takes_a_value_that_occurred(values: list[int], p50: int, p95: int) -> None:
    ascending = np.array(values, dtype=np.int64)
    assert (nearest_rank(ascending, 50), nearest_rank(ascending, 95)) == (p50, p95)


def test_no_start_has_no_percentile() -> None:
    (row,), _ = assessed([(SPOT, 1, 0, 10)])
    assert (row.starts, row.wait_s_p50, row.wait_s_p99) == (0, None, None)


def test_interruptions_are_evictions_and_faults_per_1000_gpu_hours() -> None:
    (row,), _ = assessed([(SPOT, 8, 0, HOUR_S)], evictions=[(SPOT, 0, 60, 0)], outages=[(SPOT, 8, HOUR_S, HOUR_S + 1)])
    assert row.interruptions == 2
    assert row.interruptions_per_1000_gpu_h == (2 * 1000 * 3600, 8 * 3600)


def test_spot_promises_notice_but_no_availability() -> None:
    (row,), credits = assessed([(SPOT, 8, 0, 10)], outages=[(SPOT, 8, 10, 7000)])
    assert (row.met, row.terms, row.credit_bp, credits) == (None, None, 0, [])


def test_an_outage_without_any_charge_is_missed_but_worth_nothing() -> None:
    (row,), credits = assessed(outages=[(ON_DEMAND, 8, 0, 100)])
    assert (row.met, row.credit_bp, row.credit_micro_usd, credits) == (False, 10_000, 0, [])
