"""A trace in numbers, and scenarios fitted to traces: the work is right, the law can be drawn, errors are plain."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from sim.calibration.fit import fit, wave_of
from sim.calibration.likeness import distance, match
from sim.calibration.lognormal import capped_mean, law_of
from sim.calibration.profile import profile
from sim.cli import app
from sim.scenario.build import build
from sim.scenario.file import load
from sim.traces import readers
from sim.workload.draw import durations, week_weights
from trace_files import swf_line, write_lines

HOUR_S = 3_600


def call(*words: str) -> Result:
    return CliRunner(env={"SPILLWAY_RUNS": None, "NO_COLOR": None}).invoke(app, list(words))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two weeks from a Monday on 40 processors: busy at noon, quiet at weekends; large jobs run longer."""
    rows = ["; UnixStartTime: 1767571200", "; MaxProcs: 40"]
    for hour in range(14 * 24):
        weekend, noon = hour // 24 % 7 >= 5, 8 <= hour % 24 < 18
        for minute in range(0, 60, 12 if noon and not weekend else 30):
            number = len(rows)
            size = (1, 2, 2, 3, 8)[number % 5]
            run_s = 200 * size * (1 + number * number % 7)
            rows.append(swf_line(number, hour * HOUR_S + minute * 60, run_s, size, size, 2 * run_s, number % 3))
    return write_lines(tmp_path / "log.swf", *rows)


def test_profile_counts_jobs_work_and_hours(log: Path) -> None:
    trace = readers.read(log, "swf")
    found = profile(trace)
    assert (found.jobs, found.users, found.processors) == (len(trace.jobs.job_id), 3, 40)
    assert found.gpu_s == sum(part.gpu_s for part in found.sizes) == sum(part.gpu_s for part in found.products)
    assert [part.name for part in found.sizes] == ["1", "2 to 3", "8 to 15"]
    assert found.by_hour[12] == pytest.approx((10 * 5 + 4 * 2) / 14) and found.by_hour[3] == pytest.approx(2)
    assert found.by_weekday[0] == pytest.approx(10 * 5 + 14 * 2) and found.by_weekday[6] == pytest.approx(48, rel=0.02)


def test_fitted_scenario_runs_and_its_draws_carry_the_load(log: Path, tmp_path: Path) -> None:
    out = tmp_path / "fitted.toml"
    done = call("trace", "fit", str(log), "--out", str(out), "--json")
    assert done.exit_code == 0, done.stderr
    said = json.loads(done.stdout)
    for own, drawn in (("jobs", "jobs_drawn"), ("load_gpus", "load_gpus_drawn")):
        assert abs(said[own] - said[drawn]["mean"]) <= said[drawn]["half_width"]
    assert {each["trace"]["name"]: each["distance"] < 0.25 for each in said["likenesses"]}["size"]
    assert call("run", str(out), "--days", "2", "--out", str(tmp_path / "run"), "-q").exit_code == 0
    world = build(load(str(out)))
    assert set(world.jobs.gpus.tolist()) == {1, 2, 3, 8}


def test_same_trace_same_scenario_and_its_own_day(log: Path) -> None:
    trace = readers.read(log, "swf")
    one, two = fit(trace), fit(trace)
    assert one.scenario.text == two.scenario.text and match(trace, one) == match(trace, two)
    row = one.scenario.demand[0]
    assert 11 <= row.peak_hour <= 14 and row.day_swing_bp.value > 2_000 and row.weekend_bp.value < 7_000
    assert one.scenario.pool[0].nodes == 40 and row.slack_max_bp.value == 20_000


