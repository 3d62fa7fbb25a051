"""One promise of isolation as a row of data."""

from enum import StrEnum
from typing import NamedTuple


class Layer(StrEnum):
    """What stands in an attack's way."""

    SCHEDULER = "scheduler"
    NETWORK = "network"
    NODE = "node life cycle"
    DATABASE = "database"
    APPLICATION = "application"
    BILLING = "billing"
    AUDIT = "audit log"
    SECRETS = "secrets"


class Engine(StrEnum):
    """The general methods of which an attack may be an instance; NONE where it is written by hand."""

    NONE = ""
    TWO_WORLDS = "two worlds"  # they differ in another tenant's secrets only, and must look the same
    MATRIX = "authorisation matrix"  # every route, every role, against one table
    CANARIES = "canaries"  # marks in another tenant's every field, which must never come out


class Property(NamedTuple):
    """A row of the catalogue.

    `controls` are what its evidence speaks to. `modelled`: it is about hardware, so a test shows what the scheduler's
    model does, and never that silicon was wiped or a switch programmed.
    """

    id: str
    title: str
    attack: str
    expected: str
    layers: tuple[Layer, ...]
    controls: tuple[str, ...]
    engine: Engine = Engine.NONE
    modelled: bool = False
