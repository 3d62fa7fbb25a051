"""The tables of a run folder: which columns each has, and where they come from.

Times are seconds since the scenario's epoch; bands, states, causes, statuses and reasons are lower-case words. A time
that never came is NULL. An exact amount is a fraction of micro-USD before any rounding; its numerator is text, because
it may not fit any integer column.
"""

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from billing.books import Books
from billing.metering.classes import CLASSES
from billing.metering.meter import billed_usage
from billing.metering.meters import GPU_S, METER_CODES, METERS
from billing.metering.states import StateTable
from billing.money import format_usd
from billing.months import month_label
from billing.rating.rate import LineItemTable
from billing.sla.credit import Key
from billing.sla.exclusions import Excluded
from billing.sla.indicators import SlaRow
from billing.usage import CAUSES, Names
from scheduler.events import Reason, Status
from scheduler.nodes.nodeset import NodeSet, row_array
from scheduler.nodes.nodeset import rows as node_rows
from sim.folder import isolation_table, why_tables
from sim.folder.columns import Columns, column, looked_up, party, place
from sim.folder.contract_tables import CONTRACT_TABLES, contract_table
from sim.folder.parquet import Cells, Labels, Maybe
from sim.result import RunResult

TABLES = (
    *("jobs", "allocations", "hourly_usage", "line_items", "capacity", "sla"),
    *("waits", "evictions", "internal_delay"),
    *CONTRACT_TABLES,
    isolation_table.TABLE,  # where the scenario asks for it
)
STATUSES = tuple(status.name.lower() for status in Status)
REASONS = tuple(reason.name.lower() for reason in Reason)
SLA_NUMBERS = SlaRow._fields[4:]  # all but tenant, product, month and terms
UNITS = tuple(meter.unit for meter in METERS)
_FEW_NODES = 32  # up to here walking the bits of a set is faster than unpacking it


def tables(result: RunResult, books: Books | None, baseline: RunResult | None = None) -> Iterator[tuple[str, Columns]]:
    """Yield (name, columns) of every table, one after the other, so that one at a time is in memory.

    Without books (a run that was not metered) their tables are there, without a row; so is that of the delays without
    a baseline (the same world with rentals off).
    """
    names, priced = result.world.names, books is not None
    books = books or unmetered(names, result.horizon_s)
    yield "jobs", jobs(result)
    yield "allocations", allocations(result)
    yield "hourly_usage", hourly_usage(names, books)
    yield "line_items", line_items(names, books)
    yield "capacity", capacity(names, books)
    yield "sla", sla(names, books)
    yield "waits", why_tables.waits(result)
    yield "evictions", why_tables.evictions(result, priced)
    yield "internal_delay", why_tables.internal_delay(result, baseline)
    for name in CONTRACT_TABLES:
        yield name, contract_table(name, books.agreed)
    if result.isolation is not None:
        yield isolation_table.TABLE, isolation_table.isolation(result.world, result.isolation)


def unmetered(names: Names, horizon_s: int) -> Books:
    """Return the books of a run of which nothing was metered."""
    none = np.zeros(0, dtype=np.int64)
    usage = billed_usage(none, none, none, none, none, none)
    lines = LineItemTable(none, none, none, none, none, none, none, none, none, none, none, none)
    return Books(names, horizon_s, usage, lines, [], [], [], StateTable((), none, none, none, none, none), [])


def jobs(result: RunResult) -> Columns:
    """One row per job, in order of submission: what was asked for and what became of it.

    `gpus` is what was asked for, `held_gpus` what is held while running: whole nodes for rentals. `start_s` is the
    first start, `wait_s` all the time spent waiting, `work_s` the useful seconds kept.
    """
    world, outcomes = result.world, result.outcomes
    rows = world.jobs
    region, sku = column(world.pool_region)[rows.pool], column(world.pool_sku)[rows.pool]
    return {
        "job_id": Cells(rows.job_id),
        **party(world, rows.tenant, rows.product),
        "gpus": rows.gpus,
        "submit_s": rows.submit_s,
        "start_s": Maybe(outcomes.start_s),
        "end_s": Maybe(outcomes.end_s),
        "run_s": rows.run_s,
        "wait_s": outcomes.wait_s,
        "preemptions": outcomes.preemptions,
        "status": Labels(outcomes.status, STATUSES),
        "reason": Labels(outcomes.reason, REASONS),
        **place(world.names, region, sku),
        "held_gpus": outcomes.held_gpus,
        "estimate_s": rows.estimate_s,
        "granted_s": Maybe(outcomes.granted_s),
        "work_s": outcomes.work_s,
        "faults": outcomes.faults,
    }


def allocations(result: RunResult) -> Columns:
    """One row per allocation segment, in the order in which they ended. `nodes` are rows of nodes in their pool.

    `pending_s` is since when the job had waited for this start; `outage_until_s`, where a node fault ended it, until
    when the job was without nodes.
    """
    world, segments, starts, outages = result.world, result.segments, result.starts, result.outages
    nodes = _node_lists(result.segment_nodes)
    return {
        "job_id": Cells(np.array(world.jobs.job_id, dtype=object)[segments.job]),
        **party(world, segments.tenant, segments.product),
        **place(world.names, segments.region, segments.sku),
        "nodes": Cells(nodes, "INTEGER[]"),
        "gpus": segments.gpus,
        "start_s": segments.start_s,
        "end_s": segments.end_s,
        "cause": Labels(segments.cause, CAUSES),
        "nodes_count": np.fromiter(map(len, nodes), dtype=np.int64, count=len(nodes)),
        "stalled_s": result.stalled_s,
        "lost_s": result.lost_s,
        "written_s": result.written_s,
        "pending_s": Maybe(looked_up(segments.job, segments.start_s, starts.job, starts.start_s, starts.pending_s)),
        "outage_until_s": Maybe(looked_up(segments.job, segments.end_s, outages.job, outages.from_s, outages.until_s)),
    }


