"""Whatever scenario is asked for: a world that keeps its promises, or one clear line."""

import copy
import itertools
import tomllib
from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.errors import BillingError
from sim.errors import ScenarioError
from sim.result import World
from sim.scenario.build import build
from sim.scenario.file import from_mapping, parse, show
from sim.scenario.model import Scenario
from sim.workload.research import scaled_to
from tenants.errors import TenantError

SMALL = tomllib.loads(show("small"), parse_float=Decimal)
DAY_S = 86_400

PROGRAMMES = st.fixed_dictionaries(
    {
        "preset": st.sampled_from(["seed", "rsc", "custom"]),
        "frontier": st.fixed_dictionaries(
            {
                "on_days": st.integers(1, 5),
                "gap_days": st.integers(0, 3),
                "elapsed_days": st.integers(0, 4),
                "slip_bp": st.integers(0, 5_000),
                "spare_nodes": st.integers(0, 2),
            }
        ),
        "inference": st.fixed_dictionaries(
            {
                "trough_bp": st.integers(0, 2_000),
                "peak_bp": st.integers(2_000, 6_000),
                "block_nodes": st.integers(1, 5),
                "noise_bp": st.integers(0, 10_000),
            }
        ),
    },
    optional={"research": st.fixed_dictionaries({"load_bp": st.integers(0, 20_000)})},
)
DEMANDS = st.builds(
    lambda sizes, median_s, longer_s, swing_bp, weekend_bp, patience_s, per_day: (
        {
            "jobs_per_day": per_day,
            "nodes": sizes,
            "weights": [1 + size for size in sizes],
            "run_median_s": median_s,
            "run_mean_s": median_s + longer_s,
            "run_max_s": median_s + longer_s + 10,
            "day_swing_bp": swing_bp,
            "weekend_bp": weekend_bp,
        }
        | ({"patience_mean_s": patience_s} if patience_s else {})
    ),
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=3),
    median_s=st.integers(1, 40_000),
    longer_s=st.integers(0, 40_000),
    swing_bp=st.integers(0, 10_000),
    weekend_bp=st.integers(0, 10_000),
    patience_s=st.integers(0, 9_999),
    per_day=st.decimals(0, 40, places=2),
)


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Small clusters with any mix of internal work and two renters."""
    mapping = copy.deepcopy(SMALL)
    mapping["seed"] = draw(st.integers(0, 2**40))
    mapping["days"] = draw(st.integers(1, 5))
    mapping["pool"][0]["nodes"] = draw(st.integers(12, 40))
    mapping["pool"][0]["gpus_per_node"] = draw(st.sampled_from([1, 4, 8]))
    mapping["programme"] = draw(PROGRAMMES)
    mapping["contract"] = []
    renters = [{"tenant": "acme", "product": "bare.spot"}, {"tenant": "birch", "product": "bare.ondemand"}]
    mapping["demand"] = [renter | draw(DEMANDS) for renter in renters]
    return from_mapping(mapping)


def internal_nodes_max(world: World) -> int:
    """The most nodes that frontier and inference want at any one time."""
    rows = world.jobs
    wanted = [world.names.products.index(code) for code in ("int.frontier", "int.inference")]
    mine = np.isin(rows.product, wanted)
    edges = [
        *zip(rows.submit_s[mine].tolist(), rows.gpus[mine].tolist(), strict=True),
        *zip((rows.submit_s + rows.run_s)[mine].tolist(), (-rows.gpus[mine]).tolist(), strict=True),
    ]
    held = np.cumsum([gpus for _, gpus in sorted(edges)])  # at one time, what ends comes before what begins
    return int(held.max(initial=0)) // world.pools[0].gpus_per_node


@settings(max_examples=60)
@given(scenarios())
def test_every_world_keeps_its_promises(scenario: Scenario) -> None:
    world = build(scenario)
    rows = world.jobs
    assert (np.diff(rows.submit_s) >= 0).all()
    assert len(set(rows.job_id)) == len(rows.job_id) == len(rows.submit_s)
    assert ((rows.submit_s >= 0) & (rows.submit_s < world.horizon_s)).all()
    assert ((rows.run_s >= 1) & (rows.estimate_s >= rows.run_s) & (rows.patience_s >= 1)).all()
    assert ((rows.gpus >= 1) & (rows.gpus <= world.pools[0].nodes * world.pools[0].gpus_per_node)).all()
    assert internal_nodes_max(world) <= world.pools[0].nodes
    faults = world.faults
    order = np.lexsort((faults.down_s, faults.node))
    same = np.diff(faults.node[order]) == 0
    assert (faults.down_s[order][1:][same] > faults.up_s[order][:-1][same]).all()
    assert (faults.up_s > faults.down_s).all()


@settings(max_examples=20)
@given(scenarios())
def test_a_scenario_s_text_makes_the_same_world(scenario: Scenario) -> None:
    """What a run folder keeps is enough to repeat the run, byte for byte."""
    first, again = build(scenario).jobs, build(parse(scenario.text)).jobs
    assert first.job_id == again.job_id
    for name in ("tenant", "product", "pool", "gpus", "submit_s", "run_s", "estimate_s", "patience_s"):
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes()


@settings(max_examples=20)
@given(scenarios(), DEMANDS)
def test_a_tenant_more_leaves_everybody_else_as_they_were(scenario: Scenario, demand: dict[str, Any]) -> None:
    mapping = tomllib.loads(scenario.text, parse_float=Decimal)
    mapping["demand"].insert(0, {"tenant": "fjord", "product": "bare.spot"} | demand)
    before, after = build(scenario).jobs, build(from_mapping(mapping)).jobs
    others = [row for row, job_id in enumerate(after.job_id) if not job_id.startswith("fjord-")]
    assert [after.job_id[row] for row in others] == before.job_id
    for name in ("gpus", "submit_s", "run_s", "estimate_s", "patience_s"):
        assert getattr(after, name)[others].tolist() == getattr(before, name).tolist()


@given(st.integers(0, 10**7), st.lists(st.integers(0, 10**9), max_size=30), st.integers(1, 10**5))
def test_scaled_run_times_reach_their_sum_or_the_cap(total_s: int, shapes: list[int], max_s: int) -> None:
    run_s = scaled_to(total_s, shapes, max_s)
    assert len(run_s) == len(shapes)
    assert all(1 <= each <= max_s for each in run_s)
    most_s = min(total_s, max_s * len(shapes))
    assert most_s - len(shapes) <= sum(run_s) <= most_s + len(shapes)
    by_shape = sorted(zip(shapes, run_s, strict=True))
    assert all(a[1] <= b[1] for a, b in itertools.pairwise(by_shape))


# What a person may have typed instead of a value.
TYPED = st.recursive(
    st.sampled_from(["acme", "bare.spot", "us-1", "easy", "seed", "", "2026-01-01T00:00:00Z"])
    | st.integers(-3, 40)
    | st.integers()
    | st.booleans()
    | st.decimals(allow_nan=True)
    | st.dates()
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "unit", "confidence", "nodes", "x"]), inner, max_size=3)
    ),
    max_leaves=4,
)


def places(part: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every key path of a mapping."""
    pairs = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    return [place for key, inner in pairs for place in ((*path, key), *places(inner, (*path, key)))]


@settings(max_examples=max(60, settings.default.max_examples // 2))
@given(st.sampled_from(places(SMALL)), TYPED, st.booleans())
def test_a_slip_of_the_pen_is_a_world_or_one_clear_line(
    place: tuple[str | int, ...], value: object, misspelt: bool
) -> None:
    mapping = copy.deepcopy(SMALL)
    inner: Any = mapping
    for key in place[:-1]:
        inner = inner[key]
    if misspelt and isinstance(inner, dict):
        inner[f"{place[-1]}s"] = value
    else:
        inner[place[-1]] = value
    try:
        from_mapping(mapping, "mine.toml", text="")
    except (ScenarioError, TenantError, BillingError) as error:
        assert str(error).startswith("mine.toml: ")
        assert "\n" not in str(error)
        assert error.path
