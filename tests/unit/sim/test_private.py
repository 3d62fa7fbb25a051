"""What a tenant would have waited in a cluster of its own: against one that shares no code, and on the command line."""

import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

import private_clusters
from run_folders import write_small
from sim.answers.private import Gang, alone, starts_alone
from sim.cli import app


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the small scenario on disk."""
    return write_small(tmp_path_factory.mktemp("runs") / "small")


def test_starts_alone_are_those_of_a_private_cluster_that_shares_no_code() -> None:
    for seed in range(200):
        rng = random.Random(seed)
        submits = sorted(rng.randrange(200) for _ in range(rng.randint(1, 20)))
        gangs = [Gang(at_s, rng.randint(1, 4), rng.randint(1, 90)) for at_s in submits]
        asked = [private_clusters.Gang(each.submit_s, row, each.nodes, 0, each.run_s) for row, each in enumerate(gangs)]
        wanted = private_clusters.private_grants(asked, 3, 50)
        assert starts_alone(gangs, [(50, 3)], 10**6) == [wanted.get(row) for row in range(len(gangs))], f"seed {seed}"


def test_nodes_that_a_contract_gains_and_loses_are_there_from_then_until_then() -> None:
    gangs = [Gang(0, 1, 10), Gang(0, 2, 10), Gang(30, 2, 10), Gang(60, 1, 10)]
    assert starts_alone(gangs, [(5, 1), (20, 1), (40, -1), (50, -1)], 100) == [5, 20, 30, None]


def test_a_run_says_what_its_contracts_would_have_waited_alone(folder: Path) -> None:
    rows = alone(folder, "fjord")
    later = [row.later_s for row in rows if row.later_s is not None]
    assert len(later) > 10 and min(later) >= 0
    told = CliRunner().invoke(app, ["--json", "delay", str(folder), "--private", "fjord"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.output)["later_s_max"] == max(later)
    shown = CliRunner().invoke(app, ["delay", str(folder), "--private", "fjord"])
    assert "a cluster of its own would start" in shown.output
    assert CliRunner().invoke(app, ["delay", str(folder), "--private", "nobody"]).exit_code == 2
    assert alone(folder, "acme") == []
