"""Invoices and SLA reports as pages and PDFs: the same words in both, the same bytes again, nothing fetched or run."""

import html
import io
import re
import sys
from fractions import Fraction
from typing import Any

import pytest

from billing.currency import DEFAULT
from billing.documents import page, pdf
from billing.documents.focus import focus_rows
from billing.documents.focus_check import check
from billing.documents.focus_columns import header
from billing.documents.invoice_data import SPANS_MAX, invoice_data
from billing.documents.note_data import note_as_invoice, note_data
from billing.documents.page import PAPERS, invoice_html, readable, sla_page
from billing.documents.parties import Parties
from billing.documents.pdf import invoice_pdf, sla_pdf
from billing.documents.sla_data import Origin, sla_data
from billing.errors import DocumentError
from billing.invoices.credit_note import CreditNote, Return, credit_note
from billing.invoices.lifecycle import issue_note
from billing.sla.report import sla_reports
from billing_facts import closed_world
from invoice_worlds import HARD_NAMES, papers

LOG = (("sim", 1, 9),)


def invoices() -> list[dict[str, Any]]:
    drawn = papers(6)
    pairs = zip(drawn.invoices, drawn.hours, strict=True)
    return [invoice_data(invoice, hours, drawn.parties) for invoice, hours in pairs]


def report() -> dict[str, Any]:
    """A report with credits and their evidence."""
    books = closed_world(0).books()
    reports = sla_reports(books.names, books.sla, books.credits, books.excluded)
    chosen = max(reports, key=lambda each: each.credit_micro_usd)
    return sla_data(chosen, Parties("Spillway", {}, {}), Origin(DEFAULT, "sha256:abc", LOG, "ab" * 32))


def words_of(made: bytes | str) -> str:
    """The text of a page or a PDF, its white space as single blanks."""
    if isinstance(made, str):
        body = re.sub(r"<style>.*?</style>|<[^>]+>", " ", made, flags=re.DOTALL)
        return " ".join(html.unescape(body).split())
    from pypdf import PdfReader

    return " ".join(" ".join(each.extract_text() for each in PdfReader(io.BytesIO(made)).pages).split())


def told(data: Any, key: str = "") -> list[str]:
    """Every amount, percentage and hash that a document must show; taxes are shown by rate, not by line."""
    if isinstance(data, dict):
        shown = {name: value for name, value in data.items() if (name, "cause" in data) != ("tax", True)}
        return [word for name, value in shown.items() for word in told(value, name)]
    if isinstance(data, list):
        return [word for value in data for word in told(value, key)]
    keys = ("net", "tax", "total", "amount", "unit_price", "number", "hash", "log_hash", "price_version", "rounding")
    return [str(data)] if data is not None and key in (*keys, "currency", "evidence_hash", "reached_percent") else []


@pytest.mark.parametrize("paper", PAPERS)
def test_page_and_pdf_of_an_invoice_say_every_amount_and_where_it_comes_from(paper: str) -> None:
    for data in invoices():
        as_page, as_pdf = words_of(invoice_html(data, paper)), words_of(invoice_pdf(data, paper)).replace(" ", "")
        for word in told(readable(data)):
            assert word in as_page
            assert word in as_pdf, word
        assert f"house {data['log_range'][0]['first']} to {data['log_range'][0]['last']}" in as_page


def test_page_and_pdf_of_a_report_say_every_amount_and_its_evidence() -> None:
    data = report()
    assert any(level["credits"] for level in data["levels"])
    as_page, as_pdf = words_of(sla_page(data)), words_of(sla_pdf(data)).replace(" ", "")
    for word in told(readable(data)):
        assert word in as_page
        assert word in as_pdf, word


def test_the_same_data_gives_the_same_bytes() -> None:
    data, levels = invoices()[0], report()
    for draw, given in ((invoice_html, data), (invoice_pdf, data), (sla_page, levels), (sla_pdf, levels)):
        assert draw(given) == draw(given)
    assert b"/CreationDate" not in invoice_pdf(data) and b"/ModDate" not in invoice_pdf(data)


def test_pages_fetch_nothing_run_nothing_and_link_only_to_themselves() -> None:
    for made in (invoice_html(invoices()[0]), sla_page(report())):
        assert not re.search(r"<(script|link|img|iframe|object)|https?:|url\(|@import| on\w+=", made)
        targets = set(re.findall(r'href="#([^"]+)"', made))
        assert targets and targets <= set(re.findall(r'id="([^"]+)"', made))


