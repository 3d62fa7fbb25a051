"""What a customer is owed when a promise about availability is not kept: targets, credit steps, caps; no arithmetic.

Two ways to count the credit: a table of steps, or the charge of the lost seconds from the first one on (`linear`). Two
scopes: the availability of all that a tenant holds of a product (`pool`), or of each allocation by itself, with its own
share of the charge (`node`).

Bounds are inclusive: healthy / entitled reaches a bound of b basis points iff healthy * 10,000 >= b * entitled, so a
credit is due only strictly below it.
"""

import itertools
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, ValidationInfo, WithJsonSchema, field_validator

from tenants.model import BasisPoints, Confidence, Id, Record, Title


class CreditStep(NamedTuple):
    """Availability strictly below `below_bp` is worth `credit_bp` of the charge."""

    below_bp: BasisPoints
    credit_bp: BasisPoints


_RATIO_SCHEMA = {"type": "integer", "minimum": 0, "maximum": 10_000}
# A pair is read as well, but a table is what we teach: a reader should not have to know which number comes first.
_STEP_SCHEMA = {
    "type": "object",
    "properties": dict.fromkeys(CreditStep._fields, _RATIO_SCHEMA),
    "required": list(CreditStep._fields),
    "additionalProperties": False,
}
# TOML has arrays, not tuples: hence strict=False, which does not loosen the numbers inside.
CreditSteps = Annotated[tuple[Annotated[CreditStep, WithJsonSchema(_STEP_SCHEMA)], ...], Field(strict=False)]


class SlaTerms(Record):
    """An availability target and the table of credits for missing it; ratios in basis points.

    `steps` go from the mildest to the worst: bounds fall, credits rise, and the step that applies is the last one whose
    bound was missed. `linear` terms have none: they give back what was charged for the seconds that were lost. All
    credits of a month together are capped at `cap_bp` of its charge. `confidence` is that of the least certain number
    in the row.
    """

    name: Id
    target_bp: BasisPoints
    linear: bool = False
    steps: CreditSteps = ()
    scope: Literal["pool", "node"] = "pool"
    cap_bp: BasisPoints = 10_000
    source: Title
    confidence: Confidence

    @field_validator("steps")
    @classmethod
    def _worse_costs_more(cls, steps: tuple[CreditStep, ...], info: ValidationInfo) -> tuple[CreditStep, ...]:
        if steps and info.data.get("linear"):
            raise ValueError("linear terms count every lost second, so there are no steps: must be absent")
        target_bp = info.data.get("target_bp")  # absent when it was refused itself
        if target_bp is not None and steps and steps[0].below_bp > target_bp:
            raise ValueError(f"the first bound, {steps[0].below_bp}, must not be above target_bp, which is {target_bp}")
        for milder, worse in itertools.pairwise(steps):
            if worse.below_bp >= milder.below_bp or worse.credit_bp <= milder.credit_bp:
                raise ValueError(f"bounds must fall and credits must rise: {tuple(worse)} follows {tuple(milder)}")
        return steps


# Credit schedules of providers (read July 2026, most of them second-hand), under the name of their target. A month of
# 99.5 % availability earns nothing under target_9950 and 10 % of the charge under target_9990.
SLA_PRESETS = (
    SlaTerms(
        name="target_9900",
        target_bp=9_900,
        steps=(CreditStep(9_900, 1_000), CreditStep(9_500, 2_500)),
        source="NVIDIA DGX Cloud class; sla.directory",
        confidence="second-hand",
    ),
    SlaTerms(
        name="target_9950",
        target_bp=9_950,
        steps=(CreditStep(9_950, 1_000), CreditStep(9_900, 3_000), CreditStep(9_500, 10_000)),
        source="AWS instance level: credits 10/30/100 % from agent-1jy.pages.dev; the inner bounds are unverified",
        confidence="guess",
    ),
    SlaTerms(
        name="target_9990",
        target_bp=9_990,
        steps=(CreditStep(9_990, 1_000), CreditStep(9_900, 2_500), CreditStep(9_500, 10_000)),
        source="GCP single zone and Azure: credits 10/25/100 % from agent-1jy.pages.dev; bounds as on an AWS SLA page",
        confidence="second-hand",
    ),
    SlaTerms(
        name="target_9999",
        target_bp=9_999,
        steps=(CreditStep(9_999, 1_000), CreditStep(9_990, 2_500), CreditStep(9_500, 10_000)),
        source="nobody's terms: for asking what one more nine would cost",
        confidence="guess",
    ),
    SlaTerms(
        name="aws_region",
        target_bp=9_999,
        steps=(CreditStep(9_999, 1_000), CreditStep(9_900, 3_000), CreditStep(9_500, 10_000)),
        source="AWS region level: credits 10/30/100 % from agent-1jy.pages.dev; the inner bounds are unverified",
        confidence="guess",
    ),
    SlaTerms(
        name="nebius_k8s",
        target_bp=9_990,
        steps=(CreditStep(9_990, 1_000), CreditStep(9_500, 2_500)),
        source="Nebius managed Kubernetes control plane; docs.nebius.com",
        confidence="primary",
    ),
    SlaTerms(
        name="linear",
        target_bp=10_000,
        linear=True,
        source="pro rata from the first second, as BUZZ HPC gives back downtime of a minute or more; its documentation",
        confidence="second-hand",
    ),
)
