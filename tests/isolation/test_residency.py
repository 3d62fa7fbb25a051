"""Where a tenant's work may be: not even a fault, an eviction or a report moves it to another region."""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import strategies as st

from billing.closing.month import Basis
from billing.closing.of_log import basis_of
from billing.intake import stream
from billing.intake.record import Interval
from billing.log import known
from isolation import Case, attack, mutant
from scheduler.jobs.lives import Lives
from scheduler.state.pool import Pool
from shared_bills import ME, NOBODY, OTHER, facts_of_others, log_of, shown_to_me, terms_with
from sim.engine.run import run
from sim.errors import SimError
from sim.folder import run_folder
from sim.folder.log import events_of
from sim.scenario.build import build
from sim.scenario.file import from_mapping, show
from sim.settle import settle
from told_events import EPOCH_S, started

SEEDS = st.integers(0, 10**6)


@cache
def small() -> dict[str, Any]:
    return tomllib.loads(show("small"), parse_float=Decimal)


def two_regions(at_home: bool = True) -> dict[str, Any]:
    """The small scenario with a second site in the EU. Acme's work may be there alone; everybody else's is anywhere.

    Nodes fail often and spot is taken back, so that its jobs have to begin again and again.
    """
    found = small()
    home, abroad = {"region": "eu-1", "sku": "h100"}, {"region": "us-1", "sku": "h100"}
    tenants = [{**row, "regions": ["eu-1"]} if row["id"] == "acme" else row for row in found["tenant"]]
    demand = [{**row, **(home if row["tenant"] == "acme" and at_home else abroad)} for row in found["demand"]]
    demand.append({**found["demand"][2], **home, "name": "birch-eu", "jobs_per_day": 40})
    faults = {**found["faults"], "rate_per_1000_node_days": 900}
    programme = {**found["programme"], **abroad}
    pools = [found["pool"][0], {**found["pool"][0], "region": "eu-1", "nodes": 5}]
    return {**found, "pool": pools, "tenant": tenants, "demand": demand, "faults": faults, "programme": programme}


@attack("R1")
def test_the_work_of_a_tenant_stays_in_its_regions(case: Case) -> None:
    """Through faults, evictions and restarts, in what was held, in what is billed, and in the log that it becomes; a
    scenario that places it elsewhere is refused."""
    with pytest.raises(SimError, match=r"acme may not be in|acme.*region"):
        run(build(from_mapping(two_regions(at_home=False), "two.toml"), days=1))
    world = build(from_mapping(two_regions(), "two.toml"), seed=case.seed % 1_000, days=2)
    result = run(world)
    acme, home = world.names.tenants.index("acme"), world.names.regions.index("eu-1")
    segments = result.segments
    mine = segments.tenant == acme
    begun_again = int(mine.sum()) - len(set(segments.job[mine].tolist()))
    case.tried(int(mine.sum()))
    assert begun_again > 5, f"only {begun_again} of {int(mine.sum())} starts are restarts: that shows nothing"
    assert (segments.region[mine] == home).all(), "work began again in another region"
    books = settle(result)
    assert books.findings == [], f"what was held is not where it is said to be: {books.findings[:1]}"
    assert (books.usage.region[books.usage.tenant == acme] == home).all()
    folder = run_folder.write(case.folder / "run", result, books, "two", show("small"), {}, None)
    for event in events_of(run_folder.read(folder)):
        assert event.subject != "acme" or '"us-1"' not in event.data, f"the log tells of acme abroad: {event.data}"


@mutant(
    "R1",
    "who begins again begins where there is room, whatever the region",
    of=test_the_work_of_a_tenant_stays_in_its_regions,
)
@contextmanager
def migration() -> Iterator[None]:
    real = Lives._push

    def anywhere(self: Lives, job: int, pool: Pool) -> None:
        if self.jobs.first_start_s[job] >= 0 and len(self.pools) > 1:
            pool = self.pools[1 - pool.index]
            self.jobs.pool[job] = pool.index
            pool.stir(0)
        real(self, job, pool)

    with patch.object(Lives, "_push", anywhere):
        yield


@attack("R1")
def test_use_in_a_region_where_a_tenant_may_not_be_is_set_aside(case: Case) -> None:
    """A log that tells of it, late and by whichever source, bills nothing of it and shows nothing of it."""

    def look(seed: int) -> None:
        facts = [fact for fact in facts_of_others(seed) if fact[0] != "usage.metered"]
        abroad = started(300, f"abroad-{seed}", ME, 8, region="us")
        secrets = {**NOBODY, "facts": tuple(sorted([*facts, abroad], key=lambda fact: fact[1]))}
        terms = terms_with(secrets, regions={ME: ("eu",)})
        found = basis_of(log_of(secrets["facts"]), terms)
        assert isinstance(found.basis, Basis)
        names, usage = found.basis.books.names, found.basis.books.usage
        mine = usage.region[usage.tenant == names.tenants.index(ME)]
        assert {names.regions[region] for region in mine.tolist()} == {"eu"}, f"seed {seed}: billed abroad"
        told = {reason for _, _, reason, _, _ in found.arrived.quarantined}
        assert told == {f"the work of '{ME}' may not be in region 'us', only in eu"}, told
        theirs = usage.quantity[usage.tenant == names.tenants.index(OTHER)].sum()
        assert theirs > 0, "somebody without regions is set aside"
        rejected: list[str] = []
        told_of = [
            Interval(row, f"i{row}", ME, "bare.ondemand", region, "h100", 8, EPOCH_S, EPOCH_S + 60, "finished", 0)
            for row, region in enumerate(("us", "eu"))
        ]
        taken = stream.take_in(lambda: told_of, terms, lambda line: rejected.append(line.reason))
        assert (taken.intervals, rejected) == (1, sorted(told)), f"a file of intervals is billed abroad: {rejected}"
        for step, text in shown_to_me(found, ("csv",)):
            assert f"abroad-{seed}" not in text.decode(), step

    case.given(SEEDS, look, examples=3)


@mutant("R1", "a log is believed about the region", of=test_use_in_a_region_where_a_tenant_may_not_be_is_set_aside)
@contextmanager
def region_not_asked() -> Iterator[None]:
    with (
        patch.object(known, "abroad", lambda regions, tenant, region: ""),
        patch.object(stream, "abroad", lambda regions, tenant, region: ""),
    ):
        yield
