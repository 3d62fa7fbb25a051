"""When to begin, and when to leave: rules fitted on some paths and judged on others (least squares Monte Carlo).

Source: Longstaff and Schwartz, "Valuing American options by simulation", 2001. Judged on paths that the rule has not
seen, a value is what the rule earns, and never more than the best rule would.
"""

from typing import NamedTuple

import numpy as np

from sim.economics.option import Paths
from sim.economics.units import Floats


class Rule(NamedTuple):
    """For each date, weights of the terms of `_terms` whose sum says by how much it is better to act than to wait."""

    dates: tuple[int, ...]  # weeks
    weights: tuple[Floats, ...]

    def gain(self, place: int, demand: Floats, rent_usd: Floats) -> Floats:
        """Return by how much acting at a date is better than waiting, as the rule sees it."""
        return np.asarray(_terms(demand, rent_usd) @ self.weights[place])


def _terms(demand: Floats, rent_usd: Floats) -> Floats:
    """What a decision may look at: demand, rent, their squares, and what is idle at the rent of the day."""
    idle = np.maximum(1 - demand, 0)
    return np.stack([np.ones(demand.shape), demand, rent_usd, demand**2, rent_usd**2, idle * rent_usd], axis=-1)


def fit(paths: Paths, dates: tuple[int, ...], worth: Floats) -> Rule:
    """Return the rule for an act that is done once, at one of the dates or never.

    `worth` is, for each path and date, what acting then brings from then on, at the value of week 0. Works back from
    the last date, after which nothing can be had. Cost: O(dates x paths).
    """
    later = np.zeros(paths.demand.shape[0])
    weights: list[Floats] = []
    for place in reversed(range(len(dates))):
        demand, rent = paths.demand[:, dates[place]], paths.rent_usd[:, dates[place]]
        terms = _terms(demand, rent)
        now = worth[:, place]
        weight = np.asarray(np.linalg.lstsq(terms, now - later, rcond=None)[0], dtype=np.float64)
        later = np.where(terms @ weight > 0, now, later)
        weights.append(weight)
    return Rule(dates, tuple(reversed(weights)))


def act(rule: Rule, paths: Paths) -> Floats:
    """Return, for each path, the place of the date at which the rule acts; the number of dates where it never does."""
    chosen = np.full(paths.demand.shape[0], len(rule.dates))
    for place, week in reversed(list(enumerate(rule.dates))):
        gain = rule.gain(place, paths.demand[:, week], paths.rent_usd[:, week])
        chosen = np.where(gain > 0, place, chosen)
    return chosen.astype(np.float64)


def brought(chosen: Floats, worth: Floats) -> Floats:
    """Return what each path brings when it acts at the chosen dates; nothing where it never does."""
    padded = np.concatenate([worth, np.zeros((worth.shape[0], 1))], axis=1)
    return np.asarray(np.take_along_axis(padded, chosen.astype(np.int64)[:, None], axis=1)[:, 0])
