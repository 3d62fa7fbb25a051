"""What a notice costs: a need is announced a while before it starts, and nodes leave a notice after that.

Days. The lead, from announcement to start, is exponential.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sim.economics.units import Floats


def mean_delay_days(notice_days: float, mean_lead_days: float) -> float:
    """Return by how much nodes come late on average: E[max(0, N - L)] = N - l (1 - e^(-N/l))."""
    return notice_days + mean_lead_days * float(np.expm1(-notice_days / mean_lead_days))


def rent_usd(notice_days: Floats, spot_usd: float, firm_usd: float, reach_days: float) -> Floats:
    """Return the rent per hour of capacity with this notice: spot at none, and nearer to firm the longer it is.

    After `reach_days` all but e^-1 of the difference is paid.
    """
    return firm_usd - (firm_usd - spot_usd) * np.exp(-notice_days / reach_days)


class Part(NamedTuple):
    """A part of what is lent, in the order of recall. A need that reaches into it takes all parts before it, too."""

    share: float  # of what is lent
    needs_per_year: float  # that end in this part and start when it is back
    reach: float  # what such a need takes, of what is lent


def ladder(
    parts: Sequence[Part], notices: Sequence[float], rents: Floats, lead_days: float, day_usd: float
) -> list[int]:
    """Return the place of the notice that each part is best lent at.

    A part earns its share of the rents, USD a year for all that is lent, and costs `day_usd` for each day that a need
    which takes everything is late, less for a smaller one. Notices never fall from part to part: who leaves first was
    told last. Cost: O(parts x notices).
    """
    chosen: list[int] = []
    late = np.array([mean_delay_days(notice, lead_days) for notice in notices])
    for part in parts:
        worth = part.share * rents - part.needs_per_year * part.reach * day_usd * late
        least = chosen[-1] if chosen else 0
        chosen.append(least + int(np.argmax(worth[least:])))
    return chosen
