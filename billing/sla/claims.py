"""From what happened to what is owed: the claims of one run, exact and not yet posted."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from billing.money import Exact, floor_share
from billing.months import month_bounds
from billing.sla.charges import Piece, charges_of
from billing.sla.credit import Breach, Key, Measured, ServiceCredit, claim, claim_by_node, claim_refund
from billing.sla.exclusions import cut, intervals
from billing.sla.facts import KeyFacts, Promise, SlaFacts
from billing.usage import IntArray, Names
from tenants.sla_terms import SlaTerms


class _Refunds(NamedTuple):
    """What evictions that broke a promise give back, over the denominator of the line items: by key, and by job."""

    charge: dict[Key, int]
    of_job: dict[tuple[Key, int], int]
    breaches: dict[Key, list[Breach]]


def claims_of(
    names: Names, promised: Mapping[int, Promise], facts: SlaFacts, found: Mapping[Key, KeyFacts]
) -> list[ServiceCredit]:
    """Return what every key may claim: for evictions that broke a promise, and for availability; amounts may be 0.

    A second that an eviction gave back is no part of the charge that availability is a share of.
    """
    refunds = _refunds(names, promised, facts, found)
    denominator = facts.lines.denominator
    claims = [
        claim_refund(key, Exact(charge, denominator), refunds.breaches[key]) for key, charge in refunds.charge.items()
    ]
    for key, mine in found.items():
        terms = promised[key.product].terms
        if terms is None:
            continue
        if terms.scope == "node" and not terms.linear:
            claims.append(_by_node(names, facts, key, mine, terms, refunds))
        else:
            charge = mine.charge - refunds.charge.get(key, 0)
            measured = Measured(
                mine.healthy_gpu_s, mine.entitled_gpu_s, charge, mine.charged_gpu_s, denominator, mine.uncounted_gpu_s
            )
            claims.append(claim(key, terms, measured, mine.outages))
    return claims


def _refunds(names: Names, promised: Mapping[int, Promise], facts: SlaFacts, found: Mapping[Key, KeyFacts]) -> _Refunds:
    """Return the charge of the last seconds before each eviction that broke a promise, inside its month."""
    pieces: list[tuple[Key, int, Breach, Piece]] = []
    unkept = {key: mine.unkept for key, mine in found.items() if mine.unkept and promised[key.product].refund_s}
    ends = _ends_of_jobs(facts) if unkept else {}
    for key, rows in unkept.items():
        month_from_s = month_bounds(names.epoch_s, key.month)[0]
        for row in rows:
            job, at_s = int(facts.evictions.job[row]), int(facts.evictions.evicted_s[row])
            for segment in ends.get((job, at_s), ()):
                piece = _last_seconds(key, facts, segment, max(at_s - promised[key.product].refund_s, month_from_s))
                outside = intervals(facts.exclusions, key.tenant, key.product, (piece.region, piece.sku))
                if piece.from_s < at_s and not any(each.from_s <= at_s < each.until_s for each in outside):
                    pieces.append((key, job, _breach(facts, row, piece), piece))
    refunds = _Refunds({}, {}, {})
    charges = charges_of(facts.lines, [piece for *_, piece in pieces])
    for (key, job, breach, _), charge in zip(pieces, charges, strict=True):
        refunds.charge[key] = refunds.charge.get(key, 0) + charge
        refunds.of_job[key, job] = refunds.of_job.get((key, job), 0) + charge
        refunds.breaches.setdefault(key, []).append(breach)
    for breaches in refunds.breaches.values():
        breaches.sort(key=lambda each: (each.until_s, each.event))
    return refunds


def _ends_of_jobs(facts: SlaFacts) -> dict[tuple[int, int], list[int]]:
    """Return the rows of segments by (job, end)."""
    ends: dict[tuple[int, int], list[int]] = {}
    for row, key in enumerate(zip(facts.segments.job.tolist(), facts.segments.end_s.tolist(), strict=True)):
        ends.setdefault(key, []).append(row)
    return ends


def _last_seconds(key: Key, facts: SlaFacts, segment: int, from_s: int) -> Piece:
    held = facts.segments
    place = int(held.region[segment]), int(held.sku[segment])
    start_s, end_s = int(held.start_s[segment]), int(held.end_s[segment])
    return Piece(key.tenant, key.product, *place, int(held.gpus[segment]), max(from_s, start_s), end_s)


def _breach(facts: SlaFacts, row: int, piece: Piece) -> Breach:
    evictions = facts.evictions
    times = int(evictions.noticed_s[row]), int(evictions.guaranteed_until_s[row])
    told = facts.told.evictions[row], facts.told.jobs[int(evictions.job[row])]
    return Breach(*told, piece.gpus, piece.from_s, piece.until_s, *times)


def _by_node(
    names: Names, facts: SlaFacts, key: Key, mine: KeyFacts, terms: SlaTerms, refunds: _Refunds
) -> ServiceCredit:
    """Return the claim of a key whose allocations are judged one by one: those that lost time to a fault."""
    nodes = []
    for job, lost in sorted(mine.outages_of.items(), key=lambda item: facts.told.jobs[item[0]]):
        rows = np.flatnonzero((facts.segments.job == job) & (facts.segments.product == key.product))
        pieces = list(_in_month(names, facts, key, rows))
        charge = sum(charges_of(facts.lines, pieces)) - refunds.of_job.get((key, job), 0)
        held = sum(piece.gpus * (piece.until_s - piece.from_s) for piece in pieces)
        if mine.reserved.idle:  # a fee is charged for what was lost, too
            away = min(sum(outage.gpu_s for outage in lost) - mine.down_gpu_s.get(job, 0), mine.reserved.idle)
            charge += floor_share(mine.reserved.fee, away, mine.reserved.idle)
        counted, down = sum(_counted_gpu_s(facts, piece) for piece in pieces), mine.down_gpu_s.get(job, 0)
        healthy, entitled = counted - down, counted - down + sum(outage.gpu_s for outage in lost)
        nodes.append((Measured(healthy, entitled, charge, held, facts.lines.denominator), lost))
    return claim_by_node(key, terms, nodes)


def _in_month(names: Names, facts: SlaFacts, key: Key, rows: IntArray) -> Iterator[Piece]:
    """Yield what the segments `rows` held inside the key's month."""
    from_s, until_s = month_bounds(names.epoch_s, key.month)
    held = facts.segments
    for row in rows.tolist():
        piece = _last_seconds(key, facts, row, from_s)._replace(until_s=min(int(held.end_s[row]), until_s))
        if piece.from_s < piece.until_s:
            yield piece


def _counted_gpu_s(facts: SlaFacts, piece: Piece) -> int:
    outside = intervals(facts.exclusions, piece.tenant, piece.product, (piece.region, piece.sku))
    counts, _ = cut(outside, piece.from_s, piece.until_s)
    return piece.gpus * sum(until_s - from_s for from_s, until_s in counts)
