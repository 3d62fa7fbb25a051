"""Topologies and MIG slices of a scenario: what is read, what is refused, and runs on them from end to end."""

import copy
import json
import tomllib
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from scheduler.events import EventKind
from scheduler.nodes.nodeset import rows
from sim.cli import app
from sim.engine.cores import make_core
from sim.engine.run import run
from sim.errors import ScenarioError
from sim.failures.fault_causes import CAUSE_NAMES, MAINTENANCE, RACK
from sim.pools import Pool, domains_of
from sim.result import RunResult
from sim.scenario.build import build
from sim.scenario.file import from_mapping, show
from sim.scenario.toml_text import to_toml
from sim.settle import settle

SMALL = tomllib.loads(show("small"), parse_float=Decimal)
SLICES = {
    "region": "us-1", "sku": "h100-1g", "nodes": 2, "gpus_per_node": 4, "slices_per_gpu": 7, "mig_profile": "1g.10gb",
}  # fmt: skip


def racks(**pool: Any) -> dict[str, Any]:
    """The small scenario on a pool with a topology, with rentals that must lie in a rack."""
    mapping = copy.deepcopy(SMALL)
    mapping["pool"][0] |= pool or {"rack_nodes": 3, "pod_racks": 2}
    for demand in mapping["demand"][:3]:
        demand["within"] = "rack"
    mapping["programme"]["research"]["within"] = "rack"
    return mapping


def slices() -> dict[str, Any]:
    """The small scenario with a second pool, of MIG slices, and a renter for them."""
    mapping = copy.deepcopy(SMALL)
    mapping["pool"].append(dict(SLICES))
    for table in (mapping["programme"], *mapping["demand"]):
        table |= {"region": "us-1", "sku": "h100"}
    demand = {"name": "slices", "sku": "h100-1g", "within": "gpu", "nodes": [1, 2, 7], "weights": [6, 3, 1]}
    mapping["demand"].append(SMALL["demand"][2] | demand | {"jobs_per_day": 60})
    mapping["price"].append(SMALL["price"][1] | {"sku": "h100-1g", "usd_per_gpu_hour": "0.25"})
    return mapping


def scattered(result: RunResult) -> list[str]:
    """Segments that do not lie in the one domain that their job asks for."""
    world, found = result.world, []
    homes = [
        [np.repeat(np.arange(len(line)), line) for line in pool.topology] for pool in world.pools
    ]  # pool, level, row -> domain
    for job, nodes in zip(result.segments.job.tolist(), result.segment_nodes, strict=True):
        within = int(world.jobs.within[job])
        if within and len(set(homes[world.jobs.pool[job]][within - 1][list(rows(nodes))].tolist())) > 1:
            found.append(f"{world.jobs.job_id[job]} on {list(rows(nodes))}")
    return found


def test_groups_are_counted_from_the_first_node_and_the_last_may_be_smaller() -> None:
    pool = Pool(region="r", sku="s", nodes=22, gpus_per_node=8, nvlink_nodes=2, rack_nodes=4, pod_racks=2)
    names, sizes = domains_of(pool, "pool[0]", "x.toml")
    assert names == ("nvlink", "rack", "pod")
    assert sizes == ((2,) * 11, (4, 4, 4, 4, 4, 2), (8, 8, 6))


def test_a_file_of_hosts_is_sorted_so_that_domains_are_ranges(tmp_path: Path) -> None:
    (tmp_path / "topo.csv").write_text("host,pod,rack\na,P10,S1\nb,P2,S10\nc,P2,S2\nd,P10,S1\ne,P2,S2\n")
    pool = Pool(region="r", sku="s", nodes=5, gpus_per_node=8, topology_csv="topo.csv")
    names, sizes = domains_of(pool, "pool[0]", str(tmp_path / "mine.toml"))
    assert (names, sizes) == (("rack", "pod"), ((2, 1, 2), (3, 2)))  # P2/S2, P2/S10, P10/S1


def test_slices_lie_in_gpus_and_these_in_servers() -> None:
    names, sizes = domains_of(Pool(**SLICES, rack_nodes=2), "pool[0]", "x.toml")
    assert (names, sizes) == (("gpu", "server", "rack"), ((7,) * 8, (28, 28), (56,)))


BAD: list[tuple[dict[str, Any], str]] = [
    ({"nvlink_nodes": 4, "rack_nodes": 6}, r"pool\[0\].rack_nodes: cuts a domain of 4 nodes \(nvlink_nodes\) in two"),
    ({"pod_racks": 4}, r"pool\[0\].pod_racks: counts groups of rack_nodes \(allowed rack_nodes as well\)"),
    ({"rack_nodes": 0}, r"pool\[0\].rack_nodes: out of range"),
    ({"topology_csv": "absent.csv"}, r"pool\[0\].topology_csv: absent.csv: cannot be read"),
    ({"topology_csv": "a.csv", "rack_nodes": 2}, r"pool\[0\].topology_csv: says what rack_nodes says too"),
    ({"rack_nodes": 3}, r"demand\[0\].nodes: larger than every rack \(found 4; allowed at most 3\)"),
    ({"nvlink_nodes": 4}, r"programme.research.within: unknown level.*'rack'.*allowed nvlink"),
    ({"slices_per_gpu": 7}, r"pool\[0\].mig_profile: slices_per_gpu and mig_profile go together"),
    ({"slices_per_gpu": 4, "mig_profile": "2g.20gb"}, r"pool\[0\].slices_per_gpu: more than one GPU has: 2g.20gb"),
    ({"slices_per_gpu": 2, "mig_profile": "big"}, r"pool\[0\].mig_profile: "),
]


