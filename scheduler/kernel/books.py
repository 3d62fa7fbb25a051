"""What a pool knows: heads that do not fit, contracts, the Offer, renewals of rolling guarantees, cleaning."""

from scheduler.kernel import fields as f
from scheduler.kernel.bits import put, set_of, words_of
from scheduler.kernel.fields import Flat


def forget(s: Flat, p: int, tier: int) -> None:
    """What was found out about the heads of `tier` and below no longer holds."""
    for lower in range(tier, f.TIERS):
        s[p + f.BLOCKED + lower] = f.NONE
        s[p + f.PROMISE_S + lower] = f.NONE


def stir(s: Flat, p: int, tier: int, below: int) -> None:
    """Something changed for `tier` up to, not including, `below`."""
    for lower in range(tier, below):
        s[p + f.ASKED + lower] = 1
    forget(s, p, tier)


def contract_room(s: Flat, p: int, tenant: int) -> int:
    """Nodes that a tenant may still ask for under its contracts."""
    at = s[p + f.CONTRACTS] + 3 * tenant
    return s[at] - s[at + 1]


def count_reserved(s: Flat, p: int) -> None:
    total = 0
    at = s[p + f.CONTRACTS]
    for _ in range(s[p + f.TENANT_COUNT]):
        if s[at + 2]:  # has, or had, a contract
            total += max(0, s[at] - s[at + 1])
        at += 3
    s[p + f.RESERVED_UNUSED] = total


def use_contract(s: Flat, p: int, tenant: int, nodes: int) -> None:
    """Book nodes (negative: give back) on a tenant's contracts."""
    s[s[p + f.CONTRACTS] + 3 * tenant + 1] += nodes
    count_reserved(s, p)


def change_contract(s: Flat, p: int, tenant: int, nodes: int) -> None:
    """A contract for so many nodes begins (negative: ends)."""
    s[s[p + f.CONTRACTS] + 3 * tenant] += nodes
    s[s[p + f.CONTRACTS] + 3 * tenant + 2] = 1
    count_reserved(s, p)


def kept_nodes(s: Flat, p: int, tier: int) -> int:
    """Whole nodes that contracts may call on at any time: out of reach for the rest of tier 0."""
    return s[p + f.RESERVED_UNUSED] if tier == 0 else 0


def offer_room(s: Flat, p: int, tier: int) -> int:
    """How many nodes more the Offer allows to a tier; negative when it has shrunk."""
    lent = s[p + f.LENT + 2]
    if tier == 3:
        lent += s[p + f.LENT + 3]
    return s[p + f.OFFER] - lent


def closed_of(s: Flat, p: int, tier: int) -> int:
    """Return the set of nodes that are out of a tier's reach though its capacity shows them."""
    if tier < 2:
        return set_of(s, p, f.EMPTY)
    if tier == 2:
        return set_of(s, p, f.RENTED_2)
    closed, second, third = set_of(s, p, f.CLOSED_3), set_of(s, p, f.RENTED_2), set_of(s, p, f.RENTED_3)
    for k in range(words_of(s, p)):
        s[closed + k] = s[second + k] | s[third + k]
    return closed


def renewal_log(s: Flat, p: int, product: int) -> int:
    """Return where the log of a rolling product stands: how many entries, then (since, whether) of each."""
    number = s[s[f.PRODUCTS] + product * f.PRODUCT_WIDTH + f.ROLLING] - 1
    return s[p + f.RENEWALS] + number * s[p + f.RENEWALS_WIDTH]


def was_renewable(s: Flat, p: int, product: int, at_s: int) -> bool:
    """Whether guarantees were renewed at `at_s`, as the last decision before that second left it."""
    log = renewal_log(s, p, product)
    for place in range(s[log] - 1, -1, -1):
        if s[log + 1 + 2 * place] < at_s:
            return s[log + 2 + 2 * place] != 0
    return False


def note_renewable(s: Flat, p: int, product: int, now_s: int) -> None:
    """Note after a decision whether guarantees of a rolling product are renewed from now on.

    Nobody asks for more than one period back; when the log is full, older entries than that are dropped.
    """
    log = renewal_log(s, p, product)
    found = s[f.PRODUCTS] + product * f.PRODUCT_WIDTH
    renewable = 1 if offer_room(s, p, s[found + f.TIER_OF]) >= 0 else 0
    entries = s[log]
    if s[log + 2 * entries] == renewable:
        return
    if 2 * entries + 3 > s[p + f.RENEWALS_WIDTH]:
        gone = 0
        while gone + 1 < entries and s[log + 1 + 2 * (gone + 1)] < now_s - s[found + f.GUARANTEE_S] - 1:
            gone += 1
        entries -= gone
        for k in range(2 * entries):
            s[log + 1 + k] = s[log + 1 + 2 * gone + k]
    s[log + 1 + 2 * entries] = now_s
    s[log + 2 + 2 * entries] = renewable
    s[log] = entries + 1


def note_batch(s: Flat, p: int, node: int, batch: int) -> None:
    """A node is being cleaned, in this batch (NONE: in none any more)."""
    s[s[p + f.BATCH_OF] + node] = batch


def end_batch(s: Flat, p: int, batch: int) -> None:
    """The nodes of a batch are clean. O(words + nodes being cleaned)."""
    at, of = set_of(s, p, f.SCRUBBING), s[p + f.BATCH_OF]
    for k in range(words_of(s, p)):
        word = s[at + k]
        node = k << 5
        while word:
            if word & 1 and s[of + node] == batch:
                s[at + k] ^= 1 << (node & 31)
                s[p + f.SCRUBBING_NODES] -= 1
            word >>= 1
            node += 1


def set_nodes(s: Flat, j: Flat, b: int, at: int) -> None:
    """Add the nodes that a job holds to a set."""
    cell = j[b + f.HOLD]
    while cell >= 0:
        put(s, at, s[cell])
        cell = s[cell + 1]
    if j[b + f.HOLD_PART] >= 0:
        put(s, at, j[b + f.HOLD_PART])
