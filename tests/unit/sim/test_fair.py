"""Shares in a scenario, and runs of policies that look at the past: by name, from a tape again, refused when wrong."""

import tomllib

import pytest

from scheduler.policies import POLICIES
from scheduler.policy.fair_tree import ShareRow
from scheduler.tape import compare
from sim.engine.run import run
from sim.errors import ScenarioError
from sim.scenario.build import build
from sim.scenario.fair import fair_share
from sim.scenario.file import from_mapping, load
from sim.scenario.model import Scenario


def with_shares(*shares: dict, **policy: object) -> Scenario:
    """The small scenario with a table of shares."""
    words = tomllib.loads(load("small").text)
    words["share"] = list(shares)
    words["policy"] = words.get("policy", {}) | policy
    return from_mapping(words)


def tenant() -> str:
    """Some tenant of the small scenario."""
    return load("small").tenant[0].id


def test_shares_become_a_tree_with_parents_first() -> None:
    scenario = with_shares({"id": tenant(), "parent": "lab", "shares": 2}, {"id": "lab", "shares": 3})
    assert fair_share(scenario).tree == (ShareRow(-1, 3), ShareRow(0, 2, 0))
    assert fair_share(scenario).half_life_s == 604_800


@pytest.mark.parametrize(
    ("shares", "word"),
    [
        ([{"id": "lab", "parent": "nobody"}], "no such account"),
        ([{"id": "lab"}, {"id": "lab"}], "twice"),
        ([{"id": "a", "parent": "b"}, {"id": "b", "parent": "a"}], "cycle"),
        ([{"id": "a", "shares": -1}], "shares"),
    ],
)
def test_impossible_shares_are_refused_by_row(shares: list[dict], word: str) -> None:
    with pytest.raises(ScenarioError, match=word) as caught:
        build(with_shares(*shares))
    assert "share[" in str(caught.value) and caught.value.file


def test_a_half_life_of_nothing_is_refused_by_its_key() -> None:
    with pytest.raises(ScenarioError, match="usage_half_life_s"):
        with_shares(usage_half_life_s=0)


@pytest.mark.parametrize("policy", [name for name, row in POLICIES.items() if row.looks_back or row.depth])
def test_a_run_by_name_is_decided_again_from_its_tape(policy: str) -> None:
    world = build(with_shares({"id": tenant(), "shares": 3}), days=1)
    result = run(world, policy)
    steps, difference = compare(iter(result.tape))
    assert difference is None and steps == result.step_count
