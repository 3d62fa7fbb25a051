"""Replications of an experiment: one function over one seed after another, and what its numbers say together."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from sim.experiments.experiment import Setting
from sim.pictures.picture import Series
from sim.stats.estimates import Estimate, mean_interval
from sim.stats.paired import Paired, paired, shared_level_bp

Numbers = Mapping[str, float]


class Replication(NamedTuple):
    """One of them: the terms of all, the seed of the experiment, and its number."""

    terms: Any
    seed: int
    number: int

    def rng(self, stream: int = 0) -> np.random.Generator:
        """Return a generator of this replication; the same stream gives every arm the same world."""
        return np.random.default_rng((self.seed, self.number, stream))


class Replicated(NamedTuple):
    """What came out of all of them, in their order."""

    numbers: tuple[Numbers, ...]

    def values(self, name: str) -> list[float]:
        """Return one number of every replication."""
        return [each[name] for each in self.numbers]

    def estimate(self, name: str, comparisons: int = 1) -> Estimate:
        """Return the mean of one number and its interval; of several that are judged together, each a wider one."""
        return mean_interval(self.values(name), shared_level_bp(comparisons))

    def series(self, title: str, x: Sequence[float], names: Sequence[str]) -> Series:
        """Return a series of a picture, one number with its interval for each x."""
        found = [self.estimate(name) for name in names]
        low, high = tuple(each.low for each in found), tuple(each.high for each in found)
        return Series(title, tuple(x), tuple(each.mean for each in found), low, high)

    def difference(self, name: str, other: str, comparisons: int = 1) -> Paired:
        """Return by how much one number is above another of the same replications."""
        return paired(self.values(name), self.values(other), comparisons)


def replicate(setting: Setting, one: Callable[[Replication], Numbers], terms: Any, headline: str) -> Replicated:
    """Run `one`, a function of a module, as often as the preset says; `headline` is the number told meanwhile."""

    def tell(results: Sequence[Numbers | None]) -> str:
        there = [each[headline] for each in results if each is not None]
        return f"{headline} {mean_interval(there).mean:.4g} over {len(there)}" if len(there) > 1 else ""

    count = setting.preset["replications"]
    tasks = [Replication(terms, setting.seed, number) for number in range(count)]
    return Replicated(tuple(setting.map(one, tasks, tell)))
