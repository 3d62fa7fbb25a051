"""`spillway bill quote`: from a terms file, a scenario or a bundled one, in every form, and what it refuses."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim.cli import app

TERMS = """\
currency = "EUR"

[[tenant]]
id = "acme"
name = "Acme"
kind = "external"

[[price]]
product = "bare.spot"
sku = "*"
from = 2026-01-01T00:00:00Z
model = "graduated"
tiers = [{ up_to = "100", unit_price = "2.95", flat = "10" }, { unit_price = "2.10" }]

[[tax]]
name = "VAT"
tax_bp = 1900
"""
WORDS = ("--product", "bare.spot", "--sku", "h100")


def call(*words: str) -> tuple[int, str, str]:
    done = CliRunner(env={"NO_COLOR": None}).invoke(app, ["bill", "quote", *words])
    return done.exit_code, done.stdout, done.stderr


def test_a_quote_says_how_it_comes_about(tmp_path: Path) -> None:
    path = tmp_path / "terms.toml"
    path.write_text(TERMS)
    code, text, _ = call(str(path), *WORDS, "--units", "150")
    assert code == 0 and text.startswith("bare.spot, h100: price[0], graduated\n")
    code, text, _ = call(str(path), *WORDS, "--units", "150", "--json")
    told = json.loads(text)
    assert [step["what"] for step in told["steps"]] == ["tier 1", "tier 1 flat fee", "tier 2"]
    assert (told["net"]["amount"], told["tax"]["amount"], told["total"]["minor"]) == ("410.00", "77.90", "48790")
    code, text, _ = call(str(path), *WORDS, "--units", "150", "--csv")
    assert text.splitlines()[-1] == "total,,,487.90"


def test_a_bundled_scenario_can_be_asked() -> None:
    code, text, _ = call("small", *WORDS, "--units", "1", "--at", "2026-01-01T05:00:00Z", "--json")
    assert code == 0 and json.loads(text)["total"]["amount"] == "1.25"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("small", *WORDS), "give --units"),
        (("small", *WORDS, "--units", "-1"), "negative number"),
        (("small", *WORDS, "--units", "1", "--at", "noon"), "not a time"),
        (("small", *WORDS, "--units", "1", "--meter", "gpu"), "unknown meter"),
        (("small", *WORDS, "--units", "1", "--at", "2020-01-01T00:00:00Z"), "no price for product bare.spot"),
        (("nowhere.toml", *WORDS, "--units", "1"), "nowhere.toml"),
    ],
)
def test_what_cannot_be_quoted_is_one_line_and_code_2(words: tuple[str, ...], message: str) -> None:
    code, text, error = call(*words)
    assert (code, text) == (2, "") and error.count("\n") == 1 and message in error