@pytest.mark.parametrize(("pool", "words"), BAD)
def test_what_cannot_be_is_refused_in_one_line(pool: dict[str, Any], words: str) -> None:
    with pytest.raises(ScenarioError, match=words) as caught:
        from_mapping(racks(**pool))
    assert "\n" not in str(caught.value)


BAD_FILES = {
    "no levels to read": "host\na\n",
    "row 3: host is listed twice": "host,rack\na,R1\na,R2\n",
    "row 2 ": "host,rack\na\n",
    "has another number of hosts than the pool": "host,rack\na,R1\nb,R1\n",
    "no levels to read ": "",
}


@pytest.mark.parametrize(("words", "text"), BAD_FILES.items())
def test_a_file_of_hosts_that_is_none_is_refused_with_its_row(tmp_path: Path, words: str, text: str) -> None:
    (tmp_path / "topo.csv").write_text(text)
    with pytest.raises(ScenarioError, match=words.strip()):
        from_mapping(racks(topology_csv="topo.csv"), str(tmp_path / "mine.toml"))


def test_a_level_on_a_pool_without_a_topology_is_refused() -> None:
    mapping = copy.deepcopy(SMALL)
    mapping["demand"][0]["within"] = "rack"
    with pytest.raises(ScenarioError, match=r"demand\[0\].within: pool\[0\] has no topology"):
        from_mapping(mapping)


def test_renters_hold_no_part_of_a_node_before_the_run_starts() -> None:
    mapping = copy.deepcopy(SMALL)
    mapping["product"] = [{"code": "bare.spot", "whole_nodes": False}]
    with pytest.raises(Exception, match=r"product\[0\].whole_nodes: products in band SPOT must hold whole nodes"):
        from_mapping(mapping)
    mapping = copy.deepcopy(SMALL)
    mapping["demand"][0]["product"] = "int.research"
    with pytest.raises(ScenarioError, match=r"demand\[0\].product: acme is external, and would hold parts of nodes"):
        from_mapping(mapping)
    mapping = slices()
    mapping["pool"][1] |= {"region": "eu-1", "sku": "h100"}
    with pytest.raises(ScenarioError, match=r"pool\[1\].mig_profile: a slice is a SKU of its own"):
        from_mapping(mapping)


@pytest.mark.parametrize("policy", ["easy", "easy_domain", "easy_fgd", "easy_cheapest"])
def test_gangs_of_a_run_lie_in_their_domains_and_the_books_close(policy: str) -> None:
    mapping = racks(rack_nodes=4, pod_racks=2)
    result = run(build(from_mapping(mapping)), policy)
    assert scattered(result) == []
    assert {int(level) for level in result.world.jobs.within} == {0, 1}
    assert settle(result).findings == []
    if policy != "easy":
        return
    result.world.jobs.within[:] = 0  # the same run without the requirement scatters: the check can fail
    free = run(result.world, policy)
    free.world.jobs.within[:] = build(from_mapping(mapping)).jobs.within
    assert scattered(free) != []


def test_a_server_fault_takes_all_of_its_slices_and_slices_are_metered_in_their_own_sku() -> None:
    mapping = slices()
    mapping["faults"]["rate_per_1000_node_days"] = 900
    world = build(from_mapping(mapping))
    pool = world.pools[1]
    assert (pool.nodes, pool.gpus_per_node) == (56, 1)
    at = Counter(zip(world.faults.down_s.tolist(), world.faults.up_s.tolist(), strict=True))
    sliced = world.faults.node >= 16
    servers = {((node - 16) // 28, down_s) for node, down_s in zip(
        world.faults.node[sliced].tolist(), world.faults.down_s[sliced].tolist(), strict=True)}  # fmt: skip
    assert sliced.sum() == 28 * len(servers) > 0
    assert all(count % 28 == 0 or count <= 16 for count in at.values())
    result = run(world, "easy_domain")
    assert scattered(result) == []
    books = settle(result)
    assert books.findings == []
    own = world.names.skus.index("h100-1g")
    of_slices = world.jobs.pool[result.segments.job] == 1
    assert of_slices.any() and set(result.segments.sku[of_slices].tolist()) == {own}
    assert set(result.segments.sku[~of_slices].tolist()) == {world.names.skus.index("h100")}


