"""Where everything lies in the flat int64 arrays of the compiled engine.

Four arrays hold a whole run: `s` the state of the cluster, `j` one record per job, `h` the heap of timers, `o` the
outbox. A record is a run of words; the names below are offsets from its first word. Everything is an int64, so one
compiled signature serves every function, and the same source runs uncompiled on memoryviews.
"""

from typing import TypeAlias

Flat: TypeAlias = "memoryview[int]"  # an int64 array when compiled

NONE = -1
ENDLESS = (1 << 62) - 1  # scheduler.events.NEVER
ABSENT = (1 << 62) + 1  # needs longer than for ever: not waiting
WORD_BITS = 32  # of a set's word: half of the int64, so that nothing overflows in plain Python or numpy
# What an index may be at most. It lets the compiler know that no index is negative, so that it need not look whether it
# counts from the end, and may work on several words at once: twice as fast.
AT, WIDE = (1 << 40) - 1, (1 << 20) - 1
TIERS = 4
CONTRACT_QUEUE = 4  # the fifth queue of a pool, after those of the tiers
STATES = 8  # of idle GPUs, as in billing.usage

# -- s: the header ----------------------------------------------------------------------------------------------------
NOW_S, STEP_COUNT, EVENT_COUNT, OPEN_COUNT, BATCH_COUNT, ERROR = range(6)
POOL_COUNT, POOLS, PRODUCT_COUNT, PRODUCTS, JOB_COUNT = range(6, 11)
FIRST_FIT, EASY, BLIND, LEND, HEADROOM_NODES = range(11, 16)
INTERVAL_S, TICK_S, HORIZON_S = range(16, 19)  # control clock; TICK_S is ENDLESS when it has stopped
NEXT_JOB, TOLD, TOLD_COUNT, NEXT_TOLD = range(19, 23)
TIMER_COUNT, CELLS, FREE_CELL = range(23, 26)
LIVE_JOBS, LIVE_NODES = range(26, 28)  # submitted, neither done nor cancelled; and the nodes they ask for
TAPED, METERED, RESERVATIONS = range(28, 31)
HEADER = 32

LEND_NONE, LEND_ALL_IDLE, LEND_FIXED = range(3)
TOLD_WIDTH = 3  # at_s, code, nodes of a contract that begins (negative: ends)

# -- s: a product -----------------------------------------------------------------------------------------------------
BAND_OF, TIER_OF, GUARANTEE_S, ROLLING, NOTICE_S, REQUEUE, CHECKPOINT_S, RESTART_S, WRITE_S = range(9)
PRODUCT_WIDTH = 9

# -- s: a pool --------------------------------------------------------------------------------------------------------
INDEX, NODES, WORDS, PER_NODE, FIRST_NODE, SCRUB_S = range(6)
SETS, CAPACITIES, CAPACITY_WIDTH, COVER, STAY, BATCH_OF, ENDS, ENDS_WIDTH = range(6, 14)
HELD_GPUS, RESERVED_UNUSED, CONTRACTS, TENANT_COUNT, OFFER = range(14, 19)
GATHER_CHANGED, LENT_CHANGED, TOUCHED, GRANT_HEAD, GRANT_TAIL = range(19, 24)
PART_NODE, STEPS = range(24, 26)  # of the choice under way; STEPS: its preference, then the cursors of a promise
BEST_NARROW, DOWN_NODES, SCRUBBING_NODES = range(27, 30)
IDLE = 30  # 8 words: the counts that were last let go of; the first is NONE before that
LENT = 38  # by tier, 4 words each
BLOCKED, LAST_BLOCKED, PROMISE_S, FRESH, ASKED, RUN_HEAD, RUN_TAIL, END_COUNT = range(42, 74, 4)
LINES, LINE_COUNT, WAITING = range(74, 89, 5)  # by queue, 5 words each
RENEWALS, RENEWALS_WIDTH = range(89, 91)  # log of each rolling product: count, then (since, whether)
COUNTED = 91  # 8 words: idle counts as they are now
POOL_WIDTH = 99

# Node sets of a pool, WORDS words each.
ALL, EMPTY, RENTED_2, RENTED_3, LEAVING, SCRUBBING, DIRTY, DOWN = range(8)
CLOSED_3, WHOLE, BLOCKED_NODES, USEFUL, FREE, PARTLY, SCRATCH = range(8, 15)  # WHOLE: the whole nodes of the choice
READY_WHOLE, READY_PART, SOON_WHOLE, SOON_PART, REACH_WHOLE, REACH_PART = range(15, 21)
NARROW_WHOLE, NARROW_PART, LIMIT_WHOLE, LIMIT_PART = range(21, 25)
NOT_NOW_WHOLE, NOT_NOW_PART, SOON_RENTED_2, SOON_RENTED_3 = range(25, 29)
PROMISE_CLOSED = 29  # by tier
SET_COUNT = 33