@given(st.integers(0, 8_000), st.integers(1_000, 10_000), st.integers(0, 23))
def test_wave_of_the_generators_own_week_is_found_again(swing: int, weekend: int, peak: int) -> None:
    seen_s = np.full(168, 1_000 * HOUR_S)
    wave = wave_of(week_weights(swing, weekend, peak), seen_s)
    assert abs(wave.day_swing_bp - swing) <= 10 and abs(wave.weekend_bp - weekend) <= 10
    assert wave.peak_hour == peak or swing < 20


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 64)), min_size=1, max_size=40))
def test_law_is_one_that_the_generator_takes_and_keeps_the_work(jobs: list[tuple[int, int]]) -> None:
    run_s, gpus = (np.array(column, dtype=np.int64) for column in zip(*jobs, strict=True))
    law = law_of(run_s, gpus)
    assert 1 <= law.median_s <= law.mean_s <= law.max_s == max(1, run_s.max())
    sigma = max(1e-6, np.sqrt(2 * np.log(law.mean_s / law.median_s)))
    mean = np.average(np.maximum(run_s, 1), weights=gpus)
    # Whole seconds: of a median of few seconds, the rounding is a large part.
    assert law.median_s < 100 or capped_mean(law.median_s, sigma, law.max_s) == pytest.approx(mean, rel=0.02)


def test_capped_mean_is_that_of_drawn_run_times() -> None:
    drawn = durations(np.random.default_rng(1), 200_000, 1_000, 3_000, 9_000)
    sigma = float(np.sqrt(2 * np.log(3)))
    assert capped_mean(1_000, sigma, 9_000) == pytest.approx(drawn.mean() + 0.5, rel=0.01)


def test_distance_of_samples() -> None:
    assert distance(np.array([1, 2]), np.array([1, 2])) == 0
    assert distance(np.array([1, 2]), np.array([3, 4])) == 1
    assert distance(np.array([1, 2, 3, 4]), np.array([3, 4, 5, 6])) == 0.5


def test_bad_input_is_one_line_and_nothing_is_written(log: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.toml"
    short = write_lines(tmp_path / "short.swf", swf_line(1), swf_line(2, 100))
    unnamed = write_lines(tmp_path / "jobs.txt", swf_line(1))
    ticks = write_lines(tmp_path / "ticks.swf", swf_line(1), swf_line(2, 10**11))
    for words, said in (
        (("fit", str(short), "--out", str(out)), "no daily shape to fit"),
        (("fit", str(log), "--gpus", "4", "--out", str(out)), "a job is larger than the cluster"),
        (("fit", str(log), "--picture", "a.gif", "--out", str(out)), "unknown kind of picture"),
        (("info", str(unnamed)), "its name tells no format"),
        (("info", str(ticks)), "longer than any clock in seconds"),
        (("fit", str(log), "--out", str(log)), "cannot be written"),
    ):
        done = call("trace", *words, "-q")
        assert done.exit_code == 2 and said in done.stderr and done.stderr.count("\n") == 1, done.stderr
        assert not out.exists()


def test_jobs_of_no_time_and_estimates_that_are_too_short_are_fitted(tmp_path: Path) -> None:
    rows = [swf_line(1, run=0, estimate=0), swf_line(2, 50_000, run=0), swf_line(3, 90_000, run=7, estimate=5)]
    row = fit(readers.read(write_lines(tmp_path / "log.swf", *rows), "swf")).scenario.demand[0]
    assert row.run_max_s.value == 7 and row.slack_max_bp.value == 0


def test_info_shows_bars(log: Path) -> None:
    done = call("trace", "info", str(log))
    assert done.exit_code == 0 and "load of the machine" in done.stdout and "##########" in done.stdout


@pytest.mark.traces
@pytest.mark.parametrize(
    "name", ["swf_kth_sp2/KTH-SP2-1996-2.1-cln.swf.gz", "philly_chronus/trace_job_Philly_MIX1.csv.gz"]
)
def test_public_traces_are_fitted_within_the_interval_of_the_load(trace_file, name: str) -> None:
    trace = readers.read(trace_file(name), "swf" if ".swf" in name else "philly-chronus")
    held = match(trace, fit(trace))
    assert held.load_drawn.holds(held.load) and held.jobs_drawn.holds(held.jobs)
    assert held.likenesses[0].distance < 0.01 and held.likenesses[1].distance < 0.25
