"""The report page: what it says agrees with the books, and it is one safe, small file that is the same every time."""

import html
import re
from dataclasses import replace

import numpy as np
import pytest

from billing.books import Books
from billing.invoices.bill import CREDIT
from billing.sla.indicators import RENTED
from sim.engine.run import run
from sim.report import axes, headline, shapes, text
from sim.report.build import capacity_residual, from_result
from sim.report.labels import bracket_lines
from sim.report.model import Gap, ReportData, Series, Timeline
from sim.report.page import render
from sim.report.timeline import BINS_MAX, bin_length_s
from sim.result import FaultRows, RunResult
from sim.scenario.build import build
from sim.scenario.file import load
from sim.scenario.model import guesses
from sim.settle import settle

SIZE_MAX = 150_000
DAY_S = 86_400
NASTY = """<script>alert("1")</script>'&"""


@pytest.fixture(scope="module")
def finished() -> tuple[RunResult, Books, RunResult]:
    """Three days with every product, their books, and the same world with rentals off."""
    scenario = load("small")
    world = build(scenario)
    result = run(world, seed=scenario.seed, tape=False)
    return result, settle(result), run(world, lend="none", tape=False)


@pytest.fixture(scope="module")
def data(finished: tuple[RunResult, Books, RunResult]) -> ReportData:
    result, books, baseline = finished
    facts = {"scenario": "small", "title": "Three days", "programme": "seed", "config_sha256": "ab" * 32}
    return from_result(result, books, baseline, facts, guesses(load("small")))


@pytest.fixture(scope="module")
def page(data: ReportData) -> str:
    return render(data)


