"""One finished run for the API to show, made up: an hour of two GPUs, one eviction, one credit."""

from collections.abc import Mapping, Sequence
from typing import Any

from billing.api.ports import Credit, Eviction, RunTold
from billing.settling.settle import CapacityHour, HouseHour

FROM_S = 1_767_225_600
RUN = RunTold("gap-1", "gap", "easy", "all_idle", 1, FROM_S, FROM_S + 3_600, 2)
NODE: Mapping[str, Any] = {"region": "us-1", "sku": "h100", "state": "free", "gpus": 8, "held_gpus": 0}


class OneRun:
    """A `RunsPort` with one run."""

    def runs(self) -> Sequence[RunTold]:
        return [RUN]

    def bands(self, run: str) -> Mapping[str, str]:
        return {"bare.spot": "spot", "int.frontier": "internal_critical"}

    def headline(self, run: str) -> Mapping[str, Any]:
        delay = {"jobs": 2, "later": 1, "earlier": 0, "total_s": 60, "p99_s": 60, "max_s": 60, "unpaired": 0}
        return {"policy": "easy", "findings": [], "internal_delay": delay, "reclaim": {"bound_s": None}}

    def capacity(self, run: str) -> Sequence[CapacityHour]:
        states = {"held.bare.spot": 3_600, "held.int.frontier": 3_000, "idle.no_demand": 500, "scrubbing": 100}
        return [CapacityHour("", FROM_S, "us-1", "h100", state, gpu_s) for state, gpu_s in states.items()]

    def revenue(self, run: str) -> Sequence[HouseHour]:
        return [
            HouseHour("", FROM_S, "bare.spot", 3_600, "2950000", "1", "USD"),
            HouseHour("", FROM_S, "int.frontier", 3_000, "5000000", "3", "USD"),
        ]

    def evictions(self, run: str) -> Sequence[Eviction]:
        times = FROM_S + 60, FROM_S + 120, FROM_S
        return [Eviction("a-1", "acme", "bare.spot", "us-1", "h100", 8, *times, "f-1", "int.frontier", 480, 393_333)]

    def credits(self, run: str) -> Sequence[Credit]:
        return [Credit("2026-01", "bare.spot", 1, 1, 1_500_000, "USD")]

    def snapshot(self, run: str, at_s: int) -> Mapping[str, Any]:
        names = ("free", "held", "free", "free", "down", "free")
        nodes = [
            {**NODE, "node": f"us-1/h100/{at}", "state": state, "domain": f"0/{at // 2}"}
            for at, state in enumerate(names)
        ]
        nodes[1] |= {"held_gpus": 6, "holder": "acme", "product": "bare.spot", "job": "a-1"}
        where = {"tenant": "acme", "product": "bare.spot", "region": "us-1", "sku": "h100", "gpus": 8}
        begun = "2026-01-01T00:00:00Z"
        waiting = {**where, "job": "a-2", "since": begun, "reason": "capacity", "why": "", "expected": None}
        notice = {**where, "job": "a-1", "noticed": begun, "leaves": "2026-01-01T00:01:00Z"}
        return {
            "source": run,
            "time": begun,
            "nodes": nodes,
            "queue": [waiting],
            "queue_count": 1,
            "notices": [notice],
        }
