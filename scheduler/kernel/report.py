"""Why a job waits, and which GPUs are idle in which state: `scheduler.why.reasons` and `Pool.idle_gpus` on flat
arrays.
"""

from scheduler.kernel import fields as f
from scheduler.kernel.bits import ones, set_of, words_of
from scheduler.kernel.books import closed_of, contract_room, kept_nodes
from scheduler.kernel.capacity import capacity_of, exact_of, fits, free_gpus_of
from scheduler.kernel.fields import Flat
from scheduler.kernel.gather import room_capacity
from scheduler.kernel.holding import is_reserved
from scheduler.kernel.outbox import row_of
from scheduler.kernel.serve import offered


def why(s: Flat, j: Flat, b: int) -> int:
    """Return why a job does not run yet. As `scheduler.why.reasons`, without the promised start."""
    p, tier, full, part = j[b + f.POOL], j[b + f.TIER], j[b + f.FULL], j[b + f.PART]
    if j[b + f.STATUS] == f.GRANTED:
        return f.REASON_RECLAIM if j[b + f.VICTIM] >= 0 else f.REASON_SCRUB
    all_nodes, closed = set_of(s, p, f.ALL), closed_of(s, p, tier)
    c = room_capacity(s, p, tier)
    if full + (1 if part else 0) > s[p + f.NODES] - s[p + f.DOWN_NODES]:
        return f.REASON_REPAIR
    if is_reserved(s, j, b) and full > contract_room(s, p, j[b + f.TENANT]):
        return f.REASON_RESERVED
    if not offered(s, j, b):
        return f.REASON_OFFER
    if fits(s, p, c, closed, all_nodes, all_nodes, full, part, kept_nodes(s, p, tier)):
        return f.REASON_TURN
    if fits(s, p, c, closed, all_nodes, all_nodes, full, part, 0):
        return f.REASON_RESERVED
    if free_gpus_of(s, p, c, closed) >= full * s[p + f.PER_NODE] + part:
        return f.REASON_FRAGMENTED
    return f.REASON_CAPACITY


def note_idle(s: Flat, o: Flat, p: int) -> None:
    """Count the GPUs that no job holds by state, and let go of the counts if they changed. As `Pool.idle_gpus`."""
    per_node, words = s[p + f.PER_NODE], words_of(s, p)
    scrubbing, second, third = set_of(s, p, f.SCRUBBING), set_of(s, p, f.RENTED_2), set_of(s, p, f.RENTED_3)
    internal = capacity_of(s, p, f.INTERNAL)
    top = exact_of(s, p, internal, per_node)
    top_nodes, whole_nodes = 0, 0
    for k in range(words):
        top_nodes += ones(s[top + k])
        whole_nodes += ones(s[top + k] & ~(s[second + k] | s[third + k] | s[scrubbing + k]))
    down_gpus, scrubbing_gpus = s[p + f.DOWN_NODES] * per_node, s[p + f.SCRUBBING_NODES] * per_node
    idle = s[p + f.NODES] * per_node - down_gpus - scrubbing_gpus - s[p + f.HELD_GPUS]
    if s[p + f.GRANT_HEAD] >= 0:  # a claim on part of a rented node: neither whole nor open
        closed = set_of(s, p, f.SCRATCH)
        for k in range(words):
            s[closed + k] = s[second + k] | s[third + k] | s[scrubbing + k]
        broken = free_gpus_of(s, p, internal, closed) - whole_nodes * per_node
    else:
        broken = s[internal + f.FREE_GPUS] - top_nodes * per_node
    unclaimed = whole_nodes * per_node + broken
    reserved = min(s[p + f.RESERVED_UNUSED], whole_nodes)
    whole_nodes -= reserved
    waiting, waiting_to_rent = 0, s[p + f.WAITING + 2] + s[p + f.WAITING + 3]
    for queue in range(f.CONTRACT_QUEUE + 1):
        waiting += s[p + f.WAITING + queue]
    held_back, fragmented, spare, no_demand = 0, 0, 0, 0
    if not waiting:
        no_demand = whole_nodes * per_node + broken
    else:
        fragmented = broken
        if waiting_to_rent:
            on_offer = max(0, s[p + f.OFFER] - s[p + f.LENT + 2] - s[p + f.LENT + 3])
            held_back = max(0, whole_nodes - on_offer)
        spare = (whole_nodes - held_back) * per_node
    now = p + f.COUNTED
    s[now], s[now + 1], s[now + 2], s[now + 3] = down_gpus, scrubbing_gpus, idle - unclaimed, reserved * per_node
    s[now + 4], s[now + 5], s[now + 6], s[now + 7] = held_back * per_node, fragmented, spare, no_demand
    changed = False
    for k in range(f.STATES):
        if s[p + f.IDLE + k] != s[now + k]:
            s[p + f.IDLE + k] = s[now + k]
            changed = True
    if changed:
        at = row_of(o, f.IDLES)
        o[at], o[at + 1] = s[p + f.INDEX], s[f.NOW_S]
        for k in range(f.STATES):
            o[at + 2 + k] = s[now + k]
