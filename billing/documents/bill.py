"""Bills as text, CSV rows and JSON-able dicts, and the tables that reports are made of. No arithmetic."""

import csv
import io
from collections.abc import Sequence
from html import escape
from typing import Any

from billing.currency import currency_of
from billing.invoices.bill import CREDIT, USAGE, WALLET, Bill, BillLine
from billing.money import SECONDS_PER_HOUR, floor_decimal, format_exact, format_price, format_usd, money_json
from billing.months import utc_text
from billing.rating.rate import NO_UNIT_PRICE, price_text

Table = list[list[str]]  # the first row is the header

_BILL_HEADER = [
    *("line", "product", "sku", "region", "gpu_s", "gpu_hours", "usd_per_gpu_hour", "amount_usd"),
    *("exact_micro_usd", "note"),
]


def bill_rows(bill: Bill) -> Table:
    """Return the bill as rows of text: a header, its lines, the total."""
    decimals = currency_of(bill.currency).decimals
    lines = [[str(number), *_line_words(line, decimals)] for number, line in enumerate(bill.lines, start=1)]
    quantity = [str(bill.quantity_gpu_s), gpu_hours(bill.quantity_gpu_s)]
    total = ["total", "", "", "", *quantity, "", format_usd(bill.total_micro_usd, decimals), "", ""]
    return [_BILL_HEADER, *lines, total]


def bill_text(bill: Bill) -> str:
    """Return the bill as a table for a terminal, between its heading and its totals."""
    span = f"{utc_text(bill.epoch_s + bill.period.from_s)} to {utc_text(bill.epoch_s + bill.period.until_s)}"
    header, *lines, _ = bill_rows(bill)
    shown = [column for column, name in enumerate(header) if name != "exact_micro_usd"]
    words = [[row[column] for column in shown] for row in (header, *lines)]
    decimals = currency_of(bill.currency).decimals
    totals = {
        "charges": format_usd(bill.charges_micro_usd, decimals),
        "service credits": format_usd(bill.credits_micro_usd, decimals),
        **({"paid by wallets": format_usd(bill.wallet_micro_usd, decimals)} if bill.wallet_micro_usd else {}),
        "total": format_usd(bill.total_micro_usd, decimals),
    }
    width = max(map(len, totals.values()))
    coin = "cent" if decimals == 2 else "minor unit"
    quantity = gpu_hours(bill.quantity_gpu_s)
    return "\n".join(
        [
            f"Bill of {bill.tenant}, {bill.period.label} ({span})",
            "",
            text_table(words, left={1, 2, 3, len(shown) - 1}),
            "",
            *(f"{name:16}{amount:>{width}} {bill.currency}" for name, amount in totals.items()),
            f"{quantity} GPU-hours; rounded {bill.rounding} once, to the {coin}, by largest remainder",
        ]
    )


def bill_json(bill: Bill) -> dict[str, Any]:
    """Return the bill as plain data, totals first."""
    money = bill.currency, currency_of(bill.currency).decimals
    return {
        "tenant": bill.tenant,
        "period": {
            "kind": bill.period.kind,
            "label": bill.period.label,
            "from": utc_text(bill.epoch_s + bill.period.from_s),
            "until": utc_text(bill.epoch_s + bill.period.until_s),
        },
        "currency": bill.currency,
        "rounding": bill.rounding,
        "totals": {
            "lines": len(bill.lines),
            "gpu_s": bill.quantity_gpu_s,
            "charges": money_json(bill.charges_micro_usd, *money),
            "service_credits": money_json(bill.credits_micro_usd, *money),
            "wallet": money_json(bill.wallet_micro_usd, *money),
            "total": money_json(bill.total_micro_usd, *money),
            "exact_charges_micro_usd": format_exact(bill.exact_charges),
        },
        "lines": [
            {
                "kind": line.kind,
                "product": line.product,
                "sku": line.sku or None,
                "region": line.region or None,
                "gpu_s": line.quantity_gpu_s,
                "usd_per_gpu_hour": price_or_none(line),
                "amount": money_json(line.amount_micro_usd, *money),
                "exact_micro_usd": format_exact(line.exact),
                "note": line.note,
            }
            for line in bill.lines
        ],
    }


def price_or_none(line: BillLine) -> str | None:
    """Return the unit price of a line; None of what is no usage, and where hours share tiers: no single price then."""
    if line.kind != USAGE or line.unit_price_micro_usd == NO_UNIT_PRICE:
        return None
    return format_price(line.unit_price_micro_usd)


def gpu_hours(gpu_s: int) -> str:
    """Return GPU-hours cut to 4 decimals, for reading only: GPU-seconds are what is billed."""
    return floor_decimal(gpu_s, SECONDS_PER_HOUR, 4)


def csv_text(rows: Table) -> str:
    """Return rows as CSV with plain newlines."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def text_table(rows: Table, left: set[int]) -> str:
    """Return rows as columns two spaces apart, a rule under the header; columns in `left` are left-aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            word.ljust(width) if column in left else word.rjust(width)
            for column, (word, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def html_table(rows: Table, left: set[int], marks: dict[str, str] | None = None) -> str:
    """Return rows as an HTML table, escaped. Columns in `left` get the class "word".

    `marks` gives cells that hold exactly this text a class of their own.
    """
    header, *body = rows
    marks = marks or {}

    def row_html(tag: str, row: Sequence[str]) -> str:
        cells = []
        for column, word in enumerate(row):
            kind = "word" if column in left else marks.get(word, "")
            cells.append(f'<{tag} class="{kind}">{escape(word)}</{tag}>' if kind else f"<{tag}>{escape(word)}</{tag}>")
        return f"<tr>{''.join(cells)}</tr>"

    lines = [row_html("th", header), *(row_html("td", row) for row in body)]
    return "\n".join(['<div class="wide"><table>', *lines, "</table></div>"])


def _line_words(line: BillLine, decimals: int) -> list[str]:
    amounts = [format_usd(line.amount_micro_usd, decimals), format_exact(line.exact), line.note]
    if line.kind in (CREDIT, WALLET):
        return [line.product, "", "", "", "", "", *amounts]
    price = price_text(line.unit_price_micro_usd) if line.kind == USAGE else ""
    quantity = [str(line.quantity_gpu_s), gpu_hours(line.quantity_gpu_s), price]
    return [line.product, line.sku, line.region, *quantity, *amounts]
