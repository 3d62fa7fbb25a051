"""What the core is told, and what it lets go of: named tuples of ints, nothing else.

Times are int seconds since the scenario's epoch. Rows are indices into the tables of `scheduler.tables`.
"""

from enum import IntEnum
from typing import NamedTuple

NEVER = (1 << 62) - 1  # later than any time that an int64 column may hold in sums of two


class EventKind(IntEnum):
    """Kinds of event. The number is the precedence inside one second: capacity comes back before it is asked for.

    The order matters: two drivers that left it to chance started 1,094,863 and 1,097,002 jobs from one workload.
    """

    FINISH = 0  # row = job, epoch = the job's
    NOTICE_END = 1  # row = job, epoch = the job's: its eviction is due
    SCRUB_END = 2  # row = scrub batch
    NODE_UP = 3  # row = node (repaired; it is scrubbed before anyone holds it)
    NODE_DOWN = 4  # row = node
    EXPIRE = 5  # row = job, epoch = the job's: the renter's patience ends; ignored unless the job still waits
    START_REFUSED = 6  # row = job, epoch = the job's: the world could not start it
    CONTRACT_BEGIN = 7  # row = reservation
    CONTRACT_END = 8  # row = reservation
    SUBMIT = 9  # row = job
    CONTROL = 10  # lend runs, its Offer holds until the next one
    MONTH = 11  # a month of budgets begins: who had used up his may be granted again
    # What was added later comes last inside a second, so that older tapes keep their meaning.
    JOB_CRASH = 12  # row = node, epoch = number of the GPU whose holder goes down; the node stays up
    DRAIN = 13  # row = node, epoch = second at which it goes down for maintenance; nothing starts on it from now on
    RETRY = 14  # row = job, epoch = the job's: its pause after a failure is over
    NOTICE = 15  # row = job, epoch = the job's: time to tell it to leave a node that drains


class Event(NamedTuple):
    """Something that happened in the world; sorts by (kind, row, epoch)."""

    kind: int
    row: int = 0
    epoch: int = 0


class Timer(NamedTuple):
    """A request to be told `event` at `at_s` (never before or at the instant that asked for it)."""

    at_s: int
    event: Event


class Cause(IntEnum):
    """Why an allocation segment ended. Bills and SLA rules depend on it."""

    FINISHED = 0
    EVICTED = 1
    NODE_FAULT = 2
    START_REFUSED = 3
    HORIZON = 4  # the run ended while the job still held its nodes
    CRASHED = 5  # software or its user took the job down; its nodes are well


class Status(IntEnum):
    """Life cycle of a job (`scheduler.jobs.life` holds the moves that are allowed)."""

    NEW = 0  # row known, not submitted yet
    PENDING = 1
    GRANTED = 2  # quota held, nodes being gathered
    RUNNING = 3
    EVICTING = 4  # notice served, still running
    DONE = 5
    CANCELLED = 6


class Reason(IntEnum):
    """Why a job waits, or was turned away. `scheduler.why.sentences` turns it into a sentence."""

    NONE = 0
    CAPACITY = 1  # too few GPUs free, even counting everything this band may evict
    FRAGMENTED = 2  # enough GPUs free, but not as whole nodes, or not enough on one node
    TURN = 3  # fits now, but would delay an earlier job's promised start
    OFFER = 4  # lend does not offer that many nodes for that long
    RECLAIM = 5  # granted: waits for rentals under notice to leave its nodes
    SCRUB = 6  # granted: waits for its nodes to be cleaned
    REPAIR = 7  # would fit if no node were down, or is larger than the healthy part of the pool
    RESERVED = 8  # the free nodes are promised to contracts
    TOO_LARGE = 9  # refused: larger than the whole pool, repaired or not
    PATIENCE = 10  # cancelled: the renter gave up waiting
    NO_REQUEUE = 11  # cancelled: evicted or failed, and its product is not requeued
    DOMAIN = 12  # enough nodes free, but not in one domain of the level that it must lie in
    NO_DOMAIN = 13  # refused: larger than every domain of the level that it must lie in
    QUOTA = 14  # its tenant holds what it may, or its cohort has nothing left to borrow
    BUDGET = 15  # its tenant has used up its budget of this month
    PAUSED = 16  # failed lately: waits out a pause, or for nodes that nobody has to leave


class Segment(NamedTuple):
    """A finished piece of an allocation, [start_s, end_s); the unit from which everything billable is folded.

    `nodes` is a set of node rows of the job's pool as an int: bit i is node i of the pool (ADR 0003).
    """

    job: int
    start_s: int
    end_s: int
    gpus: int
    nodes: int
    cause: int
    stalled_s: int  # seconds of start-up in it
    lost_s: int  # seconds of work in it that were thrown away when it ended
    written_s: int = 0  # seconds of it in which checkpoints were written


class Started(NamedTuple):
    """A job began to run, having waited since `pending_s`, and having been granted its nodes at `granted_s`."""

    job: int
    pending_s: int
    granted_s: int
    start_s: int


class Evicted(NamedTuple):
    """An eviction took place: the notice was served at `noticed_s`, the nodes were taken at `evicted_s`.

    `by` is the job whose grant caused it (-1: no job did), `lost_s` the seconds of work that were thrown away.
    `restart`: 1 where that job had failed and was to start again, which is second-order preemption.
    """

    job: int
    gpus: int
    noticed_s: int
    evicted_s: int
    guaranteed_until_s: int
    by: int = -1
    lost_s: int = 0
    restart: int = 0


class Plan(NamedTuple):
    """Who was chosen to leave at `at_s` so that `job` can have its nodes, and what came second.

    `ready_s` is when the last victim leaves, `cost_micro_usd` what evicting them costs by the columns of the job table.
    `domain` are the nodes that were to be vacated for it, if it had to lie in one domain; else empty. The runner-up is
    the next best plan, without victims where there was no other; `decided_by` says in what it was worse, and is empty
    where the rule compares no plans.
    """

    at_s: int
    job: int
    victims: tuple[int, ...]
    ready_s: int
    cost_micro_usd: int
    domain: int
    runner_up: tuple[int, ...]
    runner_up_ready_s: int
    runner_up_cost_micro_usd: int
    decided_by: str


class Faulted(NamedTuple):
    """A node fault took a job's nodes at `at_s`; it was to leave them at `due_s` (NEVER: not under notice)."""

    job: int
    gpus: int
    at_s: int
    due_s: int


class Idle(NamedTuple):
    """GPUs of a pool that no job holds, by state, from `from_s` until the next such record of the pool.

    `gpus` follows the order of `billing.usage.STATES`; together with what jobs hold they are the installed GPUs.
    """

    from_s: int
    pool: int
    gpus: tuple[int, ...]
