"""What was agreed beside the usage, month by month: contracts with their lines, and movements of wallets."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from billing.api.schemas.basic import Closed, Money, Page, moment, money
from billing.api.schemas.usage import ExactOut, exact_in, exact_of, rounded


class ContractLineOut(Closed):
    """A line of a contract: what it adds to the month's bill, or, at an amount of 0, how much of it was used."""

    kind: str = Field(description="What the line is about.", examples=["reservation_unused"])
    product: str = Field(description="Code of the product.", examples=["bare.reserved"])
    sku: str = Field(description="Empty where it names none.", examples=["h100"])
    region: str = Field(description="Empty where it names none.", examples=["eu-1"])
    since: str = Field(description="RFC 3339 in UTC.", examples=["2026-11-01T00:00:00Z"])
    until: str = Field(description="RFC 3339 in UTC, not part of it.", examples=["2026-12-01T00:00:00Z"])
    quantity: int = Field(description="GPU-seconds; 0 of money alone.", examples=[691200])
    amount: Money = Field(description="What it adds to the bill, rounded by itself.")
    exact: ExactOut = Field(description="The same before rounding.")
    effective: ExactOut = Field(description="Cost of what the line is about, whoever charges it, exact.")
    note: str = Field(description="In words.", examples=["64 GPUs from 1 November on"])


class ContractOut(Closed):
    """Where a contract stands in a month. used + unused + lent + undelivered is what was entitled, in GPU-seconds."""

    period: str = Field(description="The month, in UTC.", examples=["2026-11"])
    contract: str = Field(description="Its id.", examples=["ctr-1"])
    entitled_gpu_s: int = Field(description="GPU-seconds that were agreed.", examples=[165888000])
    used_gpu_s: int = Field(description="GPU-seconds that the tenant held.", examples=[150000000])
    unused_gpu_s: int = Field(description="GPU-seconds that nobody held.", examples=[15000000])
    lent_gpu_s: int = Field(description="GPU-seconds that somebody else held meanwhile.", examples=[888000])
    undelivered_gpu_s: int = Field(description="GPU-seconds that were promised and not there.", examples=[0])
    counted_in: str = Field(description="What `committed` and `drawn` count: gpu_s, or a currency.", examples=["USD"])
    committed: ExactOut = Field(description="The floor so far: GPU-seconds, or micro-units of the currency.")
    drawn: ExactOut = Field(description="What use has drawn of it, counted alike.")
    owed: Money = Field(description="What the contract adds to the bill beside use, rounded by itself.")
    owed_exact: ExactOut = Field(description="The same before rounding.")
    lines: list[ContractLineOut] = Field(description="What it comes to, by kind.")


class WalletMovement(Closed):
    """A movement of a wallet: above 0 when it was filled, below when a bill drew from it or it expired."""

    period: str = Field(description="Month of the bill that drew, or in which it happened.", examples=["2026-11"])
    wallet: str = Field(description="Its id.", examples=["credit-1"])
    kind: str = Field(description="bought, drawn or expired.", examples=["drawn"])
    time: str = Field(description="RFC 3339 in UTC.", examples=["2026-12-01T00:00:00Z"])
    amount: Money = Field(description="What was moved.")
    balance: Money = Field(description="What the wallet holds after it.")


class WalletBalance(Closed):
    """What a wallet holds after all of its movements so far."""

    wallet: str = Field(description="Its id.", examples=["credit-1"])
    balance: Money = Field(description="What is left.")


class WalletPage(Page[WalletMovement]):
    """Movements of wallets, and on each page what all wallets hold now."""

    balances: list[WalletBalance] = Field(description="Every wallet that moved, by id.")


def contract_out(period: str, state: Mapping[str, Any]) -> ContractOut:
    """Return where a contract stands from its paper (`billing.documents.agreed_data`)."""
    code = state["currency"]
    kept = ("contract", "entitled_gpu_s", "used_gpu_s", "unused_gpu_s", "lent_gpu_s", "undelivered_gpu_s")
    return ContractOut(
        period=period,
        **{name: state[name] for name in kept},
        counted_in="gpu_s" if state["in_gpu_s"] else code,
        committed=exact_of(state["committed"]),
        drawn=exact_of(state["drawn"]),
        owed=_money(state["owed"], code),
        owed_exact=exact_of(state["owed"]),
        lines=[_line(line, code) for line in state["lines"]],
    )


def movement_out(period: str, entry: Mapping[str, Any]) -> WalletMovement:
    """Return a movement from its paper."""
    code = entry["currency"]
    return WalletMovement(
        period=period,
        wallet=entry["wallet"],
        kind=entry["kind"],
        time=entry["at"],
        amount=money(code, entry["amount_micro"]),
        balance=money(code, entry["balance_micro"]),
    )


def _line(line: Mapping[str, Any], code: str) -> ContractLineOut:
    kept = ("kind", "product", "sku", "region", "quantity", "note")
    return ContractLineOut(
        **{name: line[name] for name in kept},
        since=moment(line["from_s"]),
        until=moment(line["until_s"]),
        amount=_money(line["exact"], code),
        exact=exact_of(line["exact"]),
        effective=exact_of(line["effective"]),
    )


def _money(text: str, code: str) -> Money:
    return rounded(exact_in(text), code)
