"""Pools of a scenario: nodes of one SKU in one region, how close they are to each other, and MIG slices.

    [[pool]]                              [[pool]]                            [[pool]]
    region = "us-1"                       region = "us-1"                     region = "us-1"
    sku = "h100"                          sku = "h100"                        sku = "h100-1g"
    nodes = 64                            nodes = 847                         nodes = 2
    gpus_per_node = 8                     gpus_per_node = 8                   gpus_per_node = 8
    rack_nodes = 8                        topology_csv = "topo.csv"           slices_per_gpu = 7
    pod_racks = 4                                                             mig_profile = "1g.10gb"

Regular groups are counted from the first node on, and the last one may be smaller. A file has one row for each host:
its name, then its domain on each level, the largest first. A domain is known by all names from the top down to its own,
since a switch name may occur under several others.

In a pool of slices each slice is what a node is elsewhere: placed, held by one tenant, cleaned, metered and priced as a
whole, in a SKU of its own. Its GPU and its server are the two lowest levels of the topology, and a fault of the server
takes all of its slices.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from scheduler.nodes.topology import Sizes
from sim.errors import ScenarioError
from sim.param import Param, Quantity
from tenants.model import Id, Record, Seconds

GROUPS = (("nvlink", "nvlink_nodes"), ("rack", "rack_nodes"), ("pod", "pod_racks"), ("cluster", "cluster_pods"))
SLICES = ("gpu", "server")  # the lowest levels of a pool of MIG slices
COMPUTE_SLICES = 7  # of one GPU; a profile of 3g takes three of them (NVIDIA MIG user guide)

Size = Annotated[int, Field(ge=1, le=10**6)]


class Domains(NamedTuple):
    """The levels of a pool's topology, lowest first: their names, and the nodes of each domain in the order of rows."""

    names: tuple[str, ...] = ()
    sizes: Sizes = ()


class Pool(Record):
    """Nodes of one SKU in one region."""

    region: Id
    sku: Id
    nodes: Size
    # The core keeps a node's free GPUs in one byte.
    gpus_per_node: Annotated[int, Field(ge=1, le=255)]
    scrub_s: Param[Seconds] = Param(value=300, unit="s", source="assumption", confidence="guess")
    spare_nodes: Param[Quantity] = Param(value=0)  # kept for internal jobs that lose a node
    lend_spares: bool = False  # to spot, which leaves them within its notice
    nvlink_nodes: Size | None = None  # nodes of one NVLink domain
    rack_nodes: Size | None = None
    pod_racks: Size | None = None
    cluster_pods: Size | None = None
    topology_csv: str | None = None  # instead of these four; beside the scenario's file, or from where we are
    slices_per_gpu: Annotated[int, Field(ge=1, le=COMPUTE_SLICES)] | None = None
    share: Literal["mig", "mps", "time_slice"] = "mig"  # how a GPU is cut in slices: renters only meet on MIG
    confidential: bool = False  # its GPUs keep memory and links encrypted, and are attested
    mig_profile: Annotated[str, Field(pattern=r"^[1-7]g\.\d{1,3}gb$")] | None = None

    @property
    def slices(self) -> int:
        """Slices of one server; 0 in a pool of whole nodes."""
        return self.gpus_per_node * self.slices_per_gpu if self.slices_per_gpu else 0

    @property
    def rows(self) -> int:
        """What is placed one by one: nodes, or slices."""
        return self.nodes * (self.slices or 1)

    @property
    def spare_rows(self) -> int:
        """Hot spares, counted as `rows` are."""
        return self.spare_nodes.value * (self.slices or 1)

    @property
    def row_gpus(self) -> int:
        """GPUs of each; a slice is counted, metered and priced as one GPU of its own SKU."""
        return 1 if self.slices else self.gpus_per_node


class _Hosts(NamedTuple):
    names: tuple[str, ...]  # of the levels, largest first
    rows: list[tuple[str, ...]]  # of each host: its domains, largest first


def domains_of(pool: Pool, path: str, file: str) -> Domains:
    """Return the topology of a pool; `path` and `file` are those of its table in the scenario.

    Raises:
        ScenarioError: groups that do not nest, a file that cannot be read or has other hosts than the pool.
    """
    found = _read(pool, f"{path}.topology_csv", file) if pool.topology_csv is not None else _regular(pool, path)
    if not pool.slices:
        return found
    per_gpu = tuple([pool.slices_per_gpu or 1] * (pool.nodes * pool.gpus_per_node))
    above = tuple(tuple(size * pool.slices for size in line) for line in found.sizes)
    return Domains(SLICES + found.names, (per_gpu, (pool.slices,) * pool.nodes, *above))


