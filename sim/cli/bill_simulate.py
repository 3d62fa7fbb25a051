"""`spillway bill simulate`: the invoices of a run under other prices, beside those that it has."""

from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.frame import session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form
from sim.cli.runs import RunArgument, find_run

if TYPE_CHECKING:
    from billing.invoices.invoice import Invoice

PricesFlag = Annotated[
    str, typer.Option("--prices", metavar="FILE", help="A terms file or scenario: its [[price]] rows are used.")
]
TenantFlag = Annotated[str | None, typer.Option("--tenant", metavar="T", help="One tenant.")]


def simulate(
    ctx: typer.Context,
    run: RunArgument,
    prices: PricesFlag,
    tenant: TenantFlag = None,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Rate the usage of a run by other prices, with the engine that issues invoices, and show both side by side.
    Service credits and contracts stay as they were."""
    from billing.closing.agreed_prices import book_version
    from billing.closing.month import month_draft, months_with_lines, with_book
    from sim.cli.books import require_metered
    from sim.cli.choice import choose
    from sim.folder.basis import run_basis
    from sim.folder.run_folder import read
    from sim.scenario.any_terms import load_any_terms

    session, opened = session_of(ctx), read(find_run(session_of(ctx), run))
    require_metered(opened)
    now = run_basis(opened)
    other = with_book(now, load_any_terms(prices).book)
    names = now.books.names.tenants
    if tenant is not None:
        choose(tenant, names, "tenant", "--tenant")
    chosen = [(month, who) for month, who in months_with_lines(now) if tenant in (None, names[who])]
    pairs = [(month_draft(now, who, month), month_draft(other, who, month)) for month, who in chosen]
    rows = [[each.tenant, each.period, *_amounts(each, simulated)] for each, simulated in pairs]
    heads = ("tenant", "period", "total now>", "total simulated>", "difference>", "currency")
    document = {
        "price_version": book_version(now.terms.book.rows),
        "simulated_price_version": book_version(other.terms.book.rows),
        "invoices": [
            {"tenant": each.tenant, "period": each.period, "total_micro": each.total_micro,
             "simulated_total_micro": simulated.total_micro, "currency": each.currency}
            for each, simulated in pairs
        ],
    }  # fmt: skip
    title = f"Simulated with {prices}"
    answer(session, lambda: document, lambda: [Table(title, heads, rows)], fmt=form(csv=csv, md=md))


def _amounts(now: "Invoice", other: "Invoice") -> list[str]:
    from billing.money import format_usd

    decimals = now.money.decimals
    amounts = (now.total_micro, other.total_micro, other.total_micro - now.total_micro)
    return [*(format_usd(amount, decimals) for amount in amounts), now.currency]
