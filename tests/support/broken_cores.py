"""Deliberately broken schedulers. Each breaks one promise, and the check of that promise must catch it.

Each is a context manager that changes one line of the real one while it is open, so that a canary is never further from
the product than that line.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

import numpy as np

from scheduler import core
from scheduler.decide import serve
from scheduler.events import NEVER, Cause
from scheduler.jobs import failures, lives
from scheduler.nodes.capacity import Hold, Room
from scheduler.nodes.nodeset import lowest
from scheduler.plan import profile, promise, timetable
from scheduler.policies import POLICIES, Policy
from scheduler.policy import victims


@contextmanager
def first_condition_only() -> Iterator[None]:
    """EASY that knows only "ends by the promised start" (V5-canary)."""

    def first(room, end_s, full, part, promise):
        return room if end_s <= promise.at_s else None

    with patch.dict(POLICIES, {"easy": Policy("easy", backfill=first)}):
        yield


@contextmanager
def head_delayed() -> Iterator[None]:
    """A promised start one second too late: backfill takes what the head needs."""

    def delayed(*words):
        found = promise.promised(*words)
        return found._replace(at_s=found.at_s + 1)

    with patch.object(serve, "promised", delayed):
        yield


@contextmanager
def one_victim_too_few() -> Iterator[None]:
    """Reclaim that spares the last victim, and starts beside it when the others have left."""
    real_way = lives.in_the_way
    with patch.object(lives, "in_the_way", lambda pool, tier, hold: list(real_way(pool, tier, hold))[:-1]):
        yield


@contextmanager
def one_victim_too_many() -> Iterator[None]:
    """A victim set that is not pruned."""

    def unpruned(renters, sharers, enough):
        chosen = list(victims.youngest_first(renters, sharers, enough) or ())
        extra = [holder for holder in renters if holder not in chosen][:1]
        return chosen + extra or None

    with patch.dict(POLICIES, {"easy": Policy("easy", victims=unpruned)}):
        yield


@contextmanager
def grants_recomputed() -> Iterator[None]:
    """Grants that are taken back and given anew at each step: the natural first version."""
    real = serve.serve

    def forgetful(lives_, pool):
        for job in list(pool.granted):
            lives_.revoke(pool, job)
        real(lives_, pool)

    with patch.object(serve, "serve", forgetful), patch.object(core.serve, "serve", forgetful):
        yield


@contextmanager
def notice_served_twice_as_long() -> Iterator[None]:
    """Renters are given twice their notice: kind to them, and a broken promise to everybody else."""
    real = lives.Lives.serve_notice

    def kind(self, pool, job, *words, **told):
        product = self.jobs.product[job]
        rows = self.products
        longer = rows[product]._replace(notice_s=2 * rows[product].notice_s + 1)
        self.products = (*rows[:product], longer, *rows[product + 1 :])
        real(self, pool, job, *words, **told)
        self.products = rows

    with patch.object(lives.Lives, "serve_notice", kind):
        yield


@contextmanager
def scrub_forgotten() -> Iterator[None]:
    """Nodes that renters leave are not cleaned."""
    with patch.object(lives.Lives, "scrub", lambda self, pool, nodes: None):
        yield


@contextmanager
def part_of_a_gang() -> Iterator[None]:
    """A gang that starts one node short."""
    real = lives.Lives.grant

    def short(self, pool, tier, job, hold, at_once=False):
        if hold.whole.bit_count() > 1:
            hold = Hold(hold.whole ^ lowest(hold.whole, 1), hold.part, hold.gpus)
        real(self, pool, tier, job, hold, at_once)

    with patch.object(lives.Lives, "grant", short):
        yield


@contextmanager
def rentals_in_the_way() -> Iterator[None]:
    """Internal work that counts rented nodes as taken: rentals delay it for as long as they like."""
    real = lives.Pool.room

    def seen(self, tier):
        room = real(self, tier)
        return Room(room.capacity, room.closed | self.rented[2] | self.rented[3])

    with patch.object(lives.Pool, "room", seen):
        yield


@contextmanager
def guarantee_ignored() -> Iterator[None]:
    """Evictions that forget the guarantee."""
    real = lives.Lives.serve_notice

    def early(self, pool, job, *words, **told):
        until_s = self.jobs.guaranteed_until_s[job]
        rows = self.products
        product = self.jobs.product[job]
        self.products = tuple(row._replace(rolling=False) if at == product else row for at, row in enumerate(rows))
        self.jobs.guaranteed_until_s[job] = 0
        real(self, pool, job, *words, **told)
        self.products = rows
        self.jobs.guaranteed_until_s[job] = until_s

    with patch.object(lives.Lives, "serve_notice", early):
        yield


@contextmanager
def rented_nodes_not_counted() -> Iterator[None]:
    """Nodes that renters give back go on being counted as lent."""
    real = lives.Pool.give

    def forgetful(self, tier, job):
        lent = list(self.lent_nodes)
        hold = real(self, tier, job)
        self.lent_nodes = lent
        return hold

    with patch.object(lives.Pool, "give", forgetful):
        yield


@contextmanager
def offer_ignored() -> Iterator[None]:
    """Rentals that are granted whatever the Offer says."""
    with patch.object(serve, "_offered", lambda *words: True):
        yield


@contextmanager
def a_second_of_work_forgotten() -> Iterator[None]:
    """Work that is thrown away at each end of an allocation, and told to nobody."""
    real = lives.settle_work

    def forgetful(*words):
        kept = real(*words)
        return kept._replace(kept_s=max(0, kept.kept_s - 1))

    with patch.object(lives, "settle_work", forgetful):
        yield


@contextmanager
def events_in_the_order_told() -> Iterator[None]:
    """A core that takes the events of one instant as they come."""
    with patch.object(core, "sorted", list, create=True):
        yield


@contextmanager
def moods() -> Iterator[None]:
    """A policy whose order depends on how often it was asked."""
    asked = []

    def moody(jobs):
        asked.append(jobs)
        rows = np.arange(jobs.count, dtype=np.int64)
        return rows if len(asked) % 2 else rows[::-1].copy()

    with patch.dict(POLICIES, {"easy": Policy("easy", order=moody)}):
        yield


@contextmanager
def waiting_renters_count() -> Iterator[None]:
    """Internal work that starts only while no renter waits."""
    real = serve._serve_tier

    def shy(lives_, pool, tier, *more):
        if tier >= 2 or not pool.queue[3].count:
            real(lives_, pool, tier, *more)

    with patch.object(serve, "_serve_tier", shy):
        yield


@contextmanager
def spares_for_everyone() -> Iterator[None]:
    """Hot spares that anybody may start on."""

    def open_to_all(self):
        self.shut = [self.draining] * 4
        self._rooms = [self._open(self.firm), self._open(self.internal), None, None]

    with patch.object(lives.Pool, "reach_changed", open_to_all):
        yield


@contextmanager
def drains_ignored() -> Iterator[None]:
    """Nodes that drain, and are given away all the same."""
    real = lives.Pool.reach_changed

    def blind(self):
        draining, self.draining = self.draining, 0
        real(self)
        self.draining = draining

    with patch.object(lives.Pool, "reach_changed", blind):
        yield


@contextmanager
def drained_nodes_forgotten() -> Iterator[None]:
    """Nodes that are empty at last, and go on waiting for their maintenance."""
    with patch.object(failures, "vacated", lambda pool: None):
        yield


@contextmanager
def damping_that_forgets() -> Iterator[None]:
    """Damping that remembers no failure: every restart is the first."""
    with (
        patch.object(lives.Damper, "failed", lambda self, job, now_s: self.damping.base_s << 1),
        patch.object(lives.Damper, "is_meek", lambda self, job: False),
    ):
        yield


@contextmanager
def write_cost_dropped() -> Iterator[None]:
    """Jobs that end as if their checkpoints had taken no time to write."""
    with patch.object(lives.Lives, "_with_writes", staticmethod(lambda work_s, product: work_s)):
        yield


@contextmanager
def last_second_dropped() -> Iterator[None]:
    """Segments that end one second early: a second that nobody is charged for."""
    real = lives.Lives.release

    def short(self, job, cause: Cause):
        count = len(self.out.segments)
        real(self, job, cause)
        for place in range(count, len(self.out.segments)):
            self.out.segments[place] = self.out.segments[place]._replace(end_s=self.out.segments[place].end_s - 1)

    with patch.object(lives.Lives, "release", short):
        yield


@contextmanager
def domains_ignored() -> Iterator[None]:
    """A scheduler that counts free nodes, wherever they are, for a gang that has to lie in one domain."""
    with patch.object(lives.Pool, "room_within", lambda self, tier, within: self.room(tier)):
        yield


@contextmanager
def victims_scattered() -> Iterator[None]:
    """Victims chosen by cost wherever they are, for a gang that has to lie in one domain."""
    real = victims.cheapest

    def scattered(renters, sharers, need):
        total = sum(domain.bit_count() for domain in need.domains()[:1])
        anywhere = replace(
            need,
            domains=lambda: ((1 << 64) - 1,),
            missing=lambda domain: total,
            inside=lambda vacant, domain: vacant.bit_count() >= total,
        )
        return real(renters, sharers, anywhere)

    policy = replace(POLICIES["easy_cheapest"], victims=scattered)
    with patch.dict(POLICIES, {"easy_cheapest": policy}):
        yield


@contextmanager
def cost_split_per_node() -> Iterator[None]:
    """A gang that costs only the share of its nodes that lie in the domain."""
    real = lives.Lives.parting

    def split(self, pool, job):
        found = real(self, pool, job)
        return found._replace(cost_micro_usd=found.cost_micro_usd // pool.hold[job].nodes.bit_count())

    with patch.object(lives.Lives, "parting", split):
        yield


def dearest_first(renters, sharers, need):
    """Victims by the most credits instead of the least."""

    def dear(job):
        found = need.parting(job)
        return found._replace(cost_micro_usd=10**9 - found.cost_micro_usd)

    return victims.cheapest(renters, sharers, replace(need, parting=dear))


def ready_time_ignored(renters, sharers, need):
    """Victims by cost alone, however long their guarantees still run."""
    return victims.cheapest(
        renters, sharers, replace(need, parting=lambda job: need.parting(job)._replace(leave_s=need.ledger().now_s))
    )


@contextmanager
def planned_start_delayed() -> Iterator[None]:
    """Conservative backfill whose holes are found one second late, but for those that begin at once."""
    real = profile.Profile.earliest

    def late(self, nodes, length_s, from_s):
        found = real(self, nodes, length_s, from_s)
        return found if found in (from_s, NEVER) else found + 1

    with patch.object(profile.Profile, "earliest", late):
        yield


@contextmanager
def shared_nodes_for_nothing() -> Iterator[None]:
    """Conservative backfill that lets a job stay on a shared node whose time it makes longer, without a node for it."""
    real = timetable.earliest_on

    def blind(shared, nodes, per_node, need, from_s, limit_s):
        full = need[0]
        plenty = profile.Profile(from_s, 1 << 30)
        return real(shared, nodes if full else plenty, per_node, need, from_s, limit_s)

    with patch.object(timetable, "earliest_on", blind):
        yield
