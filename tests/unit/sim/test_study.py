"""The lend study: its worlds, what it measures, its intervals, and its page."""

import json
import random
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from case_file import case
from scheduler.events import Cause
from sim.economics.recall import mean_delay_days
from sim.engine.run import run
from sim.errors import SimError
from sim.scenario.build import build
from sim.scenario.file import load
from sim.settle import settle
from sim.study import lend as study
from sim.study.lend import SETTINGS, TABLE, OneWorld, Outcomes, Preset, Variant, one_world
from sim.study.measure import WARM_S, Outcome, measure
from sim.study.page import page
from sim.study.worlds import alibaba_curves, alibaba_world, philly_world, rented

SEEDS = (1, 2, 3, 4)


def made_up(seed: int, variant: int) -> Outcome:
    """An outcome with numbers of a likely size: a page is about words and intervals, not about runs."""
    rng = random.Random(f"{seed}/{variant}")
    return Outcome(*(rng.randint(1, 10**6) for _ in Outcome._fields))


def made_up_study(variants: tuple[Variant, ...]) -> Outcomes:
    return {
        world: {variant.name: [made_up(seed, place) for seed in SEEDS] for place, variant in enumerate(variants)}
        for world in study.WORLDS
    }


def test_v24_a_notice_longer_than_the_lead_is_late() -> None:
    given, wanted = case("V24")["inputs"], case("V24")["expected"]["mean_delay_days"]
    found = [mean_delay_days(days, given["mean_lead_days"]) for days in given["notice_days"]]
    assert found == pytest.approx(wanted, abs=case("V24")["tolerance"]["abs"])


def test_outcomes_are_counted_again_from_the_segments() -> None:
    world = build(load("small"), seed=2, days=8)
    off, on = run(world, lend="none", tape=False), run(world, lend="all_idle", tape=False)
    found, nothing = measure(on, off), measure(off, off)
    rents = rented(world)
    segments = zip(
        on.segments.job.tolist(), on.segments.gpus.tolist(), on.segments.start_s.tolist(), on.segments.end_s.tolist(),
        on.segments.cause.tolist(), strict=True,
    )  # fmt: skip
    held = [(job, gpus, max(WARM_S, start_s), end_s, cause) for job, gpus, start_s, end_s, cause in segments]
    held = [row for row in held if row[3] > row[2]]
    mine = [row for row in held if rents[world.jobs.product[row[0]]]]
    assert found.allocated_gpu_s == sum(gpus * (end_s - start_s) for _, gpus, start_s, end_s, _ in held)
    assert found.rental_s == sum(end_s - start_s for _, _, start_s, end_s, _ in mine)
    assert found.evictions == sum(cause == Cause.EVICTED for *_, cause in mine) > 0
    assert found.evictions >= found.rental_starts - found.kept_an_hour
    billed = settle(on).lines
    paid = billed.amount_micro_usd[rents[billed.product] & (billed.hour_s >= WARM_S)].sum()
    assert found.revenue_micro_usd == paid > 0
    assert found.promises_broken == 0
    later = on.outcomes.start_s - off.outcomes.start_s
    both = ~rents[world.jobs.product] & (world.jobs.submit_s >= WARM_S)
    both &= (on.outcomes.start_s >= 0) & (off.outcomes.start_s >= 0)
    assert (found.delay_s, found.internal_jobs) == (later[both].sum(), both.sum())
    assert (nothing.revenue_micro_usd, nothing.delay_gpu_s, nothing.net_micro_usd(10**7)) == (0, 0, 0)
    assert found.net_micro_usd(3_600) == found.earned_micro_usd() - found.delay_gpu_s


def test_the_page_is_the_same_bytes_and_says_what_was_not_shown() -> None:
    preset = Preset(SEEDS, TABLE + SETTINGS)
    text = page(made_up_study(preset.variants), preset, "spillway study --preset small")
    assert text == page(made_up_study(preset.variants), preset, "spillway study --preset small")
    assert "| `priced_quota` |" in text and "no difference" in text and "break-even" in text
    assert max(map(len, (line for line in text.splitlines() if not line.startswith("|")))) <= 120
    assert "At no more internal delay" in text
    assert "At no more" not in page(made_up_study(TABLE), Preset(SEEDS, TABLE), "x")


def test_a_study_runs_every_variant_on_the_same_world_and_the_first_without_rentals() -> None:
    worlds = {"alibaba": lambda traces, seed: build(load("small"), seed=seed, days=5)}
    with patch.dict(study.WORLDS, worlds, clear=True):
        found = one_world(OneWorld("alibaba", Path(), 1, (TABLE[0], TABLE[1], SETTINGS[-1])))
    assert [one.rental_gpu_s > 0 for one in found] == [False, True, True]
    assert len({(one.installed_gpu_s, one.rentals) for one in found}) == 1
    assert found[2].rental_gpu_s <= found[1].rental_gpu_s


def test_a_study_without_its_traces_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SimError, match="cannot be read"):
        alibaba_curves(tmp_path)
    command = [sys.executable, "-m", "sim", "study", "--preset", "small", "--traces", str(tmp_path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and json.loads(done.stdout)["error"]["code"] == "bad_file"


def test_the_published_curve_becomes_gangs_that_add_up_to_it(traces_dir: Path) -> None:
    folder = traces_dir / study.ALIBABA
    if not folder.is_dir():
        pytest.skip(f"missing {study.ALIBABA} beside the checkout")
    curves = alibaba_curves(folder)
    assert sum(curve.nodes for curve in curves) == 4_278
    assert sum(curve.nodes * curve.gpus for curve in curves) == 10_412
    assert all(curve.hourly_nodes.min() >= 0 and curve.hourly_nodes.max() <= curve.nodes for curve in curves)
    world = alibaba_world(folder, 1)
    again = alibaba_world(folder, 1)
    assert np.array_equal(world.jobs.submit_s, again.jobs.submit_s)
    assert not np.array_equal(world.jobs.run_s[:500], alibaba_world(folder, 2).jobs.run_s[:500])
    internal = ~rented(world)[world.jobs.product]
    jobs = world.jobs
    for pool, curve in enumerate(curves):
        mine = internal & (jobs.pool == pool)
        at_s = 5 * 86_400 + 3_600  # the end of an hour: every gang that begins in it has begun, none of the next
        held = (jobs.gpus * ((jobs.submit_s < at_s) & (at_s <= jobs.submit_s + jobs.run_s)))[mine].sum()
        # A gang is whole: demand is met from below, and a gang that ends in the hour may be over already.
        assert held // curve.gpus <= curve.nodes


def test_philly_days_are_drawn_with_replacement(traces_dir: Path) -> None:
    path = traces_dir / study.PHILLY
    if not path.is_file():
        pytest.skip(f"missing {study.PHILLY} beside the checkout")
    one, same, other = philly_world(path, 1), philly_world(path, 1), philly_world(path, 2)
    assert one.jobs.job_id == same.jobs.job_id != other.jobs.job_id
    assert one.horizon_s == 14 * 86_400 and np.diff(one.jobs.submit_s).min() >= 0
