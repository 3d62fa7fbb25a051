"""What the compiled engine lets go of: rows of the outbox, as the core's `out` and the lines of a tape."""

from scheduler.kernel import fields as f
from scheduler.kernel.fields import Flat


def section_width(section: int) -> int:
    return f.SECTION_WIDTH[section]


def row_of(o: Flat, section: int) -> int:
    """Return the first word of a new row of a section. There is room: the engine asks before each step."""
    head = 3 * section
    at = o[head] + o[head + 2] * section_width(section)
    o[head + 2] += 1
    return at


def put_nodes(s: Flat, j: Flat, o: Flat, b: int, section: int) -> None:
    """Write the nodes that a job holds, ascending."""
    part, cell = j[b + f.HOLD_PART], j[b + f.HOLD]
    while cell >= 0:
        if 0 <= part < s[cell]:
            o[row_of(o, section)] = part
            part = f.NONE
        o[row_of(o, section)] = s[cell]
        cell = s[cell + 1]
    if part >= 0:
        o[row_of(o, section)] = part


def decide(s: Flat, j: Flat, o: Flat, b: int, what: int, number: int, nodes: bool) -> None:
    """Write a decision for the tape."""
    if not s[f.TAPED]:
        return
    if nodes:
        put_nodes(s, j, o, b, f.DECISION_NODES)
    at = row_of(o, f.DECISIONS)
    o[at] = what
    o[at + 1] = b // f.JOB_WIDTH
    o[at + 2] = number
    o[at + 3] = o[3 * f.DECISION_NODES + 2]
