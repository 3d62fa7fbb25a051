"""What one tenant can still learn of another: each channel with the bound on what it tells.

A channel that nobody bounded is a fault, not a footnote: there is no way to write one down without its bound.
"""

from typing import NamedTuple


class Channel(NamedTuple):
    """A residual channel. `property` is the row of the catalogue that measures it."""

    id: str
    tells: str
    bound: str
    property: str


CHANNELS: tuple[Channel, ...] = ()
