"""A tenant's own books: its events alone, cut out of chains that hold those of others."""

from collections import defaultdict

from billing.closing.month import month_parts
from billing.closing.of_log import basis_of
from billing.closing.own_log import own_basis
from billing.log.event import OPERATOR, Event, chained, data_of
from billing.log.watermark import SOURCE_BEAT
from billing.months import parse_month
from settled_house import LIFE
from told_events import terms


def test_a_tenants_first_event_counts_though_others_stand_before_it_in_the_chain() -> None:
    facts = defaultdict(list)
    for event in LIFE:
        facts[event.source].append((event.id, event.type, event.time_s, event.subject, data_of(event)))
    told: list[Event] = []
    for source, rows in facts.items():
        told += chained(source, [("before", SOURCE_BEAT, rows[0][2], OPERATOR, {}), *rows])
    whole = basis_of(told, terms()).basis
    assert not isinstance(whole, Exception)
    mine = [event for event in told if event.subject == "acme"]
    own, held = own_basis(mine, terms(), max(event.time_s for event in told))
    month = parse_month("2026-01")
    lines = [
        [
            (part.item.quantity, part.item.exact)
            for part in month_parts(basis, basis.books.names.tenants.index("acme"), month)
        ]
        for basis in (whole, own)
    ]
    assert lines[0] and lines[0] == lines[1]
    assert len(held.ids) == sum(event.type == "allocation.started" for event in mine)
