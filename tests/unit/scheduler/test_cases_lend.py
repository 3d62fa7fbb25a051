"""The published cases of lend: V18, V18b (prices into nodes) and V19 (the tenant rule and its feedback)."""

from math import isqrt

from case_file import case
from scheduler.policy.forecast import requirement
from scheduler.policy.lend import next_eta_bp, sellable_nodes, service_level_bp, tenant_quota


def test_v18_service_levels_follow_from_prices() -> None:
    one = case("V18")
    found = [service_level_bp(row["revenue"], row["loss"]) for row in one["inputs"]["rows"]]
    assert found == [round(10_000 * level) for level in one["expected"]["p_star"]]


def test_v18b_nodes_to_sell() -> None:
    one = case("V18b")
    given = one["inputs"]
    peaks = sorted(given["demand_peak_scenarios"])
    found = [sellable_nodes(given["capacity_nodes"], peaks, row["revenue"], row["loss"]) for row in given["rows"]]
    assert found == one["expected"]["sell_nodes"]


def test_v19_requirements_quotas_and_the_feedback() -> None:
    one = case("V19")
    given, wanted = one["inputs"], one["expected"]
    capacity, z_bp = given["capacity"], round(given["z"] * 10_000)
    hours = range(len(given["tenants"][0]["mu"]))
    need = tuple(
        requirement(
            sum(tenant["mu"][hour] for tenant in given["tenants"]),
            sum(tenant["sigma"][hour] ** 2 for tenant in given["tenants"]),
            z_bp,
            capacity,
        )
        for hour in hours
    )
    assert list(need) == wanted["R"]
    eta_bp = round(given["eta"] * 10_000)
    assert [tenant_quota(capacity, need[: hour + 1], eta_bp) for hour in hours] == wanted["Q_by_horizon"]
    target_bp = round(given["target_eviction_rate"] * 10_000)
    found = [
        next_eta_bp(eta_bp, round(look["rate"] * 1_000), 1_000, look["queued_over_1h"], target_bp)
        for look in given["feedback"]
    ]
    assert found == [round(eta * 10_000) for eta in wanted["eta_after"]]


def test_v19_canary_a_root_that_is_rounded_before_it_is_scaled_is_told_from_the_right_one() -> None:
    assert isqrt(2) * 12_816 // 10_000 != requirement(0, 2, 30_000, 100)
    assert requirement(0, 2, 30_000, 100) == 4
