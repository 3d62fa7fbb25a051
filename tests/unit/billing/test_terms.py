"""A terms file: everything that a bill needs beside the facts, read and checked at once."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from billing.errors import BillingError
from billing.tax import tax_at
from billing.terms import load_terms, terms_from
from billing_facts import JANUARY

PRICE = {"product": "bare.spot", "sku": "*", "from": "2026-01-01T00:00:00Z", "usd_per_gpu_hour": "1.25"}
TAX: dict[str, Any] = {"name": "VAT", "tax_bp": 2000}


def test_a_terms_file_holds_the_tables_of_a_scenario(tmp_path: Path) -> None:
    path = tmp_path / "terms.toml"
    path.write_text(
        'currency = "EUR"\nrounding = "HALF_EVEN"\nepoch = 2026-01-01T00:00:00Z\n'
        '[[tenant]]\nid = "acme"\nname = "Acme"\nkind = "external"\n'
        '[[price]]\nproduct = "bare.spot"\nsku = "*"\nfrom = 2026-01-01T00:00:00Z\nunit_price = "1.25"\n'
        '[[tax]]\nname = "VAT"\ntax_bp = 1900\n'
    )
    terms = load_terms(path)
    assert terms.currency.rounding == "HALF_EVEN"
    assert (terms.epoch_s, terms.currency.code, terms.taxes[0].tax_bp) == (JANUARY, "EUR", 1900)
    assert terms.book.row_at("bare.spot", "h100", "eu", JANUARY).micro_usd == 1_250_000
    assert terms.plans(["bare.spot", "bare.ondemand"]) == ("bare.spot", "bare.ondemand")


def test_the_most_specific_latest_tax_applies() -> None:
    rows = [
        TAX,
        TAX | {"tax_bp": 2100, "from": "2026-02-01T00:00:00Z"},
        TAX | {"tax_bp": 0, "tenant": "acme", "until": "2026-03-01T00:00:00Z"},
        TAX | {"tax_bp": 700, "product": "bare.spot"},
    ]
    taxes = terms_from({"tax": rows}).taxes
    found = [
        (tax_at(taxes, tenant, product, JANUARY + days * 86400) or taxes[0]).tax_bp
        for tenant, product, days in [("birch", "x", 0), ("birch", "x", 31), ("acme", "x", 0), ("acme", "x", 59)]
    ]
    assert found == [2000, 2100, 0, 2100]
    assert (tax_at(taxes, "birch", "bare.spot", JANUARY) or taxes[0]).tax_bp == 700
    assert tax_at(taxes[2:3], "birch", "x", JANUARY) is None


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"prices": []}, r"t\.toml: prices: unknown key, did you mean 'price'"),
        ({"currency": "EURO"}, r"t\.toml: currency: unknown currency"),
        ({"rounding": "UP"}, r"t\.toml: rounding: unknown rounding"),
        ({"currency": "EUR", "price": [PRICE]}, r"t\.toml: price\[0\]\.usd_per_gpu_hour: not in the currency"),
        ({"epoch": "today"}, r"t\.toml: epoch: not a time"),
        ({"price": 5}, r"t\.toml: price: not an array of tables"),
        ({"price": [PRICE, PRICE]}, r"t\.toml: price\[1\]: same product"),
        ({"tax": [TAX, TAX]}, r"t\.toml: tax\[1\]: same tenant, product and time as tax\[0\]"),
        ({"tax": [TAX | {"tax_bp": 10_001}]}, r"t\.toml: tax\[0\]\.tax_bp: "),
        ({"tax": [TAX | {"from": "now"}]}, r"t\.toml: tax\[0\]\.from: not a time"),
        ({"tax": [TAX | {"until": "1969-01-01T00:00:00Z"}]}, r"t\.toml: tax\[0\]\.until: ends before it begins"),
        ({"tax": [TAX | {"rate": 5}]}, r"t\.toml: tax\[0\]\.rate: unknown key"),
    ],
)
def test_bad_terms_are_refused_with_their_place(mapping: dict[str, Any], message: str) -> None:
    with pytest.raises(BillingError, match=message):
        terms_from(mapping, "t.toml")


def test_the_example_of_the_documents_is_a_terms_file() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "billing.md"
    rating = page.read_text().partition("## Rating")[2].partition("```toml\n")[2].partition("```")[0]
    terms = terms_from(tomllib.loads(rating), "billing.md")
    assert [row.model for row in terms.book.rows] == ["graduated", "dynamic", "package"]
    assert terms.currency.code == "EUR" and terms.taxes[0].tax_bp == 1900
