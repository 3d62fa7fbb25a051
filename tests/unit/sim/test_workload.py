"""The seeded workload: shared draws, rental demand, the internal programme with its two presets, and whole worlds."""

import itertools
import tomllib
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from billing.errors import PriceError
from scheduler.events import NEVER
from sim.engine.run import run
from sim.errors import ScenarioError
from sim.param import Param
from sim.result import IntArray, World
from sim.scenario.build import build
from sim.scenario.file import bundled, from_mapping, load, show
from sim.scenario.model import Scenario
from sim.workload.demand import draw_demand
from sim.workload.draw import arrivals, choose, durations, estimates, hour_of_week, patiences, stream, week_weights
from sim.workload.inference import Inference, Window, inference_blocks
from sim.workload.programme import Frame, Frontier, Programme, calendar, draw_programme, gang_nodes
from sim.workload.research import Research, research_jobs, scaled_to, size_law
from tenants.band import Band

DAY_S = 86_400
EPOCH_S = 1_767_225_600  # 2026-01-01, a Thursday
FLAT = np.full(168, 10_000, dtype=np.int64)


def mapping_of(name: str) -> dict[str, Any]:
    return tomllib.loads(show(name), parse_float=Decimal)


def nodes_over_time(from_s: IntArray, until_s: IntArray, nodes: IntArray, at_s: IntArray) -> IntArray:
    """How many nodes are held at each time, if every job runs from its submission to its end."""
    return np.array([int(nodes[(from_s <= t) & (until_s > t)].sum()) for t in at_s], dtype=np.int64)


# ---- shared draws


def test_a_stream_is_fixed_by_seed_and_name_alone() -> None:
    """The numbers are part of the promise that a seed repeats a run: they change only with numpy's generators."""
    assert stream(1, "frontier").integers(0, 1000, size=4).tolist() == [943, 539, 404, 651]
    drawn = {tuple(stream(seed, name, *index).integers(0, 1000, size=4).tolist()) for seed, name, index in STREAMS}
    assert len(drawn) == len(STREAMS)


STREAMS = [(1, "a", ()), (2, "a", ()), (1, "b", ()), (1, "a", (0,)), (1, "a", (1,))]


def test_hours_of_the_week_count_from_monday() -> None:
    at_s = np.array([0, 3_599, 3_600, 4 * DAY_S - 1, 4 * DAY_S], dtype=np.int64)
    assert hour_of_week(at_s, EPOCH_S).tolist() == [72, 72, 73, 167, 0]


def test_the_shape_of_the_week() -> None:
    weights = week_weights(day_swing_bp=4_000, weekend_bp=7_500, peak_hour=16)
    assert weights[16] == 14_000
    assert weights[4] == 6_000
    assert weights[5 * 24 + 16] == 10_500
    assert abs(weights[:24].sum() - 24 * 10_000) < 24  # each hour is floored


def test_arrivals_keep_the_rate_and_the_shape() -> None:
    weights = week_weights(4_000, 5_000, 12)
    at_s = arrivals(stream(1, "test"), Decimal(200), weights, EPOCH_S, 0, 350 * DAY_S)
    assert abs(len(at_s) - 70_000) < 4 * 265  # Poisson: 4 sigma
    assert (np.diff(at_s) >= 0).all()
    per_hour = np.bincount(hour_of_week(at_s, EPOCH_S), minlength=168)
    expected = 70_000 * weights / weights.sum()
    assert (abs(per_hour - expected) < 5 * np.sqrt(expected)).all()


@pytest.mark.parametrize(("rate", "from_s", "until_s"), [("5", 10, 10), ("5", 10, 5), ("0", 0, 10 * DAY_S)])
def test_no_time_or_no_rate_is_no_arrival(rate: str, from_s: int, until_s: int) -> None:
    assert len(arrivals(stream(1, "test"), Decimal(rate), FLAT, EPOCH_S, from_s, until_s)) == 0


def test_choices_follow_their_weights() -> None:
    drawn = Counter(choose(stream(1, "test"), 10_000, (1, 4, 16), (70, 0, 30)).tolist())
    assert set(drawn) == {1, 16}
    assert abs(drawn[1] - 7_000) < 4 * 46


