"""What parts of allocations were charged: their share of the line items of their hours."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from billing.columns import group_rows
from billing.metering.meters import GPU_S
from billing.money import SECONDS_PER_HOUR, exact_sums, floor_share
from billing.rating.rate import LineItemTable


class Piece(NamedTuple):
    """`gpus` GPUs held over [from_s, until_s): tenant, product, region and SKU are dense indices."""

    tenant: int
    product: int
    region: int
    sku: int
    gpus: int
    from_s: int
    until_s: int


def charges_of(lines: LineItemTable, pieces: Sequence[Piece]) -> list[int]:
    """Return the charge of each piece over the denominator of the line items, cut to a whole one per hour.

    An hour's charge belongs to its GPU-seconds alike, whatever tier or free rule each of them fell under. With one
    price an hour the result is exact, and it is never more than was charged.

    Cost: O(line items of the products concerned + hours of the pieces).
    """
    if not pieces:
        return []
    wanted = np.zeros(len(lines), dtype=np.bool_)
    for tenant, product in {(piece.tenant, piece.product) for piece in pieces}:
        wanted |= (lines.tenant == tenant) & (lines.product == product)
    rows = np.flatnonzero(wanted & (lines.meter == GPU_S))
    keys = (lines.tenant[rows], lines.product[rows], lines.region[rows], lines.sku[rows], lines.hour_s[rows])
    order, first = group_rows(*keys)
    charged, held = (exact_sums(column[rows][order], first) for column in (lines.numerator, lines.quantity))
    hours = zip(*(key[order[first]].tolist() for key in keys), strict=True)
    by_hour = dict(zip(hours, zip(charged, held, strict=True), strict=True))
    return [sum(_hourly(piece, by_hour)) for piece in pieces]


def _hourly(piece: Piece, by_hour: dict[tuple[int, ...], tuple[int, int]]) -> list[int]:
    """Return the piece's share of each of its hours; an hour without line items was not charged."""
    shares, at_s = [], piece.from_s
    while at_s < piece.until_s:
        hour_s = at_s - at_s % SECONDS_PER_HOUR
        end_s = min(piece.until_s, hour_s + SECONDS_PER_HOUR)
        numerator, quantity = by_hour.get((*piece[:4], hour_s), (0, 0))
        if quantity:
            shares.append(floor_share(numerator, piece.gpus * (end_s - at_s), quantity))
        at_s = end_s
    return shares
