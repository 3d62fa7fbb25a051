"""What can be bought, or is held internally, as rows: how important it is, how long it is safe, how it is paid.

A product is a row and not a class. A file may change single keys of a built-in one, or add rows of its own.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, PlainSerializer, ValidationInfo, WithJsonSchema, field_validator, model_validator
from pydantic_core import PydanticKnownError

from tenants.band import LENDABLE, Band
from tenants.model import Id, Record, Seconds

_BAND_NAMES = [band.name for band in Band]
# What the outside world rents. Renters hold whole nodes, because sharing a GPU server isolates nobody; a reservation is
# counted in whole nodes too.
_RENTED = (Band.RESERVED, *LENDABLE)


def _band(value: object) -> Band:
    if isinstance(value, Band):
        return value
    if isinstance(value, str) and value in Band.__members__:
        return Band[value]
    raise PydanticKnownError("enum", {"expected": ", ".join(_BAND_NAMES)})


# Files say "SPOT": the number is an implementation detail, and a 4 in a file would tell a reader nothing.
NamedBand = Annotated[
    Band,
    BeforeValidator(_band),
    PlainSerializer(lambda band: band.name, return_type=str),
    WithJsonSchema({"enum": _BAND_NAMES, "type": "string"}),
]


class Product(Record):
    """One kind of claim on GPUs, with the promises that go with it. Times are int seconds.

    Attributes:
        guarantee_s:  not evicted for this long after its start.
        rolling:      at its end the guarantee is renewed for as long again, unless the nodes are wanted back.
        notice_s:     between the decision to evict and the eviction.
        whole_nodes:  holds whole nodes, alone, and is billed for all their GPUs.
        requeue:      goes back to waiting after an eviction or a node fault, instead of being cancelled.
        checkpoint_s: seconds of work between checkpoints: what a fault can cost. 0: there are none, all work is lost.
        checkpoint_write_s: seconds that writing one takes, in which the job does not work.
        restart_s:    seconds from getting its nodes to useful work, at every start but the first.
        free_if_preempted_s: a start that is evicted before it lasted this long is not charged; None: restart_s for what
            the Offer rents out, else 0.
        free_failed_starts: what was held by a start that failed is not charged.
        free_stalled: seconds of start-up are not charged.
        free_down:    seconds in which GPUs are held and down are not charged; None: so for what the Offer rents out.
        price_plan:   name under which the price book lists it; its own code unless it says otherwise.
        sla:          name of its `SlaTerms`; None promises no availability (notice and guarantee hold all the same).
        refund_s:     an eviction without its full notice, or inside its guarantee, gives back the charge of so many
                      seconds before it, as far as they were held; 0 gives back nothing.
        confidential: runs only on attested nodes that keep memory and links encrypted.
    """

    code: Id
    band: NamedBand
    guarantee_s: Seconds
    rolling: bool
    notice_s: Seconds
    whole_nodes: bool
    requeue: bool
    checkpoint_s: Seconds
    restart_s: Seconds
    checkpoint_write_s: Seconds = 0
    free_if_preempted_s: Seconds | None = None
    free_failed_starts: bool = True
    free_stalled: bool = False
    free_down: bool | None = None
    price_plan: Id = ""  # never stays empty: see _priced_under_its_code
    sla: Id | None = None
    refund_s: Seconds = 0
    meter: Literal["gpu_s"] = "gpu_s"
    confidential: bool = False

    @model_validator(mode="before")
    @classmethod
    def _priced_under_its_code(cls, row: object) -> object:
        if isinstance(row, Mapping) and "code" in row and "price_plan" not in row:
            return {**row, "price_plan": row["code"]}
        return row

    @field_validator("rolling")
    @classmethod
    def _rolls_over_something(cls, rolling: bool, info: ValidationInfo) -> bool:
        if rolling and info.data.get("guarantee_s") == 0:
            raise ValueError("a rolling guarantee needs a guarantee_s of at least 1")
        return rolling

    @field_validator("whole_nodes")
    @classmethod
    def _renters_share_no_node(cls, whole_nodes: bool, info: ValidationInfo) -> bool:
        band = info.data.get("band")  # absent when it was refused itself
        if band in _RENTED and not whole_nodes:
            raise ValueError(f"products in band {band.name} must hold whole nodes, so this must be true")
        return whole_nodes


# The promises to renters (band, guarantee, notice, SLA) define the product. What follows from nothing public:
# - checkpoints every 3,600 s: the default of published simulators, and of the reliability figures for RSC-1 and RSC-2;
#   what renters really do is a guess;
# - restart_s: 5 to 20 min are reported for research clusters (arXiv 2410.21680, second-hand): 600 s for a frontier run
#   and 300 s for a research job are choices in that range, 120 s for rentals and for inference replicas are guesses;
# - a served request is never served again, so a fault costs an inference replica no work: checkpoint_s = 1;
# - the 60 s of notice for research jobs are a guess;
# - refund_s: an hour of on-demand is the guarantee that it was sold with; ten minutes of spot are ten notices. Clouds
#   credit no missed notice at all, so both are ours;
# - an evicted renter is taken to want its nodes back: requeue is a guess for rentals.
CATALOGUE = (
    # Nothing outranks the first band and RESERVED, so a guarantee or a notice would never be used there.
    Product(
        code="int.frontier",
        band=Band.INTERNAL_CRITICAL,
        guarantee_s=0,
        rolling=False,
        notice_s=0,
        whole_nodes=False,
        requeue=True,
        checkpoint_s=3_600,
        restart_s=600,
    ),
    Product(
        code="int.inference",
        band=Band.INTERNAL_CRITICAL,
        guarantee_s=0,
        rolling=False,
        notice_s=0,
        whole_nodes=False,
        requeue=True,
        checkpoint_s=1,
        restart_s=120,
    ),
    # The programme that imitates RSC gives research jobs 7,200 s before they can be evicted; by default they have none.
    Product(
        code="int.research",
        band=Band.INTERNAL,
        guarantee_s=0,
        rolling=False,
        notice_s=60,
        whole_nodes=False,
        requeue=True,
        checkpoint_s=3_600,
        restart_s=300,
    ),
    Product(
        code="bare.reserved",
        band=Band.RESERVED,
        guarantee_s=0,
        rolling=False,
        notice_s=0,
        whole_nodes=True,
        requeue=True,
        checkpoint_s=3_600,
        restart_s=120,
        sla="target_9990",
    ),
    Product(
        code="bare.ondemand",
        band=Band.ON_DEMAND,
        guarantee_s=3_600,
        rolling=True,
        notice_s=600,
        whole_nodes=True,
        requeue=True,
        checkpoint_s=3_600,
        restart_s=120,
        sla="target_9950",
        refund_s=3_600,
    ),
    # No promise of availability; that its 60 s of notice are honoured is reported like everybody's.
    Product(
        code="bare.spot",
        band=Band.SPOT,
        guarantee_s=0,
        rolling=False,
        notice_s=60,
        whole_nodes=True,
        requeue=True,
        checkpoint_s=3_600,
        restart_s=120,
        refund_s=600,
    ),
)