def test_durations_have_the_median_and_the_mean_and_end_at_the_cap() -> None:
    run_s = durations(stream(1, "test"), 40_000, median_s=3_600, mean_s=5_400, max_s=10**9)
    assert abs(np.median(run_s) - 3_600) < 100
    assert abs(run_s.mean() - 5_400) < 150
    capped = durations(stream(1, "test"), 40_000, median_s=3_600, mean_s=5_400, max_s=7_200)
    assert capped.tolist() == np.minimum(run_s, 7_200).tolist()
    assert durations(stream(1, "test"), 9, median_s=1, mean_s=1, max_s=1).tolist() == [1] * 9


def test_estimates_lie_between_the_run_time_and_the_slack() -> None:
    run_s = np.arange(1, 5_000, dtype=np.int64)
    estimate_s = estimates(stream(1, "test"), run_s, 5_000)
    assert (estimate_s >= run_s).all()
    assert (estimate_s <= run_s + run_s // 2).all()
    assert (estimate_s > run_s).any()
    assert estimates(stream(1, "test"), run_s, 0).tolist() == run_s.tolist()


def test_patience_is_exponential_and_never_zero() -> None:
    drawn = patiences(stream(1, "test"), 20_000, 600)
    assert drawn.min() == 1
    assert abs(drawn.mean() - 600) < 4 * 600 / 141


# ---- rental demand


def test_demand_is_whole_nodes_inside_its_window() -> None:
    demand = load("small").demand[0]
    jobs = draw_demand(demand, pool=0, gpus_per_node=8, seed=1, epoch_s=EPOCH_S, from_s=DAY_S, until_s=30 * DAY_S)
    assert set(jobs.gpus.tolist()) == {8, 16, 32}
    assert DAY_S <= jobs.submit_s.min() <= jobs.submit_s.max() < 30 * DAY_S
    assert (jobs.run_s >= 1).all()
    assert (jobs.estimate_s >= jobs.run_s).all()
    assert (jobs.patience_s >= 1).all()
    assert jobs.job_ids()[:2] == ["acme-ondemand-0001", "acme-ondemand-0002"]


def test_who_names_no_patience_waits_for_ever() -> None:
    demand = load("small").demand[3]
    jobs = draw_demand(demand, pool=0, gpus_per_node=8, seed=1, epoch_s=EPOCH_S, from_s=0, until_s=9 * DAY_S)
    assert set(jobs.patience_s.tolist()) == {NEVER}


# ---- frontier runs and the inference floor


def frontier(**values: int) -> Frontier:
    exact = {"slip_bp": 0} | values
    params = {name: value if name == "elapsed_days" else Param(value=value) for name, value in exact.items()}
    return Frontier(**params)  # type: ignore[arg-type]


def test_without_slip_the_calendar_is_exact() -> None:
    runs = calendar(frontier(on_days=20, gap_days=10, elapsed_days=15), 1, 60 * DAY_S)
    assert runs == [Window(0, 5 * DAY_S), Window(15 * DAY_S, 35 * DAY_S), Window(45 * DAY_S, 65 * DAY_S)]


def test_a_run_that_ended_before_the_epoch_is_no_run() -> None:
    assert calendar(frontier(on_days=20, gap_days=10, elapsed_days=20), 1, 12 * DAY_S) == [
        Window(10 * DAY_S, 30 * DAY_S)
    ]


def test_slip_moves_runs_both_ways_and_keeps_the_mean() -> None:
    slips = frontier(on_days=20, gap_days=10, slip_bp=2_000)
    runs = calendar(slips, 1, 30_000 * DAY_S)
    assert all(earlier.until_s < later.from_s for earlier, later in itertools.pairwise(runs))
    lengths = np.array([run.until_s - run.from_s for run in runs]) / DAY_S
    assert lengths.min() < 15 < 25 < lengths.max()
    assert abs(lengths.mean() - 20) < 4 * 20 * 0.2 / np.sqrt(len(runs))


def test_a_longer_horizon_only_adds_runs() -> None:
    slips = frontier(on_days=20, gap_days=10, slip_bp=2_000)
    short, long = calendar(slips, 1, 200 * DAY_S), calendar(slips, 1, 400 * DAY_S)
    assert long[: len(short)] == short


def seed_programme(**of_frontier: int) -> Programme:
    return Programme(preset="seed", frontier=frontier(**of_frontier))


def frame(nodes: int = 256, contract_nodes: int = 0, days: int = 1_800) -> Frame:
    return Frame(0, nodes, 8, contract_nodes, EPOCH_S, days * DAY_S, seed=1)


def test_the_gang_is_what_inference_contracts_and_spares_leave() -> None:
    assert gang_nodes(seed_programme(spare_nodes=4), 256, 16) == 256 - 128 - 16 - 4
    assert gang_nodes(Programme(preset="rsc"), 256, 16) == 0
    with pytest.raises(ScenarioError, match="no node is left for a frontier run"):
        gang_nodes(seed_programme(spare_nodes=4), 256, 124)


@pytest.mark.parametrize(("trough_bp", "peak_bp", "u"), [(2_000, 4_000, 0.3), (3_000, 5_000, 0.4), (4_000, 6_000, 0.5)])
@pytest.mark.parametrize(("on_days", "gap_days"), [(240, 120), (180, 180), (300, 60)])
def test_seed_allocates_what_the_closed_form_says(
    trough_bp: int, peak_bp: int, u: float, on_days: int, gap_days: int
) -> None:
    """(T + u G) / (T + G): 0.767 for 8/4 months and u = 0.3, 0.833 for u = 0.5."""
    floor = Inference(trough_bp=Param(value=trough_bp), peak_bp=Param(value=peak_bp))
    programme = Programme(preset="seed", frontier=frontier(on_days=on_days, gap_days=gap_days), inference=floor)
    jobs = draw_programme(programme, frame())
    horizon_s = 1_800 * DAY_S
    held = sum(int((s.gpus * (np.minimum(s.submit_s + s.run_s, horizon_s) - s.submit_s)).sum()) for s in jobs)
    expected = (on_days + u * gap_days) / (on_days + gap_days)
    assert abs(held / (256 * 8 * horizon_s) - expected) < 0.02 * expected


def test_with_slip_the_closed_form_holds_for_the_runs_that_were_drawn() -> None:
    programme = seed_programme(on_days=120, gap_days=60, elapsed_days=75, slip_bp=2_000, spare_nodes=4)
    of_frame = frame(contract_nodes=16, days=365)
    jobs = {part.name: part for part in draw_programme(programme, of_frame)}
    runs, infer = jobs["frontier"], jobs["infer"]
    horizon_s = of_frame.horizon_s
    t_s = int((np.minimum(runs.submit_s + runs.run_s, horizon_s) - runs.submit_s).sum())
    held = sum(int((s.gpus * (np.minimum(s.submit_s + s.run_s, horizon_s) - s.submit_s)).sum()) for s in (runs, infer))
    expected = ((256 - 16 - 4) * t_s + 0.4 * 256 * (horizon_s - t_s)) * 8
    assert abs(held / expected - 1) < 0.02


def test_the_cluster_is_full_in_a_run_and_a_third_to_a_half_full_in_a_gap() -> None:
    scenario = load("gap")
    world = build(scenario)
    rows = world.jobs
    internal = np.isin(rows.product, [world.names.products.index(code) for code in ("int.frontier", "int.inference")])
    from_s, gpus = rows.submit_s[internal], rows.gpus[internal]
    until_s = from_s + rows.run_s[internal]
    runs = rows.product[internal] == world.names.products.index("int.frontier")
    at_s = np.arange(0, world.horizon_s, 7_200, dtype=np.int64)
    held = nodes_over_time(from_s, until_s, gpus // 8, at_s)
    training = nodes_over_time(from_s[runs], until_s[runs], gpus[runs] // 8, at_s) > 0
    assert set(held[training].tolist()) == {256 - 16 - 4}  # all but the contract and the hot spares
    gap = held[~training]
    assert 76 == gap.min() <= gap.max() <= 128
    assert len(set(gap.tolist())) > 8  # many levels: a wave, not a switch
    assert abs(gap.mean() / 256 - 0.4) < 0.01


def test_inference_follows_the_day() -> None:
    blocks = inference_blocks(Inference(), 256, [], EPOCH_S, 28 * DAY_S, 1)
    at_s = np.arange(0, 28 * DAY_S, 3_600, dtype=np.int64)
    held = nodes_over_time(blocks.from_s, blocks.until_s, blocks.nodes, at_s).reshape(28, 24)
    by_hour = held.mean(axis=0)
    assert by_hour.argmax() in (19, 20, 21)
    assert by_hour.argmin() in (7, 8, 9)
    assert held.min() >= 76
    assert held.max() <= 128


def test_inference_blocks_are_sorted_and_outlive_the_run() -> None:
    blocks = inference_blocks(Inference(), 256, [Window(5 * DAY_S, 9 * DAY_S)], EPOCH_S, 14 * DAY_S, 1)
    assert (np.diff(blocks.from_s) >= 0).all()
    assert (blocks.until_s > blocks.from_s).all()
    assert blocks.until_s.max() == 15 * DAY_S
    assert set(blocks.nodes.tolist()) == {4}


def test_blocks_that_do_not_divide_the_floor_still_add_up_to_it() -> None:
    floor = Inference(block_nodes=Param(value=7))
    blocks = inference_blocks(floor, 256, [Window(0, DAY_S)], EPOCH_S, DAY_S, 1)
    assert blocks.nodes.sum() == 128
    assert 76 % 7 in blocks.nodes.tolist()


def test_the_demo_shows_training_gap_training_gap_training() -> None:
    scenario = load("gap")
    assert scenario.programme is not None and scenario.programme.frontier is not None
    runs = calendar(scenario.programme.frontier, scenario.seed, scenario.days * DAY_S)
    assert len(runs) == 3
    assert runs[0].from_s == 0
    assert runs[-1].until_s > scenario.days * DAY_S
    assert all(later.from_s - earlier.until_s > 20 * DAY_S for earlier, later in itertools.pairwise(runs))


# ---- research


def test_the_published_shares_of_sizes_on_the_published_cluster() -> None:
    law = size_law(Research(), 16_384)
    assert law.gpus == tuple(1 << power for power in range(13))  # 1 to 4,096
    assert sum(law.of_jobs) == sum(law.of_time) == 1
    assert sum(law.of_jobs[:4]) > Decimal("0.5")  # most jobs take at most 8 GPUs
    assert law.of_jobs[-1] * 100 < 1
    assert law.of_time[-1] * 100 == 12


@pytest.mark.parametrize(("gpus", "largest"), [(1, 1), (8, 2), (32, 8), (64, 16), (1_024, 256), (1_000, 128)])
def test_the_ladder_of_sizes_ends_at_a_quarter_of_the_pool(gpus: int, largest: int) -> None:
    law = size_law(Research(), gpus)
    assert law.gpus[-1] == largest
    assert sum(law.of_jobs) == sum(law.of_time) == 1


def test_research_is_drawn_to_its_load_whatever_the_seed() -> None:
    for seed in range(5):
        jobs = research_jobs(Research(), 1_024, EPOCH_S, 30 * DAY_S, seed)
        capacity_gpu_s = 1_024 * 30 * DAY_S
        offered_gpu_s = int((jobs.gpus * jobs.run_s).sum())
        assert abs(offered_gpu_s / capacity_gpu_s - 0.85) < 0.001
        largest = jobs.gpus == 256
        assert abs(int((256 * jobs.run_s[largest]).sum()) / offered_gpu_s - 0.12) < 0.001
        assert largest.sum() < 0.01 * len(jobs.gpus)
        assert abs(len(jobs.gpus) - 7_200 * 30 / 16) < 4 * 117


def test_research_lives_seven_days_at_most_and_asks_for_no_more() -> None:
    jobs = research_jobs(Research(load_bp=Param(value=40_000)), 1_024, EPOCH_S, 30 * DAY_S, 1)
    assert jobs.run_s.max() <= 7 * DAY_S
    assert jobs.estimate_s.max() == 7 * DAY_S
    assert (jobs.estimate_s >= jobs.run_s).all()
    assert jobs.run_s.min() >= 1


@pytest.mark.parametrize(
    ("total_s", "shapes", "max_s", "expected"),
    [
        (100, [1, 1, 2], 1_000, [25, 25, 50]),
        (100, [1, 1, 2], 40, [30, 30, 40]),  # what the cap takes is shared by the rest
        (100, [1, 1, 2], 30, [30, 30, 30]),  # no other way: less than asked
        (7, [1, 1, 1], 100, [2, 2, 2]),  # floored
        (0, [5, 5], 100, [1, 1]),  # nobody runs for no time
        (90, [3, 3, 3], 30, [30, 30, 30]),
        (5, [], 30, []),
    ],
)
def test_run_times_are_scaled_to_their_sum(total_s: int, shapes: list[int], max_s: int, expected: list[int]) -> None:
    assert scaled_to(total_s, shapes, max_s) == expected


def test_rsc_lands_at_83_percent_allocated_with_nothing_lent() -> None:
    """The published value is 83 to 85 %; the band of 2 points holds for 23 of the first 24 seeds."""
    world = build(load("rsc"))
    assert world.products[world.names.products.index("int.research")].guarantee_s == 7_200
    segments = run(world, "easy", "none", tape=False).segments
    held_gpu_s = int((segments.gpus * (segments.end_s - segments.start_s)).sum())
    assert abs(held_gpu_s / (1_024 * world.horizon_s) - 0.83) < 0.02


# ---- worlds


@pytest.mark.parametrize("name", bundled())
def test_a_world_is_sorted_and_plausible(name: str) -> None:
    world = build(load(name))
    rows = world.jobs
    assert (np.diff(rows.submit_s) >= 0).all()
    assert 0 <= rows.submit_s.min() <= rows.submit_s.max() < world.horizon_s
    assert len(set(rows.job_id)) == len(rows.job_id)
    assert (rows.run_s >= 1).all()
    assert (rows.estimate_s >= rows.run_s).all()
    assert (rows.patience_s >= 1).all()
    per_pool = np.array([pool.nodes * pool.gpus_per_node for pool in world.pools])
    assert ((rows.gpus >= 1) & (rows.gpus <= per_pool[rows.pool])).all()
    assert rows.findings == []
    for column in (rows.tenant, rows.product, rows.pool, rows.gpus, rows.submit_s, rows.run_s, rows.estimate_s):
        assert column.dtype == np.int64


def test_sizes_of_the_bundled_scenarios() -> None:
    assert 15_000 <= len(build(load("gap")).jobs.job_id) <= 30_000
    assert len(build(load("small")).jobs.job_id) < 1_000


def test_small_has_every_product_and_some_faults() -> None:
    world = build(load("small"))
    assert {world.names.products[row] for row in world.jobs.product} == set(world.names.products)
    assert len(world.reservations) == 1
    assert len(world.faults.node) >= 1


def test_job_ids_name_their_stream() -> None:
    ids = set(build(load("small")).jobs.job_id)
    assert {"frontier-0001", "infer-000001", "research-000001", "acme-spot-0042", "fjord-reserved-0001"} <= ids


def test_who_has_a_contract_uses_it_while_it_lasts() -> None:
    scenario = load("small")
    world = build(scenario)
    mine = world.jobs.product == world.names.products.index("bare.reserved")
    assert scenario.contract[0].from_s <= world.jobs.submit_s[mine].min()
    assert world.jobs.submit_s[mine].max() < scenario.contract[0].until_s
    assert world.jobs.gpus[mine].max() <= scenario.contract[0].nodes * 8


def test_internal_tenants_are_one_house_and_renters_are_strangers() -> None:
    world = build(load("small"))
    assert world.tenant_domain == (0, 0, 0, 1, 2, 3)


def test_reserved_bands_and_indices_agree_with_the_registry() -> None:
    world = build(load("gap"))
    kept = world.reservations[0]
    assert world.names.tenants[kept.tenant] == "fjord"
    assert (kept.pool, kept.nodes, kept.from_s, kept.until_s) == (0, 16, 0, 365 * DAY_S)
    assert [row.band for row in world.products] == [int(product.band) for product in world.registry.products]
    assert world.products[world.names.products.index("bare.reserved")].band == Band.RESERVED


def columns(world: World) -> dict[str, list[tuple[int, ...]]]:
    """Jobs by stream, as plain tuples."""
    rows = world.jobs
    table = np.stack([rows.gpus, rows.submit_s, rows.run_s, rows.estimate_s, rows.patience_s]).T.tolist()
    streams: dict[str, list[tuple[int, ...]]] = {}
    for job_id, row in zip(rows.job_id, table, strict=True):
        streams.setdefault(job_id.rpartition("-")[0], []).append(tuple(row))
    return streams


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not() -> None:
    scenario = load("small")
    first, again, other = build(scenario), build(load("small")), build(scenario, seed=2)
    assert first.jobs.job_id == again.jobs.job_id
    for name in ("tenant", "product", "pool", "gpus", "submit_s", "run_s", "estimate_s", "patience_s"):
        assert getattr(first.jobs, name).tobytes() == getattr(again.jobs, name).tobytes()
    assert first.faults.down_s.tobytes() == again.faults.down_s.tobytes()
    for name, jobs in columns(first).items():
        assert jobs != columns(other)[name]


def one_more_tenant(mapping: dict[str, Any]) -> None:
    mapping["tenant"].insert(0, {"id": "new", "name": "New", "kind": "external"})
    mapping["demand"].insert(0, mapping["demand"][0] | {"tenant": "new"})


def one_more_pool(mapping: dict[str, Any]) -> None:
    for row in [mapping["programme"], *mapping["demand"]]:
        row["region"] = "us-1"
    mapping["pool"].insert(0, mapping["pool"][0] | {"region": "eu-1"})


def no_programme(mapping: dict[str, Any]) -> None:
    del mapping["programme"]


@pytest.mark.parametrize("change", [one_more_tenant, one_more_pool, no_programme])
def test_a_change_elsewhere_leaves_every_other_stream_as_it_was(change: Callable[[dict[str, Any]], None]) -> None:
    mapping = mapping_of("small")
    before = columns(build(from_mapping(mapping)))
    change(mapping)
    after = columns(build(from_mapping(mapping)))
    for name in set(before) & set(after):
        assert after[name] == before[name]
    assert len(set(before) & set(after)) >= 4


def test_canary_one_generator_for_all_streams_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The natural first version: draw one stream after the other from one generator."""
    shared = stream(1, "shared")
    monkeypatch.setattr("sim.workload.demand.stream", lambda seed, name: shared)
    mapping = mapping_of("small")
    before = columns(build(from_mapping(mapping)))
    one_more_tenant(mapping)
    after = columns(build(from_mapping(mapping)))
    assert any(after[name] != before[name] for name in set(before) & set(after))


def test_days_and_seed_may_be_replaced() -> None:
    world = build(load("small"), seed=5, days=1)
    assert world.horizon_s == DAY_S
    assert world.jobs.submit_s.max() < DAY_S
    with pytest.raises(ScenarioError, match=r"small.toml: days: out of range \(found 0"):
        build(load("small"), days=0)


def quiet(days: int = 1) -> Scenario:
    mapping = {key: value for key, value in mapping_of("small").items() if key in ("name", "epoch", "pool", "tenant")}
    return from_mapping(mapping | {"days": days})


def test_a_cluster_that_nobody_wants_is_a_world_too() -> None:
    world = build(quiet())
    assert world.jobs.job_id == []
    assert len(world.faults.node) == 0
    assert world.jobs.submit_s.dtype == np.int64


def test_what_can_be_held_must_have_a_price() -> None:
    mapping = mapping_of("small")
    mapping["price"] = [row for row in mapping["price"] if row["product"] != "bare.spot"]
    with pytest.raises(PriceError, match=r"mine.toml: .*bare.spot, sku h100, region us-1 at 2026-01-01T0"):
        build(from_mapping(mapping, "mine.toml"))


def test_a_contract_needs_a_price_from_its_first_hour_even_if_nobody_uses_it() -> None:
    mapping = mapping_of("small")
    mapping["demand"] = [row for row in mapping["demand"] if row["product"] != "bare.reserved"]
    late = [
        row | {"from": "2026-01-02T00:00:00Z"} if row["product"] == "bare.reserved" else row for row in mapping["price"]
    ]
    with pytest.raises(PriceError, match=r"bare\.reserved, sku h100, region us-1 at 2026-01-01T06:00:00Z"):
        build(from_mapping(mapping | {"price": late}))


def test_a_product_is_priced_under_its_plan() -> None:
    mapping = mapping_of("small") | {"product": [{"code": "bare.spot", "price_plan": "bare.ondemand"}]}
    mapping["price"] = [row for row in mapping["price"] if row["product"] != "bare.spot"]
    assert build(from_mapping(mapping)).jobs.findings == []


def test_prices_of_what_is_not_here_and_empty_streams_are_findings() -> None:
    mapping = mapping_of("small")
    mapping["price"].append(mapping["price"][0] | {"sku": "h2OO"})
    mapping["demand"].append(mapping["demand"][0] | {"name": "later", "from_day": 9})
    findings = build(from_mapping(mapping)).jobs.findings
    assert [(finding.where, finding.count) for finding in findings] == [("later", 1), ("price", 1)]
    assert "h2OO" in findings[1].what
