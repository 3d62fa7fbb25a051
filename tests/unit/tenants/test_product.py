import pytest
from pydantic import ValidationError

from tenants.band import LENDABLE, Band
from tenants.product import CATALOGUE, Product
from tenants.sla_terms import SLA_PRESETS

ROW = {
    "code": "bare.night",
    "band": "SPOT",
    "guarantee_s": 0,
    "rolling": False,
    "notice_s": 60,
    "whole_nodes": True,
    "requeue": True,
    "checkpoint_s": 3_600,
    "restart_s": 120,
}
# Code: band, guarantee, rolling, notice, whole nodes, SLA.
PROMISES = {
    "int.frontier": (Band.INTERNAL_CRITICAL, 0, False, 0, False, None),
    "int.inference": (Band.INTERNAL_CRITICAL, 0, False, 0, False, None),
    "int.research": (Band.INTERNAL, 0, False, 60, False, None),
    "bare.reserved": (Band.RESERVED, 0, False, 0, True, "target_9990"),
    "bare.ondemand": (Band.ON_DEMAND, 3_600, True, 600, True, "target_9950"),
    "bare.spot": (Band.SPOT, 0, False, 60, True, None),
}


def test_the_catalogue_holds_the_promises_that_the_project_sells() -> None:
    assert {
        row.code: (row.band, row.guarantee_s, row.rolling, row.notice_s, row.whole_nodes, row.sla) for row in CATALOGUE
    } == PROMISES


def test_every_built_in_sla_exists() -> None:
    assert {row.sla for row in CATALOGUE} - {None} <= {preset.name for preset in SLA_PRESETS}


def test_a_product_is_priced_under_its_code_unless_it_says_otherwise() -> None:
    assert {row.code: row.price_plan for row in CATALOGUE} == {code: code for code in PROMISES}
    assert Product.model_validate(ROW).price_plan == "bare.night"
    assert Product.model_validate({**ROW, "price_plan": "bare.spot"}).price_plan == "bare.spot"


def test_bands_are_written_by_name_both_ways() -> None:
    product = Product.model_validate(ROW)
    assert product.band is Band.SPOT
    assert product.model_dump()["band"] == "SPOT"
    assert Product.model_validate(product.model_dump()) == product
    assert Product.model_validate_json(product.model_dump_json()) == product


@pytest.mark.parametrize("band", ["spot", "ONDEMAND", "", 4, None, ["SPOT"]], ids=str)
def test_anything_but_the_name_of_a_band_is_refused(band: object) -> None:
    with pytest.raises(ValidationError):
        Product.model_validate({**ROW, "band": band})


@pytest.mark.parametrize("band", [*LENDABLE, Band.RESERVED])
def test_whatever_is_rented_out_holds_whole_nodes(band: Band) -> None:
    with pytest.raises(ValidationError, match=f"band {band.name} must hold whole nodes"):
        Product.model_validate({**ROW, "band": band, "whole_nodes": False})


@pytest.mark.parametrize("band", [Band.INTERNAL_CRITICAL, Band.INTERNAL])
def test_internal_jobs_may_share_nodes(band: Band) -> None:
    assert not Product.model_validate({**ROW, "band": band, "whole_nodes": False}).whole_nodes


def test_a_rolling_guarantee_of_nothing_is_refused() -> None:
    # It would be renewed at the very second at which it begins, for ever.
    with pytest.raises(ValidationError, match="guarantee_s of at least 1"):
        Product.model_validate({**ROW, "rolling": True})
    assert Product.model_validate({**ROW, "rolling": True, "guarantee_s": 1}).rolling


@pytest.mark.parametrize("key", ["guarantee_s", "notice_s", "checkpoint_s", "restart_s"])
@pytest.mark.parametrize("value", [-1, 60.0, "60", True, 10**12 + 1], ids=str)
def test_a_time_is_a_whole_number_of_seconds_that_fits(key: str, value: object) -> None:
    with pytest.raises(ValidationError):
        Product.model_validate({**ROW, key: value})


def test_another_meter_is_refused_rather_than_billed_wrongly() -> None:
    with pytest.raises(ValidationError):
        Product.model_validate({**ROW, "meter": "tokens_out"})
