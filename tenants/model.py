"""Who takes part, and the kinds of value that the other records of this package are made of.

Records come from TOML files that people write, so they are checked here, once: unknown keys and values of the wrong
type are refused, and nothing is converted on the quiet (`nodes = "8"` and `notice_s = 60.0` are errors).
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tenants.errors import from_validation

# Far beyond any horizon (31,700 years), far inside int64: sums of a few of them cannot overflow an array column.
SECONDS_MAX = 10**12
NODES_MAX = 10**9

Id = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
        description="1 to 100 letters, digits, '.', '_' or '-', the first one a letter or digit",
    ),
]
Title = Annotated[
    str,
    Field(pattern=r"^[^\x00-\x1f\x7f]{1,200}$", description="1 to 200 characters on one line"),
]
Seconds = Annotated[int, Field(ge=0, le=SECONDS_MAX)]
BasisPoints = Annotated[int, Field(ge=0, le=10_000)]

# How far a number may be trusted, printed beside it in reports: read at its source; read in a report of the source;
# computed from such numbers; assumed.
Confidence = Literal["primary", "second-hand", "derived", "guess"]

TenantKind = Literal["internal", "external", "platform"]


class Record(BaseModel):
    """Base of everything read from a file here: immutable, no unknown keys, no conversion of types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Tenant(Record):
    """A party that holds GPUs and is billed for them.

    `internal` teams are charged for show only, `external` tenants rent, and a `platform` tenant is the operator's own
    serving arm: it holds the nodes behind products whose customers never hold one. `regions` are where its work and its
    data may be; empty: anywhere.
    """

    id: Id
    name: Title
    kind: TenantKind
    regions: Annotated[tuple[Id, ...], Field(strict=False)] = ()


class _Names(Record):
    id: Id
    name: Title
    organisation: Title
    region: list[Id]


def require_names(id_: str, name: str, organisation: str, regions: Sequence[str]) -> None:
    """Hold a tenant that is made by hand to the words that files may use. Raises TenantError."""
    try:
        _Names(id=id_, name=name, organisation=organisation, region=list(regions))
    except ValidationError as error:
        raise from_validation(error, None, _Names) from None
