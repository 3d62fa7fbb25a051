"""Bills: nobody's use, reports or mistakes change another one's, and no document tells of anybody else."""

import itertools
import random
import tomllib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from hypothesis import strategies as st

import broken_cores
from billing import books as closing
from billing.closing import agreed_prices, close_month, month, of_log
from billing.closing import told as telling
from billing.closing.close_month import why_open
from billing.closing.month import Basis
from billing.closing.of_log import LogBasis
from billing.documents import bundle as bundling
from billing.documents.export import EXPORTS
from billing.errors import InvoiceError
from billing.invoices.invoice import Invoice
from billing.log import admitted, authority, fold
from billing.log.allocations import Allocation
from billing.log.event import Event, chained
from billing.log.shapes import CAPACITY, ENDED, EXCLUDED
from billing.months import parse_month
from billing.rating import rate as rating
from billing.store import ingest as ingesting
from billing.store import writer
from billing.store.books import invoices_in
from billing.store.engine import open_store, reading
from billing.store.ingest import ingest
from billing.store.issuing import issue_month
from billing.store.log_basis import basis_at
from billing.usage import SegmentTable
from billing_facts import NAMES, closed_world
from canary import Canaries, logged
from isolation import BOTH, Case, attack, mutant
from shared_bills import (
    END_S,
    ME,
    NOBODY,
    OTHER,
    billed,
    contract,
    facts_of_others,
    log_of,
    reported,
    shown_to_me,
    terms_with,
)
from sim.engine.run import run
from sim.folder import run_folder
from sim.folder.basis import run_basis
from sim.scenario.build import build
from sim.scenario.file import from_mapping, show
from sim.settle import settle
from told_events import EPOCH_S, ended, resized, started, unix
from two_worlds import Step, compare_worlds

SEEDS = st.integers(0, 10**6)
TEXTS = tuple(name for name in EXPORTS if name != "pdf")


def other_life(seed: int, tenant: str = OTHER) -> dict[str, Any]:
    """Another tenant's secrets."""
    agreed = contract("birch-block", tenant, "block") if seed % 2 else None
    return {"id": tenant, "name": f"Birch {seed}", "facts": facts_of_others(seed, tenant), "contract": agreed}


# -- B1: two worlds --------------------------------------------------------------------------------------------------


@attack("B1")
def test_nothing_that_another_tenant_uses_changes_a_byte_of_mine(case: Case) -> None:
    """Invoices in every format, SLA reports with their evidence, explanations: equal, whoever else was there."""

    def look(seed: int) -> None:
        told = compare_worlds(lambda secrets: shown_to_me(billed(secrets), TEXTS), NOBODY, other_life(seed))
        case.note(told)
        assert told.bytes > 50_000, told

    case.given(SEEDS, look, examples=2)


@mutant("B1", "tiers add up over all tenants", of=test_nothing_that_another_tenant_uses_changes_a_byte_of_mine)
@contextmanager
def tiers_of_everybody() -> Iterator[None]:
    real = rating.group_rows

    def together(*keys: Any) -> Any:
        return real(keys[0], 0 * keys[1], *keys[2:]) if len(keys) == 7 else real(*keys)

    with patch.object(rating, "group_rows", together), patch.object(closing, "reconcile", lambda *words: []):
        yield


@mutant(
    "B1",
    "the hash of the whole log stands on every invoice",
    of=test_nothing_that_another_tenant_uses_changes_a_byte_of_mine,
)
@contextmanager
def log_of_everybody() -> Iterator[None]:
    def everybody(told: Any, tenant: str, until_s: int) -> Any:
        every = {ME: [each for mine in told.values() for each in mine]}
        return telling.range_of(every, ME, until_s)

    with patch.object(month, "range_of", everybody):
        yield


@mutant(
    "B1",
    "a document names the version of everybody's prices",
    of=test_nothing_that_another_tenant_uses_changes_a_byte_of_mine,
)
@contextmanager
def book_of_everybody() -> Iterator[None]:
    def whole(terms: Any, tenants: Any) -> dict[str, str]:
        return dict.fromkeys(tenants, agreed_prices.book_version(terms.book.rows))

    with patch.object(month, "versions_seen", whole):
        yield


