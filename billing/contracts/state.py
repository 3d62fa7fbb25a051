"""Where each contract stands: the sums of its lines."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from billing.contracts.line import ContractLine
from billing.money import Exact


class ContractState(NamedTuple):
    """Sums over the lines of one contract: GPU-seconds, and exact micro-units.

    used + unused + lent + undelivered == entitled. `committed` is the floor so far, of which `drawn` was drawn down; of
    a floor in GPU-hours they are GPU-seconds, and `in_gpu_s` says so. `owed` is what it adds to the bills.
    """

    contract: str
    tenant: str
    entitled_gpu_s: int
    used_gpu_s: int
    unused_gpu_s: int
    lent_gpu_s: int
    undelivered_gpu_s: int
    in_gpu_s: bool
    committed: Exact
    drawn: Exact
    owed: Exact


def contract_states(lines: Sequence[ContractLine]) -> list[ContractState]:
    """Return the state of every contract that has a line, in the order of the lines."""
    return [
        _state([line for line in lines if line.contract == contract])
        for contract in dict.fromkeys(line.contract for line in lines)
    ]


def _state(lines: Sequence[ContractLine]) -> ContractState:
    def gpu_s(kind: str) -> int:
        return sum(line.quantity for line in lines if line.kind == kind)

    used, undelivered = gpu_s("reservation_used"), gpu_s("reservation_undelivered")
    lent = gpu_s("reservation_lent")
    unused = gpu_s("reservation_unused") - lent
    covered = [line for line in lines if line.kind == "commitment_covered"]
    short = [line for line in lines if line.kind in ("commitment_unused", "true_up")]
    in_gpu_s = any(line.quantity for line in (*covered, *short))

    def size(some: Sequence[ContractLine]) -> Fraction:
        return sum((Fraction(line.quantity) if in_gpu_s else Fraction(*line.effective) for line in some), Fraction(0))

    return ContractState(
        lines[0].contract,
        lines[0].tenant,
        used + unused + lent + undelivered,
        used,
        unused,
        lent,
        undelivered,
        in_gpu_s=in_gpu_s,
        committed=_exact(size(covered) + size(short)),
        drawn=_exact(size(covered)),
        owed=_exact(sum((Fraction(*line.exact) for line in lines), Fraction(0))),
    )


def _exact(amount: Fraction) -> Exact:
    return Exact(amount.numerator, amount.denominator)
