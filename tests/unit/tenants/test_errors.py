"""The one line that a person gets for an input that cannot be used; the models here stand for anybody's."""

import copy
import pickle
from enum import Enum
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tenants.errors import Complaint, TenantError, did_you_mean, first_complaint, from_validation, unknown_name


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Measured(Strict):
    value: int
    source: str


class Steady(Strict):
    law: Literal["steady"]
    rate: int


class Poisson(Strict):
    law: Literal["poisson"]
    mean_s: Annotated[int, Field(gt=0)]


class Pool(Strict):
    region: str
    nodes: Annotated[int, Field(ge=1, le=1_000)]
    colour: Annotated[Colour, Field(strict=False)] = Colour.RED

    @field_validator("region")
    @classmethod
    def _not_the_moon(cls, region: str) -> str:
        if region == "moon":
            raise ValueError("nothing is cooled there")
        return region


class Scene(Strict):
    mode: Literal["slow", "fast"] = "slow"
    only: Literal["one"] = "one"
    pool: list[Pool] = []
    main: Pool | None = None
    repair_s: int | Measured = 0
    arrivals: Annotated[Steady | Poisson, Field(discriminator="law")] | None = None
    weight: dict[str, int] = {}
    ratio: Annotated[float, Field(ge=0.5)] = 1.0
    pair: Annotated[list[int], Field(max_length=2)] = []


POOL = {"region": "eu-1", "nodes": 4}


def complaint_about(data: dict[str, object]) -> Complaint:
    with pytest.raises(ValidationError) as caught:
        Scene.model_validate(data)
    return first_complaint(caught.value, Scene)


CASES = {
    "an unknown key lists the keys of its table and the nearest one": (
        {"pool": [POOL, {**POOL, "node": 4}]},
        "pool[1].node: unknown key, did you mean 'nodes'? (allowed region, nodes, colour)",
    ),
    "a misspelt key is named before the missing one that it causes": (
        {"pool": [{"region": "eu-1"}, {"region": "eu-1", "ndes": 4}]},
        "pool[1].ndes: unknown key, did you mean 'nodes'? (allowed region, nodes, colour)",
    ),
    "a key like no other gets no suggestion": (
        {"main": {**POOL, "zzz": 1}},
        "main.zzz: unknown key (allowed region, nodes, colour)",
    ),
    "a key that TOML would quote is quoted": (
        {'odd "key"\n': 1},
        '"odd \\"key\\"\\n": unknown key (allowed mode, only, pool, main, repair_s, arrivals, weight, ratio, pair)',
    ),
    "a missing key says what belongs there": (
        {"main": {"region": "eu-1"}},
        "main.nodes: missing (allowed an integer from 1 to 1000)",
    ),
    "an unknown name of a literal lists the names": (
        {"mode": "fsat"},
        "mode: unknown value, did you mean 'fast'? (found 'fsat'; allowed slow, fast)",
    ),
    "a literal with one name allows that one": ({"only": "two"}, "only: unknown value (found 'two'; allowed one)"),
    "an unknown name of an enum lists the names": (
        {"main": {**POOL, "colour": "rde"}},
        "main.colour: unknown value, did you mean 'red'? (found 'rde'; allowed red, blue)",
    ),
    "spelling is compared without regard to case": (
        {"mode": "SLOW"},
        "mode: unknown value, did you mean 'slow'? (found 'SLOW'; allowed slow, fast)",
    ),
    "a number that is too small names both bounds": (
        {"main": {**POOL, "nodes": 0}},
        "main.nodes: out of range (found 0; allowed an integer from 1 to 1000)",
    ),
    "a number with one bound names that one": (
        {"ratio": 0.25},
        "ratio: out of range (found 0.25; allowed a number >= 0.5)",
    ),
    "a quoted number is not a number": (
        {"main": {**POOL, "nodes": "4"}},
        "main.nodes: wrong type (found '4'; allowed an integer from 1 to 1000)",
    ),
    "true is not a number": (
        {"main": {**POOL, "nodes": True}},
        "main.nodes: wrong type (found true; allowed an integer from 1 to 1000)",
    ),
    "a table where an array of tables belongs is told how to write it": (
        {"pool": POOL},
        "pool: wrong type, a row of it is written [[pool]] (found a table; allowed an array)",
    ),
    "an array where a table belongs": ({"main": [1]}, "main: wrong type (found an array; allowed a table)"),
    "too many items": ({"pair": [1, 2, 3]}, "pair: wrong length (found an array; allowed an array)"),
    "a value of a table with free keys": (
        {"weight": {"a": "x"}},
        "weight.a: wrong type (found 'x'; allowed an integer)",
    ),
    "a model's own rule speaks for itself": (
        {"main": {**POOL, "region": "moon"}},
        "main.region: nothing is cooled there (found 'moon')",
    ),
    "the branch of a union is no part of the path": (
        {"repair_s": {"value": 3, "sorce": "x"}},
        "repair_s.sorce: unknown key, did you mean 'source'? (allowed value, source)",
    ),
    "a scalar that fits no branch of a union": (
        {"repair_s": "soon"},
        "repair_s: wrong type (found 'soon'; allowed an integer or a table)",
    ),
    "the tag of a union is no part of the path": (
        {"arrivals": {"law": "poisson", "mean_s": 0}},
        "arrivals.mean_s: out of range (found 0; allowed an integer > 0)",
    ),
    "an unknown key in a tagged branch lists that branch's keys": (
        {"arrivals": {"law": "steady", "rate": 1, "mean_s": 1}},
        "arrivals.mean_s: unknown key (allowed law, rate)",
    ),
    "an unknown tag lists the tags": (
        {"arrivals": {"law": "possion"}},
        "arrivals.law: unknown value, did you mean 'poisson'? (found 'possion'; allowed poisson, steady)",
    ),
    "a missing tag lists the tags": (
        {"arrivals": {"rate": 1}},
        "arrivals.law: missing (allowed poisson, steady)",
    ),
    "a scalar where a tagged table belongs": ({"arrivals": 3}, "arrivals: wrong type (found 3; allowed a table)"),
    "a number with thousands of digits is not printed": (
        {"main": {**POOL, "nodes": 1 << 20_000}},
        "main.nodes: out of range (found an integer of 20001 bits; allowed an integer from 1 to 1000)",
    ),
    "a long text is cut": (
        {"mode": "x" * 1_000},
        f"mode: unknown value (found '{'x' * 59}...; allowed slow, fast)",
    ),
    "a text with line breaks stays on one line": (
        {"mode": "a\nb"},
        r"mode: unknown value (found 'a\nb'; allowed slow, fast)",
    ),
}


