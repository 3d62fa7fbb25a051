import pytest
from pydantic import ValidationError

from tenants.sla_terms import SLA_PRESETS, CreditStep, SlaTerms

# Name, target, (bound: credit) in percent, as published or as we set them.
SCHEDULES = {
    "target_9900": (99.00, {99: 10, 95: 25}),
    "target_9950": (99.50, {99.5: 10, 99: 30, 95: 100}),
    "target_9990": (99.90, {99.9: 10, 99: 25, 95: 100}),
    "target_9999": (99.99, {99.99: 10, 99.9: 25, 95: 100}),
    "aws_region": (99.99, {99.99: 10, 99: 30, 95: 100}),
    "nebius_k8s": (99.90, {99.9: 10, 95: 25}),
    "linear": (100.00, {}),
}
ROW = {"name": "mine", "target_bp": 9_900, "steps": [[9_900, 1_000], [9_000, 5_000]], "source": "me"}
ROW["confidence"] = "guess"


@pytest.mark.parametrize("preset", SLA_PRESETS, ids=lambda preset: preset.name)
def test_a_preset_has_the_schedule_that_its_source_gives(preset: SlaTerms) -> None:
    target, steps = SCHEDULES[preset.name]
    assert preset.target_bp == round(target * 100)
    assert preset.steps == tuple((round(bound * 100), credit * 100) for bound, credit in steps.items())
    assert preset.cap_bp == 10_000
    assert preset.source


def test_all_presets_are_there_once() -> None:
    assert [preset.name for preset in SLA_PRESETS] == list(SCHEDULES)


def test_a_step_is_read_from_a_table_or_a_pair_and_unpacks_as_one() -> None:
    tables = [{"below_bp": 9_900, "credit_bp": 1_000}, {"credit_bp": 5_000, "below_bp": 9_000}]
    terms = SlaTerms.model_validate({**ROW, "steps": tables})
    assert terms == SlaTerms.model_validate(ROW)
    assert [below_bp for below_bp, _ in terms.steps] == [9_900, 9_000]


def test_a_target_may_come_without_credits() -> None:
    assert SlaTerms.model_validate({**ROW, "steps": []}).steps == ()


BAD_STEPS = {
    "bounds that rise": [[9_000, 1_000], [9_900, 5_000]],
    "the same bound twice": [[9_900, 1_000], [9_900, 5_000]],
    "a worse month that pays less": [[9_900, 5_000], [9_000, 1_000]],
    "a credit above the whole charge": [[9_900, 10_001]],
    "a credit while the target is met": [[9_950, 1_000]],
    "a percentage instead of basis points": [[9_900, 10.0]],
    "a bound without a credit": [[9_900]],
    "three numbers": [[9_900, 1_000, 5]],
}


@pytest.mark.parametrize("steps", BAD_STEPS.values(), ids=BAD_STEPS.keys())
def test_a_credit_table_that_makes_no_sense_is_refused(steps: list[list[float]]) -> None:
    with pytest.raises(ValidationError):
        SlaTerms.model_validate({**ROW, "steps": steps})


def test_the_schema_teaches_tables_with_the_names_of_the_step() -> None:
    step = SlaTerms.model_json_schema()["properties"]["steps"]["items"]
    assert tuple(step["properties"]) == CreditStep._fields
