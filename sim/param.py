"""Scenario parameters that know where they come from, so that a report can say which of its inputs are guesses.

A parameter is written as a bare value, or as a table with its origin:

    repair_s = 43200
    repair_s = { value = 43200, unit = "s", source = "assumption", confidence = "guess" }

Defaults carry their origin too. A bare value is the author's own choice and claims no source.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema, model_validator

from tenants.model import SECONDS_MAX, Confidence, Record

Value = TypeVar("Value")


class Param(Record, Generic[Value]):
    """A value with its unit, its source, and how far the source can be trusted (None: the author's own choice)."""

    value: Value
    unit: str = ""
    source: str = ""
    confidence: Confidence | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_bare_value(cls, raw: object) -> object:
        return raw if isinstance(raw, Mapping | Param) else {"value": raw}


def _exact(raw: object) -> object:
    """An exact decimal from an int, a Decimal or text. Raises ValueError; a float is none, whatever it prints as."""
    if isinstance(raw, int | str | Decimal) and not isinstance(raw, bool):
        try:
            return Decimal(raw)
        except InvalidOperation:
            pass
    raise ValueError("not a decimal number")


Quantity = Annotated[int, Field(ge=0, le=10**9)]
Positive = Annotated[int, Field(ge=1, le=SECONDS_MAX)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Slack = Annotated[int, Field(ge=0, le=10**6)]  # bp on top of a run time: up to 100 times as long, inside int64
Level = Annotated[str, Field(pattern=r"^[a-z0-9_.-]*$", max_length=40)]  # of a pool's topology; "": none
Share = Annotated[int, Field(ge=0, le=10_000)]  # bp of a whole
Days = Annotated[int, Field(ge=0, le=100_000)]
Counts = Annotated[tuple[Count, ...], Field(strict=False, min_length=1)]  # TOML has arrays, not tuples
Exact = Annotated[
    Decimal,
    BeforeValidator(_exact),
    Field(ge=0, le=10**6, allow_inf_nan=False),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0, "maximum": 10**6}, {"type": "string"}]}),
]
Sigma = Annotated[  # of a log-normal law; beyond 3, one job in a hundred is a thousand times the median
    Decimal,
    BeforeValidator(_exact),
    Field(ge=0, le=3, allow_inf_nan=False),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0, "maximum": 3}, {"type": "string"}]}),
]


class Origin(NamedTuple):
    """Where one number of a scenario comes from; `path` is its key path."""

    path: str
    value: str
    unit: str
    source: str
    confidence: str


def origins(part: object, path: str = "") -> Iterator[Origin]:
    """Yield the origin of everything in and below `part` that states a confidence, in the order of the fields.

    Besides a `Param`, that is a row which carries `source` and `confidence` itself, as prices and SLA terms do.
    """
    if isinstance(part, tuple):
        for index, item in enumerate(part):
            yield from origins(item, f"{path}[{index}]")
    if not isinstance(part, BaseModel):
        return
    fields: dict[str, Any] = {name: getattr(part, name) for name in type(part).model_fields}
    if fields.get("confidence"):
        value = fields["value"] if isinstance(part, Param) else _label(part, fields)
        yield Origin(path, str(value), fields.get("unit", ""), fields["source"], fields["confidence"])
    for name, field in fields.items():
        yield from origins(field, f"{path}.{name}" if path else name)


def _label(row: BaseModel, fields: dict[str, Any]) -> str:
    """A row that has no single value, in short: its plain fields, as far as somebody wrote them."""
    written = row.model_fields_set.difference(("source", "confidence", "as_of"))
    told = {name.rstrip("_"): field for name, field in fields.items() if name in written}
    return ", ".join(f"{name} {field}" for name, field in told.items() if isinstance(field, str | int))
