"""The headline numbers against a slow recount, against the page, and against planted faults."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from billing.books import Books
from scheduler.events import Status
from sim.engine.run import run
from sim.folder.why_tables import evictions, internal_delay
from sim.report import headline
from sim.report.build import from_result
from sim.result import RunResult
from sim.scenario.build import build
from sim.scenario.file import load
from sim.settle import installed, settle
from sim.summary import summarise
from tenants.band import Band


@pytest.fixture(scope="module")
def finished() -> tuple[RunResult, Books, RunResult]:
    """Three days with every product, their books, and the same world with rentals off."""
    world = build(load("small"))
    result = run(world, seed=1, tape=False)
    return result, settle(result), run(world, lend="none", tape=False)


@pytest.fixture(scope="module")
def summary(finished: tuple[RunResult, Books, RunResult]) -> dict[str, Any]:
    return summarise(*finished)


def leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from leaves(child)
    else:
        yield value


def test_only_ints_text_and_nothing(summary: dict[str, Any]) -> None:
    assert {type(leaf) for leaf in leaves(summary)} <= {int, str, type(None)}
    assert json.loads(json.dumps(summary)) == summary


def test_three_utilisations_are_those_of_a_recount(
    finished: tuple[RunResult, Books, RunResult], summary: dict[str, Any]
) -> None:
    result = finished[0]
    allocated = busy = goodput = 0
    columns = (result.segments.gpus, result.segments.start_s, result.segments.end_s, result.stalled_s, result.lost_s)
    for gpus, start_s, end_s, stalled_s, lost_s in zip(*(column.tolist() for column in columns), strict=True):
        allocated += gpus * (end_s - start_s)
        busy += gpus * (end_s - start_s - stalled_s)
        goodput += gpus * (end_s - start_s - stalled_s - lost_s)
    whole = 128 * 3 * 86_400
    use = summary["utilisation"]
    assert use["installed_gpu_s"] == whole
    for name, gpu_s in (("allocated", allocated), ("busy", busy), ("goodput", goodput)):
        assert use[name] == {"gpu_s": gpu_s, "bp": 10_000 * gpu_s // whole}


def test_waits_are_those_of_a_recount(finished: tuple[RunResult, Books, RunResult], summary: dict[str, Any]) -> None:
    result = finished[0]
    jobs, starts = result.world.jobs, result.outcomes.start_s.tolist()
    for band in Band:
        rows = [row for row, product in enumerate(jobs.product.tolist()) if result.world.products[product].band == band]
        waits = sorted(starts[row] - int(jobs.submit_s[row]) for row in rows if starts[row] >= 0)
        found = summary["wait_s"][band.name.lower()]
        assert (found["started"], found["never_started"]) == (len(waits), len(rows) - len(waits))
        assert found["max"] == waits[-1]
        assert abs(found["mean"] * len(waits) - sum(waits)) * 2 <= len(waits)
        below = sum(wait <= found["p95"] for wait in waits)
        assert below * 100 >= 95 * len(waits) > (below - waits.count(found["p95"])) * 100


def test_jobs_and_promises_are_counted_once(
    finished: tuple[RunResult, Books, RunResult], summary: dict[str, Any]
) -> None:
    result = finished[0]
    assert sum(summary["jobs"]["by_status"].values()) == summary["jobs"]["total"] == len(result.world.jobs.job_id)
    done = int((result.outcomes.status == Status.DONE).sum())
    assert summary["jobs"]["by_status"]["done"] == done > 0
    assert summary["interruptions"]["evictions"] == int(result.outcomes.preemptions.sum()) > 0
    assert summary["interruptions"]["notices_kept"] == summary["interruptions"]["evictions"]
    assert summary["reclaim"]["over_bound"] == 0
    assert summary["reclaim"]["wait_s_max"] <= summary["reclaim"]["bound_s"]


def test_the_page_shows_the_same_numbers(finished: tuple[RunResult, Books, RunResult], summary: dict[str, Any]) -> None:
    page = from_result(*finished, summary)
    use, money = summary["utilisation"], summary["money"]
    assert page.installed_gpu_s == use["installed_gpu_s"]
    shown = (page.allocated_gpu_s, page.busy_gpu_s, page.goodput_gpu_s)
    assert shown == tuple(use[kind]["gpu_s"] for kind in ("allocated", "busy", "goodput"))
    assert headline.charged(page) == money["external"]["micro_usd"]
    assert headline.credits(page) == money["credits"]["micro_usd"]
    assert page.residual_gpu_s == summary["residual_gpu_s"] == 0
    assert page.delay.over_bound == summary["reclaim"]["over_bound"]


def test_delay_is_against_the_run_without_rentals(finished: tuple[RunResult, Books, RunResult]) -> None:
    result, books, baseline = finished
    assert summarise(result, books)["internal_delay"] is None
    own = summarise(baseline, None, baseline)["internal_delay"]
    assert (own["later"], own["earlier"], own["total_s"], own["max_s"], own["unpaired"]) == (0, 0, 0, 0, 0)
    starts = baseline.outcomes.start_s.copy()
    band = np.array([row.band for row in result.world.products])[result.world.jobs.product]
    row = int(np.flatnonzero((band == Band.INTERNAL) & (starts >= 0))[0])
    starts[row] += 77
    late = replace(baseline, outcomes=replace(baseline.outcomes, start_s=starts))
    found = summarise(late, None, baseline)["internal_delay"]
    assert (found["later"], found["total_s"], found["max_s"]) == (1, 77, 77)


def test_waits_by_cause_add_up_and_delays_agree_job_by_job(
    finished: tuple[RunResult, Books, RunResult], summary: dict[str, Any]
) -> None:
    result, _, baseline = finished
    causes = [seconds for band in summary["wait_by_cause_s"].values() for seconds in band.values()]
    assert sum(causes) == result.outcomes.wait_s.sum()
    assert "offer" in summary["wait_by_cause_s"]["spot"] and "rentals" in summary["wait_by_cause_s"]["internal"]
    per_job = np.bincount(result.waits[0], weights=result.waits[2], minlength=len(result.outcomes.wait_s))
    assert per_job.tolist() == result.outcomes.wait_s.tolist()
    table, found = internal_delay(result, baseline), summary["internal_delay"]
    later = [each for each in table["later_s"].values if each is not None]
    assert (len(later), sum(later), max(later)) == (found["jobs"], found["total_s"], found["max_s"])
    assert sum(each > 0 for each in later) == found["later"]
    assert found["p99_s"] == sorted(later)[-(-99 * len(later) // 100) - 1]
    assert len(internal_delay(result, None)["job_id"].values) == 0


def test_a_run_without_reasons_is_the_same_run_and_says_nothing_of_waits(
    finished: tuple[RunResult, Books, RunResult],
) -> None:
    result = finished[0]
    bare = run(result.world, seed=1, tape=False, reasons=False)
    assert bare.starts.start_s.tolist() == result.starts.start_s.tolist()
    assert bare.waits.shape == (3, 0) and summarise(bare, None)["wait_by_cause_s"] == {}


def test_evictions_tell_who_left_for_whom(finished: tuple[RunResult, Books, RunResult]) -> None:
    result = finished[0]
    table = evictions(result, priced=True)
    by, ids = table["by_job_id"].values, set(result.world.jobs.job_id)
    assert len(by) == len(result.evictions.job) > 0 and set(by) <= ids
    assert (table["lost_gpu_s"] == table["gpus"] * table["lost_s"]).all()


def test_a_run_that_was_not_metered_has_no_money(finished: tuple[RunResult, Books, RunResult]) -> None:
    found = summarise(finished[0], None)
    assert found["money"] is None and found["residual_gpu_s"] is None


def test_canary_a_lost_second_shows(finished: tuple[RunResult, Books, RunResult]) -> None:
    """One GPU-second taken off a segment: the books say where it is missing, and the summary how much."""
    result = finished[0]
    end_s = result.segments.end_s.copy()
    row = int(np.flatnonzero(result.segments.gpus == 8)[0])
    end_s[row] -= 1
    broken = replace(result, segments=replace(result.segments, end_s=end_s))
    books = settle(broken)
    found = summarise(broken, books)
    assert books.findings and found["residual_gpu_s"] == 8
    assert found["findings"] == [finding._asdict() for finding in books.findings]


def test_pools_of_one_kind_in_one_region_are_installed_together(
    finished: tuple[RunResult, Books, RunResult],
) -> None:
    world = finished[0].world
    twice = replace(world, pools=world.pools * 2, pool_region=world.pool_region * 2, pool_sku=world.pool_sku * 2)
    assert installed(world) == {(0, 0): 128}
    assert installed(twice) == {(0, 0): 256}