def shown(page: str) -> str:
    """The page's text without tags, entities resolved."""
    return html.unescape(re.sub(r"<(style|svg)\b.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL))


def a_year(data: ReportData) -> ReportData:
    """The largest page that a year may give: ragged days, many tenants, long tables."""
    count, installed = 365, 10**7
    shares = [[(day * step) % 977 * 1_000 for day in range(count)] for step in (311, 57, 101, 211, 401, 7)]
    shares.append([installed - sum(values) for values in zip(*shares, strict=True)])
    holders = tuple(
        Series(s.key, s.label, tuple(values)) for s, values in zip(data.timeline.holders, shares, strict=True)
    )
    line = Timeline(
        bin_s=DAY_S,
        installed_gpu_s=(installed,) * count,
        holders=holders,
        revenue=tuple(Series(s.key, s.label, holders[i + 2].values) for i, s in enumerate(data.timeline.revenue)),
        evictions=tuple(day % 50 for day in range(count)),
        gaps=(Gap(40 * DAY_S, 158 * DAY_S, 10**9, 9 * 10**8, 412_345 * 10**6),),
        frontier_starts_s=(158 * DAY_S,),
    )
    months = [f"2026-{month:02d}" for month in range(1, 13)]
    return replace(
        data,
        timeline=line,
        horizon_s=count * DAY_S,
        sla=tuple(row._replace(tenant=f"t{i}", month=m) for row in data.sla for i in range(20) for m in months),
        revenue=tuple(row._replace(tenant=f"t{i}") for row in data.revenue for i in range(60)),
        disturbances=tuple(row._replace(tenant=f"t{i}") for row in data.disturbances for i in range(60)),
        guesses=data.guesses * 5,
    )


class TestNumbers:
    def test_every_bin_is_accounted_for(self, data: ReportData) -> None:
        """In each bin the holders add up to what is installed, and so does the whole run by reason."""
        line = data.timeline
        sums = [sum(values) for values in zip(*(s.values for s in line.holders), strict=True)]
        assert sums == list(line.installed_gpu_s)
        assert sum(sums) == data.installed_gpu_s
        assert data.allocated_gpu_s + sum(row.gpu_s for row in data.unheld) == data.installed_gpu_s
        assert data.goodput_gpu_s <= data.busy_gpu_s <= data.allocated_gpu_s
        assert (data.residual_gpu_s, data.residual_micro_usd) == (0, 0)

    def test_revenue_is_what_was_billed(self, finished: tuple[RunResult, Books, RunResult], data: ReportData) -> None:
        """Charges for rentals are the lines of usage and contracts of the bills, credits their credit lines."""
        result, books, _ = finished
        rented = {
            name for name, row in zip(books.names.products, result.world.products, strict=True) if row.band in RENTED
        }
        lines = [line for bill in books.month_bills() for line in bill.lines]
        usage = [line.amount_micro_usd for line in lines if line.kind != CREDIT and line.product in rented]
        credits = [-line.amount_micro_usd for line in lines if line.kind == CREDIT]
        assert headline.charged(data) == sum(usage) > 0
        assert headline.credits(data) == sum(credits)

    def test_the_day_adds_up_by_hour_and_by_column(self, data: ReportData) -> None:
        """24 hours; rows and columns add up to the day to the cent, and the month is the issued bill."""
        bill = data.bill
        assert bill is not None
        assert len(bill.hours) == 24
        assert all(hour.total_micro_usd == sum(hour.amount_micro_usd) for hour in bill.hours)
        assert sum(hour.total_micro_usd for hour in bill.hours) == bill.day_total_micro_usd
        assert all(amount % 10_000 == 0 for hour in bill.hours for amount in hour.amount_micro_usd)
        assert sum(line.amount_micro_usd for line in bill.month_lines) == bill.month_total_micro_usd

    def test_delays_are_counted_up_to_all_starts(self, data: ReportData) -> None:
        """The curves rise to the number of starts, and nothing waits longer than its declared bound."""
        delay = data.delay
        assert list(delay.reclaim_le) == sorted(delay.reclaim_le)
        assert delay.reclaim_le[-1] == sum(row.starts for row in delay.reclaim) > 0
        assert delay.paired_le[-1] == sum(row.jobs for row in delay.paired) > 0
        assert delay.over_bound == 0
        assert max(row.max_s for row in delay.reclaim) <= delay.bounds[-1][1]

    def test_a_run_against_itself_has_no_delay(self, finished: tuple[RunResult, Books, RunResult]) -> None:
        """Paired with itself, nothing starts earlier or later."""
        result, books, _ = finished
        delay = from_result(result, books, result, {}).delay
        assert all((row.later, row.earlier, row.worst_s) == (0, 0, 0) for row in delay.paired)
        assert delay.paired_le[0] == delay.paired_le[-1]
        assert delay.unpaired == 0

    def test_a_gap_is_found_with_what_was_sold_into_it(self) -> None:
        """Forty days before the gap and a month inside it: one gap, sold by half at least, and named in the picture."""
        scenario = load("gap")
        result = run(build(scenario, days=75), tape=False)
        data = from_result(result, settle(result), None, {"title": scenario.title})
        (gap,) = data.timeline.gaps
        assert 0 < gap.sold_gpu_s <= gap.room_gpu_s
        assert gap.until_s == 75 * DAY_S
        assert f"{(gap.until_s - gap.from_s) // DAY_S}-day gap</text>" in render(data)


class TestCheckers:
    def test_a_lost_row_of_capacity_shows_as_residual(self, finished: tuple[RunResult, Books, RunResult]) -> None:
        """A book that forgets a state is caught, and the page says so in red."""
        result, books, baseline = finished
        kept = np.arange(len(books.capacity)) != 5
        names = ("hour_s", "region", "sku", "state", "gpu_s")
        forgetful = replace(
            books, capacity=replace(books.capacity, **{name: getattr(books.capacity, name)[kept] for name in names})
        )
        assert capacity_residual(result, forgetful) == books.capacity.gpu_s[5]
        assert capacity_residual(result, books) == 0
        assert '<div class="card bad">' in render(from_result(result, forgetful, baseline, {}))

    def test_a_late_start_is_over_its_bound(self, finished: tuple[RunResult, Books, RunResult]) -> None:
        """A start one second after the longest bound is counted."""
        result, books, _ = finished
        bound_s = from_result(result, books, None, {}).delay.bounds[-1][1]
        internal = int(np.flatnonzero(result.starts.product == result.world.names.products.index("int.research"))[0])
        granted_s = result.granted_s.copy()
        granted_s[internal] = result.starts.start_s[internal] - bound_s - 1
        late = from_result(replace(result, granted_s=granted_s), books, None, {})
        assert late.delay.over_bound == 1
        assert "1 of" in next(card.note for card in headline.cards(late) if card.state == "bad")


class TestPage:
    def test_says_what_the_run_was_and_what_came_out(self, data: ReportData, page: str) -> None:
        """Header, the three answers, every section, and the amounts of the data."""
        words = " ".join(shown(page).split())
        for expected in (
            "Three days",
            "scenario small",
            "policy easy",
            "lend all_idle",
            "config abababababab",
            f"16 {text.TIMES} 8 h100 in us-1 = 128 GPUs",
            text.usd(headline.charged(data)),
            "Utilisation, three ways",
            "0 GPU-s",
            "Who held the GPUs",
            "Idle by reason",
            "Internal delay caused by rentals",
            "Hourly bill of acme",
            "Service levels",
            "Evictions and faults",
            "Inputs that are guesses",
            "Findings",
        ):
            assert expected in words
        assert all(guess.where in words for guess in data.guesses)

    def test_pictures_have_a_text_and_a_table(self, page: str) -> None:
        """Each chart is an image with a label, and there is a table for it."""
        pictures = re.findall(r'<svg class="plot"[^>]*>', page)
        assert len(pictures) >= 5
        assert all('role="img"' in picture and re.search(r'aria-label="[^"]+"', picture) for picture in pictures)
        assert page.count("<table") == page.count("<caption") >= len(pictures)

    def test_fetches_nothing_and_runs_nothing(self, page: str) -> None:
        """No address, no script, no import; links stay inside the run folder."""
        assert "://" not in page
        assert not re.search(r"<(script|link|iframe|img|object)\b|\bsrc=|@import|javascript:|\son\w+=", page)
        assert all(name.startswith("#") for name in re.findall(r"url\(([^)]*)\)", page))
        assert all(re.fullmatch(r"[a-z_]+\.(json|toml|parquet)", name) for name in re.findall(r'href="([^"]*)"', page))

    def test_ids_are_unique_and_used(self, page: str) -> None:
        """Patterns and clip paths: each id once, each reference there."""
        ids = re.findall(r'\bid="([^"]*)"', page)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r"url\(#([^)]*)\)", page)) <= set(ids)

    def test_names_are_escaped_everywhere(self, data: ReportData) -> None:
        """A name with markup in it shows as text, in tables, labels and pictures."""
        assert data.bill is not None
        columns = tuple(column._replace(product=NASTY) for column in data.bill.columns)
        page = render(
            replace(
                data,
                title=NASTY,
                facts=tuple(fact._replace(value=NASTY) for fact in data.facts),
                bill=replace(data.bill, tenant=NASTY, columns=columns),
                revenue=tuple(row._replace(tenant=NASTY, product=NASTY) for row in data.revenue),
                sla=tuple(row._replace(tenant=NASTY, month=m) for row in data.sla for m in ("2026-01", "2026-02")),
                disturbances=tuple(row._replace(tenant=NASTY) for row in data.disturbances),
                delay=replace(data.delay, bounds=((NASTY, 60),)),
                guesses=tuple(row._replace(source=NASTY) for row in data.guesses),
            )
        )
        assert "<script" not in page
        assert NASTY in html.unescape(page)

    def test_same_run_same_bytes(self, finished: tuple[RunResult, Books, RunResult], page: str) -> None:
        """The page of the same world, run again, is the same to the byte."""
        scenario = load("small")
        world = build(scenario)
        again = run(world, seed=scenario.seed, tape=False)
        baseline = run(world, lend="none", tape=False)
        facts = {"scenario": "small", "title": "Three days", "programme": "seed", "config_sha256": "ab" * 32}
        assert render(from_result(again, settle(again), baseline, facts, guesses(scenario))) == page

    def test_a_year_stays_small(self, data: ReportData) -> None:
        """365 ragged days, sixty tenants and twelve months of service levels fit; cut tables say so."""
        page = render(a_year(data))
        assert len(page.encode()) <= SIZE_MAX
        assert "118-day gap" in page
        assert page.count("all of them in <code>") >= 2

    def test_a_trace_has_no_scenario(self, finished: tuple[RunResult, Books, RunResult]) -> None:
        """Without scenario, guesses or paired run the page says so instead of leaving holes."""
        result, books, _ = finished
        words = " ".join(shown(render(from_result(result, books, None, {}))).split())
        assert "not paired" in words
        assert "None: this run has no scenario with parameters that are marked as guesses." in words
        assert "scenario small" not in words

    def test_a_run_in_which_nothing_happens(self, finished: tuple[RunResult, Books, RunResult]) -> None:
        """No jobs: no division by nothing, and every section says so."""
        world = finished[0].world
        none = np.zeros(0, dtype=np.int64)
        names = ("tenant", "product", "pool", "gpus", "submit_s", "run_s", "estimate_s", "patience_s")
        jobs = replace(world.jobs, job_id=[], findings=[], **dict.fromkeys(names, none))
        empty = run(replace(world, jobs=jobs, faults=FaultRows(none, none, none)), tape=False)
        words = " ".join(shown(render(from_result(empty, settle(empty), empty, {}))).split())
        assert "Nothing: no capacity was rented out in this run." in words
        assert "No internal job started in this run" in words
        assert "None: no input row was refused or changed, and the books close." in words

    def test_a_run_without_rentals(self, finished: tuple[RunResult, Books, RunResult]) -> None:
        """Nobody rents under `none` but who has a contract; the page still draws."""
        _, _, baseline = finished
        data = from_result(baseline, settle(baseline), None, {})
        assert {row.product for row in data.revenue} <= {"bare.reserved"}
        assert "Who held the GPUs" in render(data)


