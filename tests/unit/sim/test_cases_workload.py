"""Case V11: the shape of a cluster that develops language models, on the preset `acme` and on any seed."""

import re
import tomllib
from decimal import Decimal

import numpy as np
import pytest

from case_file import case
from sim.engine.run import run
from sim.errors import ScenarioError
from sim.scenario.build import build
from sim.scenario.file import from_mapping, load, show
from sim.workload.llm_era import KINDS, PRETRAINING, LlmEra, llm_jobs

DAY_S = 86_400
EPOCH_S = 1_767_225_600
POOL_GPUS = 302 * 8


@pytest.mark.parametrize("seed", range(12))
def test_v11_a_month_has_the_published_shape_on_any_seed(seed: int) -> None:
    expected = case("V11")["expected"]
    jobs = llm_jobs(LlmEra(), POOL_GPUS, EPOCH_S, 30 * DAY_S, seed)
    gpu_s = jobs.gpus * jobs.run_s
    pretraining = jobs.kind == KINDS.index(PRETRAINING)

    def share(of: np.ndarray) -> float:
        return float(gpu_s[of].sum() / gpu_s.sum())

    assert share(jobs.gpus >= 256) >= expected["gpu_time_share_of_jobs_with_at_least_256_gpus_min"]
    assert (jobs.run_s > DAY_S).mean() <= expected["share_of_jobs_longer_than_1_day_max"]
    low, high = expected["pretraining_share_of_jobs"]
    assert low <= pretraining.mean() <= high
    low, high = expected["pretraining_share_of_gpu_time"]
    assert low <= share(pretraining) <= high


def test_v11_a_flat_mix_does_not_have_that_shape() -> None:
    flat = LlmEra.model_validate({"pretraining_time_bp": 2_500, "tuning_time_bp": 2_500, "debug_time_bp": 2_500})
    jobs = llm_jobs(flat, POOL_GPUS, EPOCH_S, 30 * DAY_S, 1)
    gpu_s = jobs.gpus * jobs.run_s
    assert gpu_s[jobs.gpus >= 256].sum() < 0.5 * gpu_s.sum()


def test_the_mix_offers_the_load_it_was_asked_for_and_grows_with_the_pool() -> None:
    for pool_gpus in (POOL_GPUS, 4 * POOL_GPUS):
        jobs = llm_jobs(LlmEra(), pool_gpus, EPOCH_S, 30 * DAY_S, 3)
        load = int((jobs.gpus * jobs.run_s).sum()) / (pool_gpus * 30 * DAY_S)
        assert 0.75 < load <= 0.8
        assert len(jobs.gpus) == pytest.approx(108 * 30 * pool_gpus / 2_416, rel=0.1)
    assert llm_jobs(LlmEra(), 64, EPOCH_S, 30 * DAY_S, 3).gpus.max() <= 32


def test_the_bundled_scenario_runs_and_leaves_much_to_sell() -> None:
    result = run(build(load("acme"), days=10), "easy", "all_idle", tape=False)
    started = result.outcomes.start_s >= 0
    internal = np.array([row.band for row in result.world.products])[result.world.jobs.product] <= 2
    assert started[internal].mean() > 0.9
    assert started[~internal].any()


def test_shares_above_the_whole_are_refused_by_their_key() -> None:
    mapping = tomllib.loads(show("acme"), parse_float=Decimal)
    mapping["programme"] = {"preset": "acme", "llm_era": {"debug_time_bp": 9_000}}
    with pytest.raises(ScenarioError, match=re.escape("programme.llm_era: shares of the GPU time exceed")):
        from_mapping(mapping)
