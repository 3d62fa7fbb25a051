import pytest
from pydantic import ValidationError

from tenants.contract import Contract

ROW = {
    "id": "acme-2026",
    "tenant": "acme",
    "product": "bare.reserved",
    "region": "eu-1",
    "sku": "h100",
    "nodes": 16,
    "from_s": 100,
    "until_s": 200,
}


def test_a_contract_holds_from_its_first_second_to_the_one_before_its_end() -> None:
    contract = Contract.model_validate(ROW)
    assert [contract.in_force(at_s) for at_s in (99, 100, 199, 200)] == [False, True, True, False]


@pytest.mark.parametrize("until_s", [100, 99, 0])
def test_a_contract_that_ends_before_it_begins_is_refused(until_s: int) -> None:
    with pytest.raises(ValidationError, match="must be later than from_s, which is 100"):
        Contract.model_validate({**ROW, "until_s": until_s})


@pytest.mark.parametrize(
    "change",
    [{"nodes": 0}, {"nodes": -1}, {"nodes": 1.0}, {"nodes": "16"}, {"from_s": -1}, {"until_s": 10**13}, {"fee": 1}],
    ids=str,
)
def test_impossible_terms_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Contract.model_validate({**ROW, **change})


def test_a_refused_beginning_is_the_only_complaint() -> None:
    with pytest.raises(ValidationError) as caught:
        Contract.model_validate({**ROW, "from_s": "soon"})
    assert [report["loc"] for report in caught.value.errors()] == [("from_s",)]