def test_crashes_drains_and_racks_strike_slices_by_their_server() -> None:
    """Two servers of 28 slices in one rack, behind 16 whole nodes."""
    mapping = slices()
    mapping["pool"][1]["rack_nodes"] = 2
    mapping["faults"] = {
        "rate_per_1000_node_days": 0,
        "racks": {"rate_per_1000_rack_days": 400},
        "software": {"rate_per_1000_node_days": 2000},
    }
    window = {"region": "us-1", "sku": "h100-1g", "first_node": 1, "nodes": 1, "from_day": 2, "length_s": 3600}
    mapping["maintenance"] = [window]
    world = build(from_mapping(mapping))
    drained = {row for _, kind, row, _ in world.mishaps if kind == EventKind.DRAIN}
    assert drained == set(range(16 + 28, 16 + 56))
    crashed = [(row, gpu) for _, kind, row, gpu in world.mishaps if kind == EventKind.JOB_CRASH and row >= 16]
    assert all(gpu == 0 for _, gpu in crashed) and len({row for row, _ in crashed}) > 10
    of_rack = world.faults.cause == CAUSE_NAMES.index(RACK)
    counts = Counter(world.faults.down_s[of_rack & (world.faults.node >= 16)].tolist())
    # 28: the other server was down already.
    assert set(counts.values()) <= {28, 56} and 56 in counts.values()
    planned = world.faults.cause == CAUSE_NAMES.index(MAINTENANCE)
    assert set(world.faults.node[planned].tolist()) <= drained
    assert settle(run(world, "easy_domain")).findings == []


@pytest.mark.parametrize(
    ("level", "groups"),
    [("", [{0, 1, 2}, {3, 4}, {5, 6, 7, 8, 9}]), ("pod", [{0, 1, 2, 3, 4}, {5, 6, 7, 8, 9}])],
)
def test_what_fails_as_a_whole_is_a_domain_of_the_topology(tmp_path: Path, level: str, groups: list[set[int]]) -> None:
    hosts = [(f"h{row}", "P1" if row < 5 else "P2", "S1" if row < 3 else "S2") for row in range(10)]
    (tmp_path / "topo.csv").write_text("host,pod,switch\n" + "".join(",".join(host) + "\n" for host in hosts))
    mapping = copy.deepcopy(SMALL)
    mapping["pool"][0] |= {"nodes": 10, "topology_csv": "topo.csv"}
    mapping["faults"] = {"rate_per_1000_node_days": 0, "racks": {"rate_per_1000_rack_days": 3000, "level": level}}
    faults = build(from_mapping(mapping, str(tmp_path / "mine.toml"))).faults
    struck: dict[int, set[int]] = {}
    for node, down_s in zip(faults.node.tolist(), faults.down_s.tolist(), strict=True):
        struck.setdefault(down_s, set()).add(node)
    assert {frozenset(nodes) for nodes in struck.values()} == {frozenset(group) for group in groups}


def test_a_level_of_racks_that_no_pool_has_is_refused() -> None:
    mapping = slices()
    mapping["faults"]["racks"] = {"level": "pod"}
    with pytest.raises(ScenarioError, match=r"faults.racks.level: no pool has .*found 'pod'; allowed none, as no"):
        from_mapping(mapping)
    mapping["pool"][0]["rack_nodes"] = 4
    with pytest.raises(ScenarioError, match=r"faults.racks.level: no pool has this level .*allowed rack"):
        from_mapping(mapping)


def test_costs_of_evictions_come_from_the_price_book() -> None:
    world = build(from_mapping(racks(rack_nodes=4, pod_racks=2)))
    jobs = make_core(world, "easy_cheapest", "all_idle").jobs
    spot = next(row for row in range(jobs.count) if world.jobs.job_id[row].startswith("birch-spot"))
    assert jobs.micro_usd_per_gpu_h[spot] == 1_250_000
    assert jobs.credit_micro_usd[spot] == jobs.gpus[spot] * 120 * 1_250_000 // 3600
    assert not make_core(world, "easy", "all_idle").jobs.array("credit_micro_usd").any()


def test_the_real_topology_loads_as_a_cluster_and_runs(trace_file, tmp_path: Path) -> None:
    """Alibaba Lingjun: 847 hosts, 119 pairs of ASW and PSW, sizes as published with the trace."""
    path = trace_file("alibaba_lingjun_topo_2023/topo.csv")
    mapping = racks(nodes=847, topology_csv=str(path))
    for demand in mapping["demand"][:3]:
        demand["within"] = "asw"
    mapping["programme"]["research"] = {"load_bp": 300, "within": "psw"}
    file = tmp_path / "lingjun.toml"
    file.write_text(to_toml(mapping))
    names, sizes = from_mapping(mapping).domains[0]
    assert names == ("asw", "psw", "dsw") and [len(line) for line in sizes] == [119, 3, 1]
    assert Counter(sizes[0]) == {8: 68, 7: 23, 6: 15, 5: 7, 4: 2, 3: 1, 2: 3}
    words = ["run", str(file), "--policy", "easy_cheapest", "--days", "1", "--out", str(tmp_path / "run"), "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.stderr
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["pools"][0]["domains"] == {"asw": 119, "psw": 3, "dsw": 1}
    result = run(build(from_mapping(mapping), days=1), "easy_cheapest")
    assert scattered(result) == [] and len(result.segments.job) > 100
