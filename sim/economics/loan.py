"""A loan on GPUs: level principal, interest on what is owed, and whether the rent covers both.

Months are counted from 0: month m is the one that begins m whole months after the loan was drawn. All amounts are of
one GPU, USD. Cash is rent less operation and electricity; cover (DSCR) is cash over the payment that is due.
Arrays end in the months; every leading axis is paths.
"""

from typing import NamedTuple

import numpy as np

from sim.economics.units import HOURS_PER_MONTH, MONTHS_PER_YEAR, Floats


class Loan(NamedTuple):
    """What was borrowed, and how it is given back."""

    principal_usd: float
    rate: float  # of interest, a year
    months: int

    @property
    def owed_usd(self) -> Floats:
        """What is owed at the beginning of each month."""
        return self.principal_usd * (1 - np.arange(self.months) / self.months)

    @property
    def due_usd(self) -> Floats:
        """Principal and interest that each month has to pay."""
        return self.principal_usd / self.months + self.owed_usd * self.rate / MONTHS_PER_YEAR


class Swept(NamedTuple):
    """A loan whose surplus cash pays principal while cover is thin."""

    cover: Floats
    owed_usd: Floats  # at the end of each month


def falling(
    start_usd: float, yearly_change: float, months: int, step_month: int | None = None, step: float = 0
) -> Floats:
    """Return a rent per hour by month: compound change per year, and one step from a month on."""
    month = np.arange(months)
    rent = start_usd * (1 + yearly_change) ** (month / MONTHS_PER_YEAR)
    return rent if step_month is None else rent * np.where(month >= step_month, 1 + step, 1.0)


def under_contract(firm_usd: float, market_usd: Floats, months: int) -> Floats:
    """Return the rent of somebody who is paid `firm_usd` for so many months and the market's rent afterwards."""
    return np.where(np.arange(market_usd.shape[-1]) < months, firm_usd, market_usd)


def hedged(rent_usd: Floats, forward_usd: Floats, share: float, months: int) -> Floats:
    """Return the rent with a share of the first months sold forward, at a price for each month."""
    fixed = np.where(np.arange(rent_usd.shape[-1]) < months, share, 0.0)
    return fixed * forward_usd + (1 - fixed) * rent_usd


def cash_usd(rent_usd: Floats, used_share: float, running_usd: float) -> Floats:
    """Return the cash of each month before the loan is paid."""
    return rent_usd * used_share * HOURS_PER_MONTH - running_usd


def cover(loan: Loan, cash: Floats) -> Floats:
    """Return the cover of each month."""
    return cash / loan.due_usd


def first_below(covers: Floats, covenant: float) -> Floats:
    """Return the first month with less cover than agreed; infinite where there is none."""
    below = covers < covenant
    return np.where(below.any(axis=-1), below.argmax(axis=-1), np.inf)


def rent_for(loan: Loan, covenant: float, used_share: float, running_usd: float) -> float:
    """Return the rent per hour that gives this cover in the first month, the most expensive one."""
    return float(covenant * loan.due_usd[0] + running_usd) / (used_share * HOURS_PER_MONTH)


def present_value(cash: Floats, rate: float) -> Floats:
    """Return, for each month, what its cash and all later cash is worth at its beginning; cash comes at month ends."""
    worth = np.zeros(cash.shape)
    after = np.zeros(cash.shape[:-1])
    discount = 1 / (1 + rate / MONTHS_PER_YEAR)
    for month in reversed(range(cash.shape[-1])):
        after = (after + cash[..., month]) * discount
        worth[..., month] = after
    return worth


def swept(loan: Loan, cash: Floats, covenant: float) -> Swept:
    """Pay all cash that is left to the lender in every month whose cover is below the covenant.

    A covenant of 0 sweeps nothing. What was paid early shortens the end of the loan. A month that cannot pay what is
    due pays what it has, and later months make up for it as soon as they can; cover counts what was planned alone.
    Cover of a month that owes nothing is infinite.
    """
    owed = np.full(cash.shape[:-1], loan.principal_usd)
    covers, left = np.zeros(cash.shape), np.zeros(cash.shape)
    for month in range(loan.months):
        interest = owed * loan.rate / MONTHS_PER_YEAR
        level = np.minimum(loan.principal_usd / loan.months, owed)
        due = level + interest
        behind = owed - loan.principal_usd * (1 - (month + 1) / loan.months)
        available = np.maximum(cash[..., month], 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            covers[..., month] = np.where(due > 0, cash[..., month] / due, np.inf)
        thin = covers[..., month] < covenant
        paid = np.where(thin, available, np.minimum(np.maximum(level, behind) + interest, available))
        owed = np.maximum(owed + interest - paid, 0)
        left[..., month] = owed
    return Swept(covers, left)
