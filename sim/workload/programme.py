"""The internal programme: the training, inference and research that the cluster was built for.

Three presets, each a stylised fact about a real kind of fleet:

    seed   frontier runs, 8 months on and 4 off; in between only inference, 30-50 % of the cluster; research off
    rsc    a published pair of research clusters: research only, 83-85 % allocated
    acme   published clusters that develop language models: a few pretraining runs hold nearly all GPU time

A preset says which parts exist; a scenario may set any parameter of a part, or add a part (`custom` has none of its
own). With rentals off, `seed` allocates (T + u G) / (T + G) of the nodes that it may use: T and G are the time with and
without a frontier run, u is the mean share of inference in a gap.
"""

import math
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
from pydantic import model_validator

from scheduler.events import NEVER
from sim.errors import ScenarioError
from sim.param import Count, Days, Param, Quantity, Slack
from sim.workload.draw import DAY_S, UNIT_BP, IntArray, JobStream, estimates, stream
from sim.workload.inference import Inference, Window, inference_blocks
from sim.workload.llm_era import LlmEra, llm_jobs
from sim.workload.research import Research, research_jobs
from tenants.model import BasisPoints, Record

PRESETS: dict[str, tuple[str, ...]] = {
    "seed": ("frontier", "inference"),
    "rsc": ("research",),
    "acme": ("llm_era",),
    "custom": (),
}


class Frontier(Record):
    """A calendar of frontier runs. A run is one gang: the pool without the inference peak, contracts and hot spares."""

    tenant: str = "frontier"
    product: str = "int.frontier"
    on_days: Param[Count] = Param(
        value=240, unit="days", source="news article: 8 months of training; a month is 30 days", confidence="guess"
    )
    gap_days: Param[Days] = Param(
        value=120, unit="days", source="news article: then 4 months without; a month is 30 days", confidence="guess"
    )
    elapsed_days: Days = 0  # how much of the calendar's first run lies before the scenario's epoch
    slip_bp: Param[BasisPoints] = Param(
        value=1_000, unit="bp, standard deviation of the log length", source="assumption", confidence="guess"
    )
    announced_days: Param[Days] = Param(
        value=30, unit="days", source="assumption: a run is planned for a month before it starts", confidence="guess"
    )
    spare_nodes: Param[Quantity] = Param(value=0, unit="nodes", source="assumption", confidence="guess")
    slack_max_bp: Param[Slack] = Param(
        value=3_000, unit="bp of the run time", source="assumption: plans slip by up to 30 %", confidence="guess"
    )


class Programme(Record):
    """Which internal work runs in one pool; written as a table, or as the bare name of a preset."""

    preset: Literal["seed", "rsc", "acme", "custom"]
    region: str = ""  # may be left out where the scenario has one pool
    sku: str = ""
    frontier: Frontier | None = None
    inference: Inference | None = None
    research: Research | None = None
    llm_era: LlmEra | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_parts_of_the_preset(cls, raw: object) -> object:
        table = {"preset": raw} if isinstance(raw, str) else raw
        if not isinstance(table, dict):
            return table
        return {part: {} for part in PRESETS.get(str(table.get("preset")), ())} | table


class Frame(NamedTuple):
    """What a programme is drawn for: one pool, seen over one run."""

    pool: int
    nodes: int
    gpus_per_node: int
    contract_nodes: int  # the most that contracts of this pool hold at any one time
    epoch_s: int
    horizon_s: int
    seed: int
    within: int = 0  # level of the domains that research has to stay in where one can hold it
    largest: int = 0  # nodes of the largest of them


def calendar(frontier: Frontier, seed: int, horizon_s: int) -> list[Window]:
    """Return the frontier runs that touch [0, horizon_s), ascending; the last one may end after it.

    Runs and gaps alternate. Each length is its mean times a log-normal factor of mean 1, floored to seconds, so that
    overruns and early ends balance. A longer horizon only adds runs.
    """
    rng = stream(seed, "frontier")
    sigma = frontier.slip_bp.value / UNIT_BP

    def slipped(days: int) -> int:
        return int(days * DAY_S * math.exp(sigma * rng.standard_normal() - sigma * sigma / 2))

    runs: list[Window] = []
    at_s = -frontier.elapsed_days * DAY_S
    while at_s < horizon_s:
        end_s = at_s + slipped(frontier.on_days.value)
        if end_s > 0:
            runs.append(Window(max(at_s, 0), end_s))
        at_s = end_s + slipped(frontier.gap_days.value)
    return runs


