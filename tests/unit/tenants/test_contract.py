import pytest
from pydantic import ValidationError

from tenants.capacity import nodes_at, peak_nodes, spans, terms
from tenants.contract import Contract
from tenants.errors import TenantError
from tenants.model import SECONDS_MAX
from tenants.registry import Registry

DAY_S = 86_400
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
    [{"nodes": -1}, {"nodes": 1.0}, {"nodes": "16"}, {"from_s": -1}, {"until_s": 10**13}, {"fee": 1}],
    ids=str,
)
def test_impossible_terms_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Contract.model_validate({**ROW, **change})


def test_a_refused_beginning_is_the_only_complaint() -> None:
    with pytest.raises(ValidationError) as caught:
        Contract.model_validate({**ROW, "from_s": "soon"})
    assert [report["loc"] for report in caught.value.errors()] == [("from_s",)]


def parties(**change: object) -> dict[str, object]:
    """A registry in which the one contract has `change`, as a file would say it."""
    row = {**ROW, "tenant": "acme", "from_s": 0, "until_s": 30 * DAY_S, **change}
    return {"tenant": [{"id": "acme", "name": "Acme", "kind": "external"}], "contract": [row]}


def the_contract(**change: object) -> Contract:
    return Registry.from_mapping(parties(**change)).contracts[0]


def test_a_ramp_a_step_down_a_late_delivery_and_a_recall_make_spans() -> None:
    contract = the_contract(
        nodes=4,
        steps=[{"from_s": 100, "nodes": 8, "delivered_s": 150}, {"from_s": 300, "nodes": 6}],
        recalls=[{"noticed_s": 350, "from_s": 400, "nodes": 2}],
        recall_notice_s=100,
        until_s=500,
    )
    assert [tuple(span) for span in spans(contract)] == [
        (0, 100, 4, 4, 0, 0),
        (100, 150, 8, 4, 4, 0),
        (150, 300, 8, 8, 0, 0),
        (300, 400, 6, 6, 0, 0),
        (400, 450, 6, 4, 0, 2),
        (450, 500, 4, 4, 0, 0),
    ]
    assert [nodes_at(contract, at_s) for at_s in (0, 120, 299, 420, 500)] == [4, 4, 8, 4, 0]
    assert peak_nodes(contract) == 8


