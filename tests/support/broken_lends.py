"""Deliberately broken ways to lend. Each breaks one rule, and the check of that rule must catch it."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from scheduler.jobs import lives
from scheduler.policy import lend


@contextmanager
def one_exceedance_too_many() -> Iterator[None]:
    """A priced quota that allows one sample more above it than the price is worth."""
    real = lend.sellable_nodes

    def bold(capacity_nodes, peak_nodes, revenue_micro_usd, loss_micro_usd):
        return real(capacity_nodes, [peak_nodes[0], *peak_nodes[:-1]], revenue_micro_usd, loss_micro_usd)

    with patch.object(lend, "sellable_nodes", bold):
        yield


@contextmanager
def evictions_unseen() -> Iterator[None]:
    """A feedback that never learns who was evicted, as in the published simulator."""
    with patch.object(lives.Lending, "note_end", lambda self, evicted: None):
        yield


@contextmanager
def every_submission_known() -> Iterator[None]:
    """A forecaster that knows of every submission to come."""
    real = lives.Lending.__init__

    def peek(self, core, pool, terms):
        real(self, core, pool, terms)
        jobs = core.jobs
        self._announced = [job for job in range(jobs.count) if jobs.pool[job] == pool.index]

    with patch.object(lives.Lending, "__init__", peek):
        yield
