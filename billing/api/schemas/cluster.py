"""The cluster as an operator sees it: who held it over time, what that brought in, and what it cost others.

Sums and metadata: who holds which node, never what a tenant pays.
"""

from pydantic import Field

from billing.api.schemas.basic import Closed, Money
from billing.api.schemas.snapshots import TIME, NodeNow, NoticeNow, WaitingNow
from billing.api.schemas.usage import ExactOut

_GPU_S = "GPU-seconds"


class StateOut(Closed):
    """What was in one state over the whole window."""

    state: str = Field(description='"held." and a product, or why nobody held it.', examples=["idle.no_demand"])
    holder: str = Field(description="Of the columns of `items`.", examples=["idle"])
    gpu_s: int = Field(description=_GPU_S, examples=[77440])


class BucketCapacity(Closed):
    """Who held the cluster in a bucket [since, until). All columns together are what is installed."""

    since: str = Field(description="RFC 3339 in UTC.", examples=["2026-01-01T00:00:00Z"])
    until: str = Field(description="Not part of it.", examples=["2026-01-02T00:00:00Z"])
    installed_gpu_s: int = Field(description=_GPU_S, examples=[176947200])
    critical_gpu_s: int = Field(description="Held by internal critical work.", examples=[176947200])
    internal_gpu_s: int = Field(description="Held by other internal work.", examples=[0])
    reserved_gpu_s: int = Field(description="Held under contracts.", examples=[0])
    on_demand_gpu_s: int = Field(description="Rented on demand.", examples=[0])
    spot_gpu_s: int = Field(description="Rented as spot.", examples=[0])
    down_gpu_s: int = Field(description="Cleaned between two holders, or down.", examples=[0])
    idle_gpu_s: int = Field(description="Held by nobody.", examples=[0])
    withheld_gpu_s: int = Field(
        description="Of the idle ones: kept from sale, for a contract, a gang or the house itself.", examples=[0]
    )


class CapacityOut(Closed):
    """Who held the cluster over time."""

    run: str | None = Field(description="The run; null: the live cluster, as far as it is settled.")
    bucket: str = Field(description="Length of a bucket.", examples=["day"])
    installed_gpu_s: int = Field(description="GPU-seconds of the whole window.", examples=[176947200])
    before: str | None = Field(
        description="The last hour before the window of which something is known; null: none.",
        examples=["2026-01-31T23:00:00Z"],
    )
    after: str | None = Field(description="The first such hour behind the window; null: none.", examples=[None])
    states: list[StateOut] = Field(description="Sums over the whole window.")
    items: list[BucketCapacity] = Field(description="Oldest first.")


class PoolFree(Closed):
    """What is free in one pool, and in how many pieces."""

    region: str = Field(examples=["us-1"])
    sku: str = Field(examples=["h100"])
    nodes: int = Field(description="All nodes.", examples=[256])
    free_nodes: int = Field(description="Nodes that are free as a whole.", examples=[12])
    free_gpus: int = Field(description="Free GPUs, wherever they are.", examples=[104])
    stranded_gpus: int = Field(description="Those of them on nodes that somebody holds in part.", examples=[8])
    longest_run_nodes: int = Field(description="Most free nodes that stand side by side.", examples=[4])
    domains: int = Field(description="Smallest domains of its topology; 0: none are known.", examples=[16])
    most_in_domain: int = Field(description="Most nodes that are free as a whole in one of those.", examples=[4])
    down_nodes: int = Field(description="Nodes that are down.", examples=[1])


class NodesOut(Closed):
    """Every node at one moment."""

    source: str = Field(description="Whose cluster: the source of its events, or a run.", examples=["run/0123456789"])
    time: str = Field(description=TIME, examples=["2026-01-01T00:05:00Z"])
    pools: list[PoolFree] = Field(description="What is free.")
    items: list[NodeNow] = Field(description="Pool by pool, in the order in which they stand.")


