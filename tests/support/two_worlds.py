"""Two worlds that differ only in another tenant's secrets: what a tenant sees must be the same, byte for byte.

The first of the three general engines (E1). A world is run from a mapping of secrets: the other tenant's jobs, usage,
invoices, keys, names. What the watched tenant is shown comes out as steps, (name, bytes). Where something must differ,
it is a declared channel with a bound, and the bound is measured.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

Step = tuple[str, bytes]
_AROUND = 40  # bytes that are shown on each side of the first difference


class Channel(NamedTuple):
    """A way on which two worlds may differ: steps whose name begins with `steps`, by no more than `bound`."""

    id: str
    steps: str
    bound: int
    measure: Callable[[bytes, bytes], int]  # (left, right) -> how much differs, in the unit of the bound


class Compared(NamedTuple):
    """What was compared: the secrets that differed, how many bytes of how many steps, and what the channels told."""

    secrets: tuple[str, ...]
    steps: int
    bytes: int
    channels: Mapping[str, int]

    def __str__(self) -> str:
        told = ", ".join(f"{name} told {much}" for name, much in self.channels.items()) or "no channel"
        return f"differed: {', '.join(self.secrets)}; equal: {self.bytes} bytes of {self.steps} steps; {told}"


def compare_worlds(
    run: Callable[[Mapping[str, Any]], Iterable[Step]],
    left: Mapping[str, Any],
    right: Mapping[str, Any],
    channels: Sequence[Channel] = (),
) -> Compared:
    """Run the world with each of two sets of secrets, and hold what the watched tenant saw against each other.

    Raises:
        AssertionError: names the first step that differs, and where; or says that the comparison is empty.
    """
    assert left.keys() == right.keys(), f"the worlds have other secrets: {sorted(left.keys() ^ right.keys())}"
    differing = tuple(name for name in left if left[name] != right[name])
    assert differing, "the worlds have the same secrets, so nothing is shown"
    told: dict[str, int] = {}
    steps = compared = 0
    for mine, other in zip_longest(list(run(left)), list(run(right))):
        assert mine is not None and other is not None, f"one world ends at {(mine or other)[0]}"
        assert mine[0] == other[0], f"step {mine[0]} in one world is {other[0]} in the other"
        steps += 1
        if mine[1] == other[1]:
            compared += len(mine[1])
            continue
        channel = next((each for each in channels if mine[0].startswith(each.steps)), None)
        assert channel is not None, f"{mine[0]} tells of {', '.join(differing)}: {first_difference(mine[1], other[1])}"
        much = channel.measure(mine[1], other[1])
        assert much <= channel.bound, f"{channel.id} in {mine[0]} tells {much}, above its bound of {channel.bound}"
        told[channel.id] = max(told.get(channel.id, 0), much)
    assert compared, "no byte was compared"
    return Compared(differing, steps, compared, told)


def first_difference(left: bytes, right: bytes) -> str:
    """Where two texts part, with some of what stands around it."""
    at = next(
        (n for n, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]), min(len(left), len(right))
    )
    around = slice(max(0, at - _AROUND), at + _AROUND)
    return f"byte {at}: {left[around]!r} and {right[around]!r}"
