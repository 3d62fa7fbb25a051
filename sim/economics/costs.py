"""What a GPU costs: its capital as equal yearly payments, its operation, its electricity."""

import math
from typing import NamedTuple

from sim.economics.units import HOURS_PER_MONTH, HOURS_PER_YEAR, MONTHS_PER_YEAR


class Power(NamedTuple):
    """What a GPU with its share of the server draws, and what that costs."""

    full_kw: float
    pue: float  # of the hall: power of the site over power of its servers
    usd_per_kwh: float
    idle_share: float  # of the full power, drawn by a GPU that does nothing

    def usd_per_h(self, busy_share: float = 1.0) -> float:
        """Return the cost of electricity of one GPU, USD an hour, busy for this share of the time."""
        drawn = self.idle_share + (1 - self.idle_share) * busy_share
        return self.full_kw * self.pue * self.usd_per_kwh * drawn

    @property
    def marginal_usd_per_h(self) -> float:
        """What an idle GPU costs more once it works, USD an hour: all that a sale of an idle hour costs."""
        return self.usd_per_h(1) - self.usd_per_h(0)


class Device(NamedTuple):
    """A GPU with its share of server and network."""

    capital_usd: float
    life_years: float
    rate: float  # of interest, a year
    operation_share: float  # of the capital, a year
    power: Power

    def usd_per_useful_h(self, used_share: float) -> float:
        """Return the full cost of an hour that is used, USD: capital and operation of idle hours are paid by it."""
        fixed = annuity(self.capital_usd, self.life_years, self.rate) + self.operation_share * self.capital_usd
        return fixed / (HOURS_PER_YEAR * used_share) + self.power.usd_per_h()

    @property
    def running_usd_per_month(self) -> float:
        """Operation and electricity of a month at full power, USD."""
        operation = self.operation_share * self.capital_usd / MONTHS_PER_YEAR
        return operation + self.power.usd_per_h() * HOURS_PER_MONTH


def annuity(capital: float, years: float, rate: float) -> float:
    """Return the equal yearly payment that returns a capital with interest, at the ends of so many years."""
    if not rate:
        return capital / years
    return capital * rate / -math.expm1(-years * math.log1p(rate))