class QueueOut(Closed):
    """Who waits at one moment, and whose notice runs."""

    source: str = Field(description="Whose cluster: the source of its events, or a run.", examples=["run/0123456789"])
    time: str = Field(description=TIME, examples=["2026-01-01T00:05:00Z"])
    count: int = Field(description="How many jobs wait in all.", examples=[12])
    notices: list[NoticeNow] = Field(description="Holders who must leave.")
    items: list[WaitingNow] = Field(description="The first that wait, in the order of service.")


class SourceOut(Closed):
    """A live cluster that is told of."""

    source: str = Field(examples=["run/0123456789abcdef"])
    time: str = Field(description=f"Of its last snapshot. {TIME}", examples=["2026-01-01T00:05:00Z"])
    received: str = Field(description="When that came, RFC 3339 in UTC.", examples=["2026-11-26T04:00:00Z"])


class SourcesOut(Closed):
    """Live clusters, and how far their logs are settled."""

    settled_events: int | None = Field(description="Events in the read model; null: none yet.", examples=[9200])
    settled_at: str | None = Field(description="When it was made, RFC 3339.", examples=["2026-11-26T04:00:00Z"])
    settling_fault: str = Field(description="Why it went no further; empty if all is well.", examples=[""])
    items: list[SourceOut] = Field(description="The one that was told of last at the end.")


class ProductRevenue(Closed):
    """What a product brought in over the whole window."""

    product: str = Field(examples=["bare.spot"])
    holder: str = Field(description="Of the columns of the cluster over time.", examples=["spot"])
    rented: bool = Field(description="Whether the outside world rents it: else it is shown to the house's own teams.")
    gpu_s: int = Field(description=_GPU_S, examples=[77440])
    amount: Money = Field(description="Rounded by itself.")
    exact: ExactOut = Field(description="Before rounding.")


class BucketRevenue(Closed):
    """What a bucket [since, until) brought in. Both sums are rounded by themselves."""

    since: str = Field(description="RFC 3339 in UTC.", examples=["2026-01-01T00:00:00Z"])
    until: str = Field(description="Not part of it.", examples=["2026-01-02T00:00:00Z"])
    rented_gpu_s: int = Field(description="GPU-seconds that were rented.", examples=[77440])
    rented: Money = Field(description="What renters are charged, before contracts, credits and tax.")
    internal: Money = Field(description="What the house's own teams are shown.")


class DelayOut(Closed):
    """By how much rentals delayed internal work: starts beside those of the same world without rentals, in seconds."""

    jobs: int = Field(description="Internal jobs that started in both.", examples=[33])
    later: int = Field(description="Of them, those that started later.", examples=[12])
    earlier: int = Field(description="And those that started earlier.", examples=[3])
    total_s: int = Field(description="Sum of all differences.", examples=[20197])
    p99_s: int | None = Field(description="99 % of the jobs started no later than this.", examples=[3600])
    max_s: int = Field(description="The worst.", examples=[3863])


class RevenueOut(Closed):
    """What the cluster brought in over time, against what that cost internal work."""

    run: str | None = Field(description="The run; null: the live cluster, as far as it is settled.")
    bucket: str = Field(description="Length of a bucket.", examples=["day"])
    before: str | None = Field(
        description="The last hour before the window of which something is known; null: none.",
        examples=["2026-01-31T23:00:00Z"],
    )
    after: str | None = Field(description="The first such hour behind the window; null: none.", examples=[None])
    currency: str = Field(description="All amounts are in it: two currencies are never added.", examples=["USD"])
    currencies: list[str] = Field(description="All that use of the window was rated in.", examples=[["USD"]])
    rented: Money = Field(description="What renters are charged over the whole window, rounded once.")
    rented_gpu_s: int = Field(description="GPU-seconds that were rented.", examples=[77440])
    internal: Money = Field(description="What the house's own teams are shown over the whole window, rounded once.")
    total: Money = Field(description="Both together, rounded once.")
    delay: DelayOut | None = Field(description="Null where there is no run without rentals to compare with.")
    products: list[ProductRevenue] = Field(description="Sums over the whole window.")
    items: list[BucketRevenue] = Field(description="Oldest first.")
