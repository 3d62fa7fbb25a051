"""What becomes of the GPUs when each of them serves more: demand grows, and grows more where it gets cheaper.

The need for GPUs, 1 at time 0, is demand over efficiency: g^t p^(-eps) / e, with g the growth of demand at a constant
price, e the efficiency and p the price of a token. Where the price follows the efficiency at once, the need is
g^t e^(eps - 1).
"""

import math

import numpy as np

from sim.economics.units import Floats


def boundary(growth: float, gain: float) -> float:
    """Return the elasticity at which the need stays as it is: eps* = 1 - ln g / ln e; both per year."""
    return 1 - math.log(growth) / math.log(gain)


def hour_usd(tokens_per_s: float, token_usd: float) -> float:
    """Return what a GPU-hour of served tokens earns, USD; `token_usd` is the price of a million."""
    return tokens_per_s * 3_600 * token_usd / 1e6


def releases(gain: float, per_year: float, draws: Floats) -> Floats:
    """Return the logarithm of the efficiency after each step: releases come by chance, each gains equally much.

    `draws` are counts of releases per step, one row per path. The mean of the logarithm grows by ln(gain) a year.
    """
    return np.cumsum(draws, axis=1) * (math.log(gain) / per_year)


def lagged(log_efficiency: Floats, lag_years: float, step_years: float) -> Floats:
    """Return the logarithm of the price of a token, 0 at the start: it follows the efficiency with a mean lag."""
    if not lag_years:
        return -log_efficiency
    keep = math.exp(-step_years / lag_years)
    price = np.zeros(log_efficiency.shape)
    now = np.zeros(log_efficiency.shape[0])
    for step in range(log_efficiency.shape[1]):
        now = keep * now - (1 - keep) * log_efficiency[:, step]
        price[:, step] = now
    return price


def log_need(growth: float, elasticity: float, log_price: Floats, log_efficiency: Floats, step_years: float) -> Floats:
    """Return the logarithm of the need for GPUs after each step."""
    years = step_years * np.arange(1, log_efficiency.shape[1] + 1)
    return np.asarray(math.log(growth) * years - elasticity * log_price - log_efficiency)
