from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import UsageError
from billing.intake import stream
from billing.intake.intervals import read_intervals
from billing.intake.record import Defaults, Interval, Passed, Rejected, local_unix_s, unix_s
from billing.intake.sacct import read_sacct, span_s
from billing.intake.stream import Taken
from billing.intake.to_events import interval_facts
from billing.metering.classes import CLASSES
from billing_facts import HOUR_S, JANUARY
from use_files import take, taken

SACCT_HEADER = "JobID|Account|State|AllocTRES|Start|End|Suspended"
EIGHT = "billing=64,cpu=64,gres/gpu=8,gres/gpu:H100=8,mem=900G,node=1"
PLACE = Defaults("bare.spot", "eu", "")


def row(start: object, end: object, id_: str = "a", tenant: str = "acme", product: str = "bare.ondemand") -> str:
    return f"{id_},{tenant},{product},eu,h100,8,{start},{end}"


def hours(found: Taken) -> dict[int, int]:
    usage = found.usage
    return dict(zip((usage.hour_s - JANUARY).tolist(), usage.quantity.tolist(), strict=True))


def test_intervals_are_metered_by_the_hour() -> None:
    found, rejected = taken(
        row(JANUARY + 1800, JANUARY + 9000), row("2026-01-01T05:00:00Z", "2026-01-01T06:30:00+01:00")
    )
    assert hours(found) == {0: 14_400, 3600: 28_800, 7200: 14_400, 5 * HOUR_S: 14_400}
    assert (found.intervals, found.rejected, rejected) == (2, 0, {})
    assert found.span_s == (JANUARY + 1800, JANUARY + 5 * HOUR_S + 1800)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (row(JANUARY, JANUARY), "interval of 0 s"),
        (row(JANUARY + 9, JANUARY), "interval of -9 s"),
        (row(JANUARY, JANUARY + 9, tenant="nobody"), "unknown tenant 'nobody'"),
        (row(JANUARY, JANUARY + 9, product="bare.gold"), "unknown product 'bare.gold'"),
        (row(JANUARY, ""), "it has no end"),
        (row(JANUARY - HOUR_S, JANUARY), "no price for product bare.ondemand"),
        (row("2026-01-01T00:00:00", JANUARY), "start is '2026-01-01T00:00:00'"),
        (row(JANUARY, "soon"), "end is 'soon'"),
        (row(JANUARY, 1 << 63), "end is '9223372036854775808'"),
        (row(JANUARY, JANUARY + 9).replace(",8,", ",0,"), "gpus is '0'"),
        (row(JANUARY, JANUARY + 9).replace(",8,", ",-8,"), "gpus is '-8'"),
        (row(JANUARY, JANUARY + 9).replace(",8,", ",99999999999999999999,"), "gpus is '9999"),
        (row(JANUARY, JANUARY + 9, id_=""), "id is empty"),
        ("a,acme", "2 columns, the header has 8"),
        ('"a,acme', "1 columns, the header has 8"),
        (f'"{"x" * 200_000}",acme,bare.ondemand,eu,h100,8,{JANUARY},{JANUARY + 9}', "not a line of CSV: field larger"),
        (f'a,"b"\rc,bare.ondemand,eu,h100,8,{JANUARY},{JANUARY + 9}', "not a line of CSV: new-line character"),
        (row(JANUARY, JANUARY + 9, id_="a\x00b"), "id is 'a\\x00b': a control character"),
        (row(JANUARY, JANUARY + 9, id_="x" * 201), "id has 201 characters, allowed 200"),
        (row(JANUARY, JANUARY + 9).replace("h100", ""), "sku is empty"),
        (row(JANUARY, JANUARY + 9).replace("eu", "e\x1fu"), "region is 'e\\x1fu': a control character"),
    ],
    ids=lambda value: value[:24],
)
def test_a_line_that_cannot_be_billed_is_rejected_and_the_rest_goes_on(line: str, reason: str) -> None:
    found, rejected = taken(line, row(JANUARY, JANUARY + 60, id_="b"))
    assert hours(found) == {0: 480}
    assert list(rejected) == [2]
    assert rejected[2].startswith(reason)


