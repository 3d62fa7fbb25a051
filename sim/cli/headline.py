"""The tables that `run`, `replay` and `demo` print, from the summary of a run."""

from collections.abc import Mapping
from typing import Any

from billing.money import round_half_up
from sim.cli.output import Table
from sim.report.text import span

Summary = Mapping[str, Any]


def headline(summary: Summary, title: str = "") -> Table:
    """What was used, earned, delayed and broken, one number a row."""
    use, money, breaks = summary["utilisation"], summary["money"], summary["interruptions"]
    rows = [(kind, _percent(use[kind]["bp"]), "% of installed") for kind in ("allocated", "busy", "goodput")]
    if money is not None:
        rows.append(("external revenue", money["external"]["usd"], "USD"))
        rows.append(("service credits", money["credits"]["usd"], "USD"))
    rows += [_delay_row(summary)] if summary["internal_delay"] else []
    rows += _reclaim_rows(summary)
    rows.append(("evictions", str(breaks["evictions"]), f"{breaks['notices_kept']:,} with notice kept"))
    rows.append(("jobs done", str(summary["jobs"]["by_status"]["done"]), f"of {summary['jobs']['total']:,}"))
    if summary["residual_gpu_s"] is not None:
        rows.append(("residual", str(summary["residual_gpu_s"]), "GPU-s that nobody accounts for"))
    return Table(title, ("number", "value>", "unit"), rows)


def utilisation(with_: Summary, without: Summary) -> Table:
    """Three utilisations, rentals off and on."""
    rows = [
        (
            kind,
            meaning,
            _percent(without["utilisation"][kind]["bp"]),
            _percent(with_["utilisation"][kind]["bp"]),
        )
        for kind, meaning in (
            ("allocated", "held by a job"),
            ("busy", "and past its start-up"),
            ("goodput", "and the work was kept"),
        )
    ]
    return Table("Utilisation, % of installed GPU-seconds", ("kind", "means", "no rentals>", "rentals>"), rows)


def money(summary: Summary) -> Table:
    """What was charged and given back."""
    words = {
        "external": "charged to renters",
        "credits": "service credits to renters",
        "external_net": "net revenue",
        "internal": "charged to internal teams, for show",
    }
    rows = [(text, summary["money"][name]["usd"]) for name, text in words.items()]
    return Table("Money, USD", ("what", "amount>"), rows)


def delay(summary: Summary) -> Table:
    """What rentals cost the owner's own jobs, and what they cost the renters."""
    found, breaks = summary["internal_delay"], summary["interruptions"]
    mean_s = round_half_up(found["total_s"], found["jobs"]) if found["jobs"] else 0
    rows = [
        ("internal jobs that started later", str(found["later"]), f"of {found['jobs']:,}"),
        ("mean delay of an internal job", str(mean_s), "s, over all of them"),
        ("longest delay of an internal job", str(found["max_s"]), f"s, or {span(found['max_s'])}"),
        *_reclaim_rows(summary),
        ("evictions", str(breaks["evictions"]), f"{breaks['notices_kept']:,} with notice kept"),
        ("jobs hit by faults", str(breaks["jobs_interrupted_by_faults"]), f"{breaks['node_faults']:,} node faults"),
    ]
    title = "Who is delayed, what breaks (against the same world without rentals)"
    return Table(title, ("number", "value>", "unit"), rows)


def check(summary: Summary) -> Table:
    """Whether the books close."""
    row = ("residual", str(summary["residual_gpu_s"]), "GPU-s that nobody accounts for")
    return Table("Does it add up", ("number", "value>", "unit"), [row])


def _delay_row(summary: Summary) -> tuple[str, str, str]:
    found = summary["internal_delay"]
    return "longest internal delay", str(found["max_s"]), f"s; {found['later']:,} of {found['jobs']:,} jobs later"


def _reclaim_rows(summary: Summary) -> list[tuple[str, str, str]]:
    found = summary["reclaim"]
    if found["wait_s_max"] is None:
        return []
    bound = f"s; declared bound {found['bound_s']:,}" if found["bound_s"] is not None else "s"
    return [("longest wait, grant to start", str(found["wait_s_max"]), bound)]


def _percent(bp: int) -> str:
    """Basis points as percent with two decimals, so that columns line up."""
    return f"{bp // 100}.{bp % 100:02d}"
