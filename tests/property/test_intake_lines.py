"""Files of use: whatever a line holds, it is billed or rejected with a reason, and the rest goes on; I10: the bills of
a zone's months add up to those of UTC."""

from fractions import Fraction
from io import StringIO
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from billing.closing.preview import local_bills, preview, usage_basis
from billing.intake.intervals import read_intervals
from billing.intake.record import Defaults, Interval
from billing.intake.sacct import read_sacct
from billing_facts import JANUARY
from use_files import HEADER, take, taken, terms

GOOD = f"good,acme,bare.ondemand,eu,h100,8,{JANUARY},{JANUARY + 100}"
CELL = st.one_of(
    st.text(st.characters(exclude_characters="\r\n"), max_size=6),
    st.sampled_from(("acme", "bare.ondemand", "8", "-1", '"', "1e9", "0x1", "٣", "2026-01-01T00:00:00Z", str(1 << 70))),
)
LINE = st.lists(CELL, min_size=1, max_size=9).map(",".join)


@given(st.lists(LINE, max_size=5))
@example(["a,acme,bare.ondemand,eu,h100,٣,1767225600,1767225700"])
@example(['"a,acme,bare.ondemand,eu,h100,8,1767225600,1767225700'])
def test_no_line_of_intervals_stops_the_others(lines: list[str]) -> None:
    found, rejected = taken(*lines, GOOD)
    told = list(read_intervals(StringIO("\n".join([HEADER, *lines, GOOD])), Defaults(), "x"))
    assert found.intervals + found.rejected == len(told)
    assert all(rejected.values()) and len(rejected) == found.rejected
    assert found.usage.quantity.sum() >= 800
    sound = [each for each in told if isinstance(each, Interval) and each.line not in rejected]
    assert found.usage.quantity.sum() == sum(each.gpus * ((each.end_s or 0) - each.start_s) for each in sound)


@given(st.lists(st.lists(CELL, min_size=7, max_size=7).map("|".join), max_size=5))
def test_no_line_of_sacct_stops_the_others(lines: list[str]) -> None:
    good = "1|acme|COMPLETED|gres/gpu:h100=8|2026-02-01T00:00:00|2026-02-01T00:01:40|"
    text = "\n".join(["JobID|Account|State|AllocTRES|Start|End|Suspended", *lines, good])
    place = Defaults("bare.spot", "eu", "")
    found, rejected = take(lambda: read_sacct(StringIO(text), place, "x", ZoneInfo("UTC")))
    assert found.usage.quantity.sum() == 800 * found.intervals
    lines_told = sum(1 for line in [*lines, good] if line.strip())
    assert found.intervals + len(rejected) + sum(found.passed.values()) == lines_told


@given(
    st.lists(st.tuples(st.integers(0, 400 * 86_400), st.integers(1, 40 * 86_400)), min_size=1, max_size=5),
    st.sampled_from(("America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia")),
)
def test_bills_of_local_months_add_up_to_those_of_utc(spans: list[tuple[int, int]], zone: str) -> None:
    rows = [
        f"j{row},acme,bare.ondemand,eu,h100,8,{JANUARY + start_s},{JANUARY + start_s + length_s}"
        for row, (start_s, length_s) in enumerate(spans)
    ]
    found = taken(*rows)[0]
    basis = usage_basis(found.names, found.usage, terms(), found.span_s[1] - found.names.epoch_s)
    local = sum((Fraction(*bill.exact_charges) for bill in local_bills(basis, ZoneInfo(zone))), Fraction(0))
    assert local == sum((Fraction(*line.exact) for draft in preview(basis) for line in draft.lines), Fraction(0))