def test_what_nothing_can_mend_stays_out_of_the_log() -> None:
    """An event that is set aside keeps its month open, and nothing is ever taken out of a log."""
    lines = [row(JANUARY + 9, JANUARY), row(0, JANUARY, id_="b"), row(JANUARY, JANUARY + 9, id_="c")]
    file = ["id,tenant,product,region,sku,gpus,start,end", *lines]
    facts, refused = interval_facts(read_intervals(file, Defaults(), "use.csv"), "use.csv")
    assert [fact.data["allocation"] for fact in facts] == [f"c@{JANUARY}"] * 2
    assert [str(error).split(": ", 2)[1] for error in refused] == ["line 2, id 'a'", "line 3, id 'b'"]


def test_an_open_interval_is_held_until_the_time_that_is_given() -> None:
    found, rejected = taken(row(JANUARY, ""), until_s=JANUARY + 100)
    assert (hours(found), rejected) == ({0: 800}, {})


def test_an_interval_that_overlaps_an_earlier_one_of_its_id_is_taken_away_again() -> None:
    rows = [row(JANUARY + 50, JANUARY + 200), row(JANUARY, JANUARY + 100), row(JANUARY + 100, JANUARY + 110)]
    found, rejected = taken(*rows, row(JANUARY, JANUARY + 100, tenant="birch"))
    assert rejected == {2: "overlaps line 3, which has the same id"}
    assert found.usage.quantity.tolist() == [8 * 110, 800]
    assert found.intervals == 3


def test_a_column_that_is_missing_is_named_unless_one_value_stands_for_all() -> None:
    header = "id,tenant,gpus,start,end,colour"
    lines = f"{header}\na,acme,8,{JANUARY},{JANUARY + 1},red\n"
    with pytest.raises(UsageError, match=r"use.csv: product: column is missing \(allowed .*--product"):
        list(read_intervals(StringIO(lines), Defaults("", "eu", "h100"), "use.csv"))
    (found,) = read_intervals(StringIO(lines), Defaults("bare.spot", "eu", "h100"), "use.csv")
    assert found == Interval(2, "a", "acme", "bare.spot", "eu", "h100", 8, JANUARY, JANUARY + 1, "finished", 0)


@given(
    st.permutations([row(JANUARY + n * 50, JANUARY + n * 70 + 10, id_=str(n % 7)) for n in range(12)]),
    st.integers(1, 5),
)
def test_neither_the_order_of_lines_nor_the_size_of_chunks_shows(rows: list[str], chunk: int) -> None:
    whole = taken(*sorted(rows))[0].usage
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "CHUNK", chunk)
        patch.setattr(stream, "PENDING_ROWS", 3)
        part = taken(*rows)[0].usage
    assert all((getattr(whole, name) == getattr(part, name)).all() for name in type(whole).__slots__)


def sacct(*rows: str, until_s: int | None = None, zone: str = "UTC") -> tuple[Taken, dict[int, str]]:
    text = "\n".join([SACCT_HEADER, *rows]) + "\n"
    return take(lambda: read_sacct(StringIO(text), PLACE, "sacct.txt", ZoneInfo(zone)), until_s)


def test_slurm_jobs_become_intervals_of_their_account() -> None:
    found, rejected = sacct(
        f"17|acme|COMPLETED|{EIGHT}|2026-02-01T00:00:00|2026-02-01T00:10:00|00:00:00",
        f"17.batch|acme|COMPLETED|{EIGHT}|2026-02-01T00:00:00|2026-02-01T00:10:00|00:00:00",
        "18|acme|COMPLETED|cpu=4,mem=1G|2026-02-01T00:00:00|2026-02-01T00:10:00|00:00:00",
        f"19|acme|CANCELLED by 1000|{EIGHT}|Unknown|2026-02-01T00:10:00|00:00:00",
        f"20_[1-9]|birch|RUNNING|{EIGHT}|2026-02-01T00:00:00|Unknown|00:00:00",
        f"21|nobody|COMPLETED|{EIGHT}|2026-02-01T00:00:00|2026-02-01T00:10:00|00:00:00",
        f"22|acme|GONE|{EIGHT}|2026-02-01T00:00:00|2026-02-01T00:10:00|00:00:00",
        until_s=unix_s("2026-02-01T01:00:00Z"),
    )
    assert found.passed == {"jobs that never ran": 1, "jobs without a GPU": 1, "steps of jobs": 1}
    assert found.usage.quantity.tolist() == [8 * 600, 8 * 3600]
    assert found.names.skus == ("h100",)
    assert {line: reason[:14] for line, reason in rejected.items()} == {7: "unknown tenant", 8: "state is 'GONE"}


