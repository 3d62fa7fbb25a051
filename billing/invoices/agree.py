"""From the terms to what they add to bills: contract lines first, then what wallets pay of the bills that follow."""

from collections.abc import Mapping, Sequence

from billing.contracts.agreed import NOTHING_AGREED, Agreed
from billing.contracts.alerts import spend_alerts
from billing.contracts.basis import Basis
from billing.contracts.line import ContractLine
from billing.contracts.wallet import wallet_entries, wallets_of
from billing.invoices.bill import PREPAYMENT, Bill, month_bills
from billing.sla.credit import ServiceCredit

Drawn = Mapping[tuple[str, int], Mapping[str, int]]


def agree(
    basis: Basis,
    lines: Sequence[ContractLine],
    credits: Sequence[ServiceCredit],
    drawn: Drawn | None = None,
    lost: Mapping[str, int] | None = None,
) -> Agreed:
    """Return what contracts, wallets and alerts come to; `lines` are those of `contract_lines`.

    `drawn` is what wallets have paid on invoices that stand: (tenant, month) -> wallet -> micro-units; `lost` is what
    was posted as left of a wallet at its expiry.
    """
    names, registry = basis.names, basis.registry
    if not (registry.contracts or registry.wallets or registry.spend_alerts):
        return NOTHING_AGREED
    wallets = wallets_of(registry)
    bills = month_bills(names, basis.lines, credits, Agreed(lines), basis.currency) if wallets else []
    minor_micro = basis.currency.minor_micro
    entries = wallet_entries(names.epoch_s, wallets, payable(bills), basis.horizon_s, minor_micro, drawn, lost)
    return Agreed(lines, entries, spend_alerts(names, registry.spend_alerts, basis.lines, lines))


def payable(bills: Sequence[Bill]) -> dict[tuple[str, int], int]:
    """Return what wallets may pay of each (tenant, month): all but what is itself paid into a wallet."""
    return {
        (bill.tenant, bill.period.month): bill.total_micro_usd
        - sum(line.amount_micro_usd for line in bill.lines if line.kind == PREPAYMENT)
        for bill in bills
    }
