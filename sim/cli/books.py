"""Bills out of a finished run's folder: which period, which tenants."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from billing.books import Books
from billing.contracts.line import ContractLine
from billing.documents.bill import bill_rows, csv_text
from billing.invoices.bill import Bill
from billing.money import money_json
from billing.months import Period, hour_period, month_label, month_numbers, month_period, parse_month
from sim.cli.when import parse_hour
from sim.errors import SimError
from sim.folder import run_folder
from sim.folder.books import read_books


def closed_books(folder: Path) -> Books:
    """The books of a run.

    Raises:
        SimError: no such run, a damaged one, or one that was not metered.
    """
    run = run_folder.read(folder)
    require_metered(run)
    return read_books(run)


def require_metered(run: run_folder.RunFolder) -> None:
    """Raise SimError for a run that has a schedule, but neither bills nor a page."""
    if not run.manifest["metered"]:
        message, allowed = "run was not metered: it has no bills", "a run made without --schedule-only"
        raise SimError(message, code="run.not_metered", file=str(run.path), allowed=allowed)


def period_of(books: Books, hour: str | None, month: str | None) -> tuple[Period | None, str | None]:
    """The hour or month that was asked for, None for all months; and a remark about how the hour was read.

    Raises:
        SimError, BillingError: no hour or month of this run.
    """
    epoch_s = books.names.epoch_s
    if hour is not None:
        hour_s, remark = parse_hour(hour, epoch_s, books.horizon_s)
        return hour_period(epoch_s, hour_s), remark
    if month is None:
        return None, None
    number = parse_month(month)
    if number not in (months := months_of(books)):
        allowed = [month_label(each) for each in months]
        raise SimError(
            "run does not touch that month", code="time.outside", path="--month", found=month, allowed=allowed
        )
    return month_period(epoch_s, number), None


def months_of(books: Books) -> range:
    """Every month that the run touches, as months since January 1970."""
    import numpy as np

    ends_s = np.array([0, max(books.horizon_s - 1, 0)], dtype=np.int64)
    first, last = month_numbers(books.names.epoch_s, ends_s).tolist()
    return range(first, last + 1)


def bills_of(books: Books, tenant: str | None, period: Period | None) -> list[Bill]:
    """The bills of one tenant or of all that used something, in a period or in each month of the run.

    Bills are monthly documents, rounded once each: over several months the sum of them is what is owed.
    """
    if period is None:
        return [bill for bill in books.month_bills() if tenant in (None, bill.tenant)]
    chosen = range(len(books.names.tenants)) if tenant is None else [books.names.tenants.index(tenant)]
    bills = [books.bill(each, period) for each in chosen]
    return [bill for bill in bills if bill.lines or tenant is not None]


def contract_lines_of(books: Books, tenant: str | None, period: Period | None) -> list[ContractLine]:
    """The contract lines of one tenant or of all, of a month or of the whole run; an hour has none."""
    return [
        line
        for line in books.agreed.lines
        if tenant in (None, line.tenant) and (period is None or period.month == line.month)
    ]


def lines_csv(bills: Sequence[Bill]) -> str:
    """Every line and total of the bills, with the exact amounts, as CSV; tenant and period stand in front."""
    header = ["tenant", "period", *bill_rows(bills[0])[0]] if bills else ["tenant", "period"]
    rows = [[bill.tenant, bill.period.label, *row] for bill in bills for row in bill_rows(bill)[1:]]
    return csv_text([header, *rows])


def totals(bills: Sequence[Bill]) -> dict[str, Any]:
    """Sums over bills, for the metadata of an answer."""
    return {
        "bills": len(bills),
        "gpu_s": sum(bill.quantity_gpu_s for bill in bills),
        "charges": money_json(sum(bill.charges_micro_usd for bill in bills)),
        "service_credits": money_json(sum(bill.credits_micro_usd for bill in bills)),
        "wallet": money_json(sum(bill.wallet_micro_usd for bill in bills)),
        "total": money_json(sum(bill.total_micro_usd for bill in bills)),
    }