def test_each_run_of_a_requeued_job_is_billed_and_an_early_preemption_is_free() -> None:
    found, rejected = sacct(
        f"5|acme|PREEMPTED|{EIGHT}|2026-02-01T00:00:00|2026-02-01T00:01:00|",
        f"5|acme|REQUEUED|{EIGHT}|2026-02-01T00:05:00|2026-02-01T00:20:00|",
        f"5|acme|COMPLETED|{EIGHT}|2026-02-01T00:30:00|2026-02-01T00:40:00|00:02:00",
    )
    usage = found.usage
    words = dict(zip([CLASSES[kind] for kind in usage.charge_class.tolist()], usage.quantity.tolist(), strict=True))
    assert words == {"billed": 8 * (900 + 480), "free.preempted": 480, "free.stalled": 8 * 120}
    assert rejected == {}


def test_local_times_that_are_not_one_time_are_refused() -> None:
    night = f"5|acme|COMPLETED|{EIGHT}|2026-10-25T02:30:00|2026-10-25T04:00:00|"
    assert "run sacct with TZ=UTC" in sacct(night, zone="Europe/Berlin")[1][2]
    assert sacct(night)[1] == {}
    berlin = ZoneInfo("Europe/Berlin")
    assert local_unix_s("2026-03-29T02:30:00", berlin) is None
    assert local_unix_s("2026-03-29T04:30:00", berlin) == unix_s("2026-03-29T02:30:00Z")


@pytest.mark.parametrize(("text", "seconds"), [("01:00", 60), ("1-00:00:01", 86_401), ("02:00:00", 7200), ("x", None)])
def test_spans_as_slurm_writes_them(text: str, seconds: int | None) -> None:
    assert span_s(text) == seconds


@pytest.mark.parametrize(
    ("tres", "reason"),
    [
        ("gres/gpu=8,gres/gpu:h100=4", "8 GPUs, of which 4 have a type"),
        ("cpu=4,gres/gpu:=8", "AllocTRES has 'gres/gpu:=8'"),
        ("gres/gpu:h100=2.5", "AllocTRES has 'gres/gpu:h100=2.5'"),
        ("gres/gpu=1K", "AllocTRES has 'gres/gpu=1K'"),
        ("gres/gpu=8", "sku is empty"),
    ],
)
def test_gpus_that_cannot_be_read_whole_are_no_job_without_a_gpu(tres: str, reason: str) -> None:
    line = f"7|acme|COMPLETED|{tres}|2026-01-01T00:00:00|2026-01-01T01:00:00|00:00:00"
    (told,) = read_sacct([SACCT_HEADER, line], PLACE, "jobs", ZoneInfo("UTC"))
    assert isinstance(told, Rejected) and told.reason.startswith(reason), told


@pytest.mark.parametrize("tres", ["gres/gpu:h100=0", "cpu=4", "gres/gpumem=80G", ""])
def test_a_job_that_held_no_gpu_is_only_counted(tres: str) -> None:
    line = f"7|acme|COMPLETED|{tres}|2026-01-01T00:00:00|2026-01-01T01:00:00|00:00:00"
    assert list(read_sacct([SACCT_HEADER, line], PLACE, "jobs", ZoneInfo("UTC"))) == [Passed("jobs without a GPU")]


def test_a_column_that_stands_twice_is_named() -> None:
    with pytest.raises(UsageError, match="gpus: column stands twice"):
        list(read_intervals(["id,tenant,product,region,sku,gpus,gpus,start,end"], Defaults(), "use.csv"))


def test_what_sacct_does_not_tell_must_be_given() -> None:
    with pytest.raises(UsageError, match=r"sacct.txt: region: sacct does not tell it \(allowed --region\)"):
        list(read_sacct(StringIO(SACCT_HEADER), Defaults("bare.spot"), "sacct.txt", ZoneInfo("UTC")))
    with pytest.raises(UsageError, match=r"sacct.txt: Account: column is missing"):
        list(read_sacct(StringIO("JobID|State"), PLACE, "sacct.txt", ZoneInfo("UTC")))
    assert list(read_sacct(StringIO(f"{SACCT_HEADER}\n5.0|a|b|c|d|e|f"), PLACE, "x", ZoneInfo("UTC"))) == [
        Passed("steps of jobs")
    ]