def simulated(secrets: dict[str, Any], folder: Path) -> Iterator[Step]:
    """What fjord is given of a run, from arrivals to bills: its allocations, and its documents. The others' demand is
    the secret; they may be told to go at once, and nothing is cleaned."""
    found = tomllib.loads(show("small"), parse_float=Decimal)
    del found["faults"]  # which node fails is chance: a gang on another node meets another fault
    found["pool"][0]["scrub_s"] = 0
    found["contract"][0]["from_s"] = 0
    found["product"] = [
        {"code": "bare.spot", "notice_s": 0},
        {"code": "bare.ondemand", "notice_s": 0, "guarantee_s": 0, "rolling": False},
    ]
    found["demand"] = [row if row["tenant"] == "fjord" else {**row, **secrets} for row in found["demand"]]
    result = run(build(from_mapping(found, "small.toml"), seed=3, days=2))
    path = run_folder.write(folder / str(secrets["jobs_per_day"]), result, settle(result), "s", show("small"), {}, None)
    opened = run_folder.read(path)
    rows = opened.query("SELECT job_id, gpus, start_s, end_s, cause FROM allocations WHERE tenant = 'fjord'")
    assert len(rows) > 4, "fjord ran nothing"
    yield "allocations", str(sorted(row.items() for row in rows)).encode()
    bundle = bundling.bundle_of(run_basis(opened), "Spillway", "fjord")
    for name in TEXTS:
        for file, parts in EXPORTS[name](bundle):
            yield f"{name}: {file}", b"".join(parts)


@attack("B1")
def test_a_simulated_neighbour_changes_nothing_of_mine(case: Case) -> None:
    few, many = {"jobs_per_day": 4}, {"jobs_per_day": 40 + case.seed % 40}
    told = compare_worlds(lambda secrets: simulated(secrets, case.folder), few, many)
    case.tried(told.steps)
    case.note(told)


@mutant("B1", "renters stand in the way of a contract", of=test_a_simulated_neighbour_changes_nothing_of_mine)
@contextmanager
def in_the_way() -> Iterator[None]:
    with broken_cores.rentals_in_the_way():
        yield


# -- B2: forged reports ----------------------------------------------------------------------------------------------


@attack("B2")
def test_a_report_in_the_name_of_another_or_about_what_another_holds_is_set_aside(case: Case) -> None:
    """The owner of a GPU at a time is who the scheduler's log says: forged events bill nobody, change nothing on the
    victim's documents, and keep no month open."""

    def look(seed: int) -> None:
        rng = random.Random(seed)
        where = {"product": "bare.spot", "region": "eu", "sku": "h100"}
        tokens = {"meter": "tokens_out", "quantity": rng.randint(1, 10**6), **where, **unix(from_s=300, until_s=900)}
        forged = [
            ended(rng.randint(200, 2_000), "a1", ME),
            resized(rng.randint(200, 2_000), rng.randint(1, 64), "a2", ME),
            started(rng.randint(0, 9_000), f"x{seed}", ME, gpus=rng.randint(1, 64)),
            ("usage.metered", 300, ME, tokens),
            ("sla.excluded", 300, ME, {"product": "*", "cause": "force_majeure", **unix(from_s=0, until_s=9_000)}),
            ("sla.excluded", 300, "*", {"product": "*", "cause": "force_majeure", **unix(from_s=0, until_s=9_000)}),
            ("allocation.ended", 300, ME, {"allocation": "a3"}),
            (
                "capacity.recorded",
                300,
                OTHER,
                {"hour_s": EPOCH_S, "region": "eu", "sku": "h100", "state": "idle.no_demand", "gpu_s": 9},
            ),
        ]
        own = [
            ("usage.metered", 300, OTHER, {**tokens, "allocation": rng.choice(("a1", "a2", "a3"))}),
            started(rng.randint(50, 8_000), f"y{seed}", OTHER, gpus=1, product="bare.spot", gpu_ids=["n1/0"]),
        ]
        attack_events = reported(OTHER, *rng.sample(forged, rng.randint(1, len(forged))), *own)
        before, after = billed(NOBODY), billed(NOBODY, attack_events)
        assert isinstance(after.basis, Basis)
        assert list(shown_to_me(before, ("json",))) == list(shown_to_me(after, ("json",))), f"seed {seed}: a bill moved"
        names = after.basis.books.names
        usage = after.basis.books.usage
        theirs = usage.quantity[usage.tenant == names.tenants.index(OTHER)].sum()
        assert theirs == 0, f"seed {seed}: {theirs} were billed to who forged them"
        for period in ("2026-01", "2026-02"):
            reasons = why_open(after.basis, parse_month(period), EPOCH_S, after.arrived)
            assert reasons == [], f"seed {seed}: a forged report keeps {period} open: {reasons}"

    case.given(SEEDS, look, examples=3)


