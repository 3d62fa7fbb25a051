import csv
import io
import json
from dataclasses import replace

from billing.documents.bill import bill_json, bill_rows, bill_text, csv_text, gpu_hours, html_table, text_table
from billing.invoices.bill import Bill, make_bill
from billing.metering.meter import meter
from billing.money import Exact
from billing.months import hour_period, parse_month, run_period
from billing.rating.rate import rate
from billing.sla.credit import Key, Outage, ServiceCredit
from billing.usage import SegmentTable
from billing_facts import HOUR_S, NAMES, price_book, table

ACME = 1
CREDIT = ServiceCredit(
    key=Key(ACME, 1, parse_month("2026-01")),
    terms="target_9950",
    credit_bp=3_000,
    charge=Exact(3600 * 23_629_736, 3600),
    exact=Exact(3600 * 23_629_736 * 3_000, 3600 * 10_000),
    amount_micro_usd=7_090_000,
    evidence=(Outage("j0.1.down", "j0", 8, 100, 200), Outage("j1.1.down", "j1", 8, 300, 310)),
)


def bill(with_credit: bool = True) -> Bill:
    rows = [(0, ACME, 1, 0, 0, 8, 0, HOUR_S, 0), (1, ACME, 2, 0, 0, 8, 0, 1800, 0)]
    lines = rate(NAMES, meter(table(SegmentTable, rows)), price_book())
    period = run_period(HOUR_S) if with_credit else hour_period(NAMES.epoch_s, 0)
    return make_bill(NAMES, lines, [CREDIT], ACME, period)


def test_a_bill_reads_as_a_table_with_its_totals() -> None:
    assert bill_text(bill()).splitlines() == [
        "Bill of acme, whole run (2026-01-31T22:00:00Z to 2026-01-31T23:00:00Z)",
        "",
        "line  product        sku   region  gpu_s  gpu_hours  usd_per_gpu_hour  amount_usd  note",
        "----  -------------  ----  ------  -----  ---------  ----------------  ----------  "
        "---------------------------------------------------------------------------",
        "   1  bare.ondemand  h100  eu      28800     8.0000          2.953717       23.63",
        "   2  bare.spot      h100  eu      14400     4.0000              1.25        5.00",
        "   3  bare.ondemand                                                         -7.09  "
        "service credit for 2026-01: 30.00 % of the charge by target_9950, 2 outages",
        "",
        "charges         28.63 USD",
        "service credits -7.09 USD",
        "total           21.54 USD",
        "12.0000 GPU-hours; rounded HALF_UP once, to the cent, by largest remainder",
    ]


def test_the_bill_of_an_hour_says_which_hour() -> None:
    first, *_ = bill_text(bill(with_credit=False)).splitlines()
    assert first.startswith("Bill of acme, 2026-01-31T22:00:00Z (2026-01-31T22:00:00Z to 2026-01-31T23:00:00Z)")


def test_an_empty_bill_still_reads() -> None:
    empty = replace(bill(), lines=(), charges_micro_usd=0, credits_micro_usd=0, total_micro_usd=0)
    assert "total           0.00 USD" in bill_text(empty)


def test_rows_carry_the_exact_amounts_and_end_with_the_total() -> None:
    header, first, _, credit, total = (dict(zip(bill_rows(bill())[0], row, strict=True)) for row in bill_rows(bill()))
    assert header["line"] == "line"
    assert first["exact_micro_usd"] == f"{28_800 * 2_953_717}/3600"
    assert credit["amount_usd"] == "-7.09"
    assert (total["line"], total["gpu_s"], total["amount_usd"]) == ("total", "43200", "21.54")


def test_csv_reads_back_as_the_rows() -> None:
    rows = [["name", "note"], ["a,b", 'says "hi"\nand goes'], ["", "é"]]
    assert list(csv.reader(io.StringIO(csv_text(rows)))) == rows
    assert "\r" not in csv_text(bill_rows(bill()))


def test_json_holds_money_as_text_and_echoes_the_totals() -> None:
    document = json.loads(json.dumps(bill_json(bill())))
    assert document["totals"]["total"] == {"currency": "USD", "amount": "21.54", "minor": "2154"}
    assert document["totals"]["lines"] == len(document["lines"]) == 3
    assert document["period"]["until"] == "2026-01-31T23:00:00Z"
    assert sum(int(line["amount"]["minor"]) for line in document["lines"]) == 2154
    assert document["lines"][0]["usd_per_gpu_hour"] == "2.953717"
    assert document["lines"][2]["usd_per_gpu_hour"] is None
    assert not any(isinstance(value, float) for value in document["lines"][0].values())


def test_gpu_hours_are_cut() -> None:
    assert gpu_hours(3599) == "0.9997"


def test_columns_align() -> None:
    assert text_table([["a", "n"], ["long", "1"]], left={0}) == "a     n\n----  -\nlong  1"


def test_html_is_escaped_and_marked() -> None:
    html = html_table([["name", "met"], ["<b>&", "no"]], left={0}, marks={"no": "missed"})
    assert '<td class="word">&lt;b&gt;&amp;</td><td class="missed">no</td>' in html
