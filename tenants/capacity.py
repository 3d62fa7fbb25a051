"""What a contract comes to at a time: when it ends, how many nodes it promises, and how many are really there.

Both numbers of nodes are step functions of time, written as `Span`s that follow each other without a gap from the
beginning of the term to its end.

    promised    by the steps of the ramp, less what was recalled with due notice
    delivered   by the steps that had arrived, less all that was recalled; never above what is promised
"""

from typing import NamedTuple

from tenants.contract import Contract


class Span(NamedTuple):
    """Over [from_s, until_s) `promised` nodes are owed. `delivered` of them are there, `late` have not come yet, and
    `recalled` were taken back before their notice was over: the three add up."""

    from_s: int
    until_s: int
    promised: int
    delivered: int
    late: int
    recalled: int


def terms(contract: Contract, until_s: int) -> tuple[tuple[int, int], ...]:
    """Return [from_s, until_s) of the first term and of each renewal that begins before `until_s`."""
    found = [(contract.from_s, contract.until_s)]
    while contract.renewal is not None and found[-1][1] < min(until_s, contract.end_s):
        begins_s = found[-1][1]
        found.append((begins_s, min(contract.end_s, begins_s + contract.renewal.length_s)))
    return tuple(found)


def spans(contract: Contract) -> tuple[Span, ...]:
    """Return what is owed and what is there, from the beginning to the end. Cost: O(changes squared), of a few."""
    ends_s = contract.end_s
    changes = {contract.from_s, contract.from_s if contract.delivered_s is None else contract.delivered_s}
    for step in contract.steps:
        changes |= {step.from_s, step.from_s if step.delivered_s is None else step.delivered_s}
    for recall in contract.recalls:
        changes |= {recall.from_s, max(recall.from_s, recall.noticed_s + contract.recall_notice_s)}
    cuts = [*sorted(at_s for at_s in changes if contract.from_s <= at_s < ends_s), ends_s]
    return tuple(_span(contract, cuts[row], cuts[row + 1]) for row in range(len(cuts) - 1))


def nodes_at(contract: Contract, at_s: int) -> int:
    """Return the nodes that are kept for the contract at a time; 0 outside of its term."""
    return next((span.delivered for span in spans(contract) if span.from_s <= at_s < span.until_s), 0)


def peak_nodes(contract: Contract) -> int:
    """Return the most nodes that are kept for the contract at any time."""
    return max(span.delivered for span in spans(contract))


def _span(contract: Contract, from_s: int, until_s: int) -> Span:
    levels = [(contract.from_s, contract.delivered_s, contract.nodes)]
    levels += [(step.from_s, step.delivered_s, step.nodes) for step in contract.steps]
    owed = [nodes for at_s, _, nodes in levels if at_s <= from_s][-1]
    there = [nodes for at_s, came_s, nodes in levels if (at_s if came_s is None else came_s) <= from_s]
    arrived = min(owed, there[-1] if there else 0)
    gone = sum(recall.nodes for recall in contract.recalls if recall.from_s <= from_s)
    notice_s = contract.recall_notice_s
    due = sum(recall.nodes for recall in contract.recalls if max(recall.from_s, recall.noticed_s + notice_s) <= from_s)
    promised = max(0, owed - due)
    late = min(promised, owed - arrived)
    recalled = min(promised - late, max(0, gone - due))
    return Span(from_s, until_s, promised, promised - late - recalled, late, recalled)
