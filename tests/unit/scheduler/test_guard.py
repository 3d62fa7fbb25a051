"""The guard: every hostile policy is refused at once, by the name of the policy, its part and the row."""

import ast
from dataclasses import replace

import pytest

from hostile_policies import HOSTILE, hostile
from house_rules import ROOT, dotted
from scheduler.core import Core
from scheduler.errors import PolicyError
from scheduler.guard import foreign
from scheduler.policies import POLICIES
from scheduler.policy.lend import LENDS, lend_by_name
from scheduler.tables import JobTable
from small_worlds import flat_drive, small_world

SEEDS = range(120)
EACH = [(part, function, text) for part, functions in HOSTILE.items() for function, text in functions.items()]


def first_refusal(part: str, function) -> str:
    """What the first world says in which the policy is found out; '' if it never is."""
    for seed in SEEDS:
        world = small_world(seed, topology=True)
        policy = hostile(part, function)
        if part != "lend":
            policy = replace(policy, lend=lend_by_name("all_idle"))
        try:
            jobs = JobTable(world.jobs, world.pools, world.products)
            core = Core(jobs, world.pools, world.products, policy, world.domains, world.reservations)
            flat_drive(core, world)
        except PolicyError as error:
            return str(error)
    return ""


@pytest.mark.parametrize(("part", "function", "text"), EACH, ids=[function.__name__ for _, function, _ in EACH])
def test_a_hostile_policy_is_refused_by_its_name_its_part_and_the_row(part, function, text) -> None:
    refusal = first_refusal(part, function)
    assert refusal.startswith(f"policy {function.__name__}: {part}: ") and text in refusal
    assert "\n" not in refusal
    rows = {"place": "job[", "victims": "job[", "backfill": "pool[", "lend": "pool["}
    assert rows.get(part, "") in refusal


def test_a_policy_that_is_not_hostile_goes_through_watched_as_well() -> None:
    easy = POLICIES["easy"]
    foreign_easy = replace(easy, backfill=lambda *words: easy.backfill(*words))
    assert foreign(foreign_easy) and not foreign(easy)
    for seed in range(30):
        world = small_world(seed)
        logs = []
        for policy in (easy, foreign_easy):
            jobs = JobTable(world.jobs, world.pools, world.products)
            core = Core(jobs, world.pools, world.products, policy, world.domains, world.reservations)
            logs.append(flat_drive(core, world).decisions)
        assert logs[0] == logs[1], f"seed {seed}"


@pytest.mark.parametrize("lend", sorted(LENDS))
def test_the_lend_functions_of_the_house_are_asked_through_the_guard(lend: str) -> None:
    world = small_world(3)
    assert flat_drive(world.core("easy", lend, headroom_nodes=1), world).steps


def test_nobody_but_the_guard_asks_a_policy_for_anything() -> None:
    parts = ("order", "place", "victims", "backfill", "lend")
    found = []
    for path in sorted((ROOT / "scheduler").rglob("*.py")):
        if path.name != "guard.py":
            calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
            found += [
                f"{path.name}:{node.lineno}"
                for node in calls
                if dotted(node.func).endswith(tuple(f"policy.{part}" for part in parts))
            ]
    assert found == []