@pytest.mark.parametrize(
    ("horizon_s", "bin_s"),
    [(3_600, 3_600), (3 * DAY_S, 3_600), (15 * DAY_S, DAY_S), (365 * DAY_S, DAY_S), (1_095 * DAY_S, 7 * DAY_S)],
)
def test_bins_suit_the_horizon(horizon_s: int, bin_s: int) -> None:
    """Hours for days, days for a year, weeks for more."""
    assert bin_length_s(horizon_s) == bin_s


def test_no_horizon_has_too_many_bins() -> None:
    """Even a horizon of thousands of years."""
    assert all(-(-s // bin_length_s(s)) <= BINS_MAX for s in (1, 10**6, 10**8, 10**9, 10**11))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (text.ratio_floor(999_999_999, 10**9), "99.9999"),
        (text.ratio_floor(10, 10), "100.0000"),
        (text.ratio(1, 3), "33.3"),
        (text.ratio(1, 0), text.DASH),
        (text.usd(1_234_565_000), "$1,234.57"),
        (text.usd(-5_000), text.MINUS + "$0.01"),
        (text.usd(-4_999), "$0.00"),
        (text.usd_price(2_950_000), "$2.95"),
        (text.usd_brief(7_500_000), "$7.50"),
        (text.usd_brief(20_000_000_000), "$20 k"),
        (text.usd_brief(3_512_805_960_000), "$3.51 M"),
        (text.gpu_h(28_800), "8.0"),
        (text.gpu_h_brief(3_886_640 * 3_600), "3.89 M"),
        (text.span(59), "59 s"),
        (text.span(725), "12 min 05 s"),
        (text.span(3_720), "1 h 02 min"),
        (text.span(86_400), "1 d"),
        (text.span(-60), text.MINUS + "1 min"),
        (text.mean_span(61, 10), "6.1 s"),
        (text.mean_span(-1, 100), "0.0 s"),
        (text.basis_points(9_950), "99.5"),
        (text.day(10**13), "day 115740740"),
        (axes.nice_top(0), 2),
        (axes.nice_top(52), 60),
        (axes.nice_top(7_300_001), 8_000_000),
        (axes.zoom_floor(9_632), 9_500),
    ],
)
def test_words_for_numbers(found: object, expected: object) -> None:
    """Numbers as people read them, exactly."""
    assert found == expected


def test_outlines_are_closed_steps() -> None:
    """Equal neighbours are joined; a bar of height 0 is not drawn."""
    assert shapes.skyline([200, 200, 500]) == "M0 800h2v-300h1V1000H0z"
    assert shapes.separate_bars([0, 250]) == "M1.1 1000V750h.8V1000z"


def test_names_of_brackets_never_touch() -> None:
    """Of two neighbours the longer one keeps its name, everywhere; both keep their bracket."""
    near = [shapes.Bracket(4_000, 4_500, ("5-day gap",)), shapes.Bracket(4_600, 5_200, ("6-day gap",))]
    drawn = "".join(bracket_lines(near))
    assert drawn.count('<line class="br"') == 6
    assert "6-day gap" in drawn
    assert "5-day gap" not in drawn
