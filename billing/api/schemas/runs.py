"""Finished runs as an operator sees them: headline numbers, who had to leave, and what was given back."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from billing.api.ports import Credit, Eviction, RunTold
from billing.api.schemas.basic import Closed, Money, moment
from billing.api.schemas.usage import rounded
from billing.money import Exact
from billing.store.api_evictions import LiveEviction


class RunOut(Closed):
    """A finished run of a simulation."""

    id: str = Field(examples=["gap-easy-all_idle-s1-509231"])
    scenario: str = Field(examples=["gap"])
    policy: str = Field(description="How the scheduler decided.", examples=["easy"])
    lend: str = Field(description="What was rented out.", examples=["all_idle"])
    seed: int = Field(examples=[1])
    since: str = Field(description="Its begin, RFC 3339 in UTC.", examples=["2026-01-01T00:00:00Z"])
    until: str = Field(description="Its end, not part of it.", examples=["2026-02-01T00:00:00Z"])
    installed_gpus: int = Field(description="GPUs of all pools.", examples=[2048])


class FigureOut(Closed):
    """One headline number."""

    name: str = Field(description="What it is, with its unit at the end.", examples=["utilisation.goodput.gpu_s"])
    value: str | None = Field(description="Decimal or text; null: there is none.", examples=["3679451488"])


class RunResultOut(RunOut):
    """A run and its headline numbers."""

    figures: list[FigureOut] = Field(description="In the order of the run's summary.")


class EvictionOut(Closed):
    """A holder who had to leave, and what it cost."""

    job: str = Field(examples=["acme-spot-0001"])
    tenant: str = Field(examples=["acme"])
    product: str | None = Field(description="Null, as the next three, where nothing tells.", examples=["bare.spot"])
    region: str | None = Field(examples=["us-1"])
    sku: str | None = Field(examples=["h100"])
    gpus: int | None = Field(description="GPUs that it began with.", examples=[64])
    noticed: str = Field(description="When notice was served, RFC 3339.", examples=["2026-01-01T00:05:00Z"])
    evicted: str = Field(description="When the nodes were taken.", examples=["2026-01-01T00:06:00Z"])
    notice_s: int = Field(description="Seconds between the two.", examples=[60])
    inside_guarantee: bool = Field(description="Whether it was promised to be left alone until later.")
    by_job: str | None = Field(
        description="For whom; null: for nobody, or not told of: a live log never does.", examples=["frontier-0"]
    )
    by_product: str | None = Field(examples=["int.frontier"])
    lost_gpu_s: int | None = Field(description="Work that was lost, GPU-seconds; null: not told of.", examples=[0])
    lost: Money | None = Field(description="What that had cost; null: nobody has said.")


class HouseCredit(Closed):
    """What broken promises of a product gave back in a month, to all tenants together."""

    period: str = Field(description="The month.", examples=["2026-01"])
    product: str = Field(examples=["bare.ondemand"])
    tenants: int = Field(description="Tenants that used it.", examples=[3])
    broken: int = Field(description="Of them, those that got less than they were promised.", examples=[0])
    credit: Money = Field(description="Given back.")


def run_fields(run: RunTold) -> dict[str, Any]:
    """Return a run as fields of `RunOut`."""
    times = {"since": moment(run.from_s), "until": moment(run.until_s)}
    return {name: value for name, value in run._asdict().items() if not name.endswith("_s")} | times


def figures_of(told: Mapping[str, Any], above: str = "") -> list[FigureOut]:
    """Return headline numbers one by one, `a.b` for b of a; lists are left out."""
    found: list[FigureOut] = []
    for name, value in told.items():
        if isinstance(value, Mapping):
            found += figures_of(value, f"{above}{name}.")
        elif not isinstance(value, list):
            found.append(FigureOut(name=f"{above}{name}", value=None if value is None else str(value)))
    return found


def eviction_out(row: Eviction, currency: str) -> EvictionOut:
    """Return an eviction."""
    return EvictionOut(
        job=row.job,
        tenant=row.tenant,
        product=row.product,
        region=row.region,
        sku=row.sku,
        gpus=row.gpus,
        noticed=moment(row.noticed_s),
        evicted=moment(row.evicted_s),
        notice_s=row.evicted_s - row.noticed_s,
        inside_guarantee=row.evicted_s < row.guaranteed_until_s,
        by_job=row.by_job or None,
        by_product=row.by_product or None,
        lost_gpu_s=row.lost_gpu_s,
        lost=None if row.lost_micro is None else rounded(Exact(row.lost_micro, 1), currency),
    )


def live_eviction_out(row: LiveEviction) -> EvictionOut:
    """Return an eviction of the log."""
    begun = {name: row.begun.get(name) for name in ("product", "region", "sku", "gpus")}
    return EvictionOut(
        **begun,
        job=str(row.begun.get("job", row.allocation)),
        tenant=row.tenant,
        noticed=moment(row.noticed_s),
        evicted=moment(row.evicted_s),
        notice_s=row.evicted_s - row.noticed_s,
        inside_guarantee=row.evicted_s < row.guaranteed_until_s,
        by_job=None,
        by_product=None,
        lost_gpu_s=None,
        lost=None,
    )


def credit_out(row: Credit) -> HouseCredit:
    """Return credits of a month."""
    credit = rounded(Exact(row.micro, 1), row.currency)
    return HouseCredit(period=row.period, product=row.product, tenants=row.tenants, broken=row.broken, credit=credit)