def hourly_usage(names: Names, books: Books) -> Columns:
    """One row per (tenant, hour, region, SKU, product, meter, class, factor) of which anything was used.

    `gpu_s` repeats the quantity where it is GPU-seconds and is 0 for every other meter, so that its sums are GPU time.
    """
    usage = books.usage
    return {
        "tenant": Labels(usage.tenant, names.tenants),
        "hour_s": usage.hour_s,
        **place(names, usage.region, usage.sku),
        "product": Labels(usage.product, names.products),
        "gpu_s": np.where(usage.meter == GPU_S, usage.quantity, 0),
        "meter": Labels(usage.meter, METER_CODES),
        "quantity": usage.quantity,
        "charge_class": Labels(usage.charge_class, CLASSES),
        "factor_bp": usage.factor_bp,
    }


def line_items(names: Names, books: Books) -> Columns:
    """The hourly usage, priced: `quantity` in GPU-seconds, the price per GPU-hour.

    The exact amount of a row is amount_numerator / amount_denominator micro-USD. `amount_usd` is the row's share of a
    sum that was rounded once, so that rows add up to it.
    """
    lines = books.lines
    return {
        "tenant": Labels(lines.tenant, names.tenants),
        "hour_s": lines.hour_s,
        "product": Labels(lines.product, names.products),
        **place(names, lines.region, lines.sku),
        "quantity": lines.quantity,
        "unit": Labels(lines.meter, UNITS),
        "unit_price_micro_usd": Maybe(lines.unit_price_micro_usd),
        "amount_usd": Cells(lines.amount_usd()),
        "amount_micro_usd": lines.amount_micro_usd,
        "amount_numerator": Cells([str(numerator) for numerator in lines.numerator.tolist()]),
        "amount_denominator": np.full_like(lines.quantity, lines.denominator),
        "meter": Labels(lines.meter, METER_CODES),
        "charge_class": Labels(lines.charge_class, CLASSES),
        "factor_bp": lines.factor_bp,
    }


def capacity(names: Names, books: Books) -> Columns:
    """One row per (hour, region, SKU, state) with any GPU-second: states add up to what is installed.

    A state is "held." and the product that held it, or one of those that nobody held.
    """
    states = books.capacity
    return {
        "hour_s": states.hour_s,
        **place(names, states.region, states.sku),
        "state": Labels(states.state, states.state_names),
        "gpu_s": states.gpu_s,
    }


def sla(names: Names, books: Books) -> Columns:
    """One row per (tenant, rented product, month) in which something happened, with the credit that follows from it.

    Availability is healthy_gpu_s / entitled_gpu_s. `terms`, `target_bp` and `met` are NULL where none is promised, the
    times to start where nothing started, and what a credit was made from where there is none. `evidence` is a JSON list
    of the outages behind a credit, `refund_evidence` of the evictions behind a refund, `excluded` of the time that did
    not count.
    """
    rows = books.sla
    keys = [Key(row.tenant, row.product, row.month) for row in rows]
    posted = {(credit.key, credit.basis == "eviction"): credit for credit in books.credits}
    credits, refunds = ([posted.get((key, refund)) for key in keys] for refund in (False, True))
    excluded: dict[Key, list[Excluded]] = {key: [] for key in keys}
    for each in books.excluded:
        excluded[each.key].append(each)
    return {
        "tenant": Labels(column([row.tenant for row in rows]), names.tenants),
        "product": Labels(column([row.product for row in rows]), names.products),
        "month": Cells([month_label(row.month) for row in rows]),
        "terms": Cells([row.terms for row in rows]),
        "met": Cells([row.met for row in rows], "BOOLEAN"),
        **{name: Cells([getattr(row, name) for row in rows], "BIGINT") for name in SLA_NUMBERS},
        "credit_usd": Cells([format_usd(row.credit_micro_usd) for row in rows]),
        "credit_numerator": Cells([str(credit.exact.numerator) if credit else None for credit in credits]),
        "credit_denominator": Cells([credit.exact.denominator if credit else None for credit in credits], "BIGINT"),
        "charge_numerator": Cells([str(credit.charge.numerator) if credit else None for credit in credits]),
        "charge_denominator": Cells([credit.charge.denominator if credit else None for credit in credits], "BIGINT"),
        "evidence": Cells([_evidence(credit.evidence) if credit else None for credit in credits]),
        "basis": Cells([credit.basis if credit else None for credit in credits]),
        "refund_numerator": Cells([str(refund.exact.numerator) if refund else None for refund in refunds]),
        "refund_denominator": Cells([refund.exact.denominator if refund else None for refund in refunds], "BIGINT"),
        "refund_evidence": Cells([_evidence(refund.evidence) if refund else None for refund in refunds]),
        "excluded": Cells([_evidence([each.time for each in excluded[key]]) for key in keys]),
    }


def _evidence(rows: Sequence[NamedTuple]) -> str:
    return json.dumps([row._asdict() for row in rows])


def _node_lists(sets: Sequence[NodeSet]) -> NDArray[np.object_]:
    """Return node sets as lists of rows, (n,); equal sets share one, since few differ in a long run."""
    known: dict[NodeSet, list[int]] = {}
    lists = np.empty(len(sets), dtype=object)
    for row, nodes in enumerate(sets):
        if nodes not in known:
            known[nodes] = list(node_rows(nodes)) if nodes.bit_count() < _FEW_NODES else row_array(nodes).tolist()
        lists[row] = known[nodes]
    return lists
