"""Budgets: each threshold is told once a month, when the month has come to it and not before."""

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.months import month_bounds, month_label
from billing.settling.budgets import Budget, Reached, Spent, alerts_due

FIRST = 12 * 56  # September 2026 is 8 months later; any month will do
TENANTS, CODES = ("acme", "birch"), ("USD", "EUR")
BUDGETS = st.builds(
    Budget,
    st.sampled_from(TENANTS),
    st.sampled_from(("a", "b", "c")),
    st.just("name"),
    st.integers(1, 40),
    st.sampled_from(CODES),
    st.lists(st.sampled_from((1, 5_000, 9_999, 10_000, 20_000)), min_size=1, unique=True).map(tuple),
    st.integers(-1, 3).map(lambda month: month_bounds(0, FIRST + month)[0]),
)
HISTORY = st.lists(st.tuples(st.sampled_from(TENANTS), st.integers(0, 2), st.integers(-9, 60)), max_size=12)


@given(st.lists(BUDGETS, max_size=4, unique_by=lambda each: (each.tenant, each.id)), HISTORY)
@settings(max_examples=60)
def test_each_threshold_is_told_once_as_soon_as_it_is_reached(
    budgets: list[Budget], history: list[tuple[str, int, int]]
) -> None:
    told: dict[tuple[str, str, str, int], int] = {}
    now: dict[tuple[str, int], int] = {}
    highest: dict[tuple[str, int], int] = {}
    for tenant, month, amount in history:
        now[tenant, month] = amount
        highest[tenant, month] = max(amount, highest.get((tenant, month), amount))
        spent = [Spent(who, month_label(FIRST + at), "USD", micro) for (who, at), micro in now.items()]
        due = alerts_due(budgets, spent, told)
        assert due == sorted(due) and not {each[:4] for each in due} & told.keys()
        assert all(each.amount_micro == now[each.tenant, month] for each in due)
        told |= {(each.tenant, each.budget, each.period, each.threshold_bp): each.amount_micro for each in due}
    # The obvious twin: of every budget, threshold and month, the highest sum there ever was.
    assert set(told) == {
        (budget.tenant, budget.id, month_label(FIRST + month), threshold_bp)
        for budget in budgets
        for (tenant, month), micro in highest.items()
        for threshold_bp in budget.thresholds_bp
        if (budget.tenant, budget.currency) == (tenant, "USD") and micro * 10_000 >= budget.limit_micro * threshold_bp
        if budget.created_s < month_bounds(0, FIRST + month + 1)[0]
    }


def test_a_month_that_was_over_is_not_watched() -> None:
    begin_s, end_s = month_bounds(0, FIRST)
    spent = [Spent("acme", month_label(FIRST), "USD", 100)]
    made = [Budget("acme", str(at_s), "", 100, "USD", (10_000,), at_s) for at_s in (begin_s, end_s - 1, end_s)]
    reached = [Reached("acme", each.id, month_label(FIRST), 10_000, 100) for each in made[:2]]
    assert alerts_due(made, spent, ()) == sorted(reached)
