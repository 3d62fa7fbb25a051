"""Money that was here before the bill: prepayments and credits, drawn down by the bills of a tenant, month by month.

Wallets are drawn in order of (priority, expiry, id): the smallest priority first, then what expires first; what never
expires comes last. A bill draws what it comes to after service credits, and never more: a wallet never falls below 0,
and no bill either. A wallet pays bills of months in which it was valid at some time. What is left of it at its expiry
is lost (breakage): an entry of its own, posted once the bill of that month has drawn.

Amounts are int micro-units in whole minor units: wallets pay documents, which are rounded.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from billing.currency import Currency
from billing.errors import MoneyError
from billing.money import MICRO_PER_CENT, parse_usd
from billing.months import month_bounds, month_of
from tenants.registry import Registry
from tenants.wallet import Wallet

BOUGHT, DRAWN, EXPIRED = "bought", "drawn", "expired"


class Draw(NamedTuple):
    """`applied[line][wallet]` was drawn; `remaining` is what is left to pay of each line, `left` in each wallet."""

    applied: tuple[tuple[int, ...], ...]
    remaining: tuple[int, ...]
    left: tuple[int, ...]


class WalletEntry(NamedTuple):
    """A movement of a wallet: `amount_micro` is above 0 when it was filled, below when it was drawn or expired.

    `balance_micro` is what it holds after it. `month` is that of the bill that drew, or in which it happened.
    """

    wallet: str
    tenant: str
    kind: str
    month: int
    at_s: int
    amount_micro: int
    balance_micro: int


def draw(lines: Sequence[int], credits: Sequence[int]) -> Draw:
    """Pay lines in order from credits in order; neither falls below 0.

    Source: OpenMeter's credits mutator (cases om-credits-*).
    """
    left = list(credits)
    applied: list[tuple[int, ...]] = []
    remaining: list[int] = []
    for line in lines:
        parts: list[int] = []
        for row, credit in enumerate(left):
            part = min(max(0, line - sum(parts)), credit)
            left[row] -= part
            parts.append(part)
        applied.append(tuple(parts))
        remaining.append(line - sum(parts))
    return Draw(tuple(applied), tuple(remaining), tuple(left))


def spread(lines: Sequence[int], credits: Sequence[int]) -> Draw:
    """As `draw`, for credits that must be used up: no total ever falls below 0.

    Raises:
        MoneyError: the credits exceed the lines (case om-credits-overflow).
    """
    drawn = draw(lines, credits)
    if any(drawn.left):
        message, allowed = "credits not consumed fully", f"at most {sum(lines)}"
        raise MoneyError(message, code="credits_left", found=sum(credits), allowed=allowed)
    return drawn


def wallets_of(registry: Registry) -> list[Wallet]:
    """Return the wallets of all tenants, those of prepaid contracts among them, in the order in which they are drawn.

    What is prepaid under a contract expires with it and is drawn before everything else of its priority, 0.
    """
    prepaid = [
        Wallet(
            id=contract.id,
            tenant=contract.tenant,
            amount=contract.prepayment,
            from_s=contract.from_s,
            expires_s=contract.end_s,
            paid=True,
        )
        for contract in registry.contracts
        if contract.prepayment is not None
    ]
    return sorted([*prepaid, *registry.wallets], key=_draw_order)


def require_currency(registry: Registry, currency: Currency, file: str | None = None) -> None:
    """Refuse wallets and alerts in another currency than the bills they are about, and parts of its minor unit.

    Raises:
        MoneyError: naming the row, its currency or amount, and what the terms allow.
    """
    found = [(f"wallet[{row}]", wallet.currency) for row, wallet in enumerate(registry.wallets)]
    found += [(f"spend_alert[{row}]", alert.currency) for row, alert in enumerate(registry.spend_alerts)]
    for place, code in found:
        if code != currency.code:
            message, path = "not the currency of the bills", f"{place}.currency"
            raise MoneyError(message, file=file, path=path, found=code, allowed=currency.code)
    ahead = [(f"wallet[{row}].amount", wallet.amount) for row, wallet in enumerate(registry.wallets)]
    ahead += [(f"contract[{row}].prepayment", each.prepayment or "0") for row, each in enumerate(registry.contracts)]
    for path, amount in ahead:
        if parse_usd(amount) % currency.minor_micro:
            message, allowed = "not in whole minor units", f"{currency.decimals} decimals of {currency.code}"
            raise MoneyError(message, file=file, path=path, found=amount, allowed=allowed)


def wallet_entries(
    epoch_s: int,
    wallets: Sequence[Wallet],
    payable: Mapping[tuple[str, int], int],
    horizon_s: int,
    minor_micro: int = MICRO_PER_CENT,
    drawn: Mapping[tuple[str, int], Mapping[str, int]] | None = None,
    lost: Mapping[str, int] | None = None,
) -> list[WalletEntry]:
    """Return the movements of all wallets over [0, horizon), tenant by tenant in order of time.

    Args:
        wallets:  in the order in which they are drawn.
        payable:  (tenant, month) -> what the month's bill comes to before wallets; what is not above 0 draws nothing,
                  and parts of a minor unit, of which a currency may have none, are left to pay.
        drawn:    (tenant, month) -> wallet -> what it paid on the invoice that stands, whatever is known since.
        lost:     wallet -> what was posted as left of it at its expiry.

    What paid a later month already, or was lost, pays no invoice of an earlier month that is made only now.
    """
    entries: list[WalletEntry] = []
    for tenant in sorted({wallet.tenant for wallet in wallets}):
        mine = [wallet for wallet in wallets if wallet.tenant == tenant and wallet.from_s < horizon_s]
        months = {month: micro - micro % minor_micro for (owner, month), micro in payable.items() if owner == tenant}
        stands = {month: parts for (owner, month), parts in (drawn or {}).items() if owner == tenant}
        entries += _entries_of(epoch_s, mine, months, horizon_s, stands, lost or {})
    return entries


def _entries_of(
    epoch_s: int,
    wallets: Sequence[Wallet],
    payable: Mapping[int, int],
    horizon_s: int,
    stands: Mapping[int, Mapping[str, int]],
    lost: Mapping[str, int],
) -> list[WalletEntry]:
    balance = dict.fromkeys((wallet.id for wallet in wallets), 0)
    entries: list[WalletEntry] = []

    def post(wallet: Wallet, kind: str, month: int, at_s: int, micro: int) -> None:
        balance[wallet.id] += micro
        entries.append(WalletEntry(wallet.id, wallet.tenant, kind, month, at_s, micro, balance[wallet.id]))

    begins = {wallet.id: month_of(epoch_s, wallet.from_s) for wallet in wallets}
    ends = {wallet.id: month_of(epoch_s, wallet.expires_s - 1) for wallet in wallets if wallet.expires_s is not None}
    over = {wallet.id for wallet in wallets if wallet.expires_s is not None and wallet.expires_s <= horizon_s}
    for month in sorted({*begins.values(), *(ends[each] for each in over), *payable, *stands}):
        closes_s = min(horizon_s, month_bounds(epoch_s, month)[1])
        for wallet in wallets:
            if begins[wallet.id] == month:
                post(wallet, BOUGHT, month, wallet.from_s, parse_usd(wallet.amount))
        valid = [wallet for wallet in wallets if begins[wallet.id] <= month <= ends.get(wallet.id, month)]
        left = [balance[each.id] - _spent_after(month, each.id, stands) - lost.get(each.id, 0) for each in valid]
        parts = draw([max(0, payable.get(month, 0))], [max(0, each) for each in left]).applied[0]
        if month in stands:
            parts = tuple(stands[month].get(wallet.id, 0) for wallet in valid)
        for wallet, part in zip(valid, parts, strict=True):
            if part:
                post(wallet, DRAWN, month, closes_s, -part)
        for wallet in valid:
            rest = lost.get(wallet.id, balance[wallet.id])
            if wallet.id in over and ends[wallet.id] == month and rest:
                post(wallet, EXPIRED, month, closes_s, -rest)
    return entries


def _spent_after(month: int, wallet: str, stands: Mapping[int, Mapping[str, int]]) -> int:
    """Return what a wallet paid on invoices of later months that stand."""
    return sum(parts.get(wallet, 0) for each, parts in stands.items() if each > month)


def _draw_order(wallet: Wallet) -> tuple[int, bool, int, str]:
    return wallet.priority, wallet.expires_s is None, wallet.expires_s or 0, wallet.id
