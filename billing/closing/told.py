"""Which events an invoice was made from, as a tenant may see it: its own, numbered among themselves.

A document prints how many events of each source it was made from, and one hash over their content. Both count the
tenant's own events alone (and those about everybody), up to the end of the month: what others did, and what came after,
changes no byte of it. The tenant, who knows its events, can repeat the hash.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from billing.invoices.invoice import LogRange
from billing.log.event import Event
from billing.log.known import EVERYBODY


class Told(NamedTuple):
    """One event, as far as the hash needs it. `content` is the SHA-256 of what it says, wherever it stands."""

    source: str
    seq: int
    time_s: int
    content: bytes


def told_to(events: Iterable[Event]) -> dict[str, list[Told]]:
    """Return the events of each subject, each once, in the order of source and seq."""
    found: dict[str, set[Told]] = {}
    for event in events:
        text = f"{event.id}\n{event.type}\n{event.time_s}\n{event.subject}\n{event.data}"
        told = Told(event.source, event.seq, event.time_s, sha256(text.encode()).digest())
        found.setdefault(event.subject, set()).add(told)
    return {subject: sorted(mine) for subject, mine in found.items()}


def range_of(told: Mapping[str, Sequence[Told]], tenant: str, until_s: int) -> tuple[LogRange, str]:
    """Return (source, 1, count) of each source, sorted, and the hex SHA-256 over the contents, in order.

    Only events before `until_s` (Unix seconds) count: what a month is made from has begun before its end.
    """
    mine = [each for subject in (tenant, EVERYBODY) for each in told.get(subject, ()) if each.time_s < until_s]
    count: dict[str, int] = {}
    hash_ = sha256()
    for each in sorted(mine):
        count[each.source] = count.get(each.source, 0) + 1
        hash_.update(each.content)
    return tuple((source, 1, number) for source, number in sorted(count.items())), hash_.hexdigest()


def told_until(sources: Sequence[tuple[str, int, str]]) -> tuple[LogRange, str]:
    """Return the log range and hash of (source, last seq, hash of that event): what a `Basis` says of a log.

    The hash of a source's last event stands for all before it, since each holds the hash of the one before.
    """
    ordered = sorted(sources)
    text = "\n".join(f"{source} {last} {hash_}" for source, last, hash_ in ordered)
    return tuple((source, 1, last) for source, last, _ in ordered), sha256(text.encode()).hexdigest()
