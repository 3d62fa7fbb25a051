"""Finished runs as the API shows them to operators (`billing.api.ports.RunsPort`): folders, read when asked."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from billing.api.ports import Credit, Eviction, RunTold
from billing.errors import BillingError
from billing.money import CURRENCY, Exact, parse_usd, reduced
from billing.settling.settle import HOUSE, CapacityHour, HouseHour
from sim.errors import SimError
from sim.folder.run_folder import RunFolder, read

_REVENUE = """
    SELECT hour_s, product, amount_denominator AS denominator, sum(amount_numerator::HUGEINT) AS numerator,
           sum(CASE WHEN meter = 'gpu_s' THEN quantity ELSE 0 END) AS gpu_s
    FROM line_items GROUP BY ALL ORDER BY hour_s, product
"""

_SAME = ("tenant", "product", "region", "sku", "gpus", "lost_gpu_s")


class Runs:
    """The runs of the folders that `folders` names, each time it is asked."""

    def __init__(self, folders: Callable[[], Sequence[Path]]) -> None:
        self._folders = folders

    def runs(self) -> list[RunTold]:
        """Return the runs, oldest first. A folder that cannot be read is none."""
        found = []
        for path in self._folders():
            try:
                found.append(_told(path.resolve().name, read(path)))
            except SimError:
                continue
        return found

    def bands(self, run: str) -> dict[str, str]:
        """Return the band of each product that a job asked for. Raises BillingError."""
        with self._opened(run) as folder:
            return {row["product"]: row["band"] for row in folder.query("SELECT DISTINCT product, band FROM jobs")}

    def headline(self, run: str) -> dict[str, Any]:
        """Return the summary. Raises BillingError."""
        with self._opened(run) as folder:
            return folder.summary()

    def capacity(self, run: str) -> list[CapacityHour]:
        """Return where every installed GPU-second was. Raises BillingError. Cost: O(hours x states)."""
        with self._opened(run) as folder:
            rows = folder.query("SELECT hour_s, region, sku, state, gpu_s FROM capacity ORDER BY ALL")
            return [CapacityHour(HOUSE, folder.names.epoch_s + row.pop("hour_s"), **row) for row in rows]

    def revenue(self, run: str) -> list[HouseHour]:
        """Return what products were used and what that comes to. Raises BillingError. Cost: one scan of the lines."""
        with self._opened(run) as folder:
            return [_house_hour(row, folder.names.epoch_s) for row in folder.query(_REVENUE)]

    def evictions(self, run: str) -> list[Eviction]:
        """Return who had to leave, in order of time. Raises BillingError."""
        with self._opened(run) as folder:
            rows = folder.query("SELECT * FROM evictions ORDER BY evicted_s, job_id")
            return [_eviction(row, folder.names.epoch_s) for row in rows]

    def credits(self, run: str) -> list[Credit]:
        """Return what was given back. Raises BillingError."""
        sums: dict[tuple[str, str], list[int]] = {}
        with self._opened(run) as folder:
            for row in folder.query("SELECT month, product, met, credit_usd FROM sla ORDER BY month, product"):
                each = sums.setdefault((row["month"], row["product"]), [0, 0, 0])
                each[0] += 1
                each[1] += row["met"] is False
                each[2] += parse_usd(row["credit_usd"])
        return [
            Credit(month, product, tenants, broken, micro, CURRENCY)
            for (month, product), (tenants, broken, micro) in sums.items()
        ]

    def snapshot(self, run: str, at_s: int) -> Mapping[str, Any]:
        """Return the cluster as the last decision up to Unix second `at_s` left it.

        Raises BillingError: the run cannot be read, or has no tape. Cost: one replay of the tape up to that moment.
        """
        from sim.answers.cluster_at import cluster_at

        with self._opened(run) as folder:
            return cluster_at(folder, at_s - folder.names.epoch_s)

    @contextmanager
    def _opened(self, run: str) -> Iterator[RunFolder]:
        path = next((path for path in self._folders() if path.resolve().name == run), None)
        try:
            if path is None:
                raise SimError("run is gone", code="run.not_a_run", found=run)
            yield read(path)
        except SimError as error:
            raise BillingError(error.message, code="run_unreadable", path=run) from None


def _told(id_: str, folder: RunFolder) -> RunTold:
    told, epoch_s = folder.manifest, folder.names.epoch_s
    gpus = sum(pool["nodes"] * pool["gpus_per_node"] for pool in told["pools"])
    words = str(told["scenario"]), str(told["policy"]), str(told["lend"])
    return RunTold(id_, *words, int(told["seed"]), epoch_s, epoch_s + int(told["horizon_s"]), gpus)


def _house_hour(row: Mapping[str, Any], epoch_s: int) -> HouseHour:
    exact = reduced(Exact(int(row["numerator"]), int(row["denominator"])))
    amount = str(exact.numerator), str(exact.denominator)
    return HouseHour(HOUSE, epoch_s + row["hour_s"], row["product"], int(row["gpu_s"]), *amount, CURRENCY)


def _eviction(row: Mapping[str, Any], epoch_s: int) -> Eviction:
    same = {name: row[name] for name in _SAME}
    return Eviction(
        job=row["job_id"],
        **same,
        **{name: epoch_s + row[name] for name in ("noticed_s", "evicted_s", "guaranteed_until_s")},
        by_job=row["by_job_id"] or "",
        by_product=row["by_product"] or "",
        lost_micro=row["lost_micro_usd"],
    )
