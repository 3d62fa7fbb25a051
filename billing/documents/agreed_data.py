"""What was agreed beside the usage, as plain data: contracts and their lines, movements of wallets, spend alerts.

The command line, the API and the read model all say these words.
"""

from collections.abc import Sequence
from typing import Any

from billing.contracts.alerts import Alert
from billing.contracts.line import ContractLine
from billing.contracts.state import ContractState
from billing.contracts.wallet import WalletEntry
from billing.money import MICRO_PER_CENT, Exact, format_exact, format_usd, round_half_up
from billing.months import month_label, utc_text


def cents_text(amount: Exact) -> str:
    """Return an exact amount in cents, rounded by itself: for reading beside a bill, which is rounded as a whole."""
    return format_usd(MICRO_PER_CENT * round_half_up(amount.numerator, amount.denominator * MICRO_PER_CENT), 2)


def contract_data(state: ContractState, lines: Sequence[ContractLine]) -> dict[str, Any]:
    """Return where a contract stands, with those of `lines` that are its own."""
    amounts = {key: format_exact(getattr(state, key)) for key in ("committed", "drawn", "owed")}
    mine = [
        {
            **line._asdict(),
            "month": month_label(line.month),
            "exact": format_exact(line.exact),
            "effective": format_exact(line.effective),
        }
        for line in lines
        if line.contract == state.contract
    ]
    return {**state._asdict(), **amounts, "lines": mine}


def wallet_data(entry: WalletEntry, epoch_s: int) -> dict[str, Any]:
    """Return a movement of a wallet; its time counts from `epoch_s`, Unix seconds."""
    amounts = {"amount": format_usd(entry.amount_micro, 2), "balance": format_usd(entry.balance_micro, 2)}
    when = {"month": month_label(entry.month), "at": utc_text(epoch_s + entry.at_s)}
    return {**entry._asdict(), **when, **amounts}


def alert_data(alert: Alert, epoch_s: int) -> dict[str, Any]:
    """Return a spend alert that fired; its time counts from `epoch_s`, Unix seconds."""
    exact = {"spent": format_exact(alert.spent), "expected": format_exact(alert.expected)}
    return {
        **alert._asdict(),
        "month": month_label(alert.month),
        "at": utc_text(epoch_s + alert.at_s),
        **{f"{key}_micro_usd": value for key, value in exact.items()},
        "spent": cents_text(alert.spent),
        "expected": cents_text(alert.expected),
    }
