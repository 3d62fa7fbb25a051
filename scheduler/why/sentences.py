"""Reasons as sentences for people. Numbers in, text out; nothing is decided here."""

import re

from scheduler.events import Reason
from scheduler.why.reasons import Why

SENTENCES = {
    Reason.NONE: "does not wait",
    Reason.CAPACITY: "waits for capacity: needs {need} nodes, {have} are free or may be vacated for it",
    Reason.FRAGMENTED: "waits for whole nodes: GPUs enough are free, but only {have} of {need} nodes in one piece",
    Reason.TURN: "waits its turn: it would fit now, but would delay a job that was promised an earlier start",
    Reason.OFFER: "waits for an offer: needs {need} nodes, lend offers {have} more at its guarantee",
    Reason.RECLAIM: "is granted its nodes and waits for {have} evicted jobs to leave them",
    Reason.SCRUB: "is granted its nodes and waits for {have} of them to be cleaned",
    Reason.REPAIR: "waits for repairs: needs {need} nodes, {have} healthy ones are within reach",
    Reason.RESERVED: "waits: needs {need} nodes, contracts leave it {have}",
    Reason.TOO_LARGE: "was refused: larger than the whole pool",
    Reason.PATIENCE: "gave up waiting: its renter's patience was over",
    Reason.NO_REQUEUE: "was not queued again after it lost its nodes",
    Reason.DOMAIN: "waits for one domain: enough nodes are free, but no more than {have} of {need} in one domain",
    Reason.PAUSED: "failed lately: waits out a pause, or for {need} nodes that nobody has to leave",
    Reason.NO_DOMAIN: "was refused: larger than every domain of the kind that it must lie in",
    Reason.QUOTA: "waits for its tenant's quota: needs {need} GPUs, {have} may be held, borrowing included",
    Reason.BUDGET: "waits for the next month: its tenant has used up its budget of this one",
}

_ONE = re.compile(r"(?<![\d,.])1 (node|GPU|time|evicted job)s\b")


def sentence(why: Why) -> str:
    """Say in one clause why a job waits, or was turned away."""
    return singular(SENTENCES[why.reason].format(need=why.need, have=why.have))


def singular(text: str) -> str:
    """Return the text with one node, GPU, time or job in the singular."""
    return _ONE.sub(r"1 \1", text)
