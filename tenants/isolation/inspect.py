"""Catalogue and evidence, joined: a status for each property on each database. Source: ISOLATION.md sections 4 and 12.

Nothing is green by default. A property passes on a database when its attacks were held off there, at least one planted
fault was caught there and none survived. Everything else is red, or UNTESTED with its reason.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from tenants.isolation.catalogue import CATALOGUE, CATEGORY_OF
from tenants.isolation.evidence import Backend, Evidence, Result
from tenants.isolation.property import Layer, Property

NO_ATTACK = "no attack was run"
NO_FAULT = "no planted fault was caught here, so the attack has not shown that it can fail"


class Status(StrEnum):
    """MODELLED is a pass in a model that stands for hardware."""

    PASS = "PASS"
    MODELLED = "MODELLED"
    UNTESTED = "UNTESTED"
    FAIL = "FAIL"


_WORST_FIRST = (Status.FAIL, Status.UNTESTED, Status.MODELLED, Status.PASS)


class Fault(NamedTuple):
    """A planted fault: what it says, and whether the attack caught it."""

    says: str
    caught: bool
    said: str
    duration_ms: int


class Verdict(NamedTuple):
    """One property on one database."""

    backend: Backend
    status: Status
    reason: str
    seeds: tuple[int, ...]
    examples: int
    duration_ms: int
    attacks: int
    notes: tuple[str, ...]
    faults: tuple[Fault, ...]

    @property
    def caught(self) -> int:
        """How many planted faults the attacks caught."""
        return sum(fault.caught for fault in self.faults)


class Row(NamedTuple):
    """One property with its verdicts."""

    about: Property
    verdicts: tuple[Verdict, ...]

    @property
    def category(self) -> str:
        """Name of the category in the catalogue."""
        return CATEGORY_OF[self.about.id]

    @property
    def status(self) -> Status:
        """The worst of the verdicts."""
        found = {each.status for each in self.verdicts}
        return next(status for status in _WORST_FIRST if status in found)

    def faults(self) -> dict[str, list[tuple[Backend, Fault]]]:
        """What became of each planted fault, by what it says."""
        found: dict[str, list[tuple[Backend, Fault]]] = defaultdict(list)
        for verdict in self.verdicts:
            for fault in verdict.faults:
                found[fault.says].append((verdict.backend, fault))
        return dict(found)

    @property
    def replay(self) -> str:
        """The command that repeats the attacks with the seed they had."""
        seeds = sorted({seed for each in self.verdicts for seed in each.seeds})
        seed = f" --seed {seeds[0]}" if len(seeds) == 1 else ""
        return f"spillway inspect --replay {self.about.id}{seed}"


class Report(NamedTuple):
    """What a reviewer reads."""

    rows: tuple[Row, ...]
    commits: tuple[str, ...]
    ran_on: tuple[str, ...]
    runs: int

    @property
    def counts(self) -> dict[Status, int]:
        """Rows by status."""
        counts = Counter(row.status for row in self.rows)
        return {status: counts[status] for status in Status}

    @property
    def faults(self) -> tuple[int, int]:
        """Planted faults that were caught, and all that were planted, each on each database."""
        verdicts = [verdict for row in self.rows for verdict in row.verdicts]
        return sum(each.caught for each in verdicts), sum(len(each.faults) for each in verdicts)

    def red(self, *, strict: bool = False) -> bool:
        """Whether a row failed; when strict, also whether one is untested."""
        counts = self.counts
        return bool(counts[Status.FAIL] or (strict and counts[Status.UNTESTED]))


def inspect(
    properties: Sequence[Property],
    evidence: Iterable[Evidence],
    *,
    backend: Backend | None = None,
    absent: str = NO_ATTACK,
) -> Report:
    """Return the report on some properties.

    Args:
        backend: look at this database only (what needs none is kept).
        absent:  the reason of rows without evidence.
    """
    by_id: dict[str, list[Evidence]] = defaultdict(list)
    for each in evidence:
        by_id[each.property].append(each)
    rows = []
    for wanted in properties:
        found = by_id[wanted.id]
        backends = [each for each in _backends(wanted, found) if backend in (None, each) or each is Backend.MODEL]
        rows.append(Row(wanted, tuple(_verdict(wanted, each, found, absent) for each in backends)))
    used = [each for wanted in properties for each in by_id[wanted.id]]
    commits, ran_on = {each.commit for each in used}, {each.ran_on for each in used}
    return Report(tuple(rows), tuple(sorted(commits - {""})), tuple(sorted(ran_on - {""})), len(used))


def strangers(evidence: Iterable[Evidence]) -> list[str]:
    """Return the ids in the evidence that the catalogue does not know."""
    return sorted({each.property for each in evidence} - CATALOGUE.keys())


def _backends(wanted: Property, found: Sequence[Evidence]) -> list[Backend]:
    """Where a property has to be shown: on both databases as soon as it is about one, else in the model."""
    seen = {each.backend for each in found}
    databases = [Backend.SQLITE, Backend.POSTGRESQL]
    if Layer.DATABASE in wanted.layers or seen & set(databases):
        return [*databases, *([Backend.MODEL] if Backend.MODEL in seen else [])]
    return [Backend.MODEL]


def _verdict(wanted: Property, backend: Backend, found: Sequence[Evidence], absent: str) -> Verdict:
    here = [each for each in found if each.backend is backend]
    plain = [each for each in here if not each.mutant]
    faults = tuple(
        Fault(each.mutant, bool(each.killed), each.reason, each.duration_ms)
        for each in here
        if each.mutant and each.result is not Result.UNTESTED
    )
    status, reason = _status(plain, faults, absent)
    if status is Status.PASS and wanted.modelled:
        status = Status.MODELLED
    return Verdict(
        backend,
        status,
        reason,
        tuple(sorted({each.seed for each in plain})),
        sum(each.examples for each in plain),
        sum(each.duration_ms for each in here),
        len(plain),
        tuple(dict.fromkeys(each.note for each in plain if each.note)),
        faults,
    )


def _status(plain: Sequence[Evidence], faults: Sequence[Fault], absent: str) -> tuple[Status, str]:
    failed = [each.reason or "failed" for each in plain if each.result is Result.FAIL]
    if failed:
        return Status.FAIL, failed[0]
    survived = [fault for fault in faults if not fault.caught]
    if survived:
        return Status.FAIL, f"a planted fault survived: {survived[0].says} ({survived[0].said})"
    skipped = [each.reason for each in plain if each.result is Result.UNTESTED]
    if skipped or not plain:
        return Status.UNTESTED, skipped[0] if skipped else absent
    return (Status.PASS, "") if faults else (Status.UNTESTED, NO_FAULT)