@pytest.mark.parametrize(
    ("cancelled_s", "end_days"),
    [(None, None), (0, 30), (25 * DAY_S, 30), (25 * DAY_S + 1, 40), (36 * DAY_S, 50), (45 * DAY_S, 50)],
)
def test_a_renewal_takes_place_unless_it_is_cancelled_in_time(cancelled_s: int | None, end_days: int | None) -> None:
    keys = {} if cancelled_s is None else {"cancelled_s": cancelled_s}
    contract = the_contract(renewal={"length_s": 10 * DAY_S, "notice_s": 5 * DAY_S}, **keys)
    assert contract.end_s == (SECONDS_MAX if end_days is None else end_days * DAY_S)
    lengths = [until_s - from_s for from_s, until_s in terms(contract, 60 * DAY_S)]
    assert lengths == [30 * DAY_S, *[10 * DAY_S] * (3 if end_days is None else (end_days - 30) // 10)]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"nodes": 0}, "contract[0].nodes: promises nothing (found 0; allowed at least 1, or a contract with"),
        ({"steps": [{"from_s": 0, "nodes": 2}]}, "contract[0].steps[0].from_s: overlaps the row before it (found 0;"),
        (
            {"steps": [{"from_s": 9, "nodes": 2}, {"from_s": 9, "nodes": 3}]},
            "contract[0].steps[1].from_s: overlaps the row before it (found 9; allowed later than 9)",
        ),
        (
            {"steps": [{"from_s": 30 * DAY_S, "nodes": 20}]},
            "contract[0].steps[0].from_s: the term is over by then (found 2592000; allowed before 2592000)",
        ),
        (
            {"from_s": 9, "delivered_s": 8},
            "contract[0].delivered_s: delivered before it is promised (found 8; allowed 9",
        ),
        (
            {"steps": [{"from_s": 9, "nodes": 2, "delivered_s": 10}]},
            "contract[0].steps[0].delivered_s: fewer nodes than before need no delivery (found 10; allowed no s",
        ),
        (
            {"recalls": [{"noticed_s": 0, "from_s": 5, "nodes": 17}]},
            "contract[0].recalls[0].nodes: more than the contract has then (found 17; allowed at most 16)",
        ),
        (
            {"recalls": [{"noticed_s": 0, "from_s": 30 * DAY_S, "nodes": 1}]},
            "contract[0].recalls[0].from_s: outside of the term (found 2592000; allowed from 0 to 2591999)",
        ),
        (
            {"recalls": [{"noticed_s": 9, "from_s": 8, "nodes": 1}]},
            "contract[0].recalls[0].from_s: nothing is taken back before it was said: noticed_s is 9 (found 8)",
        ),
        ({"cancelled_s": 5}, "contract[0].cancelled_s: ends anyhow (found 5; allowed a contract with renewal)"),
        (
            {"take_or_pay": {"per": "month"}},
            "contract[0].take_or_pay: a floor is in money or in GPU-hours (found 'neither'; allowed amount, or gpu_h",
        ),
        (
            {"take_or_pay": {"per": "month", "gpu_hours": 5}},
            "contract[0].take_or_pay.price_per_gpu_hour: a floor in GPU-hours needs a price (allowed decimal text",
        ),
        (
            {"take_or_pay": {"per": "month", "amount": "5", "price_per_gpu_hour": "2"}},
            "contract[0].take_or_pay.price_per_gpu_hour: a floor in money needs no price (found '2'; allo",
        ),
        (
            {"take_or_pay": {"per": "month", "amount": "5", "upfront_bp": 1}},
            "contract[0].take_or_pay.upfront_bp: only such a floor can be paid upfront (found 1; allowed a floor",
        ),
        (
            {"take_or_pay": {"per": "month", "amount": "5", "products": ["bare.spott"]}},
            "contract[0].take_or_pay.products: unknown product, did you mean 'bare.spot'? (found 'bare.spott'; allowed",
        ),
        (
            {"take_or_pay": {"per": "month", "amount": "1.005"}},
            "contract[0].take_or_pay.amount: malformed (found '1.005'; al",
        ),
        ({"prepayment": "-1"}, "contract[0].prepayment: malformed (found '-1'; allowed decimal text in whole"),
        ({"tenant": "acne"}, "contract[0].tenant: unknown tenant, did you mean 'acme'? (found 'acne'; allowed acme)"),
        (
            {"product": "bare.spot"},
            "contract[0].product: a contract needs a product in band RESERVED, this one is in SPOT (found 'bare.spot'",
        ),
    ],
    ids=str,
)
def test_terms_that_do_not_fit_are_refused_with_their_place(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(TenantError) as caught:
        the_contract(**change)
    assert str(caught.value).startswith(f"registry: {complaint}")


def test_what_is_charged_draws_down_one_floor() -> None:
    rows = parties(take_or_pay={"per": "month", "amount": "5", "products": ["bare.spot"]})
    (first,) = rows["contract"]  # type: ignore[misc]
    other = {**first, "id": "second", "take_or_pay": {"per": "hour", "amount": "1"}}
    with pytest.raises(TenantError, match=r"contract\[1\].take_or_pay.products: what is charged would draw down contr"):
        Registry.from_mapping({**rows, "contract": [first, other]})
    apart = {**other, "take_or_pay": {"per": "hour", "amount": "1", "products": ["bare.ondemand"]}}
    later = {**other, "from_s": 30 * DAY_S, "until_s": 31 * DAY_S}
    for row in (apart, later):
        assert len(Registry.from_mapping({**rows, "contract": [first, row]}).contracts) == 2


@pytest.mark.parametrize(
    ("table", "change", "complaint"),
    [
        ("wallet", {"tenant": "acne"}, "wallet[0].tenant: unknown tenant, did you mean 'acme'?"),
        ("wallet", {"expires_s": 0}, "wallet[0].expires_s: must be later than from_s, which is 0 (found 0)"),
        ("wallet", {"currency": "usd"}, "wallet[0].currency: malformed (found 'usd'; allowed three capital letters"),
        ("wallet", {"id": "acme-2026"}, "wallet[0].id: what is prepaid under contract[0] has this id"),
        ("spend_alert", {"tenant": "acne"}, "spend_alert[0].tenant: unknown tenant, did you mean 'acme'?"),
        (
            "spend_alert",
            {"thresholds_bp": [8000, 5000]},
            "spend_alert[0].thresholds_bp: must rise from above 0, found 8",
        ),
        ("spend_alert", {"thresholds_bp": []}, "spend_alert[0].thresholds_bp: wrong length"),
    ],
    ids=str,
)
def test_wallets_and_alerts_that_cannot_be_are_refused(table: str, change: dict[str, object], complaint: str) -> None:
    row = {"id": "one", "tenant": "acme", "amount": "100", **change}
    with pytest.raises(TenantError) as caught:
        Registry.from_mapping({**parties(prepayment="5"), table: [row]})
    assert str(caught.value).startswith(f"registry: {complaint}")
