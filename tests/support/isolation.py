"""Attacks and planted faults: how a property of the isolation catalogue is tested, and shown to have teeth.

    @attack("D1", on=BOTH)
    def test_no_tenant_no_rows(case: Case) -> None: ...         # raises AssertionError when the isolation is broken

    @mutant("D1", "the policy is true when no tenant is set", of=test_no_tenant_no_rows)
    @contextmanager
    def open_policy() -> Iterator[None]: ...                    # plants the fault; may take `case`

An attack runs plain, where it must pass, and under each of its faults, where it must fail, on each of its backends,
always with the same seed unless `--seed` says otherwise. tests/isolation/conftest.py makes the cases. Each run is a
line of evidence in the file that `SPILLWAY_EVIDENCE` names, and a session that came to its end closes that file.
"""

import fcntl
import functools
import inspect
import os
import platform
import random
import re
import sqlite3
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis.stateful import run_state_machine_as_test

from tenants.isolation.evidence import Backend, Evidence, Result, closing

MODEL = ("model",)
BOTH = ("sqlite", "postgresql")
EVIDENCE = "SPILLWAY_EVIDENCE"
_FUZZ, _HUNT = 20, 4  # times the examples: under `make fuzz`, and to catch a planted fault
_CAUGHT = (AssertionError, pytest.fail.Exception)  # a `pytest.raises` that saw nothing raises the second


@dataclass(frozen=True)
class Mutant:
    """A planted fault of one property. `backends` is empty where it can be planted on all of the attack's."""

    property: str
    says: str
    name: str
    plant: Callable[..., AbstractContextManager[object]]
    killed_by: tuple[type[BaseException], ...]
    backends: tuple[str, ...]


@dataclass(frozen=True)
class Attack:
    """What `attack` found out about a test function."""

    properties: tuple[str, ...]
    backends: tuple[str, ...]
    mutants: list[Mutant] = field(default_factory=list)

    def cases(self) -> Iterator[tuple[str, Mutant | None]]:
        """(backend, planted fault or None) of each run."""
        for backend in self.backends:
            yield backend, None
            yield from ((backend, each) for each in self.mutants if not each.backends or backend in each.backends)


@dataclass
class Case:
    """One run of an attack. `place` is a store that has been set up, `empty_place` one that has not."""

    backend: str
    seed: int
    folder: Path
    mutant: Mutant | None
    node: str
    make_place: Callable[[bool], str]
    examples: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.first: BaseException | None = None
        self.notes: list[str] = []

    @functools.cached_property
    def place(self) -> str:
        """A fresh store, migrated, for `open_store` or the door."""
        return self.make_place(True)

    @functools.cached_property
    def empty_place(self) -> str:
        """A fresh place without a store: for faults that are planted while the store is made."""
        return self.make_place(False)

    def tried(self, count: int = 1) -> None:
        """Count examples."""
        self.examples += count

    def note(self, said: object) -> None:
        """Tell the reader of the evidence something, such as what differed and how many bytes were compared."""
        self.notes.append(str(said))

    def given(self, strategy: Any, function: Callable[[Any], object], examples: int = 25) -> None:
        """`function` on `examples` values of the strategy, shrunk when it fails; counts them."""

        def counted(value: Any) -> None:
            self.tried()
            with self._first_kept():
                function(value)

        run = hypothesis.given(strategy)(counted)
        with self._first_raised():
            hypothesis.seed(self.seed)(self._settings(examples)(run))()

    def machine(self, factory: type, examples: int = 25, steps: int = 30) -> None:
        """Run a Hypothesis state machine; counts its histories."""
        case = self

        def start(machine: Any) -> None:
            case.tried()
            factory.__init__(machine)  # type: ignore[misc]

        seeded = type(factory.__name__, (factory,), {"__init__": start, "_hypothesis_internal_use_seed": self.seed})
        with self._first_raised():
            run_state_machine_as_test(seeded, settings=self._settings(examples, stateful_step_count=steps))

    def _settings(self, examples: int, **more: Any) -> hypothesis.settings:
        fuzz = _FUZZ if os.environ.get("HYPOTHESIS_PROFILE") == "fuzz" else 1
        phases = (Phase.explicit, Phase.generate) if self.mutant else (Phase.explicit, Phase.generate, Phase.shrink)
        return hypothesis.settings(
            max_examples=examples * (_HUNT if self.mutant else fuzz),
            database=None,
            deadline=None,
            derandomize=False,
            phases=phases,
            report_multiple_bugs=False,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
            **more,
        )

    @contextmanager
    def _first_kept(self) -> Iterator[None]:
        try:
            yield
        except (hypothesis.errors.UnsatisfiedAssumption, hypothesis.errors.StopTest):
            raise
        except BaseException as error:
            self.first = self.first or error
            raise

    @contextmanager
    def _first_raised(self) -> Iterator[None]:
        """A store remembers earlier examples, so a failure may not repeat: then the first one is the one to show."""
        try:
            yield
        except hypothesis.errors.Flaky as error:
            raise (self.first or error) from error