BY_CHANCE = ("outage.ended", "sla.excluded")  # move something only where there is an outage


@attack("B2")
def test_nobody_reports_his_own_bill_away(case: Case) -> None:
    """What only the operator can know of a tenant's own GPUs: that they were given back, failed, or do not count."""

    def look(seed: int) -> None:
        life = other_life(seed)
        begun = next(fact for fact in life["facts"] if fact[0] == "allocation.started")
        at_s, mine = begun[1], dict(begun[3])
        down = {"outage": "o9", "job": mine["job"], "product": mine["product"], "gpus": mine["gpus"]}
        never = {"product": "*", "cause": "force_majeure", **unix(from_s=0, until_s=9_000)}
        idle = {"hour_s": EPOCH_S, "region": "eu", "sku": "h100", "state": "idle.no_demand", "gpu_s": 9}
        slow = {"allocation": mine["allocation"], "gpus": 1, "factor_bp": 1, **unix(from_s=at_s, until_s=at_s + 40)}
        gone = {"allocation": mine["allocation"], **unix(noticed_s=at_s + 9, guaranteed_until_s=at_s + 10**4)}
        forged = [
            ended(at_s + 10, mine["allocation"], OTHER),
            resized(at_s + 10, 1 + mine["gpus"] % 7, mine["allocation"], OTHER),
            started(at_s, f"z{seed}", OTHER, gpus=3),
            ("outage.started", at_s + 10, OTHER, down),
            ("outage.ended", at_s + 20, OTHER, down),
            ("preemption.executed", at_s + 10, OTHER, gone),
            ("gpus.degraded", at_s + 50, OTHER, slow),
            ("sla.excluded", at_s + 50, OTHER, never),
            ("capacity.recorded", at_s + 50, OTHER, idle),
        ]
        wanted = _all_of(billed(life))
        for each in forged:
            assert _all_of(billed(life, reported(OTHER, each))) == wanted, f"seed {seed}: {each[0]} was believed"
        for (
            kind,
            at_s,
            whose,
            data,
        ) in forged:  # believed from the operator, it moves the books: so it is no empty threat
            rows = [("e", kind, EPOCH_S + at_s, whose, data), ("z", "source.ended", END_S, "operator", {})]
            moved = _all_of(billed(life, list(chained("desk", rows)))) != wanted
            assert moved or kind in BY_CHANCE, f"seed {seed}: {kind} would move nothing anyhow"
        assert _all_of(billed(life, reported(OTHER, *forged))) == wanted, f"seed {seed}: together they were believed"

    case.given(SEEDS, look, examples=3)


def _all_of(found: LogBasis) -> list[str]:
    """Everything that the books hold, of everybody."""
    assert isinstance(found.basis, Basis), found.basis
    books = found.basis.books
    tables = (books.usage, books.lines, books.capacity)
    rows = [str([np.asarray(getattr(table, each.name)).tolist() for each in fields(table)]) for table in tables]
    assert len(books.usage.quantity), "nothing is compared"
    return [*rows, str(books.sla), str(books.credits), str(books.excluded), str(found.arrived.finished)]


