"""Bills and service levels as tables that fit a terminal. The documents themselves are `billing`'s."""

from collections.abc import Sequence

from billing.contracts.line import ContractLine
from billing.currency import DEFAULT, Currency, currency_of
from billing.documents.agreed_data import cents_text
from billing.documents.bill import gpu_hours
from billing.invoices.bill import USAGE, Bill, BillLine
from billing.money import floor_decimal, format_usd
from billing.months import month_label
from billing.rating.rate import price_text
from billing.sla.indicators import SlaRow
from billing.usage import Names
from sim.cli.output import Table
from sim.report.text import basis_points


def bill_table(bills: Sequence[Bill], title: str) -> Table:
    """Every line of the bills of one tenant, and their total. With several bills, each line names its period."""
    several = len(bills) > 1
    currency = currency_of(bills[0].currency) if bills else DEFAULT
    rows = []
    for bill in bills:
        for line in bill.lines:
            period = [bill.period.label] if several else []
            rows.append([*period, *_line_words(line), format_usd(line.amount_micro_usd, currency.decimals)])
    hours = gpu_hours(sum(bill.quantity_gpu_s for bill in bills))
    total = format_usd(sum(bill.total_micro_usd for bill in bills), currency.decimals)
    rows.append([*([""] if several else []), "total", "", hours, "", total])
    priced = (f"{currency.code}/GPU-h>", f"{currency.code}>")
    columns = [*(["period"] if several else []), "line", "pool", "GPU-h>", *priced]
    return Table(title, columns, rows)


def _line_words(line: BillLine) -> list[str]:
    pool = f"{line.region}/{line.sku}" if line.region else ""
    if line.kind == USAGE:
        return [line.product, pool, gpu_hours(line.quantity_gpu_s), price_text(line.unit_price_micro_usd)]
    return [line.note, pool, gpu_hours(line.quantity_gpu_s) if line.quantity_gpu_s else "", ""]


def contracts_table(lines: Sequence[ContractLine], title: str) -> Table:
    """What contracts came to, a row for each kind and month: GPU-hours, what the bill adds, and what it is worth."""
    rows = [
        [
            line.contract,
            month_label(line.month),
            line.kind.replace("_", " "),
            gpu_hours(line.quantity) if line.quantity else "",
            cents_text(line.exact),
            cents_text(line.effective),
            line.note,
        ]
        for line in lines
    ]
    return Table(title, ("contract", "month", "what", "GPU-h>", "adds USD>", "worth USD>", "why"), rows)


def totals_table(bills: Sequence[Bill], title: str) -> Table:
    """One row per tenant: the sums of its bills. Each bill was rounded once, so the sums are exact."""
    tenants = list(dict.fromkeys(bill.tenant for bill in bills))
    with_wallets = any(bill.wallet_micro_usd for bill in bills)
    rows = []
    for tenant in [*tenants, "total"]:
        mine = [bill for bill in bills if tenant in (bill.tenant, "total")]
        sums = (
            sum(bill.charges_micro_usd for bill in mine),
            sum(bill.credits_micro_usd for bill in mine),
            *([sum(bill.wallet_micro_usd for bill in mine)] if with_wallets else []),
            sum(bill.total_micro_usd for bill in mine),
        )
        hours = gpu_hours(sum(bill.quantity_gpu_s for bill in mine))
        rows.append([tenant, str(len(mine)), hours, *(format_usd(amount, 2) for amount in sums)])
    paid = ["wallets USD>"] if with_wallets else []
    return Table(title, ("tenant", "bills>", "GPU-h>", "charges USD>", "credits USD>", *paid, "total USD>"), rows)


def levels_table(names: Names, levels: Sequence[SlaRow], currency: Currency = DEFAULT) -> Table:
    """One row per tenant, product and month: what was promised, what was kept, what was given back."""
    rows = [
        [
            names.tenants[row.tenant],
            names.products[row.product],
            month_label(row.month),
            "" if row.target_bp is None else basis_points(row.target_bp),
            floor_decimal(row.healthy_gpu_s * 100, row.entitled_gpu_s, 2) if row.entitled_gpu_s else "",
            {True: "yes", False: "no", None: ""}[row.met],
            f"{row.notices_kept}/{row.notices_total}",
            "" if row.wait_s_p95 is None else str(row.wait_s_p95),
            format_usd(row.credit_micro_usd, currency.decimals),
        ]
        for row in levels
    ]
    columns = ("tenant", "product", "month", "target>", "kept>", "met", "notices>", "p95 s>", "credit>")
    title = f"Service levels: availability in %, p95 of waits in s, credit in {currency.code}"
    return Table(title, columns, rows)


def overview_table(names: Names, levels: Sequence[SlaRow]) -> Table:
    """One row per tenant and product over all months; `worst %` is that of the month with the lowest availability."""
    rows = []
    for tenant, product in dict.fromkeys((row.tenant, row.product) for row in levels):
        mine = [row for row in levels if (row.tenant, row.product) == (tenant, product)]
        promised = [row for row in mine if row.target_bp is not None]
        shares = [floor_decimal(row.healthy_gpu_s * 100, row.entitled_gpu_s, 2) for row in mine if row.entitled_gpu_s]
        rows.append(
            [
                names.tenants[tenant],
                names.products[product],
                basis_points(promised[0].target_bp) if promised and promised[0].target_bp is not None else "",
                min(shares, key=lambda share: int(share.replace(".", "")), default=""),
                f"{sum(bool(row.met) for row in promised)}/{len(promised)}" if promised else "",
                f"{sum(row.notices_kept for row in mine)}/{sum(row.notices_total for row in mine)}",
                format_usd(sum(row.credit_micro_usd for row in mine), 2),
            ]
        )
    columns = ("tenant", "product", "target %>", "worst %>", "months met>", "notices kept>", "credits USD>")
    return Table("Service levels, all months", columns, rows)
