"""Contracts the slow and obvious way: tick by tick, in fractions, with dictionaries, from the terms as written.

Shares nothing with the product but the records of the terms. One tick is `TICK_S` seconds; all times are multiples.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from fractions import Fraction

from tenants.contract import Contract

TICK_S = 600
HOUR_S = 3600
RENTED = ("bare.ondemand", "bare.spot")
Held = dict[tuple[str, str, str, str, int], int]  # (tenant, product, region, sku, hour) -> GPU-seconds
Money = dict[tuple[str, str, int], Fraction]  # (tenant, product, hour) -> micro-units
Facts = dict[tuple[str, str, str], tuple[Fraction, Fraction]]  # (contract, kind, month) -> (quantity, amount)


def end_of(contract: Contract) -> int:
    end_s = contract.until_s
    if contract.renewal is None:
        return end_s
    while contract.cancelled_s is None or contract.cancelled_s + contract.renewal.notice_s > end_s:
        end_s += contract.renewal.length_s
        if end_s > 10**8:
            break
    return end_s


def nodes(contract: Contract, at_s: int) -> dict[str, int]:
    """Promised, delivered, late and recalled nodes at one instant."""
    if not contract.from_s <= at_s < end_of(contract):
        return {"promised": 0, "delivered": 0, "late": 0, "recalled": 0}
    owed, there = 0, 0
    for step in (contract, *contract.steps):
        came_s = step.from_s if step.delivered_s is None else step.delivered_s
        owed = step.nodes if step.from_s <= at_s else owed
        there = step.nodes if came_s <= at_s else there
    there = min(owed, there)
    late = owed - there
    due = gone = 0
    for recall in contract.recalls:
        gone += recall.nodes if recall.from_s <= at_s else 0
        due += recall.nodes if max(recall.from_s, recall.noticed_s + contract.recall_notice_s) <= at_s else 0
    promised = max(0, owed - due)
    late = min(late, promised)
    early = min(gone - due, promised - late)
    return {"promised": promised, "delivered": promised - late - early, "late": late, "recalled": early}


def month_of(epoch_s: int, hour: int) -> str:
    return datetime.fromtimestamp(epoch_s + hour * HOUR_S, UTC).strftime("%Y-%m")


class SlowContracts:
    """All contracts of a small world over [0, horizon)."""

    def __init__(
        self,
        epoch_s: int,
        contracts: Iterable[Contract],
        held: Held,
        charged: Money,
        idle: dict[tuple[str, str, int], int],
        prices: dict[tuple[str, str, str, int], int],
        horizon_s: int,
    ) -> None:
        self.epoch_s, self.contracts = epoch_s, list(contracts)
        self.held, self.charged, self.idle, self.prices = held, dict(charged), idle, prices
        self.horizon_s, self.hours = horizon_s, -(-horizon_s // HOUR_S)
        self.facts: dict[tuple[str, str, str], list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])

    def run(self) -> Facts:
        for hour in range(self.hours):
            self._hour(hour)
        for contract in self.contracts:
            if contract.take_or_pay:
                self._floor(contract)
        return {key: (quantity, amount) for key, (quantity, amount) in self.facts.items() if quantity or amount}

    def _add(self, contract: Contract, kind: str, hour: int, quantity: Fraction | int, amount: Fraction | int) -> None:
        fact = self.facts[contract.id, kind, month_of(self.epoch_s, hour)]
        fact[0] += quantity
        fact[1] += amount

    def _hour(self, hour: int) -> None:
        rest = dict(self.held)
        owed: dict[str, dict[str, int]] = {}
        used: dict[str, int] = {}
        for contract in sorted(self.contracts, key=lambda each: (each.from_s, each.id)):
            sums = dict.fromkeys(("promised", "delivered", "late", "recalled"), 0)
            for at_s in range(hour * HOUR_S, min(self.horizon_s, (hour + 1) * HOUR_S), TICK_S):
                for what, count in nodes(contract, at_s).items():
                    sums[what] += count * (contract.gpus_per_node or 0) * TICK_S
            key = (contract.tenant, contract.product, contract.region, contract.sku, hour)
            used[contract.id] = min(sums["delivered"], rest.get(key, 0))
            rest[key] = rest.get(key, 0) - used[contract.id]
            owed[contract.id] = sums
        for pool in {(each.region, each.sku) for each in self.contracts}:
            self._pool_hour(hour, pool, owed, used)

    def _pool_hour(
        self, hour: int, pool: tuple[str, str], owed: dict[str, dict[str, int]], used: dict[str, int]
    ) -> None:
        here = [each for each in self.contracts if (each.region, each.sku) == pool]
        left = [owed[each.id]["delivered"] - used[each.id] for each in here]
        rented = sum(
            gpu_s for (_, product, *place, at), gpu_s in self.held.items()
            if product in RENTED and tuple(place) == pool and at == hour
        )  # fmt: skip
        away = min(max(0, sum(left) - self.idle.get((*pool, hour), 0)), rented)
        for row, contract in enumerate(here):
            dealt = [away * sum(left[:end]) // max(1, sum(left)) for end in (row, row + 1)]
            lent, sums = dealt[1] - dealt[0], owed[contract.id]
            if not sums["promised"]:
                continue
            price = Fraction(self.prices[contract.product, *pool, hour], HOUR_S)
            term = int(contract.charge == "term")
            self._add(contract, "reservation_used", hour, used[contract.id], 0)
            self._add(contract, "reservation_unused", hour, left[row], term * left[row] * price)
            self._add(contract, "reservation_lent", hour, lent, 0)
            self._add(contract, "reservation_undelivered", hour, sums["late"] + sums["recalled"], 0)
            for what, remedy_bp in (
                ("late", contract.delivery_remedy_bp),
                ("recalled", contract.recall_remedy_bp),
            ):
                if remedy_bp:
                    self._add(contract, f"remedy_{what}", hour, sums[what], -sums[what] * price * remedy_bp / 10_000)
            if term:
                key = (contract.tenant, contract.product, hour)
                self.charged[key] = self.charged.get(key, Fraction(0)) + left[row] * price

    def _floor(self, contract: Contract) -> None:
        floor = contract.take_or_pay
        assert floor is not None
        size = Fraction(floor.amount or 0) * 10**6 if floor.gpu_hours is None else Fraction(floor.gpu_hours * HOUR_S)
        price = Fraction(floor.price_per_gpu_hour or 0) * 10**6 / HOUR_S if floor.gpu_hours else Fraction(1)
        for hours, part, closed in self._periods(contract, floor.per):
            drawn = sum((self._drawn(contract, hour) for hour in hours), Fraction(0))
            covered = min(size * part, drawn)
            unused = size * part - covered
            short = "commitment_unused" if floor.per == "hour" else "true_up"
            if closed:
                self._add(contract, short, hours[-1], unused if floor.gpu_hours else 0, unused * price)
            for kind, quantity in (("commitment_covered", covered), ("commitment_on_demand", drawn - covered)):
                self._add(contract, kind, hours[-1], quantity if floor.gpu_hours else 0, 0)

    def _drawn(self, contract: Contract, hour: int) -> Fraction:
        assert contract.take_or_pay is not None
        scope = contract.take_or_pay.products
        if contract.take_or_pay.gpu_hours is None:
            return sum(
                (micro for (tenant, product, at), micro in self.charged.items()
                 if tenant == contract.tenant and at == hour and (not scope or product in scope)),
                Fraction(0),
            )  # fmt: skip
        return Fraction(
            sum(
                gpu_s for (tenant, product, _, _, at), gpu_s in self.held.items()
                if tenant == contract.tenant and at == hour and (not scope or product in scope)
            )
        )  # fmt: skip

    def _periods(self, contract: Contract, per: str) -> Iterable[tuple[list[int], Fraction, bool]]:
        """(hours, part of a whole floor, whether it is over) of every period that has begun."""
        seconds = {
            hour: sum(
                TICK_S for at_s in range(hour * HOUR_S, min(self.horizon_s, (hour + 1) * HOUR_S), TICK_S)
                if contract.from_s <= at_s < end_of(contract)
            )
            for hour in range(self.hours)
        }  # fmt: skip
        inside = [hour for hour in range(self.hours) if seconds[hour]]
        if per == "hour":
            yield from (([hour], Fraction(seconds[hour], HOUR_S), True) for hour in inside)
        elif per == "month":
            for label in dict.fromkeys(month_of(self.epoch_s, hour) for hour in inside):
                hours = [hour for hour in inside if month_of(self.epoch_s, hour) == label]
                year, number = map(int, label.split("-"))
                begins = datetime(year, number, 1, tzinfo=UTC)
                ends = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
                whole_s = int((ends - begins).total_seconds())
                yield hours, Fraction(sum(seconds[hour] for hour in hours), whole_s), True
        else:
            from_s, until_s = contract.from_s, contract.until_s
            while from_s < min(self.horizon_s, end_of(contract)):
                hours = [hour for hour in inside if from_s <= hour * HOUR_S < until_s]
                yield hours, Fraction(1), until_s <= self.horizon_s
                from_s, until_s = until_s, until_s + (contract.renewal.length_s if contract.renewal else HOUR_S)
