"""What a tenant's contracts were worth: when each of its gangs would have started in a cluster of its own, of the nodes
that its contracts promised, with nobody else in it and no fault.

The private cluster serves a gang as soon as it fits, in the order of the line, for as long as it really needs. In the
shared one a gang may start one notice and one cleaning later; where it waited for an own gang that had started later,
that adds up. See ADR 0059 for the bound that is held in tests.
"""

import heapq
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from sim.folder.run_folder import RunFolder, read
from sim.folder.terms import run_terms
from tenants.capacity import spans

Change = tuple[int, int]  # (second, nodes more; negative: fewer)


class Gang(NamedTuple):
    """A gang that was asked for at `submit_s`, of so many nodes for so long."""

    submit_s: int
    nodes: int
    run_s: int


class Alone(NamedTuple):
    """A gang of a contract: its start with others, and alone; None: it did not start, or had not by the end."""

    job_id: str
    product: str
    region: str
    sku: str
    gpus: int
    submit_s: int
    start_s: int | None
    alone_s: int | None

    @property
    def later_s(self) -> int | None:
        """By how much sharing delayed it; below 0 where an own gang that failed to start left it room."""
        return None if self.start_s is None or self.alone_s is None else self.start_s - self.alone_s


def starts_alone(gangs: Sequence[Gang], changes: Sequence[Change], until_s: int) -> list[int | None]:
    """Return when each gang starts in a private cluster whose nodes change so; None: not before `until_s`.

    `gangs` in the order of the line. Cost: O(gangs waiting) per event.
    """
    happens = [(at_s, 0, nodes) for at_s, nodes in changes]
    happens += [(gang.submit_s, 1, row) for row, gang in enumerate(gangs)]
    heapq.heapify(happens)
    found: list[int | None] = [None] * len(gangs)
    waiting: list[int] = []
    free = 0
    while happens and happens[0][0] < until_s:
        now_s = happens[0][0]
        while happens and happens[0][0] == now_s:
            _, kind, what = heapq.heappop(happens)
            if kind:
                waiting.append(what)
            else:
                free += what
        for row in sorted(waiting):
            gang = gangs[row]
            if gang.nodes <= free:
                free -= gang.nodes
                found[row] = now_s
                waiting.remove(row)
                heapq.heappush(happens, (now_s + max(1, gang.run_s), 0, gang.nodes))
    return found


def alone(folder: Path, tenant: str) -> list[Alone]:
    """Return the gangs of a tenant's contracts in a finished run, in order of submission, place by place.

    Raises SimError: no such run, or a file of it is damaged.
    """
    run = read(folder)
    contracts = [each for each in run_terms(run).registry.contracts if each.tenant == tenant]
    found: list[Alone] = []
    for region, sku in sorted({(each.region, each.sku) for each in contracts}):
        changes: list[Change] = []
        for contract in contracts:
            if (contract.region, contract.sku) == (region, sku):
                for span in spans(contract):
                    changes += [(span.from_s, span.delivered), (span.until_s, -span.delivered)]
        found += _of_pool(run, tenant, region, sku, changes)
    return found


def _of_pool(run: RunFolder, tenant: str, region: str, sku: str, changes: Sequence[Change]) -> list[Alone]:
    rows = run.query(
        "SELECT job_id, product, gpus, submit_s, run_s, start_s FROM jobs"
        " WHERE band = 'reserved' AND tenant = $tenant AND region = $region AND sku = $sku ORDER BY submit_s, job_id",
        tenant=tenant,
        region=region,
        sku=sku,
    )
    pools = run.manifest["pools"]
    per_node = next(int(each["gpus_per_node"]) for each in pools if (each["region"], each["sku"]) == (region, sku))
    gangs = [Gang(row["submit_s"], -(-row["gpus"] // per_node), row["run_s"]) for row in rows]
    starts = starts_alone(gangs, changes, int(run.manifest["horizon_s"]))
    return [
        Alone(row["job_id"], row["product"], region, sku, row["gpus"], row["submit_s"], row["start_s"], at_s)
        for row, at_s in zip(rows, starts, strict=True)
    ]
