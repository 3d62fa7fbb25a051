"""`spillway contracts`, `wallet` and `alerts`: what was agreed beside the usage, in a finished run."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.frame import Session, session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form
from sim.cli.runs import RunArgument, find_run

if TYPE_CHECKING:
    from billing.books import Books
    from billing.contracts.state import ContractState

TenantFlag = Annotated[str | None, typer.Option("--tenant", metavar="T", help="One tenant.")]


def contracts(
    ctx: typer.Context,
    run: RunArgument,
    tenant: TenantFlag = None,
    hours: Annotated[
        str | None, typer.Option("--hours", metavar="CONTRACT", help="Instead: one contract hour by hour.")
    ] = None,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Show the state of each contract: entitled, used, unused, committed, drawn, owed."""
    from billing.contracts.state import contract_states
    from billing.documents.agreed_data import contract_data
    from sim.cli.documents import contracts_table

    session, shape = session_of(ctx), form(csv=csv, md=md)
    if hours is not None:
        _by_hour(session, run, hours, shape)
        return
    name, books = _books(session, run, tenant)
    lines = [line for line in books.agreed.lines if tenant in (None, line.tenant)]
    states = contract_states(lines)
    answer(
        session,
        lambda: {"run": name, "contracts": [contract_data(state, lines) for state in states]},
        lambda: [_states_table(states), contracts_table(lines, "Contract lines")],
        fmt=shape,
        after="" if states else "nothing was agreed in this run",
    )


def wallet(
    ctx: typer.Context, run: RunArgument, tenant: TenantFlag = None, csv: CsvFlag = False, md: MdFlag = False
) -> None:
    """Show every movement of every wallet, and what it held after it."""
    from billing.documents.agreed_data import wallet_data

    session, shape = session_of(ctx), form(csv=csv, md=md)
    name, books = _books(session, run, tenant)
    entries = [entry for entry in books.agreed.wallet if tenant in (None, entry.tenant)]
    epoch_s = books.names.epoch_s

    keys = ("wallet", "tenant", "kind", "month", "at", "amount", "balance")
    columns = (*keys[:5], "amount USD>", "balance USD>")
    answer(
        session,
        lambda: {"run": name, "entries": [wallet_data(entry, epoch_s) for entry in entries]},
        lambda: [
            Table("Wallets", columns, [[str(wallet_data(entry, epoch_s)[key]) for key in keys] for entry in entries])
        ],
        fmt=shape,
        after="" if entries else "no tenant of this run had a wallet",
    )


def alerts(
    ctx: typer.Context, run: RunArgument, tenant: TenantFlag = None, csv: CsvFlag = False, md: MdFlag = False
) -> None:
    """Show when charges of a month reached the sums at which tenants wanted to be told."""
    from billing.documents.agreed_data import alert_data
    from sim.report.text import basis_points

    session, shape = session_of(ctx), form(csv=csv, md=md)
    name, books = _books(session, run, tenant)
    fired = [alert for alert in books.agreed.alerts if tenant in (None, alert.tenant)]
    epoch_s = books.names.epoch_s

    keys = ("alert", "tenant", "kind", "month", "threshold_bp", "at", "spent", "expected")
    columns = (*keys[:4], "reached %>", "at", "spent USD>", "expected USD>")

    def words(alert: Any) -> list[str]:
        found = {**alert_data(alert, epoch_s), "threshold_bp": basis_points(alert.threshold_bp)}
        return [str(found[key]) for key in keys]

    answer(
        session,
        lambda: {"run": name, "alerts": [alert_data(alert, epoch_s) for alert in fired]},
        lambda: [Table("Spend alerts", columns, [words(alert) for alert in fired])],
        fmt=shape,
        after="" if fired else "no alert fired in this run",
    )


def _books(session: Session, run: str, tenant: str | None) -> "tuple[str, Books]":
    from sim.cli.books import closed_books
    from sim.cli.choice import choose

    folder = find_run(session, run)
    books = closed_books(folder)
    if tenant is not None:
        choose(tenant, books.names.tenants, "tenant", "--tenant")
    return folder.name, books


def _by_hour(session: Session, run: str, contract: str, shape: str) -> None:
    """Answer with the hours behind the lines of one contract."""
    from billing.closing.agreed_items import contract_basis
    from billing.contracts.hour_rows import ContractHour, contract_hours
    from billing.documents.agreed_data import cents_text
    from billing.documents.bill import gpu_hours
    from billing.money import format_exact, format_price
    from billing.months import utc_text
    from sim.folder.run_folder import read
    from sim.scenario.file import parse
    from sim.scenario.terms import terms_of

    name, books = _books(session, run, None)
    folder = read(find_run(session, run))
    terms = terms_of(parse(folder.scenario_toml(), str(folder.path / "scenario.toml")))
    rows = contract_hours(contract_basis(books, terms), contract)
    epoch_s = books.names.epoch_s

    def record(row: ContractHour) -> dict[str, Any]:
        drawn = None if row.drawn is None else format_exact(row.drawn)
        exact = {"fee": format_exact(row.fee), "drawn": drawn}
        return {"at": utc_text(epoch_s + row.hour_s), **row._asdict(), **exact}

    def words(row: ContractHour) -> list[str]:
        parts = (row.promised, row.used, row.unused, row.lent, row.late, row.recalled)
        drawn = "" if row.drawn is None else cents_text(row.drawn)
        if row.drawn is not None and row.in_gpu_s:
            drawn = f"{gpu_hours(row.drawn.numerator)} h"
        price = format_price(row.price_micro) if row.promised else ""
        return [utc_text(epoch_s + row.hour_s), *map(gpu_hours, parts), price, cents_text(row.fee), drawn]

    columns = ("hour", "promised>", "used>", "unused>", "lent>", "late>", "recalled>", "USD/GPU-h>", "fee>", "drawn>")
    answer(
        session,
        lambda: {"run": name, "contract": contract, "hours": [record(row) for row in rows]},
        lambda: [Table(f"{contract}, GPU-hours and USD by the hour", columns, [words(row) for row in rows])],
        fmt=shape,
    )


def _states_table(states: "list[ContractState]") -> Table:
    from billing.documents.agreed_data import cents_text
    from billing.documents.bill import gpu_hours

    rows = []
    for state in states:
        parts = (state.used_gpu_s, state.unused_gpu_s, state.lent_gpu_s, state.undelivered_gpu_s)
        floor = [
            f"{gpu_hours(size.numerator)} h" if state.in_gpu_s else cents_text(size)
            for size in (state.committed, state.drawn)
        ]
        shown = floor if state.committed.numerator else ["", ""]
        hours = [gpu_hours(gpu_s) for gpu_s in (state.entitled_gpu_s, *parts)]
        rows.append([state.contract, state.tenant, *hours, *shown, cents_text(state.owed)])
    columns = ("contract", "tenant", "entitled>", "used>", "unused>", "lent>", "undelivered>")
    title = "Contracts: capacity in GPU-hours, the rest in USD; owed is beside what usage is charged"
    return Table(title, (*columns, "committed>", "drawn>", "owed>"), rows)