def gang_nodes(programme: Programme, nodes: int, contract_nodes: int) -> int:
    """Return the nodes of a frontier run: what inference at its peak, contracts and hot spares leave of a pool.

    0 where the programme trains nothing.

    Raises:
        ScenarioError: nothing is left.
    """
    if programme.frontier is None:
        return 0
    peak = programme.inference.peak_nodes(nodes) if programme.inference else 0
    spare = programme.frontier.spare_nodes.value
    left = nodes - peak - contract_nodes - spare
    if left < 1:
        raise ScenarioError(
            "no node is left for a frontier run",
            code="impossible_size",
            path="programme.frontier",
            found=f"{nodes} nodes - {peak} inference peak - {contract_nodes} in contracts - {spare} spares = {left}",
            allowed="at least 1",
        )
    return left


def draw_programme(programme: Programme, frame: Frame) -> list[JobStream]:
    """Draw all internal jobs, one stream per part, in the fixed order frontier, infer, research, llm."""
    streams: list[JobStream] = []
    runs: list[Window] = []
    if programme.frontier:
        runs = calendar(programme.frontier, frame.seed, frame.horizon_s)
        streams.append(
            _frontier(programme.frontier, gang_nodes(programme, frame.nodes, frame.contract_nodes), runs, frame)
        )
    if programme.inference:
        streams.append(_inference(programme.inference, runs, frame))
    if programme.research:
        streams.append(_research(programme.research, frame))
    if programme.llm_era:
        streams.append(_llm_era(programme.llm_era, frame))
    return streams


def _frontier(part: Frontier, nodes: int, runs: list[Window], frame: Frame) -> JobStream:
    submit_s, until_s = np.array(runs, dtype=np.int64).reshape(-1, 2).T
    run_s = until_s - submit_s
    # A stream of its own: a longer calendar must not change what earlier runs were planned to take.
    estimate_s = estimates(stream(frame.seed, "frontier/estimate"), run_s, part.slack_max_bp.value)
    gpus = np.full(len(runs), nodes * frame.gpus_per_node, dtype=np.int64)
    known = _internal("frontier", 4, part, frame, gpus, submit_s, run_s, estimate_s)
    return replace(known, announced_s=submit_s - part.announced_days.value * DAY_S)


def _inference(part: Inference, runs: list[Window], frame: Frame) -> JobStream:
    blocks = inference_blocks(part, frame.nodes, runs, frame.epoch_s, frame.horizon_s, frame.seed)
    run_s = blocks.until_s - blocks.from_s
    # The autoscaler knows its own mind: what it asks for is what it takes.
    return _internal("infer", 6, part, frame, blocks.nodes * frame.gpus_per_node, blocks.from_s, run_s, run_s)


def _research(part: Research, frame: Frame) -> JobStream:
    gpus = frame.nodes * frame.gpus_per_node
    jobs = research_jobs(part, gpus, frame.epoch_s, frame.horizon_s, frame.seed)
    found = _internal("research", 6, part, frame, *jobs)
    near = found.gpus <= frame.largest * frame.gpus_per_node
    return replace(found, within=np.where(near, frame.within, 0)) if frame.within else found


def _llm_era(part: LlmEra, frame: Frame) -> JobStream:
    gpus = frame.nodes * frame.gpus_per_node
    return _internal("llm", 6, part, frame, *llm_jobs(part, gpus, frame.epoch_s, frame.horizon_s, frame.seed)[1:])


def _internal(
    name: str,
    digits: int,
    part: Frontier | Inference | Research | LlmEra,
    frame: Frame,
    gpus: IntArray,
    submit_s: IntArray,
    run_s: IntArray,
    estimate_s: IntArray,
) -> JobStream:
    """Internal work waits for ever: nobody takes training elsewhere."""
    return JobStream(
        name=name,
        digits=digits,
        tenant=part.tenant,
        product=part.product,
        pool=frame.pool,
        gpus=gpus,
        submit_s=submit_s,
        run_s=run_s,
        estimate_s=estimate_s,
        patience_s=np.full(len(submit_s), NEVER, dtype=np.int64),
    )
