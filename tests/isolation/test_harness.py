"""The harness itself: a fault that nobody notices turns a test red, and evidence says so."""

from pathlib import Path

import pytest

from house_rules import ROOT
from isolation import Attack, Mutant, attack, mutant, seed_of
from sim.errors import SimError
from sim.inspector.attacks import ATTACKS, run_attacks
from tenants.isolation.catalogue import CATALOGUE
from tenants.isolation.evidence import Result

SAMPLE = """
from contextlib import nullcontext, contextmanager
from unittest.mock import patch
import pytest
from hypothesis import strategies as st
from isolation import attack, mutant

WALL = {"up": True}

@attack("P1")
def test_wall(case):
    def climb(height):
        assert WALL["up"] or height < 3
    case.given(st.integers(0, 10), climb, examples=5)

@mutant("P1", "the wall is down", of=test_wall)
@contextmanager
def down():
    with patch.dict(WALL, up=False):
        yield

@mutant("P1", "the wall has another colour", of=test_wall)
def paint():
    return nullcontext()

@mutant("P1", "the wall falls on us", of=test_wall)
@contextmanager
def rubble(case):
    raise RuntimeError("no wall")
    yield

@attack("P2")
def test_nobody_is_there(case):
    pytest.skip("nobody at home")
"""


def test_survivors_are_red_and_everything_is_written_down(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `spillway inspect` runs them: a fault caught, a fault missed, one that could not be planted, and a skip."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("HYPOTHESIS_PROFILE", raising=False)
    (tmp_path / ATTACKS).mkdir(parents=True)
    (tmp_path / "pyproject.toml").symlink_to(ROOT / "pyproject.toml")
    for name in ("conftest.py", "support", "differential", "isolation/conftest.py"):
        (tmp_path / "tests" / name).symlink_to(ROOT / "tests" / name)
    (tmp_path / ATTACKS / "test_sample.py").write_text(SAMPLE)
    found = run_attacks(tmp_path, [], None, None, quiet=False, verbose=True)
    said = capfd.readouterr().err
    assert "MUTANT SURVIVED: P1: the wall has another colour" in said, said
    assert "2 failed, 2 passed, 1 skipped" in said
    assert [(each.property, each.mutant, each.result, each.killed) for each in found] == [
        ("P1", "", Result.PASS, None),
        ("P1", "the wall is down", Result.PASS, True),
        ("P1", "the wall has another colour", Result.FAIL, False),
        ("P1", "the wall falls on us", Result.FAIL, False),
        ("P2", "", Result.UNTESTED, None),
    ]
    assert [each.reason for each in found][2:] == [
        "the attack did not notice the fault",
        "RuntimeError: no wall",
        "nobody at home",
    ]
    assert found[0].examples == 5 and found[0].seed == found[1].seed
    assert len({each.test for each in found}) == 5
    lost = '@attack("P1")\ndef test_lost(case, nothing_of_that_name): ...'
    (tmp_path / ATTACKS / "test_sample.py").write_text(f"from isolation import attack\n{lost}")
    with pytest.raises(SimError, match="left no evidence"):  # or the other attacks on P1 would pass for all of them
        run_attacks(tmp_path, ["P1"], None, 3, quiet=True, verbose=False)
    (tmp_path / ATTACKS / "test_sample.py").write_text("import nothing_of_that_name")
    with pytest.raises(SimError, match="could not be run"):
        run_attacks(tmp_path, ["P1"], None, 3, quiet=True, verbose=False)


def test_faults_belong_to_their_attack() -> None:
    @attack("D1", on=("sqlite",))
    def test_door(case: object) -> None: ...

    with pytest.raises(AssertionError, match="does not attack D2"):
        mutant("D2", "no door", of=test_door)(lambda: None)  # type: ignore[arg-type,return-value]
    with pytest.raises(AssertionError, match="does not run on"):
        mutant("D1", "no door", of=test_door, on=("postgresql",))(lambda: None)  # type: ignore[arg-type,return-value]


def test_faults_are_planted_where_they_can_be() -> None:
    known = Attack(("D2",), ("sqlite", "postgresql"))
    known.mutants.append(Mutant("D2", "no name guard", "unguarded", lambda: None, (), ("sqlite",)))  # type: ignore[arg-type,return-value]
    assert [(on, fault and fault.name) for on, fault in known.cases()] == [
        ("sqlite", None),
        ("sqlite", "unguarded"),
        ("postgresql", None),
    ]
    assert seed_of(known, "t", None) == seed_of(known, "t", None) != seed_of(known, "u", None)
    assert seed_of(known, "t", 7) == 7


def test_every_row_is_attacked_and_every_such_row_has_a_fault(request: pytest.FixtureRequest) -> None:
    here = [item for item in request.session.items if item.path.parent == Path(__file__).parent]
    found = [getattr(getattr(item, "function", None), "isolation", None) for item in here]
    known = {id(each): each for each in found if isinstance(each, Attack)}.values()
    attacked = {property for each in known for property in each.properties}
    assert attacked - CATALOGUE.keys() == set()
    faults = {fault.property for each in known for fault in each.mutants}
    assert attacked - faults == set(), "attacks that no planted fault has shown to be able to fail"
    if {item.path for item in here} == set(Path(__file__).parent.glob("test_*.py")):
        assert CATALOGUE.keys() == attacked, "rows that nobody attacks any more"
