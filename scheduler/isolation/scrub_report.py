"""What a scrub must report before anybody else may have the node. Source: ISOLATION.md section 7; case M4."""

from collections.abc import Mapping
from enum import IntEnum


class Memory(IntEnum):
    """What keeps what a tenant left: each class is erased, and reported, on its own."""

    HBM = 0  # GPU memory
    LOCAL_MEM = 1  # local and shared memory of the GPU's cores (CVE-2023-4969)
    DRAM = 2  # of the host
    NVME = 3
    IB = 4  # state of the network adapters


NET, FIRMWARE, ATTESTATION = "net", "firmware", "attestation"
FIELDS = (NET, *(memory.name.lower() for memory in Memory), FIRMWARE, ATTESTATION)


def bad_fields(report: Mapping[str, bool]) -> tuple[str, ...]:
    """Return the required fields that are not good, in the order of FIELDS: a missing field is a bad one."""
    return tuple(name for name in FIELDS if report.get(name) is not True)
