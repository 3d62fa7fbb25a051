"""What the API is handed from outside: finished runs of a simulation, for operators to look at, and the desk.

Times are Unix seconds, amounts exact micro-units or whole ones, as their names say. Whoever keeps runs implements
`RunsPort`; a service without any is built with `NoRuns`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from billing.settling.settle import CapacityHour, HouseHour
from billing.terms import Terms


class RunTold(NamedTuple):
    """A finished run: what was run under which policy, from `from_s` until `until_s`."""

    id: str
    scenario: str
    policy: str
    lend: str
    seed: int
    from_s: int
    until_s: int
    installed_gpus: int


class Eviction(NamedTuple):
    """A holder who had to leave. `by_*` is for whom, "" where it was for nobody; `lost_micro` is what the work that was
    lost had cost, None where nobody has said."""

    job: str
    tenant: str
    product: str
    region: str
    sku: str
    gpus: int
    noticed_s: int
    evicted_s: int
    guaranteed_until_s: int
    by_job: str
    by_product: str
    lost_gpu_s: int
    lost_micro: int | None


class Credit(NamedTuple):
    """What broken promises of a product gave back in a month ("2026-11"), to all tenants together; `tenants` used it,
    `broken` of them were promised more than they got."""

    period: str
    product: str
    tenants: int
    broken: int
    micro: int
    currency: str


class RunsPort(Protocol):
    """Finished runs. Every method but `runs` is asked for the id of one of them.

    Raises BillingError: the run cannot be read.
    """

    def runs(self) -> Sequence[RunTold]:
        """Return the runs, oldest first."""

    def bands(self, run: str) -> Mapping[str, str]:
        """Return the band of each product, as `tenants.band.Band` names it."""

    def headline(self, run: str) -> Mapping[str, Any]:
        """Return the headline numbers: names to numbers, texts and further such names."""

    def capacity(self, run: str) -> Sequence[CapacityHour]:
        """Return where every installed GPU-second was."""

    def revenue(self, run: str) -> Sequence[HouseHour]:
        """Return what all tenants together used of each product, and what that comes to."""

    def evictions(self, run: str) -> Sequence[Eviction]:
        """Return who had to leave, in order of time."""

    def credits(self, run: str) -> Sequence[Credit]:
        """Return what was given back, month by month."""

    def snapshot(self, run: str, at_s: int) -> Mapping[str, Any]:
        """Return the cluster at one moment, as a live scheduler would tell it (`schemas.snapshots.NewSnapshot`)."""


class NoRuns:
    """No runs: what a service has that shows a live cluster alone."""

    def runs(self) -> Sequence[RunTold]:
        """Return none."""
        return ()

    def _none(self, run: str, at_s: int = 0) -> Any:
        """Raise LookupError: nobody asks for a run that is not in the list."""
        raise LookupError(run, at_s)

    bands = headline = capacity = revenue = evictions = credits = snapshot = _none


class DeskPort(NamedTuple):
    """The desk that rents out, as a service drives it.

    Attributes:
        terms: the terms by which rentals are billed now; None: there are none.
        turn:  has the desk do at once what is due (`billing.store.desk`); it comes round by itself, too.
    """

    terms: Callable[[], Terms | None] = lambda: None
    turn: Callable[[], object] = lambda: None


NO_DESK = DeskPort()
