"""Both sides of lending, out of a run folder: what rentals earned, and by how much they delayed each internal job."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from billing.invoices.bill import BALANCES, CREDIT
from billing.money import format_usd, round_half_up
from billing.sla.indicators import nearest_rank
from sim.errors import SimError
from sim.folder.books import read_books
from sim.folder.run_folder import RunFolder, read


class DelayReport(NamedTuple):
    """`rows` are those of internal_delay.parquet, the latest first; `totals` are those of the summary."""

    run: str
    rows: list[dict[str, Any]]
    totals: dict[str, Any]


def delay_report(folder: Path) -> DelayReport:
    """Read what rentals earned and whom they delayed.

    Raises:
        SimError: no such run, or one that was not compared with the same world without rentals.
    """
    run = read(folder)
    summary = run.summary()
    if summary["internal_delay"] is None:
        hint = "a run of `spillway run --baseline` or `spillway demo`"
        raise SimError("run has no baseline", code="run.no_baseline", file=str(folder), allowed=hint)
    rows = run.query("SELECT * FROM internal_delay ORDER BY coalesce(later_s, 0) DESC, submit_s, job_id")
    later_s = np.sort(np.array([row["later_s"] for row in rows if row["later_s"] is not None], dtype=np.int64))
    gpu_s = sum(row["gpus"] * row["later_s"] for row in rows if row["later_s"] is not None)
    ends_s = [row["end_later_s"] for row in rows if row["end_later_s"] is not None]
    earned, credits, other = _earned(run)
    net = earned - credits
    totals = {
        "jobs_compared": len(later_s),
        "unpaired": len(rows) - len(later_s),
        "later": int(np.count_nonzero(later_s > 0)),
        "earlier": int(np.count_nonzero(later_s < 0)),
        "total_s": int(later_s.sum()),
        "gpu_s": gpu_s,
        "ends_compared": len(ends_s),
        "end_total_s": sum(ends_s),
        "mean_s": round_half_up(int(later_s.sum()), len(later_s)) if len(later_s) else 0,
        "p50_s": nearest_rank(later_s, 50) or 0,
        "p99_s": nearest_rank(later_s, 99) or 0,
        "max_s": max(0, int(later_s[-1])) if len(later_s) else 0,
        "lent_micro_usd": earned,
        "lent_usd": format_usd(earned, 2),
        "lent_credits_micro_usd": credits,
        "lent_credits_usd": format_usd(credits, 2),
        "lent_net_micro_usd": net,
        "lent_net_usd": format_usd(net, 2),
        "contracts_micro_usd": other,
        "contracts_usd": format_usd(other, 2),
        "lent_net_usd_per_gpu_h_of_delay": _cents(net * 3600, gpu_s) if gpu_s > 0 else None,
    }
    return DelayReport(folder.name, rows, totals)


def _earned(run: RunFolder) -> tuple[int, int, int]:
    """Return micro-USD billed for what `lend` let out (on-demand and spot), service credits for it, and the rest.

    The rest are contracts, which are there without rentals, too. All as the bills of the months say.
    """
    rows = run.query("SELECT DISTINCT product FROM jobs WHERE band IN ('on_demand', 'spot')")
    rented = run.query("SELECT DISTINCT product FROM jobs WHERE band = 'reserved'")
    lent, contracts = {row["product"] for row in rows}, {row["product"] for row in rented}
    books = read_books(run)
    earned = credits = other = 0
    for bill in books.month_bills():
        for line in bill.lines:
            if line.kind == CREDIT:
                credits -= line.amount_micro_usd if line.product in lent else 0
            elif line.kind in BALANCES:
                continue
            elif line.product in lent:
                earned += line.amount_micro_usd
            elif line.product in contracts:
                other += line.amount_micro_usd
    return earned, credits, other


def _cents(micro_usd: int, per: int) -> str:
    return format_usd(10_000 * round_half_up(micro_usd, 10_000 * per), 2)