# A capacity: free GPUs, nodes with excess, PER_NODE + 1 sets, then the excess of each node.
FIRM, INTERNAL, PROMISED = range(3)  # PROMISED: by tier
CAPACITY_COUNT = 6
FREE_GPUS, EXCESS_NODES, EXACT = range(3)

# A line of the queue: the waiting jobs of one shape. TREE is a segment tree over places that holds the least need.
LINE_FULL, LINE_PART, LINE_JOBS_WAITING, LINE_HEAD, LINE_SIZE, LEAVES, MEMBERS, TREE, PLACE = range(9)
LINE_WIDTH = 9

# -- j: a job ---------------------------------------------------------------------------------------------------------
KEY, POOL, PRODUCT, TENANT, TIER, RENTER, FULL, PART = range(8)
SUBMIT_S, RUN_S, ESTIMATE_S, PATIENCE_S, LINE, POSITION = range(8, 14)
STATUS, REASON, EPOCH, PENDING_S, GRANTED_S, START_S, END_S = range(14, 21)
FIRST_START_S, FIRST_GRANTED_S, WAIT_S, WORK_S, GUARANTEED_UNTIL_S = range(21, 26)
NOTICED_S, EVICT_AT_S, PREEMPTIONS, FAULTS, EVICTOR = range(26, 31)
HOLD, HOLD_PART, HOLD_NODES, VICTIM, PREVIOUS, NEXT, ESTIMATED_END_S = range(31, 38)
RESTARTING = 38  # whether it failed and has not started again
JOB_WIDTH = 39
WRITTEN = {  # columns of scheduler.tables.DYNAMIC
    "status": STATUS,
    "reason": REASON,
    "epoch": EPOCH,
    "pending_s": PENDING_S,
    "granted_s": GRANTED_S,
    "start_s": START_S,
    "end_s": END_S,
    "first_start_s": FIRST_START_S,
    "first_granted_s": FIRST_GRANTED_S,
    "wait_s": WAIT_S,
    "work_s": WORK_S,
    "guaranteed_until_s": GUARANTEED_UNTIL_S,
    "noticed_s": NOTICED_S,
    "evict_at_s": EVICT_AT_S,
    "preemptions": PREEMPTIONS,
    "faults": FAULTS,
    "evictor": EVICTOR,
}

# -- o: sections of the outbox, each (first word, capacity in rows, rows) in the header of `o` -------------------------
SEGMENTS, SEGMENT_NODES, STARTED, EVICTED, FAULTED, IDLES, STEPS_TAKEN, EVENTS, DECISIONS, DECISION_NODES = range(10)
SECTION_COUNT = 10
SECTION_WIDTH = (9, 1, 4, 8, 4, 10, 3, 3, 4, 1)
OUT_HEADER = 32
GRANT, START, EVICT, REVOKE, CANCEL = range(5)  # decisions
WORDS_OF_DECISIONS = ("grant", "start", "evict", "revoke", "cancel")

# Why the engine came back.
FINISHED_ALL, OUTBOX_FULL, HEAP_FULL, STEPS_DONE = range(4)

# Numbers of scheduler.events and tenants.band; tests/unit holds them to the enums.
EVENT_FINISH, EVENT_NOTICE_END, EVENT_SCRUB_END, EVENT_NODE_UP, EVENT_NODE_DOWN, EVENT_EXPIRE = range(6)
EVENT_CONTRACT_BEGIN, EVENT_CONTRACT_END, EVENT_SUBMIT, EVENT_CONTROL = range(7, 11)
CAUSE_FINISHED, CAUSE_EVICTED, CAUSE_NODE_FAULT = range(3)
CAUSE_HORIZON = 4
NEW, PENDING, GRANTED, RUNNING, EVICTING, DONE, CANCELLED = range(7)
BAND_RESERVED = 1
REASON_CAPACITY, REASON_FRAGMENTED, REASON_TURN, REASON_OFFER, REASON_RECLAIM, REASON_SCRUB = range(1, 7)
REASON_REPAIR, REASON_RESERVED, REASON_TOO_LARGE, REASON_PATIENCE, REASON_NO_REQUEUE = range(7, 12)
KIND_SHIFT, ROW_SHIFT = 56, 24
EPOCHS, ROWS = 1 << ROW_SHIFT, 1 << (KIND_SHIFT - ROW_SHIFT)
