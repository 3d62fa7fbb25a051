"""The gap between training runs: how much of a fleet is taken over a year, and what the rest would earn."""

from sim.economics.units import HOURS_PER_YEAR


def mean_taken(run: float, gap: float, floor: float) -> float:
    """Return the share of the fleet that is taken on average: (T + u G) / (T + G), all in runs, the floor in gaps."""
    return (run + floor * gap) / (run + gap)


def worth_usd(run: float, gap: float, floor: float, gpus: int, rent_usd: float, fill: float) -> float:
    """Return what renting out the rest earns a year, USD."""
    return (1 - mean_taken(run, gap, floor)) * gpus * HOURS_PER_YEAR * rent_usd * fill