@pytest.mark.parametrize(("data", "line"), CASES.values(), ids=CASES.keys())
def test_the_first_complaint_reads(data: dict[str, object], line: str) -> None:
    complaint = complaint_about(data)
    assert str(TenantError(**complaint._asdict())) == line


def test_from_validation_puts_the_file_in_front_and_keeps_the_parts() -> None:
    with pytest.raises(ValidationError) as caught:
        Scene.model_validate({"mode": "fsat"})
    error = from_validation(caught.value, "scene.toml", Scene)
    assert str(error).startswith("scene.toml: mode: unknown value")
    parts = (error.code, error.file, error.path, error.found, error.allowed)
    assert parts == ("bad_value", "scene.toml", "mode", "fsat", ("slow", "fast"))


@pytest.mark.parametrize(
    ("data", "code"),
    [({"modus": 1}, "unknown_key"), ({"main": {"region": "a"}}, "missing_key"), ({"mode": 1}, "bad_value")],
)
def test_scripts_can_tell_complaints_apart_by_code(data: dict[str, object], code: str) -> None:
    assert complaint_about(data).code == code


def test_an_error_without_a_place_is_its_message() -> None:
    assert str(TenantError("nothing to bill")) == "nothing to bill"


def test_found_zero_and_false_are_shown() -> None:
    assert str(TenantError("no", found=0)) == "no (found 0)"
    assert str(TenantError("no", found=False)) == "no (found false)"


def test_a_long_list_of_allowed_names_is_cut() -> None:
    error = unknown_name("tenant", "x", [f"t{number}" for number in range(1_000)])
    assert str(error).endswith("t10, t11 and 988 more)")
    assert error.allowed is not None and len(error.allowed) == 1_000


def test_a_name_among_none_says_that_there_are_none() -> None:
    assert str(unknown_name("tenant", "acme", [])) == "unknown tenant, none is defined (found 'acme')"


def test_an_error_survives_a_copy_and_the_way_between_processes() -> None:
    error = TenantError("no", code="duplicate", file="a.toml", path="b[0]", found=1, allowed=("c",))
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert vars(twin) == vars(error)
        assert str(twin) == str(error)
    assert str(error) == "a.toml: b[0]: no (found 1; allowed c)"


def test_did_you_mean_is_silent_when_nothing_is_near() -> None:
    assert did_you_mean("bare.spt", ["bare.spot", "bare.ondemand"]) == ", did you mean 'bare.spot'?"
    assert did_you_mean("x", ["bare.spot"]) == did_you_mean("x", []) == ""
