"""Policies that must be refused. Each breaks one rule of the guard, and is otherwise the policy `easy`.

After the hostile policies with which a public scheduler bench tests its own checks: wrong counts, double use, unknown
hosts, and arguments that are written to.
"""

from dataclasses import replace

import numpy as np

from scheduler.nodes.capacity import Capacity, Hold, Room
from scheduler.nodes.nodeset import lowest
from scheduler.policies import POLICIES
from scheduler.policy.lend import Offer
from scheduler.policy.need import Holder
from scheduler.policy.place import Choice, packed
from scheduler.policy.victims import youngest_first


def _fifo(jobs):
    return np.arange(jobs.count, dtype=np.int64)


def writes_a_column(jobs):
    jobs.run_s[0] = 1
    return _fifo(jobs)


def writes_through_an_array(jobs):
    column = jobs.array("estimate_s")
    column.flags.writeable = True
    column[0] = 1
    return _fifo(jobs)


def replaces_a_column(jobs):
    jobs.run_s = jobs.estimate_s
    return _fifo(jobs)


def one_key_too_few(jobs):
    return _fifo(jobs)[1:]


def keys_that_are_no_integers(jobs):
    return _fifo(jobs) / 2


def a_key_twice(jobs):
    return _fifo(jobs) // 2


def nothing_at_all(jobs):
    return None


def takes_the_room(room, full, part, preference):
    choice = packed(room, full, part, preference)
    if choice:
        room.capacity.take(Hold(choice.whole, choice.part, part))
    return choice


def moves_a_free_node(room, full, part, preference):
    exact = room.capacity.exact
    exact[0], exact[-1] = exact[0] | lowest(exact[-1], 1), exact[-1] ^ lowest(exact[-1], 1)
    return packed(room, full, part, preference)


def one_node_short(room, full, part, preference):
    choice = packed(room, full, part, preference)
    return choice and Choice(choice.whole & (choice.whole - 1), choice.part)


def divides_by_zero(room, full, part, preference):
    return packed(room, full // (part - part), part, preference)


def one_node_more(room, full, part, preference):
    choice = packed(room, full, part, preference)
    spare = room.whole() & ~choice.whole if choice else 0
    return choice and Choice(choice.whole | lowest(spare, 1), choice.part)


def forgets_the_part(room, full, part, preference):
    choice = packed(room, full, part, preference)
    return choice and Choice(choice.whole, 0)


def a_node_that_others_hold(room, full, part, preference):
    choice = packed(room, full, part, preference)
    held = room.capacity.exact[0]
    if not choice or not choice.whole or not held:
        return choice
    return Choice(choice.whole & (choice.whole - 1) | lowest(held, 1), choice.part)


def an_unknown_row(room, full, part, preference):
    choice = packed(room, full, part, preference)
    return choice and Choice(choice.whole & (choice.whole - 1) | 1 << 4000, choice.part)


def everything_there_is(room, full, part, preference):
    return Choice(-1, 0)


def the_part_on_a_whole_node(room, full, part, preference):
    choice = packed(room, full, part, preference)
    return choice and (Choice(choice.whole, lowest(choice.whole, 1)) if choice.whole and part else choice)


def two_domains_for_one(room, full, part, preference):
    return packed(room._replace(within=0), full, part, preference)


def rows_instead_of_sets(room, full, part, preference):
    return [0] * full


def nobody(renters, sharers, enough):
    return None


def too_few(renters, sharers, enough):
    return (youngest_first(renters, sharers, enough) or [])[:-1]


def the_same_twice(renters, sharers, enough):
    chosen = youngest_first(renters, sharers, enough)
    return chosen and [*chosen, chosen[0]]


def somebody_else(renters, sharers, enough):
    chosen = youngest_first(renters, sharers, enough)
    return chosen and [*chosen, Holder(0, 0, False)]


def somebody_on_more_nodes(renters, sharers, enough):
    chosen = youngest_first(renters, sharers, enough)
    return chosen and [chosen[0]._replace(nodes=-1), *chosen[1:]]


def empties_the_list(renters, sharers, enough):
    chosen = youngest_first(renters, sharers, enough)
    if isinstance(sharers, list):
        sharers.append(Holder(0, 0, True))
    return chosen


def takes_the_promised_nodes(room, end_s, full, part, promise):
    promise.spare.exact[-1] |= room.whole()
    return room


def opens_a_closed_node(room, end_s, full, part, promise):
    return Room(room.capacity, 0)


def a_room_of_its_own(room, end_s, full, part, promise):
    return Room(Capacity(4000, room.capacity.per_node), 0)


def more_than_there_is(supply, forecast, prices):
    return Offer((0,), (supply.healthy_nodes + 1,))


def less_than_nothing(supply, forecast, prices):
    return Offer((0,), (-1,))


def more_for_longer(supply, forecast, prices):
    return Offer((0, 3600), (1, 2))


def guarantees_in_disorder(supply, forecast, prices):
    return Offer((0, 60, 30), (2, 1, 0))


def no_offer_without_a_guarantee(supply, forecast, prices):
    return Offer((60,), (1,))


def limits_that_do_not_align(supply, forecast, prices):
    return Offer((0, 60), (1,))


def half_a_node(supply, forecast, prices):
    return Offer((0,), (supply.healthy_nodes / 2,))


def writes_to_the_supply(supply, forecast, prices):
    supply.idle_nodes = 1000
    return Offer((0,), (0,))


# part -> the hostile function and a word of the complaint
HOSTILE = {
    "order": {
        writes_a_column: "read-only",
        writes_through_an_array: "WRITEABLE",
        replaces_a_column: "not written to",
        one_key_too_few: "one integer key for each job",
        keys_that_are_no_integers: "one integer key for each job",
        a_key_twice: "has the key of job",
        nothing_at_all: "one integer key for each job",
    },
    "place": {
        divides_by_zero: "ZeroDivisionError",
        takes_the_room: "writes to the room",
        moves_a_free_node: "writes to the room",
        one_node_short: "part of a gang",
        one_node_more: "part of a gang, or more",
        forgets_the_part: "part of a gang",
        a_node_that_others_hold: "not free",
        an_unknown_row: "does not exist",
        everything_there_is: "does not exist",
        the_part_on_a_whole_node: "a node twice",
        two_domains_for_one: "scatters the gang",
        rows_instead_of_sets: "fails",
    },
    "victims": {
        nobody: "does not make room",
        too_few: "does not make room",
        the_same_twice: "twice",
        somebody_else: "may not be evicted",
        somebody_on_more_nodes: "may not be evicted",
        empties_the_list: "writes to the gangs",
    },
    "backfill": {
        takes_the_promised_nodes: "writes to the room or the promise",
        opens_a_closed_node: "more than the room",
        a_room_of_its_own: "more than the room",
    },
    "lend": {
        more_than_there_is: "impossible offer",
        less_than_nothing: "impossible offer",
        more_for_longer: "impossible offer",
        guarantees_in_disorder: "impossible offer",
        no_offer_without_a_guarantee: "impossible offer",
        limits_that_do_not_align: "impossible offer",
        half_a_node: "impossible offer",
        writes_to_the_supply: "fails",
    },
}


def hostile(part: str, function):
    """The policy `easy` with one part of it hostile, named after the function."""
    return replace(POLICIES["easy"], name=function.__name__, **{part: function})
