"""The fabric: unique partitions for each trust domain, from finite pools, and who can reach whom.

A P_Key (InfiniBand) and a VNI (Ethernet VRF) belong to one trust domain while any port may still carry them, and are
nobody else's in that time: when they run out, the next tenant is refused. NVLink partitions are numbered within one
NVLink domain. Routes between tenants exist where both have asked for them, and none leads to the management network.
Source: ISOLATION.md sections 2.1 and 7; cases N1, N3, N4, N6, P4.
"""

from collections.abc import Iterable
from typing import NamedTuple

from scheduler.isolation.states import IsolationError

MANAGEMENT = -1  # the network of baseboard controllers and switches, as a destination
P_KEYS, VNIS = 0x7FFE, (1 << 24) - 2  # ids that the two standards have to give, without their reserved ones


class Keys(NamedTuple):
    """What the ports of a node carry; 0: none."""

    p_key: int
    vni: int
    partition: int  # of NVLink, within the node's NVLink domain


NO_KEYS = Keys(0, 0, 0)


class ExhaustedError(IsolationError):
    """A finite pool of ids has nothing left that is not live."""

    code = "scheduler.isolation.exhausted"


class IdPool:
    """Numbers 1 to `size`, each with one owner at a time."""

    def __init__(self, name: str, size: int) -> None:
        self.name, self.size = name, size
        self.owner: dict[int, int] = {}  # live id -> trust domain
        self.of: dict[int, int] = {}  # and back
        self._next = 1

    def lease(self, domain: int) -> int:
        """Return the id of a domain, a new one where it has none. Raises ExhaustedError. Cost: O(live ids) at worst."""
        if domain in self.of:
            return self.of[domain]
        number = self.choose()
        self.owner[number], self.of[domain] = domain, number
        return number

    def choose(self) -> int:
        """Return an id that nobody has: the one longest out of use. Raises ExhaustedError."""
        if len(self.owner) >= self.size:
            raise ExhaustedError(f"no {self.name} left", found=f"{len(self.owner)} live", allowed=f"{self.size}")
        while self._next in self.owner:
            self._step()
        number = self._next
        self._step()
        return number

    def give_back(self, domain: int) -> None:
        """No port carries a domain's id any more."""
        if domain in self.of:
            del self.owner[self.of.pop(domain)]

    def _step(self) -> None:
        self._next = self._next % self.size + 1


class Fabric:
    """Ids of every trust domain, and the routes between them."""

    def __init__(
        self, p_keys: int = P_KEYS, vnis: int = VNIS, partitions: int = 0, peers: Iterable[tuple[int, int]] = ()
    ) -> None:
        """`partitions`: NVLink partitions of one NVLink domain; 0: it cannot be divided between trust domains.

        `peers`: (domain, other): the first one wants routes to the other.
        """
        self.p_keys, self.vnis = IdPool("P_Key", p_keys), IdPool("VNI", vnis)
        self.partitions = partitions
        self.nvlink: dict[int, IdPool] = {}  # NVLink domain -> its partitions
        self.wants = frozenset(peers)

    def lease(self, domain: int, nvlink: int = -1) -> Keys:
        """Return the keys of a trust domain on a node in NVLink domain `nvlink` (-1: in none).

        Raises ExhaustedError; then nothing new is leased. An NVLink domain without partitions needs none while one
        trust domain has it to itself.
        """
        new = domain not in self.p_keys.of
        p_key = self.p_keys.lease(domain)
        try:
            vni = self.vnis.lease(domain)
            return Keys(p_key, vni, self.pool_of(nvlink).lease(domain) if nvlink >= 0 and self.partitions else 0)
        except ExhaustedError:
            if new:
                self.give_back(domain)
            raise

    def pool_of(self, nvlink: int) -> IdPool:
        """Return the partitions of an NVLink domain."""
        return self.nvlink.setdefault(nvlink, IdPool(f"partition of NVLink domain {nvlink}", self.partitions))

    def give_back(self, domain: int) -> None:
        """No port carries a key of this domain any more: its ids are free again."""
        self.p_keys.give_back(domain)
        self.vnis.give_back(domain)

    def give_back_partition(self, domain: int, nvlink: int) -> None:
        """The same for one NVLink domain."""
        if nvlink >= 0 and self.partitions:
            self.pool_of(nvlink).give_back(domain)

    def routes(self, domain: int) -> frozenset[int]:
        """Return the destinations in a domain's route table: itself, and peers that want it too. Never management.

        Imported routes are not handed on, so a peer's peers are not in it.
        """
        peers = {other for one, other in self.wants if one == domain and self.both_want(one, other)}
        return frozenset({domain, *peers})

    def both_want(self, one: int, other: int) -> bool:
        """Whether two domains have asked for routes to each other."""
        return (one, other) in self.wants and (other, one) in self.wants
