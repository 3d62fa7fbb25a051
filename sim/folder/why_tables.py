"""The tables of a run folder that say why: what each job waited for, who evicted whom, whom rentals delayed."""

import numpy as np
from numpy.typing import NDArray

from scheduler.why.wait_cause import WaitCause
from sim.folder.columns import Columns, column, party, place
from sim.folder.parquet import Cells, Labels, Maybe
from sim.measures.delays import delays_of
from sim.measures.lost_work import lost_gpu_s, lost_micro_usd
from sim.result import IntArray, RunResult

CAUSES_OF_WAIT = tuple(cause.name.lower() for cause in WaitCause)


def waits(result: RunResult) -> Columns:
    """One row per job and cause that it waited for; the rows of a job add up to its `wait_s`."""
    job, cause, wait_s = result.waits
    return {"job_id": _ids(result, job), "cause": Labels(cause, CAUSES_OF_WAIT), "wait_s": wait_s}


def evictions(result: RunResult, priced: bool) -> Columns:
    """One row per eviction, in the order in which they took place: who had to leave, for whom, and what was lost.

    Unless `priced` (a run that was not metered), nobody says what that was worth.
    """
    world, gone, by = result.world, result.evictions, result.evicted_by
    rows = world.jobs
    pool = rows.pool[gone.job]
    return {
        "job_id": _ids(result, gone.job),
        **party(world, gone.tenant, gone.product),
        **place(world.names, column(world.pool_region)[pool], column(world.pool_sku)[pool]),
        "gpus": gone.gpus,
        "noticed_s": gone.noticed_s,
        "evicted_s": gone.evicted_s,
        "guaranteed_until_s": gone.guaranteed_until_s,
        "by_job_id": Cells(_or_none(np.array(rows.job_id, dtype=object), by)),
        "by_tenant": Cells(_or_none(np.array(world.names.tenants, dtype=object)[rows.tenant], by)),
        "by_product": Cells(_or_none(np.array(world.names.products, dtype=object)[rows.product], by)),
        "second_order": Cells(result.second_order.astype(bool).tolist(), "BOOLEAN"),
        "lost_s": result.eviction_lost_s,
        "lost_gpu_s": lost_gpu_s(result),
        "lost_micro_usd": lost_micro_usd(result) if priced else Cells([None] * len(gone.job), "BIGINT"),
    }


def internal_delay(result: RunResult, baseline: RunResult | None) -> Columns:
    """One row per internal job that started with rentals or without, in order of submission.

    `later_s` and `end_later_s` are NULL where there is nothing to compare; without a baseline there is no row.
    """
    found = delays_of(result, baseline)
    rows, mine = result.world.jobs, found.job
    return {
        "job_id": _ids(result, mine),
        **party(result.world, rows.tenant[mine], rows.product[mine]),
        "gpus": result.outcomes.held_gpus[mine],
        "submit_s": rows.submit_s[mine],
        "start_s": Maybe(found.start_s),
        "start_without_s": Maybe(found.start_without_s),
        "later_s": _difference(found.start_s, found.start_without_s),
        "end_s": Maybe(found.end_s),
        "end_without_s": Maybe(found.end_without_s),
        "end_later_s": _difference(found.end_s, found.end_without_s),
    }


def _difference(with_s: IntArray, without_s: IntArray) -> Cells:
    """Return with - without, None where one of them never happened."""
    both = ((with_s >= 0) & (without_s >= 0)).tolist()
    later_s = (with_s - without_s).tolist()
    return Cells([each if known else None for each, known in zip(later_s, both, strict=True)], "BIGINT")


def _ids(result: RunResult, job: IntArray) -> Cells:
    return Cells(np.array(result.world.jobs.job_id, dtype=object)[job])


def _or_none(words: NDArray[np.object_], row: IntArray) -> list[str | None]:
    return [words[each] if each >= 0 else None for each in row.tolist()]
