"""The catalogue as data: complete, each id once, every control a known one, and every framework with its limits."""

import re
from pathlib import Path

import pytest

from house_rules import LAYERS, ROOT
from tenants.errors import TenantError
from tenants.isolation.catalogue import CATALOGUE, CATEGORIES, chosen
from tenants.isolation.channels import CHANNELS
from tenants.isolation.controls import CONTROLS, FRAMEWORKS

SIZES = {"P": 8, "N": 6, "M": 8, "Q": 7, "A": 12, "D": 8, "B": 7, "U": 6, "K": 5, "C": 6, "R": 3, "X": 5}
HARDWARE = {"P3", "P4", "P8", *(f"N{n}" for n in range(1, 7)), *(f"M{n}" for n in range(1, 8))}
# What no test can show, and no page may therefore say. Spelt in pieces, so that the rule does not find itself.
CLAIMS = re.compile("|".join(("compl" + "ian(t|ce)", "cert" + "if(ied|icate|ication)\\b")), re.IGNORECASE)
SHOWN = (".py", ".md", ".j2", ".typ", ".css", ".toml", ".html")


def test_each_of_the_81_ids_stands_in_it_once() -> None:
    ids = [each.id for rows in CATEGORIES.values() for each in rows]
    assert ids == [f"{letter}{number}" for letter, count in SIZES.items() for number in range(1, count + 1)]
    assert len(ids) == len(set(ids)) == len(CATALOGUE) == 81


def test_what_is_about_hardware_says_so() -> None:
    assert {each.id for each in CATALOGUE.values() if each.modelled} == HARDWARE


def test_every_control_is_known_and_has_a_property() -> None:
    named = {control for each in CATALOGUE.values() for control in each.controls}
    assert named == set(CONTROLS)
    assert {name.split()[0] for name in CONTROLS} == set(FRAMEWORKS)


def test_rows_are_whole_sentences_of_their_own() -> None:
    for each in CATALOGUE.values():
        assert each.attack.endswith(".") and each.expected.endswith("."), each.id
        assert each.layers and each.controls, each.id
        assert len(set(each.controls)) == len(each.controls), each.id
    assert len({each.title for each in CATALOGUE.values()}) == len(CATALOGUE)


def test_rows_are_chosen_by_id_category_and_control() -> None:
    assert [each.id for each in chosen(["b2", "P1"])] == ["P1", "B2"]
    assert [each.id for each in chosen(category="residency")] == ["R1", "R2", "R3"]
    assert [each.id for each in chosen(control="soc2 cc6.2")] == ["K3", "K5"]
    assert chosen(["P1"], category="api") == []
    for arguments in ({"ids": ["P9"]}, {"category": "walls"}, {"control": "SOC2 CC9"}):
        with pytest.raises(TenantError, match="unknown"):
            chosen(**arguments)  # type: ignore[arg-type]


def test_every_channel_that_is_left_has_a_bound_and_a_property_that_measures_it() -> None:
    assert len({each.id for each in CHANNELS}) == len(CHANNELS) > 0
    assert all(each.bound and each.tells and each.property in CATALOGUE for each in CHANNELS)


def test_nothing_claims_more_than_evidence() -> None:
    assert CLAIMS.search("fully Compl" + "iant") and CLAIMS.search("cert" + "ified by")
    folders = [ROOT / name for name in (*LAYERS, "docs", "tests", "benchmarks")]
    files: list[Path] = [ROOT / "README.md", *(path for folder in folders for path in folder.rglob("*"))]
    said = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        if path.suffix in SHOWN
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if CLAIMS.search(line)
    ]
    assert said == []
