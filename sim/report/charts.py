"""The page's pictures: which numbers go into which chart, with which axes."""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

from markupsafe import Markup

from sim.report import svg, text
from sim.report.axes import LOG_TICKS, bin_word, log_bp, nice_top, time_ticks, zoom_floor
from sim.report.model import Delay, Gap, ReportData, Series, SlaRow, TenantBill, Timeline
from sim.report.shapes import Bracket, Cell, Layer, Tick

# Availability classes: (below this many basis points, key). Floors, never rounded up.
HEAT_CLASSES = ((9_700, "a"), (9_900, "b"), (9_950, "c"), (9_990, "d"))
_BEST = "e"
HEAT_WORDS = (("a", "< 97 %"), ("b", "< 99 %"), ("c", "< 99.5 %"), ("d", "< 99.9 %"), ("e", "≥ 99.9 %"), ("n", "none"))
HEAT_ROWS_MAX = 8
SLA_ROWS_MAX = 60
BARS_MAX = 80  # more bins than that are drawn as one skyline
_NAME_MAX = 18  # letters of a tenant's name beside the heat-map; the cell's title has them all
_GAP_LABEL_S = 4 * text.DAY_S  # two labels over shorter neighbours would overlap


def holders(data: ReportData) -> Markup:
    """Return the main picture: who held the GPUs, as shares of the installed ones, with the training gaps on top."""
    line = data.timeline
    wide_s = len(line.installed_gpu_s) * line.bin_s
    brackets = [
        Bracket(gap.from_s * 10_000 // wide_s, gap.until_s * 10_000 // wide_s, _gap_lines(gap))
        for gap in line.gaps
        if gap.until_s - gap.from_s >= _GAP_LABEL_S and (gap.until_s - gap.from_s) * 100 >= 7 * wide_s
    ]
    return svg.stacked(
        "h",
        [Layer(s.key, s.label, s.values) for s in line.holders],
        line.installed_gpu_s,
        height=320,
        label=f"Who held the GPUs, share of installed per {bin_word(line.bin_s)}: "
        + ", ".join(
            f"{s.label} {text.ratio(sum(s.values), sum(line.installed_gpu_s))} %" for s in line.holders if any(s.values)
        ),
        x_ticks=time_ticks(data),
        y_ticks=[Tick(at, f"{at // 100} %") for at in (0, 2_500, 5_000, 7_500, 10_000)],
        brackets=brackets,
        lines_bp=[at_s * 10_000 // wide_s for at_s in line.frontier_starts_s if at_s > 0],
        named=True,
    )


def active(line: Timeline) -> list[Series]:
    """Return the holders that held anything; idle always."""
    return [s for s in line.holders if s.key == "idle" or any(s.values)]


def revenue(data: ReportData) -> Markup:
    """Return the strip of external revenue per bin, stacked by band."""
    line = data.timeline
    sums = [sum(values) for values in zip(*(s.values for s in line.revenue), strict=True)]
    top = nice_top(max(sums, default=0))
    return svg.stacked(
        "r",
        [Layer(s.key, s.label, s.values) for s in line.revenue],
        [top] * len(line.installed_gpu_s),
        height=110,
        label=f"External revenue per {bin_word(line.bin_s)}, at most {text.usd_brief(max(sums, default=0))}",
        x_ticks=time_ticks(data),
        y_ticks=[Tick(0, "$0"), Tick(5_000, text.usd_brief(top // 2)), Tick(10_000, text.usd_brief(top))],
        bars=len(sums) <= BARS_MAX,
    )


def evictions(data: ReportData) -> Markup:
    """Return the strip of evictions per bin."""
    line = data.timeline
    top = nice_top(max(line.evictions, default=0))
    return svg.stacked(
        "e",
        [Layer("alarm", "evictions", line.evictions)],
        [top] * len(line.evictions),
        height=70,
        label=f"Evictions per {bin_word(line.bin_s)}, at most {max(line.evictions, default=0)}",
        x_ticks=time_ticks(data),
        y_ticks=[Tick(0, "0"), Tick(10_000, text.group(top))],
        bars=len(line.evictions) <= BARS_MAX,
    )


def unheld(data: ReportData) -> Markup:
    """Return the bar of capacity that no job held, by reason."""
    parts = [(row.key, row.label, row.gpu_s) for row in data.unheld]
    label = "Capacity that no job held: " + ", ".join(
        f"{row.label} {text.gpu_h(row.gpu_s)} GPU-h" for row in data.unheld
    )
    return svg.hbar(parts, height=44, label=label)


def waits(data: ReportData) -> Markup:
    """Return the bar of what internal jobs waited for, by cause."""
    parts = internal_waits(data)
    label = "Waiting of internal jobs: " + ", ".join(f"{name} {text.span(seconds)}" for _, name, seconds in parts)
    return svg.hbar(parts, height=44, label=label)


def internal_waits(data: ReportData) -> list[tuple[str, str, int]]:
    """Return (fill, label, seconds) of the causes that internal jobs waited for."""
    mine = [place for place, band in enumerate(data.waits.bands) if band.startswith("internal")]
    found = [(row.key, row.label, sum(row.wait_s[place] for place in mine)) for row in data.waits.rows]
    return [part for part in found if part[2]]


def delay(found: Delay) -> Markup:
    """Return the share of internal starts by delay, on a log axis, with the declared bounds as lines."""
    last_s = 2 * max(found.ladder_s[-1], *(bound_s for _, bound_s in found.bounds), 2)
    shares = {
        name: [count * 10_000 // counts[-1] for count in counts]
        for name, counts in (("paired", found.paired_le), ("reclaim", found.reclaim_le))
        if counts and counts[-1]
    }
    floor_bp = zoom_floor(min((line[0] for line in shares.values()), default=0))
    room_bp = 10_000 - floor_bp
    drawn = []
    for name, line in shares.items():
        at = [
            (log_bp(s, last_s), (y - floor_bp) * 10_000 // room_bp) for s, y in zip(found.ladder_s, line, strict=True)
        ]
        drawn.append((name, [*at, (10_000, at[-1][1])]))
    return svg.curves(
        "d",
        drawn,
        height=230,
        label="Share of internal starts delayed by at most so long; declared bounds: "
        + ", ".join(f"{product} {text.span(s)}" for product, s in found.bounds),
        x_ticks=[Tick(log_bp(s, last_s), word, minor) for s, word, minor in LOG_TICKS if log_bp(s, last_s) < 9_500],
        y_ticks=[Tick(at, f"{text.basis_points(floor_bp + at * room_bp // 10_000)} %") for at in (0, 5_000, 10_000)],
        marks=[
            Tick(log_bp(s, last_s), f"{', '.join(product for product, _ in same)}: {text.span(s)}")
            for s, same in groupby(found.bounds, key=itemgetter(1))
        ],
    )


def bill_hours(bill: TenantBill) -> Markup:
    """Return the bars of the bill's 24 hours, stacked by kind of line."""
    top = nice_top(max((hour.total_micro_usd for hour in bill.hours), default=0))
    layers = [
        Layer(column.key, column.product, [hour.amount_micro_usd[i] for hour in bill.hours])
        for i, column in enumerate(bill.columns)
    ]
    count = len(bill.hours)
    return svg.stacked(
        "b",
        layers,
        [top] * count,
        height=120,
        label=f"Charges to {bill.tenant} per hour, {text.usd(bill.day_total_micro_usd)} in the day",
        x_ticks=[Tick(i * 10_000 // count, f"{i:02d}:00", i % 6 > 0) for i in range(0, count, 3)],
        y_ticks=[Tick(0, "$0"), Tick(5_000, text.usd_brief(top // 2)), Tick(10_000, text.usd_brief(top))],
        bars=True,
    )


def availability(rows: Sequence[SlaRow]) -> Markup:
    """Return the heat-map of availability: a row per tenant and product, a column per month.

    Numbers stand only in cells below the best class; at most HEAT_ROWS_MAX rows, the worst ones.
    """
    promised = [row for row in rows if row.target_bp is not None] or list(rows)
    columns = sorted({row.month for row in promised})
    by_line: dict[tuple[str, str], dict[str, SlaRow]] = {}
    for row in promised:
        by_line.setdefault((row.tenant, row.product), {})[row.month] = row
    worst = sorted(by_line, key=lambda line: (min(_floor_ppm(row) for row in by_line[line].values()), line))
    kept = sorted(worst[:HEAT_ROWS_MAX])
    one_product = len({product for _, product in kept}) == 1
    cells = [
        (_brief(t) if one_product else f"{_brief(t)} · {p}", [_heat_cell(m, by_line[t, p].get(m)) for m in columns])
        for t, p in kept
    ]
    label = f"Availability of {len(kept)} tenant products over {len(columns)} months; numbers below 99.9 %"
    return svg.heat_map(cells, columns, base=_BEST, label=label)


def heat_rows(rows: Sequence[SlaRow]) -> int:
    """Return how many rows the heat-map would have if it had room for all."""
    promised = [row for row in rows if row.target_bp is not None] or list(rows)
    return len({(row.tenant, row.product) for row in promised})


def months(rows: Sequence[SlaRow]) -> int:
    """Return how many months have service levels; a map of one would say no more than the table."""
    return len({row.month for row in rows})


def sla_rows(rows: Sequence[SlaRow]) -> list[SlaRow]:
    """Return the rows of the table in their order; of too many, those with the largest credits, then the worst."""
    if len(rows) <= SLA_ROWS_MAX:
        return list(rows)
    worst = sorted(range(len(rows)), key=lambda i: (-rows[i].credit_micro_usd, _floor_ppm(rows[i]), i))
    return [rows[i] for i in sorted(worst[:SLA_ROWS_MAX])]


def missed(row: SlaRow) -> bool:
    """Say whether a promised availability was not reached."""
    return row.target_bp is not None and row.healthy_gpu_s * 10_000 < row.target_bp * row.entitled_gpu_s


def heat_key(row: SlaRow) -> str:
    """Return the class of a row's availability."""
    if not row.entitled_gpu_s:
        return "n"
    for below_bp, key in HEAT_CLASSES:
        if row.healthy_gpu_s * 10_000 < below_bp * row.entitled_gpu_s:
            return key
    return _BEST


def _gap_lines(gap: Gap) -> tuple[str, str]:
    sold = f"{text.ratio(gap.sold_gpu_s, gap.room_gpu_s, 0)} % sold, " if gap.room_gpu_s else ""
    return f"{(gap.until_s - gap.from_s) // text.DAY_S}-day gap", f"{sold}{text.usd_brief(gap.revenue_micro_usd)}"


def _heat_cell(month: str, row: SlaRow | None) -> Cell | None:
    if row is None or not row.entitled_gpu_s:
        return Cell("n", text.DASH, f"{month}: nothing entitled")
    key = heat_key(row)
    if key == _BEST:
        return None
    exact = text.ratio_floor(row.healthy_gpu_s, row.entitled_gpu_s)
    return Cell(key, exact[:-2], f"{month}: {exact} %")


def _brief(name: str) -> str:
    return name if len(name) <= _NAME_MAX else name[: _NAME_MAX - 1] + "…"


def _floor_ppm(row: SlaRow) -> int:
    return row.healthy_gpu_s * 10**6 // row.entitled_gpu_s if row.entitled_gpu_s else 10**6
