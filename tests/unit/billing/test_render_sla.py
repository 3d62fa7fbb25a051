import json
import re

from billing.documents.sla import credit_rows, sla_html, sla_json, sla_rows, sla_text
from billing.months import parse_month
from billing.sla.indicators import SlaRow
from billing_facts import NAMES, closed_world

BOOKS = closed_world(7).books()
MISSED = SlaRow(
    tenant=1,
    product=1,
    month=parse_month("2026-01"),
    terms="target_9990",
    target_bp=9_990,
    healthy_gpu_s=165_657_600,
    entitled_gpu_s=165_888_000,
    credit_bp=1_000,
    credit_micro_usd=10_828_800_000,
    notices_kept=3,
    notices_total=4,
    starts=2,
    wait_s_p50=0,
    wait_s_p95=70,
    wait_s_p99=70,
    evictions=4,
    faults=1,
)
NOTHING = SlaRow(0, 2, parse_month("2026-02"), None, None, 0, 0, 0, 0, 0, 0, 0, None, None, None, 0, 0)


def rows_by_column() -> list[dict[str, str]]:
    header, *rows = sla_rows(NAMES, [MISSED, NOTHING])
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_percentages_are_cut_never_rounded_up() -> None:
    missed, _ = rows_by_column()
    assert missed["availability_percent"] == "99.8611"
    assert missed["target_percent"] == "99.90"
    assert missed["interruptions_per_1000_gpu_h"] == "0.108"
    almost = MISSED._replace(healthy_gpu_s=165_887_999)
    assert dict(zip(*sla_rows(NAMES, [almost]), strict=True))["availability_percent"] == "99.9999"


def test_a_missed_target_says_so_and_what_came_back() -> None:
    missed, _ = rows_by_column()
    assert (missed["met"], missed["credit_percent"], missed["credit_usd"]) == ("no", "10.00", "10828.80")
    assert (missed["notices_kept"], missed["notices"]) == ("3", "4")


def test_what_was_not_promised_or_did_not_happen_is_empty() -> None:
    _, nothing = rows_by_column()
    empty = ("terms", "target_percent", "availability_percent", "met", "wait_s_p50", "interruptions_per_1000_gpu_h")
    assert [nothing[column] for column in empty] == [""] * 6


def test_a_report_without_rows_still_has_its_header() -> None:
    assert sla_text(NAMES, [], []).splitlines()[2].split()[:3] == ["tenant", "product", "month"]
    assert "None were due." in sla_html(NAMES, [], [])
    assert sla_json(NAMES, [], [])["rows"] == []


def test_the_terminal_report_lists_indicators_and_credits() -> None:
    text = sla_text(NAMES, BOOKS.sla, BOOKS.credits)
    assert "Service credits" in text
    for credit in BOOKS.credits:
        assert credit.terms in text
    assert max(map(len, text.splitlines())) <= 140


def test_credits_show_what_they_are_a_part_of() -> None:
    header, *rows = credit_rows(NAMES, BOOKS.credits)
    first = dict(zip(header, rows[0], strict=True))
    credit = BOOKS.credits[0]
    assert first["charge_micro_usd"] == f"{credit.charge.numerator}/{credit.charge.denominator}"
    assert first["lost_gpu_s"] == str(sum(outage.gpu_s for outage in credit.evidence))


def test_json_keeps_the_integers_and_the_evidence() -> None:
    document = json.loads(json.dumps(sla_json(NAMES, [MISSED], BOOKS.credits)))
    (row,) = document["rows"]
    assert (row["healthy_gpu_s"], row["entitled_gpu_s"]) == (165_657_600, 165_888_000)
    assert (row["tenant"], row["month"], row["met"]) == ("acme", "2026-01", False)
    assert row["availability_percent"] == "99.8611"
    assert row["credit"] == {"currency": "USD", "amount": "10828.80", "minor": "1082880"}
    evidence = document["credits"][0]["evidence"][0]
    assert evidence["gpu_s"] == BOOKS.credits[0].evidence[0].gpu_s
    assert re.fullmatch(r"2026-\d\d-\d\dT\d\d:\d\d:\d\dZ", evidence["from"])


def test_the_page_needs_nothing_else() -> None:
    page = sla_html(NAMES, [MISSED, NOTHING], BOOKS.credits)
    assert page.startswith("<!doctype html>") and page.endswith("</html>\n")
    assert "http" not in page and "<script" not in page
    assert '<td class="missed">no</td>' in page
    assert page.count("<tr>") == 1 + 2 + 1 + len(BOOKS.credits)


def test_names_cannot_break_the_page() -> None:
    evil = NAMES.__class__(("a", "<script>", "c"), NAMES.products, NAMES.regions, NAMES.skus, NAMES.epoch_s)
    assert "<script" not in sla_html(evil, [MISSED], [])
