"""Budgets, and the alerts that came of them or of what was agreed."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, field_validator

from billing.api.schemas.basic import Closed, Money, MoneyIn, Name, maybe_moment, moment, money
from billing.api.schemas.usage import exact_in, rounded
from billing.money import floor_decimal
from billing.store.tenant_budgets import AlertRow, BudgetRow

BP_PER_PERCENT = 100
Percent = Annotated[int, Field(ge=1, le=1_000)]


class NewBudget(Closed):
    """A sum for each month, and the parts of it to be told at."""

    name: Name = Field(description="What it is called.", examples=["the lab"])
    limit: MoneyIn = Field(description="What a month may come to: with contracts, credits and tax, after wallets.")
    thresholds_percent: Annotated[list[Percent], Field(min_length=1, max_length=10)] = Field(
        description="Parts of the limit, in whole percent, each once.", examples=[[50, 80, 100]]
    )

    @field_validator("thresholds_percent")
    @classmethod
    def _once(cls, values: list[int]) -> list[int]:
        if len(set(values)) < len(values):
            raise ValueError("must hold each percent once")
        return values


class BudgetOut(Closed):
    """A budget: `disabled` is null while it watches."""

    id: str = Field(description="Its id.", examples=["bud_5f0c"])
    name: str = Field(description="What it is called.", examples=["the lab"])
    limit: Money = Field(description="What a month may come to.")
    thresholds_percent: list[int] = Field(description="Parts of the limit, %.", examples=[[50, 80, 100]])
    created: str = Field(description="RFC 3339 in UTC; months that were over by then are not watched.")
    disabled: str | None = Field(description="RFC 3339 in UTC.", examples=["2026-12-01T00:00:00Z"])


class AlertOut(Closed):
    """A part of a sum that a month has reached: of a budget, or of an alert that was agreed with the contract."""

    budget: str = Field(description="Id of the budget, or of what was agreed.", examples=["bud_5f0c"])
    agreed: bool = Field(description="Whether it was agreed with the house, and no budget of the tenant's own.")
    kind: str = Field(description="`spent`; or `forecast`: it will be by the end of the month.", examples=["spent"])
    period: str = Field(description="The month, in UTC.", examples=["2026-11"])
    threshold_percent: str = Field(description="Part of the sum, %.", examples=["80.00"])
    time: str = Field(description="When it was reached, or found to be; RFC 3339 in UTC.")
    amount: Money = Field(description="What the month had come to.")
    expected: Money | None = Field(description="What it comes to at that rate; null of a budget.")


def budget_out(row: BudgetRow) -> BudgetOut:
    """Return a budget."""
    return BudgetOut(
        id=row.id,
        name=row.name,
        limit=money(row.currency, row.limit_micro),
        thresholds_percent=[threshold_bp // BP_PER_PERCENT for threshold_bp in row.thresholds_bp],
        created=moment(row.created_s),
        disabled=maybe_moment(row.disabled_s),
    )


def alert_out(row: AlertRow) -> AlertOut:
    """Return an alert of a budget."""
    return AlertOut(
        budget=row.budget,
        agreed=False,
        kind="spent",
        period=row.period,
        threshold_percent=floor_decimal(row.threshold_bp, BP_PER_PERCENT, 2),
        time=moment(row.reached_s),
        amount=money(row.currency, row.amount_micro),
        expected=None,
    )


def agreed_out(period: str, alert: Mapping[str, Any]) -> AlertOut:
    """Return an alert that was agreed, from its paper (`billing.documents.agreed_data`)."""
    spent, expected = (
        rounded(exact_in(alert[f"{name}_micro_usd"]), alert["currency"]) for name in ("spent", "expected")
    )
    return AlertOut(
        budget=alert["alert"],
        agreed=True,
        kind=alert["kind"],
        period=period,
        threshold_percent=floor_decimal(alert["threshold_bp"], BP_PER_PERCENT, 2),
        time=alert["at"],
        amount=spent,
        expected=expected,
    )