@mutant("B2", "a tenant says when its own GPUs were given back", of=test_nobody_reports_his_own_bill_away)
def own_ends_trusted() -> AbstractContextManager[object]:
    return patch.object(authority, "_OF_ONESELF", (*authority._OF_ONESELF, ENDED))


@mutant("B2", "a tenant says what nobody holds", of=test_nobody_reports_his_own_bill_away)
def own_capacity_trusted() -> AbstractContextManager[object]:
    return patch.object(authority, "_OF_ONESELF", (*authority._OF_ONESELF, CAPACITY))


@mutant("B2", "a tenant says what does not count for its service level", of=test_nobody_reports_his_own_bill_away)
def own_exclusions_trusted() -> AbstractContextManager[object]:
    return patch.object(authority, "_OF_ONESELF", (*authority._OF_ONESELF, EXCLUDED))


@mutant(
    "B2",
    "whoever reports is believed about anybody",
    of=test_a_report_in_the_name_of_another_or_about_what_another_holds_is_set_aside,
)
@contextmanager
def subject_trusted() -> Iterator[None]:
    with patch.object(admitted, "overreach", lambda event: ""), patch.object(of_log, "overreach", lambda event: ""):
        yield


@mutant(
    "B2",
    "the allocation that use names is not looked up",
    of=test_a_report_in_the_name_of_another_or_about_what_another_holds_is_set_aside,
)
@contextmanager
def allocation_trusted() -> Iterator[None]:
    with patch.object(fold, "_of_its_allocation", lambda pair, owned, set_aside: True):
        yield


@mutant(
    "B2",
    "a tenant's mistakes keep everybody's month open",
    of=test_a_report_in_the_name_of_another_or_about_what_another_holds_is_set_aside,
)
@contextmanager
def mistakes_of_all() -> Iterator[None]:
    real = of_log.spans_aside

    def listened_to(heard: Any, aside: Any) -> Any:
        known = {(event.source, event.id) for event in heard}
        return real(heard, [each for each in aside if (each.source, each.event) in known])

    with patch.object(of_log, "tenant_of", lambda source: ""), patch.object(of_log, "spans_aside", listened_to):
        yield


# -- B3: again, late, in any order, killed ---------------------------------------------------------------------------


class Killed(BaseException):
    """The process is gone."""


def documents_of(place: str) -> list[tuple[str, bytes]]:
    """What acme is given from what a store holds."""
    engine = open_store(place)
    try:
        with reading(engine) as connection:
            found = basis_at(connection, terms_with(NOBODY))[0]
    finally:
        engine.dispose()
    assert isinstance(found.basis, Basis), found.basis
    return list(shown_to_me(found, ("json",)))


