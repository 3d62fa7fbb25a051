"""I3, I8 and I9 on invoices: histories of events, however they came, give the same documents byte for byte; months that
are closed as they end are those that a replay closes; nobody's events change anybody else's invoice."""

import random
from dataclasses import replace
from fractions import Fraction

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from billing.closing.close_month import Arrived, close_month, issue_all
from billing.closing.correction import Earlier, correction_parts
from billing.closing.month import Basis, Part, month_parts, months_with_lines
from billing.closing.of_log import basis_of
from billing.documents.bundle import bundle_of
from billing.documents.export import EXPORTS
from billing.invoices.document import document_bytes
from billing.invoices.invoice import Invoice
from billing.log.event import Event, canonical, chained, data_of
from billing.months import month_bounds, month_label
from billing_facts import HOUR_S, TENANTS
from told_events import EPOCH_S, random_log, terms

TERMS = terms()
SEEDS = st.integers(0, 10**9)
# Each example makes whole books: some in `make test`, all of them where many were asked for.
FEW = settings(max_examples=settings.default.max_examples if settings.default.max_examples > 100 else 30)
FINISHED = Arrived(0, finished=True)
END_S = EPOCH_S + 9 * HOUR_S


def ended_log(seed: int) -> list[Event]:
    """A random history whose sources say that they have ended, without what nobody could bill."""
    found = basis_of(random_log(seed), TERMS)
    aside = {(source, event) for source, event, *_ in found.arrived.quarantined}
    sources: dict[str, list[Event]] = {}
    for event in random_log(seed):
        if (event.source, event.id) not in aside and event.type != "pool.installed":  # nobody counts idle GPUs here
            sources.setdefault(event.source, []).append(event)
    return [each for source, events in sources.items() for each in rechained(source, events)]


def rechained(source: str, events: list[Event]) -> list[Event]:
    """The same events numbered and linked anew, and the end of the source."""
    facts = [(event.id, event.type, event.time_s, event.subject, data_of(event)) for event in events]
    return list(chained(source, [*facts, ("end", "source.ended", END_S, "operator", {})]))


def invoices_of(events: list[Event]) -> list[Invoice]:
    basis = basis_of(events, TERMS).basis
    assume(isinstance(basis, Basis) and not basis.books.findings)
    return issue_all(basis)


def by_bytes(invoices: list[Invoice]) -> list[bytes]:
    return sorted(map(document_bytes, invoices))


@FEW
@given(SEEDS, st.randoms(use_true_random=False))
def test_any_order_repetition_and_batching_of_events_gives_the_same_invoices(seed: int, rng: random.Random) -> None:
    log = ended_log(seed)
    assume(log)
    again = [*log, *rng.choices(log, k=5)]
    rng.shuffle(again)
    assert by_bytes(invoices_of(log)) == by_bytes(invoices_of(again))


@FEW
@given(SEEDS)
def test_closing_months_as_they_end_comes_to_what_a_replay_closes(seed: int) -> None:
    """Each month is closed from what has been told by its end. If nothing is late for it, the documents are those of a
    replay at the end of all time; if something is, the corrections make up for it, exactly."""
    log = ended_log(seed)
    whole = basis_of(log, TERMS).basis
    assume(isinstance(whole, Basis))
    assert isinstance(whole, Basis)
    months = sorted({month for month, _ in months_with_lines(whole)})
    went: list[tuple[int, Basis]] = []
    for month in months:
        ends_s = EPOCH_S + month_bounds(EPOCH_S, month)[1]
        then = basis_of(log if month == months[-1] else told_by(log, ends_s), TERMS).basis
        assert isinstance(then, Basis)
        went.append((month, then))
    late = False
    for tenant, word in enumerate(TENANTS):
        parts: list[Part] = []
        for place, (month, basis) in enumerate(went):
            parts += month_parts(basis, tenant, month)
            earlier = [Earlier("x", month_label(before)) for before, _ in went[:place]]
            fixes = correction_parts(went[place - 1][1], basis, word, earlier, "late") if place else []
            late |= bool(fixes)
            parts += fixes
        replayed = [part for month in months for part in month_parts(whole, tenant, month)]
        assert exact_sum_of(parts) == exact_sum_of(replayed)
    if not late:
        issued: list[Invoice] = []
        for month, basis in went:
            issued += close_month(basis, month, EPOCH_S, FINISHED, issued)
        assert by_bytes(issued) == by_bytes(issue_all(whole))


def told_by(log: list[Event], until_s: int) -> list[Event]:
    """What the sources had told before a time, their clocks gone on."""
    sources = sorted({event.source for event in log})
    known = [event for event in log if event.time_s < until_s and event.type != "source.ended"]
    return [each for name in sources for each in rechained(name, [event for event in known if event.source == name])]


def exact_sum_of(parts: list[Part]) -> Fraction:
    return sum((Fraction(*part.item.exact) for part in parts), Fraction(0))


@FEW
@example(1163012, 2, "lab")  # the others' tokens once showed in the denominator of a credit
@given(SEEDS, SEEDS, st.sampled_from(TENANTS))
def test_no_event_of_others_changes_a_byte_of_a_tenants_invoices(seed: int, other: int, tenant: str) -> None:
    """The other tenants live a quite different life, in the same sources."""
    mine = [event for event in ended_log(seed) if event.subject in (tenant, "operator")]
    others = [event for event in ended_log(other) if event.subject not in (tenant, "operator")]
    alone, among = {}, {}
    for source in ("scheduler", "health"):
        own = [event for event in mine if event.source == source and event.type != "source.ended"]
        theirs = [renamed(event) for event in others if event.source == source]
        if own:
            alone[source] = rechained(source, own)
        if own or theirs:
            among[source] = rechained(source, sorted([*own, *theirs], key=lambda event: event.time_s))
    sets = ([each for events in logs.values() for each in events] for logs in (alone, among))
    one, two = (documents_of(events, tenant) for events in sets)
    assert one == two


def documents_of(events: list[Event], tenant: str) -> list[bytes]:
    """The bytes of a tenant's invoices, and of what is exported for it: its SLA reports are in there."""
    basis = basis_of(events, TERMS).basis
    assume(isinstance(basis, Basis) and not basis.books.findings)
    assert isinstance(basis, Basis)
    files = EXPORTS["json"](bundle_of(basis, "Spillway", tenant))
    return [*by_bytes([each for each in issue_all(basis) if each.tenant == tenant]), *(b"".join(f) for _, f in files)]


def test_canary_documents_that_print_the_whole_log_are_caught() -> None:
    """With the range of all events on it, a document of one tenant tells of the others."""
    log = ended_log(3)
    more = rechained("other", [event for event in random_log(5) if event.type == "pool.installed"])
    two = [basis_of(events, TERMS).basis for events in (log, [*log, *more])]
    made = []
    for basis in two:
        assert isinstance(basis, Basis)
        named = replace(basis, told=None, books=replace(basis.books, findings=[]))
        made.append(by_bytes(issue_all(named)))
    assert made[0] != made[1]


def renamed(event: Event) -> Event:
    """The event of an allocation that nobody else has."""
    data = {
        key: f"other-{value}" if key in ("allocation", "job", "outage") else value
        for key, value in data_of(event).items()
    }
    data.pop("gpu_ids", None)
    return event._replace(id=f"other-{event.id}", data=canonical(data))
