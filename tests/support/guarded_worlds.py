"""Crowded worlds in which one tenant has cells guaranteed and never asks for more than these at a time."""

import random

import numpy as np

from scheduler.events import NEVER, Event, EventKind
from scheduler.quotas.cells import CellTree
from scheduler.quotas.rows import GuaranteeRow, Tenancy
from scheduler.tables import PoolRow, ProductRow, ReservationRow
from small_worlds import CRITICAL, HORIZON_S, INTERNAL, RESERVED, SPOT
from tenancy_worlds import QuotaWorld

LEGAL, OTHERS, RENTER = 0, 1, 2


def guarded_world(seed: int, *, others: bool = True, notice_s: int | None = None) -> QuotaWorld:
    """One pool with racks. Tenant 0 has nodes or racks guaranteed and never asks for more at a time; everybody else
    asks for all there is, in every band; another tenant has a guarantee too. `others`: whether anybody else comes."""
    rng = random.Random(f"cells {seed}")
    per_node = rng.choice((1, 2, 4))
    racks = [rng.randint(1, 4) for _ in range(rng.randint(2, 4))]
    nodes = sum(racks)
    tree = CellTree(nodes, per_node, [racks])
    by_rack = rng.random() < 0.4
    # A guaranteed rack may be any of them: the tenant can count on the smallest.
    most = min(racks) if by_rack else rng.randint(1, max(1, nodes // 3))
    guarantees = [GuaranteeRow(LEGAL, 0, tree.top if by_rack else tree.node_level, 1 if by_rack else most)]
    if nodes - max(racks) - most > 1:
        guarantees.append(GuaranteeRow(OTHERS, 0, tree.node_level, 1))
    contract_nodes = rng.choice((0, 0, 1)) if nodes - max(racks) - most > 3 else 0
    notice_s = rng.choice((0, 20)) if notice_s is None else notice_s
    products = (
        ProductRow(CRITICAL, 0, False, notice_s, False, True, 0, 0),
        ProductRow(RESERVED, 0, False, 0, True, True, 0, 0),
        ProductRow(INTERNAL, 0, False, notice_s, False, True, 0, 0),
        ProductRow(INTERNAL, 0, False, notice_s, False, True, 0, 0),
        ProductRow(SPOT, 0, False, notice_s, True, True, 0, 0),
    )
    rows = legal_jobs(rng, most, per_node)
    for _ in range(60):
        tenant, product = rng.choice(((OTHERS, CRITICAL), (OTHERS, INTERNAL), (OTHERS, INTERNAL), (RENTER, SPOT)))
        gpus = rng.choice((1, per_node, per_node, 2 * per_node, nodes * per_node))
        rows.append((rng.randint(0, 1200), tenant, product, gpus, rng.randint(50, 500)))
    if contract_nodes:
        rows += [(rng.randint(0, 1000), RENTER, RESERVED, contract_nodes * per_node, 100) for _ in range(3)]
    rows = sorted(row for row in rows if others or row[1] == LEGAL)
    columns = [np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)]
    names = ("submit_s", "tenant", "product", "gpus", "run_s")
    jobs = dict(zip(names, columns, strict=True))
    jobs |= {"estimate_s": jobs["run_s"], "pool": 0 * jobs["run_s"], "patience_s": 0 * jobs["run_s"] + NEVER}
    told = [(at_s, Event(EventKind.SUBMIT, row)) for row, at_s in enumerate(jobs["submit_s"].tolist())]
    reservations = (ReservationRow(RENTER, 0, contract_nodes, 0, HORIZON_S),) if contract_nodes else ()
    told += [(0, Event(EventKind.CONTRACT_BEGIN, row)) for row in range(len(reservations))]
    pool = PoolRow(nodes, per_node, 0, (tuple(racks),))
    tenancy = Tenancy(guarantees=tuple(guarantees))
    return QuotaWorld((pool,), products, reservations, (0, 0, 1), jobs, tuple(told), 300, tenancy)


def legal_jobs(rng: random.Random, most: int, per_node: int) -> list[tuple[int, int, int, int, int]]:
    """Jobs of whole nodes that never ask for more than `most` nodes at a time, each by its own length from its grant,
    with time for the notice of others in between."""
    rows, busy = [], []
    for at_s in sorted(rng.randint(0, 1500) for _ in range(25)):
        busy = [(until_s, nodes) for until_s, nodes in busy if until_s > at_s]
        free = most - sum(nodes for _, nodes in busy)
        if free:
            nodes, run_s = rng.randint(1, free), rng.randint(10, 300)
            busy.append((at_s + run_s + 25, nodes))
            product = rng.choice((CRITICAL, INTERNAL))
            rows.append((at_s, LEGAL, product, nodes * per_node, run_s))
    return rows