@attack("B3", on=BOTH)
def test_again_late_in_any_order_and_after_a_kill_the_bill_is_the_same(case: Case) -> None:
    log = log_of(facts_of_others(case.seed % 1000))
    wanted = list(shown_to_me(billed({**NOBODY, "facts": facts_of_others(case.seed % 1000)}), ("json",)))
    place = case.place
    arriving = [*log, *case.rng.choices(log, k=len(log) // 2)]
    case.rng.shuffle(arriving)
    real, calls = ingesting.append, itertools.count()

    def dies(connection: Any, events: list[Event]) -> Any:
        """Killed after the rows are written and before they are durable, twice."""
        done = real(connection, events)
        if next(calls) in (1, 3):
            raise Killed
        return done

    with patch.object(ingesting, "append", dies):
        for _ in range(3):
            engine = open_store(place)
            try:
                ingest(engine, arriving, batch=5)
            except Killed:
                case.tried()
            finally:
                engine.dispose()
    assert documents_of(place) == wanted, "what was billed depends on how it arrived"


@mutant(
    "B3",
    "an event is known by its place, and its id may come again",
    of=test_again_late_in_any_order_and_after_a_kill_the_bill_is_the_same,
)
@contextmanager
def no_key() -> Iterator[None]:
    """Every arrival is a new event: under another id, at the end of its source."""
    real, number = ingesting.append, itertools.count(10_000)

    def renamed(connection: Any, events: list[Event]) -> Any:
        again = [(event, next(number)) for event in events]
        return real(connection, [event._replace(id=f"{event.id}/{n}", seq=n, prevhash="0" * 64) for event, n in again])

    with patch.object(ingesting, "append", renamed), patch.object(of_log, "watermark", finished):
        yield


@mutant(
    "B3",
    "an id is claimed before its event is written",
    of=test_again_late_in_any_order_and_after_a_kill_the_bill_is_the_same,
)
@contextmanager
def claimed_first() -> Iterator[None]:
    """A batch that was begun counts as arrived, and is not taken in again after a kill."""
    real, claimed = ingesting.append, set[str]()

    def claiming(connection: Any, events: list[Event]) -> Any:
        new = [event for event in events if event.id not in claimed]
        claimed.update(event.id for event in new)
        return real(connection, new)

    with patch.object(writer, "append", claiming), patch.object(ingesting, "append", claiming):
        yield


def finished(events: Any) -> Any:
    """A log that says it has ended, so that the fault is seen in the bill and not in a gap."""
    from billing.log.watermark import Watermark

    return Watermark(EPOCH_S + 12 * 3600, True, ())


# -- B4: everything is somewhere -------------------------------------------------------------------------------------


@attack("B4")
def test_bills_and_idle_time_are_all_that_is_installed(case: Case) -> None:
    """Per region and SKU, what was billed or shown back and what nobody held is what was installed, to the second."""

    def look(seed: int) -> None:
        world = closed_world(seed)
        books = world.books()
        for (region, sku), gpus in world.installed.items():
            held = books.usage.held()
            mine = (held.region == region) & (held.sku == sku)
            idle = sum(row[4] for row in world.capacity if (row[1], row[2]) == (region, sku))
            residual = gpus * world.horizon_s - int(held.quantity[mine].sum()) - idle
            assert residual == 0, f"seed {seed}: {residual} GPU-s of {NAMES.regions[region]} are nobody's, or two's"
        assert books.findings == [], f"seed {seed}: {books.findings[:1]}"

    case.given(SEEDS, look, examples=20)


@mutant("B4", "the last second of an interval counts twice", of=test_bills_and_idle_time_are_all_that_is_installed)
@contextmanager
def end_included() -> Iterator[None]:
    real = closing.meter

    def longer(segments: SegmentTable, *words: Any) -> Any:
        return real(replace(segments, end_s=segments.end_s + (segments.end_s > segments.start_s)), *words)

    with patch.object(closing, "meter", longer):
        yield


# -- B5: one owner at a time -----------------------------------------------------------------------------------------


@attack("B5")
def test_no_gpu_second_is_billed_to_two_tenants(case: Case) -> None:
    """Whatever the log claims, in one second a GPU is billed once at most; one that changes hands in a second is
    billed to both, each for its own seconds."""

    def look(seed: int) -> None:
        rng = random.Random(seed)
        facts = []
        for number in range(rng.randint(2, 7)):
            at_s = 100 * rng.randrange(40)
            gpu_ids = [f"g{gpu}" for gpu in rng.sample(range(3), rng.randint(1, 2))]
            tenant = rng.choice((ME, OTHER))
            facts.append(started(at_s, f"c{number}", tenant, len(gpu_ids), product="bare.spot", gpu_ids=gpu_ids))
            facts.append(ended(at_s + 100 * rng.randint(1, 15), f"c{number}", tenant))
        facts += [started(9_000, "before", ME, 1, gpu_ids=["g9"]), ended(9_100, "before", ME)]
        facts += [started(9_100, "after", OTHER, 1, gpu_ids=["g9"]), ended(9_200, "after", OTHER)]
        found = billed({**NOBODY, "facts": sorted(facts, key=lambda fact: fact[1])})
        ids = {data["allocation"]: data["gpu_ids"] for kind, _, _, data in facts if kind == "allocation.started"}
        held: dict[str, list[tuple[int, int, str]]] = {}
        table = found.held.segments
        for row, id_ in enumerate(found.held.ids):
            name = names_of(found.held.ids)[id_]
            for gpu in ids.get(name, ()):
                held.setdefault(gpu, []).append((int(table.start_s[row]), int(table.end_s[row]), name))
        for gpu, spans in held.items():
            for one, other in itertools.pairwise(sorted(spans)):
                assert one[1] <= other[0], f"seed {seed}: {gpu} is billed twice: {one} and {other}"
        assert [span[2] for span in sorted(held["g9"])] == ["before", "after"], f"seed {seed}: a hand-over is lost"

    def names_of(event_ids: Any) -> dict[str, str]:
        return {event_id: allocation_of[event_id] for event_id in event_ids}

    allocation_of: dict[str, str] = {}
    real = fold.without_shared_gpus

    def noted(allocations: list[Allocation], set_aside: Any) -> list[Allocation]:
        allocation_of.clear()
        allocation_of.update((each.start.id, each.id) for each in allocations)
        return real(allocations, set_aside)

    with patch.object(fold, "without_shared_gpus", noted):
        case.given(SEEDS, look, examples=12)


@mutant("B5", "claims of two tenants are not compared", of=test_no_gpu_second_is_billed_to_two_tenants)
@contextmanager
def tenants_apart() -> Iterator[None]:
    real = fold.without_shared_gpus

    def apart(allocations: list[Allocation], set_aside: Any) -> list[Allocation]:
        tenants = sorted({each.tenant for each in allocations})
        return [
            kept for name in tenants for kept in real([each for each in allocations if each.tenant == name], set_aside)
        ]

    with patch.object(fold, "without_shared_gpus", apart):
        yield


@mutant("B5", "intervals are closed at both ends", of=test_no_gpu_second_is_billed_to_two_tenants)
@contextmanager
def closed_intervals() -> Iterator[None]:
    real = fold.without_shared_gpus

    def closed(allocations: list[Allocation], set_aside: Any) -> list[Allocation]:
        for each in allocations:
            each.end_s += 1
        kept = real(allocations, set_aside)
        for each in allocations:
            each.end_s -= 1
        return kept

    with patch.object(fold, "without_shared_gpus", closed):
        yield


# -- B6: numbers -----------------------------------------------------------------------------------------------------


def issued(place: str, secrets: dict[str, Any]) -> list[Invoice]:
    """Both months of a log, issued into a store: acme's invoices."""
    engine = open_store(place)
    try:
        ingest(engine, log_of(secrets["facts"]))
        terms = terms_with(secrets)
        with reading(engine) as connection:
            found, position = basis_at(connection, terms)
        for period in ("2026-01", "2026-02"):
            issue_month(engine, found.basis, parse_month(period), EPOCH_S, found.arrived, position)
        with reading(engine) as connection:
            return list(invoices_in(connection, ME))
    finally:
        engine.dispose()


@attack("B6", on=BOTH)
def test_numbers_and_ids_of_invoices_tell_nothing_of_others(case: Case) -> None:
    """Numbers run per tenant and ids come from the content: equal, whether others were invoiced before or not."""
    alone = issued(case.place, NOBODY)
    among = issued(case.make_place(True), other_life(case.seed | 1))
    case.tried(len(alone))
    assert [each.number for each in alone] == [f"{ME}-000001", f"{ME}-000002"]
    assert alone == among, "an invoice tells how many others there are"


@mutant(
    "B6",
    "one counter for everybody",
    of=test_numbers_and_ids_of_invoices_tell_nothing_of_others,
    killed_by=(InvoiceError,),  # the store refuses a number that is not the next of its series
)
@contextmanager
def global_counter() -> Iterator[None]:
    real, counter = close_month.issue, itertools.count(1)
    with patch.object(close_month, "issue", lambda draft, ordinal, issued_s: real(draft, next(counter), issued_s)):
        yield


# -- B7: canaries ----------------------------------------------------------------------------------------------------


def canaries_of(case: Case) -> tuple[Canaries, dict[str, Any]]:
    """Another tenant with a canary in every field that it has."""
    birds = Canaries(case.rng)
    tenant, word = f"t{birds.word('id')}", birds.word("ids of its events, jobs and allocations")
    agreed = contract(birds.word("contract and wallet"), tenant)
    facts = list(facts_of_others(case.seed, tenant, word))
    where = {"product": "bare.spot", "region": "eu", "sku": "h100"}
    used = {"meter": "tokens_out", "quantity": birds.number("tokens"), **where, **unix(from_s=0, until_s=3_600)}
    facts += [("usage.metered", 50, tenant, used)]
    facts += [started(900, f"x{word}", tenant, 8), ended(3_000, f"x{word}", tenant)]
    excluded = {"product": "*", "cause": "force_majeure", **unix(from_s=1_234, until_s=2_345)}
    facts += [("sla.excluded", 2_345, tenant, excluded)]
    birds.watch("excluded time", "22:20:34Z")  # 1,234 s into the run
    return birds, {"id": tenant, "name": birds.word("name"), "facts": tuple(facts), "contract": agreed}


@attack("B7")
def test_no_export_shows_a_word_of_another_tenant(case: Case) -> None:
    """Every format, PDF and Parquet included, SLA pages, evidence, explanations, and what is logged meanwhile."""
    birds, secrets = canaries_of(case)
    with logged() as log:
        for step, text in shown_to_me(billed(secrets)):
            birds.require_absent(text, step)
            case.tried()
    birds.require_absent(log.getvalue(), "the log")


@attack("B7")
def test_a_correction_names_no_event_of_another_tenant(case: Case) -> None:
    """Maintenance that is told late changes my month: the line names that event, or none, never a neighbour's."""
    birds = Canaries(case.rng)
    word = birds.word("event")
    late = [
        *reported(OTHER, ended(1_000, f"a{word}", ME)),
        *chained(f"s-{word}", [(word, "allocation.started", EPOCH_S, OTHER, {})]),
        *chained("scheduler", [("away-1", "sla.excluded", EPOCH_S, "*", {})]),
    ]
    birds.watch("source of its own reports", f"api/{OTHER}")
    for some, wanted in ((late, "scheduler/away-1"), (late[:2], "")):
        named = of_log.first_after(some, ME)
        birds.require_absent(named, "the cause of a correction")
        assert named == wanted
        case.tried()


@mutant("B7", "a correction names whatever event came late", of=test_a_correction_names_no_event_of_another_tenant)
@contextmanager
def any_late_event() -> Iterator[None]:
    with patch.object(of_log, "EVERYBODY", OTHER):
        yield


@mutant("B7", "a report lists everybody's excluded time", of=test_no_export_shows_a_word_of_another_tenant)
@contextmanager
def everybodys_evidence() -> Iterator[None]:
    real = bundling.sla_reports

    def pooled(names: Any, rows: Any, credits: Any, excluded: Any) -> Any:
        keys = {(row.tenant, row.product, row.month) for row in rows}
        every = [each._replace(key=each.key._make(key)) for each in excluded for key in sorted(keys)]
        return real(names, rows, credits, every)

    with patch.object(bundling, "sla_reports", pooled):
        yield


@mutant("B7", "the journal of a tenant has the entries of all", of=test_no_export_shows_a_word_of_another_tenant)
@contextmanager
def everybodys_entries() -> Iterator[None]:
    real = bundling.bundle_of

    def whole(basis: Any, issuer: str, tenant: str | None = None, month: str | None = None) -> Any:
        return replace(real(basis, issuer, tenant, month), postings=real(basis, issuer).postings)

    import shared_bills

    with patch.object(shared_bills, "bundle_of", whole):
        yield