def check_sizes(pool: Pool, path: str) -> None:
    """Raise ScenarioError for MIG slices that a GPU does not have, or for more spares than a pool can spare."""
    if (spares := pool.spare_nodes.value) >= pool.nodes:
        message, allowed = "no node is left", f"at most {pool.nodes - 1}"
        raise ScenarioError(message, code="impossible_size", path=f"{path}.spare_nodes", found=spares, allowed=allowed)
    if pool.share == "mig" and (pool.slices_per_gpu is None) != (pool.mig_profile is None):
        missing = "mig_profile" if pool.mig_profile is None else "slices_per_gpu"
        message = "slices_per_gpu and mig_profile go together"
        raise ScenarioError(message, code="missing_key", path=f"{path}.{missing}", allowed="both or neither")
    if pool.slices_per_gpu and pool.mig_profile:
        wide = int(pool.mig_profile[0])
        if pool.slices_per_gpu * wide > COMPUTE_SLICES:
            raise ScenarioError(
                f"more than one GPU has: {pool.mig_profile} takes {wide} of its {COMPUTE_SLICES} slices",
                code="impossible_size",
                path=f"{path}.slices_per_gpu",
                found=pool.slices_per_gpu,
                allowed=f"at most {COMPUTE_SLICES // wide}",
            )


def _regular(pool: Pool, path: str) -> Domains:
    """Groups of equal size, counted from the first node on."""
    names: list[str] = []
    sizes: list[tuple[int, ...]] = []
    below, wide = "", 1
    for name, key in GROUPS:
        count = getattr(pool, key)
        if count is None:
            continue
        needs = {"pod_racks": "rack_nodes", "cluster_pods": "pod_racks"}.get(key)
        if needs and getattr(pool, needs) is None:
            raise ScenarioError(
                f"counts groups of {needs}", code="missing_key", path=f"{path}.{key}", allowed=f"{needs} as well"
            )
        size = count * wide if needs else count
        if size % wide:
            message = f"cuts a domain of {wide} nodes ({below}) in two"
            raise ScenarioError(
                message, code="impossible_size", path=f"{path}.{key}", found=count, allowed=f"a multiple of {wide}"
            )
        whole, rest = divmod(pool.nodes, size)
        names.append(name)
        sizes.append((size,) * whole + ((rest,) if rest else ()))
        below, wide = key, size
    return Domains(tuple(names), tuple(sizes))


def _read(pool: Pool, path: str, file: str) -> Domains:
    """The domains of a file of hosts, which are sorted so that each domain is a range of rows."""
    given = [key for _, key in GROUPS if getattr(pool, key) is not None]
    if given:
        message = f"says what {given[0]} says too"
        raise ScenarioError(message, code="bad_value", path=path, allowed="one of the two")
    hosts = _hosts(pool.topology_csv or "", path, file)
    if len(hosts.rows) != pool.nodes:
        raise ScenarioError(
            "has another number of hosts than the pool",
            code="impossible_size",
            path=path,
            found=f"{len(hosts.rows)} hosts",
            allowed=f"{pool.nodes}, its nodes",
        )
    hosts.rows.sort(key=lambda row: tuple(map(_natural, row)))
    sizes: list[tuple[int, ...]] = []
    for level in range(len(hosts.names), 0, -1):
        count: dict[tuple[str, ...], int] = {}
        for row in hosts.rows:
            count[row[:level]] = count.get(row[:level], 0) + 1
        sizes.append(tuple(count.values()))
    return Domains(tuple(reversed(hosts.names)), tuple(sizes))


def _hosts(name: str, path: str, file: str) -> _Hosts:
    beside = Path(file).parent / name
    place = beside if beside.is_file() else Path(name)

    def refused(message: str, found: object = None, allowed: str = "a header: host, levels") -> ScenarioError:
        return ScenarioError(f"{place}: {message}", code="bad_file", path=path, found=found, allowed=allowed)

    try:
        lines = list(csv.reader(place.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise refused(f"cannot be read: {getattr(error, 'strerror', None) or error}", allowed="a CSV file") from None
    header, body = (lines[0], lines[1:]) if lines else ([], [])
    names = tuple(title.strip().lower() for title in header[1:])
    if not names or not all(names) or len(set(names)) != len(names):
        raise refused("no levels to read", ",".join(header) or "nothing")
    seen: set[str] = set()
    for number, row in enumerate(body, start=2):
        if len(row) != len(header) or not all(map(str.strip, row)):
            raise refused(f"row {number}", ",".join(row), f"{len(header)} columns, none empty")
        if row[0] in seen:
            raise refused(f"row {number}: host is listed twice", row[0], "each host once")
        seen.add(row[0])
    return _Hosts(names, [tuple(map(str.strip, row[1:])) for row in body])


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """S2 before S10."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"\d+|\D+", name))


def rack_sizes(pool: Pool, domains: Domains, name: str) -> tuple[int, ...]:
    """Return the servers of each domain that fails as a whole, in the order of their rows.

    That is a domain of the level `name`; without a name, of the racks, or else of the lowest level of servers. Empty
    where the pool has no such level.
    """
    named = dict(zip(domains.names, domains.sizes, strict=True))
    levels = [level for level in domains.names if not (pool.slices and level in SLICES)]
    if not name and levels:
        name = "rack" if "rack" in levels else levels[0]
    return tuple(size // (pool.slices or 1) for size in named[name]) if name in levels else ()


def faulty_rows(pools: tuple[Pool, ...], node: int) -> Iterator[int]:
    """Yield the rows of the core that a fault of a server takes; `node` counts servers over all pools."""
    first = 0
    for pool in pools:
        if node < pool.nodes:
            wide = pool.slices or 1
            yield from range(first + node * wide, first + (node + 1) * wide)
            return
        node -= pool.nodes
        first += pool.rows
    raise AssertionError("a node of some pool")
