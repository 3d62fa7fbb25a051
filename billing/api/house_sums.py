"""Hours of the house in buckets of time: who held the cluster, and what it brought in; and what of it is free. Sums
alone, no clock."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from billing.api.schemas.basic import moment
from billing.api.schemas.cluster import BucketCapacity, BucketRevenue, PoolFree, ProductRevenue, StateOut
from billing.api.schemas.snapshots import NodeNow
from billing.api.schemas.usage import exact_out, rounded
from billing.money import Exact
from billing.settling.buckets import exact_sum
from billing.settling.holders import HOLDERS, RENTED, holder_in, holder_of
from billing.settling.settle import CapacityHour, HouseHour

# Idle, and on sale to nobody.
WITHHELD = frozenset(("idle.held_back", "idle.reserved_unused", "idle.gathering"))


def capacity_buckets(
    rows: Iterable[CapacityHour], begins: Sequence[int], bands: Mapping[str, str]
) -> list[BucketCapacity]:
    """Return who held the cluster in each bucket. `begins`: Unix seconds, one more than there are buckets."""
    sums = [dict.fromkeys(HOLDERS, 0) for _ in begins[1:]]
    kept = [0 for _ in begins[1:]]
    for row in rows:
        at = bisect_right(begins, row.hour_s) - 1
        sums[at][holder_in(row.state, bands)] += row.gpu_s
        kept[at] += row.gpu_s if row.state in WITHHELD else 0
    return [
        BucketCapacity(
            since=moment(begin_s),
            until=moment(end_s),
            installed_gpu_s=sum(held.values()),
            **{f"{holder}_gpu_s": gpu_s for holder, gpu_s in held.items()},
            withheld_gpu_s=withheld,
        )
        for (begin_s, end_s), held, withheld in zip(pairwise(begins), sums, kept, strict=True)
    ]


def states_of(rows: Iterable[CapacityHour], bands: Mapping[str, str]) -> list[StateOut]:
    """Return each state and its sum, in the order of holders."""
    sums: dict[str, int] = {}
    for row in rows:
        sums[row.state] = sums.get(row.state, 0) + row.gpu_s
    told = [StateOut(state=state, holder=holder_in(state, bands), gpu_s=gpu_s) for state, gpu_s in sums.items()]
    return sorted(told, key=lambda each: (HOLDERS.index(each.holder), each.state))


def revenue_buckets(
    rows: Iterable[HouseHour], begins: Sequence[int], bands: Mapping[str, str], currency: str
) -> list[BucketRevenue]:
    """Return what each bucket brought in. `begins` as of `capacity_buckets`."""
    found: list[list[HouseHour]] = [[] for _ in begins[1:]]
    for row in rows:
        found[bisect_right(begins, row.hour_s) - 1].append(row)
    return [
        BucketRevenue(
            since=moment(begin_s),
            until=moment(end_s),
            rented_gpu_s=sum(row.gpu_s for row in held if is_rented(row.product, bands)),
            rented=rounded(amount_of(row for row in held if is_rented(row.product, bands)), currency),
            internal=rounded(amount_of(row for row in held if not is_rented(row.product, bands)), currency),
        )
        for (begin_s, end_s), held in zip(pairwise(begins), found, strict=True)
    ]


def product_revenue(rows: Iterable[HouseHour], bands: Mapping[str, str], currency: str) -> list[ProductRevenue]:
    """Return what each product brought in, in order of their names."""
    found: dict[str, list[HouseHour]] = {}
    for row in rows:
        found.setdefault(row.product, []).append(row)
    return [
        ProductRevenue(
            product=product,
            holder=holder_of(product, bands),
            rented=is_rented(product, bands),
            gpu_s=sum(row.gpu_s for row in held),
            amount=rounded(amount_of(held), currency),
            exact=exact_out(amount_of(held)),
        )
        for product, held in sorted(found.items())
    ]


def is_rented(product: str, bands: Mapping[str, str]) -> bool:
    """Whether the outside world rents a product."""
    return holder_of(product, bands) in RENTED


def amount_of(rows: Iterable[HouseHour]) -> Exact:
    """Return what hours come to together, exact micro-units."""
    return exact_sum(Exact(int(row.numerator), int(row.denominator)) for row in rows)


def free_in(nodes: Iterable[NodeNow]) -> list[PoolFree]:
    """Count what is free in each pool. GPUs are stranded where others of their node are held: no gang gets them."""
    pools: dict[tuple[str, str], list[NodeNow]] = {}
    for node in nodes:
        pools.setdefault((node.region, node.sku), []).append(node)
    found = []
    for (region, sku), mine in pools.items():
        usable = [node for node in mine if node.state in ("free", "held", "notice")]
        longest = run = 0
        for node in mine:
            run = run + 1 if node.state == "free" else 0
            longest = max(longest, run)
        whole = [node for node in usable if node.state == "free"]
        domains = Counter(node.domain for node in whole if node.domain)
        stranded = sum(node.gpus - node.held_gpus for node in usable if node.state != "free")
        found.append(
            PoolFree(
                region=region,
                sku=sku,
                nodes=len(mine),
                free_nodes=len(whole),
                free_gpus=sum(node.gpus for node in whole) + stranded,
                stranded_gpus=stranded,
                longest_run_nodes=longest,
                domains=len({node.domain for node in mine} - {""}),
                most_in_domain=max(domains.values(), default=0),
                down_nodes=sum(node.state == "down" for node in mine),
            )
        )
    return found
