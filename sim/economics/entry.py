"""What more supply does to the price, where demand has one elasticity at every price."""

import math


def price_ratio(added_share: float, elasticity: float) -> float:
    """Return price after over price before: (1 + Q/M)^(-1/eps), Q GPUs added to a market of M."""
    return float((1 + added_share) ** (-1 / elasticity))


def peak_share(elasticity: float) -> float:
    """Return the Q/M at which what the entrant earns is greatest: eps / (1 - eps); infinite from an elasticity of 1 on.

    The entrant earns Q (1 + Q/M)^(-1/eps).
    """
    return elasticity / (1 - elasticity) if elasticity < 1 else math.inf
