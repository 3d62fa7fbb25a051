"""The top of the page: the three answers that belong together, and the figures behind them."""

from typing import NamedTuple

from sim.report import text
from sim.report.model import ReportData


class Card(NamedTuple):
    """One figure. `state` is "ok" or "bad" where the figure is a promise that was kept or broken, else empty."""

    what: str
    figure: str
    note: str
    state: str = ""


def answers(data: ReportData) -> tuple[tuple[str, str], ...]:
    """Return what is earned, who is delayed, and what breaks, as (question, sentence)."""
    return (("What is earned", _earned(data)), ("Who is delayed", _delayed(data)), ("What breaks", _broken(data)))


def cards(data: ReportData) -> tuple[Card, ...]:
    """Return the figures after the three utilisations."""
    earned, credited = charged(data), credits(data)
    return (
        Card("External revenue", text.usd(earned), _rate(data)),
        Card(
            "Service credits",
            text.usd(credited),
            f"{text.ratio(credited, earned, 2)} % of revenue" if earned else "nothing was charged",
        ),
        _delay_card(data),
        _reclaim_card(data),
        _notice_card(data),
        Card(
            "Jobs interrupted by faults",
            text.group(sum(row.faults for row in data.disturbances)),
            f"{text.gpu_h(sum(row.lost_gpu_s for row in data.disturbances))} GPU-h of work lost, by evictions too",
        ),
        Card(
            "Ledger residual",
            f"{text.group(data.residual_gpu_s)} GPU-s",
            f"{text.usd(data.residual_micro_usd)} between meter, lines and bills",
            "bad" if data.residual_gpu_s or data.residual_micro_usd else "ok",
        ),
    )


def charged(data: ReportData) -> int:
    """Return micro-USD charged to external tenants."""
    return sum(row.amount_micro_usd for row in data.revenue)


def credits(data: ReportData) -> int:
    """Return micro-USD of service credits."""
    return sum(row.credit_micro_usd for row in data.revenue)


def _earned(data: ReportData) -> str:
    if not data.external_gpu_s:
        return "Nothing: no capacity was rented out in this run."
    payers = len({row.tenant for row in data.revenue if row.amount_micro_usd})
    free_gpu_s = data.external_gpu_s + sum(row.gpu_s for row in data.unheld if row.key != "down")
    return (
        f"{text.usd(charged(data))} from {payers} tenant{'' if payers == 1 else 's'}, who held "
        f"{text.ratio(data.external_gpu_s, free_gpu_s)}{text.NBSP}% of the healthy capacity that internal work "
        f"left free ({text.gpu_h_brief(data.external_gpu_s)} GPU-hours)."
    )


def _delayed(data: ReportData) -> str:
    paired = data.delay.paired
    jobs = sum(row.jobs for row in paired)
    if jobs:
        return (
            f"{text.group(sum(row.later for row in paired))} of {text.group(jobs)} internal jobs started later than in "
            f"the same world without rentals: {_mean_delay(data)} on average over all of them, "
            f"{text.span(max(row.worst_s for row in paired))} at worst."
        )
    if not data.delay.reclaim:
        return "Nobody: no internal job started."
    return f"No internal job waited longer than {text.span(_slowest_s(data))} between its grant and its start."


def _broken(data: ReportData) -> str:
    evictions = sum(row.evictions for row in data.disturbances)
    kept = sum(row.notices_kept for row in data.disturbances)
    faults = sum(row.faults for row in data.disturbances)
    if evictions:
        notices = "all notices kept" if kept == evictions else f"{text.group(evictions - kept)} notices broken"
        evicted = f"{text.group(evictions)} evictions, {notices}"
    else:
        evicted = "Nobody was evicted"
    interrupted = f"node faults interrupted {text.group(faults)} jobs" if faults else "no job lost its nodes to a fault"
    credited = f"{text.usd(credits(data))} of service credits" if credits(data) else "no service credits"
    return f"{evicted}; {interrupted}; {credited}."


def _rate(data: ReportData) -> str:
    if not data.external_gpu_s:
        return "nothing was rented out"
    micro_usd_per_gpu_h = charged(data) * text.HOUR_S // data.external_gpu_s
    return f"{text.usd(micro_usd_per_gpu_h)} per GPU-hour; {text.usd(charged(data) - credits(data))} after credits"


def _delay_card(data: ReportData) -> Card:
    what = "Internal delay caused by rentals"
    if not data.delay.paired:
        return Card(what, "not paired", "no run of the same world without rentals to compare with")
    more_s = sum(row.wait_with_s - row.wait_without_s for row in data.delay.paired)
    worst_s = max(row.worst_s for row in data.delay.paired)
    note = f"mean per internal job; {text.span(worst_s)} at most, {text.gpu_h(more_s)} job-hours in all"
    return Card(what, _mean_delay(data), note)


def _reclaim_card(data: ReportData) -> Card:
    what, starts = "Longest wait from grant to start", sum(row.starts for row in data.delay.reclaim)
    if not starts:
        return Card(what, text.DASH, "no internal job started")
    if not data.delay.bounds:
        return Card(what, text.span(_slowest_s(data)), f"of {text.group(starts)} starts; no rentals to reclaim from")
    beyond = f"{text.group(data.delay.over_bound)} of {text.group(starts)} starts beyond it"
    note = f"declared bound {text.span(data.delay.bounds[-1][1])}; {beyond}"
    return Card(what, text.span(_slowest_s(data)), note, "bad" if data.delay.over_bound else "ok")


def _notice_card(data: ReportData) -> Card:
    evictions = sum(row.evictions for row in data.disturbances)
    kept = sum(row.notices_kept for row in data.disturbances)
    early = sum(row.inside_guarantee for row in data.disturbances)
    if not evictions:
        return Card("Evictions with notice kept", "none", "nobody was evicted")
    figure = f"{text.group(kept)} of {text.group(evictions)}"
    note = f"{text.group(early)} inside a guarantee"
    return Card("Evictions with notice kept", figure, note, "bad" if early or kept < evictions else "ok")


def _mean_delay(data: ReportData) -> str:
    more_s = sum(row.wait_with_s - row.wait_without_s for row in data.delay.paired)
    return text.mean_span(more_s, sum(row.jobs for row in data.delay.paired))


def _slowest_s(data: ReportData) -> int:
    return max((row.max_s for row in data.delay.reclaim), default=0)