def test_each_line_leads_to_its_hours_and_back() -> None:
    data = invoices()[0]
    made = invoice_html(data)
    for line in data["lines"]:
        both = f'href="#hours-{line["number"]}"' in made, f'href="#line-{line["number"]}"' in made
        assert both == (bool(line["hours"]),) * 2


def test_a_credit_note_names_its_invoice_and_every_amount() -> None:
    drawn = papers(6)
    invoice = next(each for each in drawn.invoices if each.status == "issued" and each.tax_micro)
    whole = credit_note(invoice, [], [Return(1, 1, 3)], "goodwill", "a slow <network>")
    data = note_data(issue_note(whole, 1, invoice.issued_s), drawn.parties, invoice.rounding)
    as_page, as_pdf = words_of(invoice_html(data)), words_of(invoice_pdf(data)).replace(" ", "")
    for word in (*told(readable(data)), invoice.number, "goodwill"):
        assert word in as_page
        assert word in as_pdf, word
    assert "a slow &lt;network&gt;" in invoice_html(data) and "Credit note" in as_page


@pytest.mark.parametrize("seed", range(8))
def test_credit_notes_are_correct_rows_of_cost_that_take_away(seed: int) -> None:
    drawn = papers(seed)
    for invoice in (each for each in drawn.invoices if each.status == "issued"):
        notes: list[CreditNote] = []
        for returns in ([Return(line.number, 1, 3) for line in invoice.lines if line.net_micro > 0],) * 2:
            if returns and sum(line.net_micro for line in invoice.lines if line.net_micro > 0) <= invoice.net_micro:
                note = credit_note(invoice, notes, returns, "goodwill", "slow")
                notes.append(issue_note(note, len(notes) + 1, invoice.issued_s))
        rows = [row for note in notes for row in focus_rows(note_as_invoice(note, invoice.rounding), {}, drawn.parties)]
        names = header("1.2")
        assert check(names, [[row[name] for name in names] for row in rows]).findings == []
        assert sum(Fraction(row["BilledCost"] or "") for row in rows) * 10**6 == -sum(
            note.total_micro for note in notes
        )


def test_an_invoice_of_money_alone_has_no_hours() -> None:
    data = {**invoices()[0]}
    data["lines"] = [{**line, "hours": []} for line in data["lines"]]
    for made in (invoice_html(data), invoice_html({**data, "lines": []})):
        assert "Hours behind the lines" not in made
    assert "Nothing was used" in words_of(invoice_html({**data, "lines": []}))
    assert "Nothingwasused" in words_of(invoice_pdf({**data, "lines": []})).replace(" ", "")


@pytest.mark.parametrize("name", HARD_NAMES)
def test_no_name_becomes_markup(name: str) -> None:
    data = {**invoices()[0], "tenant_name": name, "issuer": name}
    assert html.escape(name, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in invoice_html(data)
    plain = re.sub(r"[^a-zA-Z0-9]", "", name)
    assert plain in re.sub(r"[^a-zA-Z0-9]", "", words_of(invoice_pdf(data)))


def test_like_hours_in_a_row_are_one_entry_and_a_long_list_says_what_it_leaves_out() -> None:
    drawn = papers(6)
    line, hours = next(iter(drawn.hours[0].items()))
    apart = [hour._replace(from_s=hour.from_s + n, until_s=hour.until_s + n) for n, hour in enumerate(hours * 1000)]
    kept = drawn.invoices[0].lines[line - 1]
    from billing.documents.hours import spans

    assert sum(span.hours for span in spans(hours)) == len(hours)
    assert sum(span.quantity * span.hours for span in spans(hours)) == kept.quantity
    assert len(spans(apart)) > SPANS_MAX


def test_pdf_without_typst_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(DocumentError, match="PDF needs typst") as caught:
        invoice_pdf(invoices()[0])
    assert "spillway[report]" in str(caught.value)


@pytest.mark.parametrize("draw", [page.invoice_html, pdf.invoice_pdf])
def test_an_unknown_paper_is_refused(draw: Any) -> None:
    with pytest.raises(DocumentError, match="paper"):
        draw(invoices()[0], "a5")
