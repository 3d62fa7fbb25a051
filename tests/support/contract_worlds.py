"""Random contracts that fit each other, over the small closed worlds of `billing_facts`."""

import random
from typing import Any

from billing.books import Books
from billing.contracts.basis import Basis
from billing.contracts.line import ContractLine
from billing.contracts.lines import contract_lines
from billing_facts import HOUR_S, NAMES, closed_world, price_book, registry
from tenants.registry import Registry

TICK_S = 600
HOURS = 4
RENTERS = ("acme", "birch")


def random_contract(rng: random.Random, number: int) -> dict[str, Any]:
    """A contract of any kind, as a file would say it: its times are multiples of a tick, its floors of an hour."""
    ticks = HOURS * 6
    floor = rng.choice((None, None, "hour", "month", "term"))
    grain = 6 if floor else 1
    from_tick = rng.randrange(0, ticks - grain, grain)
    until_tick = rng.randrange(from_tick + grain, ticks + 7, grain)
    row: dict[str, Any] = {
        "id": f"c{number}",
        "tenant": RENTERS[number % 2] if floor else rng.choice(RENTERS),
        "product": "bare.reserved",
        "region": rng.choice(NAMES.regions),
        "sku": rng.choice(NAMES.skus),
        "nodes": rng.randint(1, 3),
        "from_s": from_tick * TICK_S,
        "until_s": until_tick * TICK_S,
        "gpus_per_node": rng.choice((1, 8)),
        "charge": rng.choice(("usage", "term")),
        "delivery_remedy_bp": rng.choice((0, 5_000, 15_000)),
        "recall_remedy_bp": rng.choice((0, 10_000)),
        "recall_notice_s": rng.choice((0, 2 * TICK_S)),
    }
    row |= _ramp(rng, row, until_tick - from_tick)
    if floor:
        row["take_or_pay"] = _floor(rng, floor)
    if rng.random() < 0.3:
        row["prepayment"] = str(rng.randint(1, 40))
    return row


def _ramp(rng: random.Random, row: dict[str, Any], length: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if rng.random() < 0.4:
        found["delivered_s"] = row["from_s"] + rng.randint(0, length) * TICK_S
    steps, before = [], row["nodes"]
    for at in sorted(rng.sample(range(1, length), min(rng.randint(0, 2), length - 1))) if length > 1 else ():
        nodes = rng.randint(0, 4)
        late = {"delivered_s": row["from_s"] + (at + rng.randint(0, 4)) * TICK_S} if nodes >= before else {}
        steps.append({"from_s": row["from_s"] + at * TICK_S, "nodes": nodes, **(late if rng.random() < 0.5 else {})})
        before = nodes
    found["steps"] = steps
    if not steps and "delivered_s" not in found and rng.random() < 0.5:
        at_s = row["from_s"] + rng.randrange(length) * TICK_S
        said_s = max(0, at_s - rng.randint(0, 3) * TICK_S)
        found["recalls"] = [{"noticed_s": said_s, "from_s": at_s, "nodes": rng.randint(1, row["nodes"])}]
    return found


def _floor(rng: random.Random, per: str) -> dict[str, Any]:
    products = rng.choice(((), ("bare.spot",), ("bare.reserved", "bare.ondemand")))
    if rng.random() < 0.5:
        size = {"hour": "30.50", "month": "4000", "term": "75"}[per]
        return {"per": per, "amount": size, "products": list(products)}
    hours = {"hour": 9, "month": 3_000, "term": 25}[per]
    return {"per": per, "gpu_hours": hours, "price_per_gpu_hour": "1.333333", "products": list(products)}


def parties(contracts: list[dict[str, Any]]) -> Registry:
    """The parties of `billing_facts` with these contracts."""
    known = registry()
    return Registry.from_mapping(
        {
            "tenant": [tenant.model_dump() for tenant in known.tenants],
            "product": [product.model_dump() for product in known.products],
            "contract": contracts,
        }
    )


def random_parties(seed: int) -> Registry:
    """One to three contracts; at most one floor for each tenant."""
    rng = random.Random(seed)
    rows = [random_contract(rng, number) for number in range(rng.randint(1, 3))]
    with_floor: set[str] = set()
    for row in rows:
        if row["tenant"] in with_floor:
            row.pop("take_or_pay", None)
        if "take_or_pay" in row:
            with_floor.add(row["tenant"])
    return parties(rows)


def lines_of(books: Books, who: Registry, horizon_s: int | None = None) -> list[ContractLine]:
    """The contract lines of these books."""
    horizon_s = books.horizon_s if horizon_s is None else horizon_s
    basis = Basis(NAMES, who, price_book(), books.lines, books.capacity, horizon_s, {})
    return contract_lines(basis)


def full_world(seed: int) -> Books:
    """Books of four whole hours across the end of a month, in ticks."""
    world = closed_world(seed)
    while world.horizon_s != HOURS * HOUR_S:
        seed += 1_000_003
        world = closed_world(seed)
    return world.books()
