"""What was agreed, as three tables of a run folder, and the way back: contract lines, movements of wallets, alerts.

Exact amounts are fractions of micro-units; both numbers are text, because either may outgrow an integer column.
"""

from collections.abc import Callable, Sequence
from typing import Any

from billing.contracts.agreed import Agreed
from billing.contracts.alerts import Alert
from billing.contracts.line import ContractLine
from billing.contracts.wallet import WalletEntry
from billing.money import Exact
from billing.months import month_label, parse_month
from sim.folder.columns import Columns
from sim.folder.parquet import Cells

_INTS = ("from_s", "until_s", "at_s", "quantity", "amount_micro", "balance_micro", "threshold_bp")
_EXACT = ("exact", "effective", "spent", "expected")
_TABLES: dict[str, tuple[type[Any], Callable[[Agreed], Sequence[Any]]]] = {
    "contracts": (ContractLine, lambda agreed: agreed.lines),
    "wallets": (WalletEntry, lambda agreed: agreed.wallet),
    "spend_alerts": (Alert, lambda agreed: agreed.alerts),
}
CONTRACT_TABLES = tuple(_TABLES)


def contract_table(name: str, agreed: Agreed) -> Columns:
    """One row per contract line, movement of a wallet, or alert; the columns are the fields of the record."""
    kind, rows_of = _TABLES[name]
    rows = rows_of(agreed)
    columns: Columns = {}
    for field in kind._fields:
        values = [getattr(row, field) for row in rows]
        if field in _EXACT:
            columns[f"{field}_numerator"] = Cells([str(value.numerator) for value in values])
            columns[f"{field}_denominator"] = Cells([str(value.denominator) for value in values])
        elif field == "month":
            columns[field] = Cells([month_label(value) for value in values])
        else:
            columns[field] = Cells(values, "BIGINT" if field in _INTS else "VARCHAR")
    return columns


def read_agreed(query: Callable[[str], Sequence[dict[str, Any]]]) -> Agreed:
    """Return what was agreed from the tables of a run folder, which `query` reads."""
    found = []
    for name, (kind, _) in _TABLES.items():
        found.append([_record(kind, row) for row in query(f"SELECT * FROM {name}")])
    return Agreed(*found)


def _record(kind: type[Any], row: dict[str, Any]) -> Any:
    values: dict[str, Any] = {}
    for field in kind._fields:
        if field in _EXACT:
            values[field] = Exact(int(row[f"{field}_numerator"]), int(row[f"{field}_denominator"]))
        else:
            values[field] = parse_month(row[field]) if field == "month" else row[field]
    return kind(**values)