def attack(*properties: str, on: tuple[str, ...] = MODEL) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a test function that takes `case` (and fixtures) the attack on properties of the catalogue."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def run(case: Case, **fixtures: Any) -> None:
            _run(run.isolation, case, lambda: function(case, **fixtures))  # type: ignore[attr-defined]

        run.isolation = Attack(properties, on)  # type: ignore[attr-defined]
        return pytest.mark.isolation(run)

    return decorate


def mutant(
    property: str,
    says: str,
    *,
    of: Callable[..., None],
    killed_by: tuple[type[BaseException], ...] = (),
    on: tuple[str, ...] = (),
) -> Callable[[Callable[..., AbstractContextManager[object]]], Callable[..., AbstractContextManager[object]]]:
    """Make a context manager the planted fault of an attack. `killed_by` names exceptions that count as caught too."""

    def decorate(plant: Callable[..., AbstractContextManager[object]]) -> Callable[..., AbstractContextManager[object]]:
        known: Attack = of.isolation  # type: ignore[attr-defined]
        assert property in known.properties, f"{of.__name__} does not attack {property}"
        assert set(on) <= set(known.backends), f"{of.__name__} does not run on {on}"
        known.mutants.append(Mutant(property, says, plant.__name__, plant, killed_by, on))
        return plant

    return decorate


def _run(known: Attack, case: Case, function: Callable[[], None]) -> None:
    """One run, its evidence, and its verdict."""
    started = time.perf_counter()
    result, reason, error = Result.PASS, "", None
    try:
        caught = _under(case, function)
        if case.mutant is None and not case.examples:
            case.tried()
    except pytest.skip.Exception as skipped:
        record(known, case, Result.UNTESTED, str(skipped), started)
        raise
    except BaseException as failure:
        caught, result, reason, error = False, Result.FAIL, _short(failure), failure
    if case.mutant and error is None:
        result, reason = (Result.PASS, caught) if caught else (Result.FAIL, "the attack did not notice the fault")
    record(known, case, result, reason or "", started)
    if error is not None:
        raise error
    if result is Result.FAIL:
        pytest.fail(f"MUTANT SURVIVED: {case.mutant.property}: {case.mutant.says} ({case.backend})", pytrace=False)


def _under(case: Case, function: Callable[[], None]) -> str:
    """Run the attack, under its fault if it has one; return what the attack said about the fault, "" for nothing."""
    planted = case.mutant
    if planted is None:
        function()
        return ""
    takes_case = bool(inspect.signature(planted.plant).parameters)
    try:
        with planted.plant(case) if takes_case else planted.plant():
            function()
    except (*_CAUGHT, *planted.killed_by) as caught:
        return _short(caught) or type(caught).__name__
    return ""


def _short(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:160]


def record(known: Attack, case: Case, result: Result, reason: str, started: float | None) -> None:
    """Write the evidence of one run: a line for each property that it is about."""
    print(f"repeat with: python -m pytest '{case.node}' --seed {case.seed}")
    file = os.environ.get(EVIDENCE)
    if not file:
        return
    planted = case.mutant
    took_ms = 0 if started is None else round((time.perf_counter() - started) * 1000)
    lines = [
        Evidence(
            property=each,
            backend=Backend(case.backend),
            result=result,
            test=case.node,
            seed=case.seed,
            examples=case.examples,
            duration_ms=took_ms,
            mutant=planted.says if planted else "",
            killed=(result is Result.PASS if result is not Result.UNTESTED else None) if planted else None,
            reason=reason,
            note="; ".join(dict.fromkeys(case.notes))[:400],
            commit=os.environ.get("SPILLWAY_COMMIT", ""),
            ran_on=ran_on(Backend(case.backend)),
        ).line()
        for each in ((planted.property,) if planted else known.properties)
    ]
    with Path(file).open("a") as out:  # many workers write to it
        fcntl.flock(out, fcntl.LOCK_EX)
        out.write("".join(f"{line}\n" for line in lines))


def close_evidence() -> None:
    """Write below the evidence how many lines it has. Only a session that ran all of its attacks may say so."""
    if file := os.environ.get(EVIDENCE):
        with Path(file).open("a+") as out:
            out.seek(0)
            count = sum(line.startswith('{"backend":') for line in out)
            out.write(f"{closing(count)}\n")


@functools.cache
def ran_on(backend: Backend) -> str:
    """The versions of what an attack ran on."""
    import postgres

    words = [f"spillway {version('spillway')}", f"Python {platform.python_version()}"]
    if backend is Backend.SQLITE:
        words.append(f"SQLite {sqlite3.sqlite_version}")
    if backend is Backend.POSTGRESQL and (place := postgres.binaries()) is not None:
        said = subprocess.run([place / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
        words += [f"PostgreSQL {found[0]}" for found in [re.search(r"[0-9][0-9.]*", said)] if found]
    return ", ".join(words)


def seed_of(known: Attack, name: str, chosen: int | None) -> int:
    """The number that fixes an attack's randomness: its own, on every backend and under every fault, or `--seed`."""
    return zlib.crc32("/".join((*known.properties, name)).encode()) if chosen is None else chosen
