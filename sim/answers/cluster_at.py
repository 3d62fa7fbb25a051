"""What the cluster of a finished run looked like at one moment, in the words in which a live one is told of.

The tape is fed to a core up to that moment, and the core is looked at.
"""

from typing import NamedTuple, cast

import numpy as np

from billing.client.shapes import NewSnapshot
from billing.usage import Names
from scheduler.tape import core_of, steps
from sim.feed.snapshot import snapshot_of
from sim.folder.run_folder import RunFolder
from sim.result import IntArray, World


class JobsRead(NamedTuple):
    """Columns of the jobs of a run, as its folder has them."""

    job_id: list[str]
    tenant: IntArray
    product: IntArray
    gpus: IntArray


class WorldRead(NamedTuple):
    """What a run folder knows of its world."""

    names: Names
    pool_region: tuple[int, ...]
    pool_sku: tuple[int, ...]
    jobs: JobsRead


def cluster_at(run: RunFolder, at_s: int) -> NewSnapshot:
    """Return the cluster as the last decision up to `at_s` (seconds since the epoch of the run) left it.

    Raises SimError: the run has no tape. Cost: one replay of the tape up to that moment.
    """
    world = world_of(run)
    lines = run.tape()
    core = core_of(next(lines))
    for _, now_s, events, _ in steps(lines):
        if now_s > at_s:
            break
        core.step(now_s, events)
        core.out.clear()
    core.now_s = max(core.now_s, at_s)
    return snapshot_of(core, cast(World, world), at_s, run.path.resolve().name)


def world_of(run: RunFolder) -> WorldRead:
    """Return the names of a run and what its tape calls by numbers."""
    names, pools = run.names, run.manifest["pools"]
    rows = run.columns("jobs", "job_id", "tenant", "product", "gpus")
    tenants, products = _places(names.tenants), _places(names.products)
    return WorldRead(
        names,
        tuple(names.regions.index(pool["region"]) for pool in pools),
        tuple(names.skus.index(pool["sku"]) for pool in pools),
        JobsRead(
            [str(each) for each in rows["job_id"]],
            np.array([tenants[str(each)] for each in rows["tenant"]], dtype=np.int64),
            np.array([products[str(each)] for each in rows["product"]], dtype=np.int64),
            rows["gpus"],
        ),
    )


def _places(names: tuple[str, ...]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}
