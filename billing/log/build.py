"""From what was told to the tables of facts, with dense indices and seconds since the epoch of the terms."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from billing.log.allocations import Allocation, SetAside, Told
from billing.log.event import Event
from billing.log.facts import EventRef, Facts, Quarantined, index_of, job_order, table_of
from billing.log.known import EVERYBODY, KnownTerms
from billing.log.room import Room
from billing.log.shapes import DEGRADED, OUTAGE_STARTED, PREEMPTED, STALLED
from billing.metering import classes
from billing.metering.level import covered_s
from billing.metering.meters import METER_CODES
from billing.money import INT64_MAX, SECONDS_PER_HOUR
from billing.sla.told import Told as SlaTold
from billing.usage import (
    ANY,
    CAUSES,
    STATES,
    CapacityTable,
    EvictionTable,
    ExclusionTable,
    MarkTable,
    MeteredTable,
    Names,
    OutageTable,
    SegmentTable,
    StartTable,
    WorkTable,
)
from tenants.exclusion import EXCLUSION_CAUSES

Row = tuple[int, ...]
_OPEN = "horizon"  # the cause of a segment that was cut where the log ends


class Builder:
    """Rows of facts, as they are added. Add pools first: they give regions and SKUs their order."""

    def __init__(
        self, known: KnownTerms, cut_s: int, pools: Sequence[Told], used: Sequence[Told], set_aside: SetAside
    ) -> None:
        """`used`: events that name a region and SKU; those that no pool names come last, sorted."""
        registry, self.epoch_s, self._known = known.terms.registry, known.terms.epoch_s, known
        self.cut_s, self.set_aside = cut_s, set_aside
        places = [data for _, data in pools]
        others = sorted({(data["region"], data["sku"]) for _, data in used})
        self.names = Names(
            tenants=tuple(tenant.id for tenant in registry.tenants),
            products=tuple(product.code for product in registry.products),
            regions=tuple(dict.fromkeys([*(data["region"] for data in places), *(each for each, _ in others)])),
            skus=tuple(dict.fromkeys([*(data["sku"] for data in places), *sorted({sku for _, sku in others})])),
            epoch_s=self.epoch_s,
        )
        self.tenant, self.product = index_of(self.names.tenants), index_of(self.names.products)
        self.region, self.sku = index_of(self.names.regions), index_of(self.names.skus)
        self.node_gpus = {
            (self.region[data["region"]], self.sku[data["sku"]]): data["gpus_per_node"]
            for data in places
            if "gpus_per_node" in data
        }
        self.installed: dict[tuple[int, int], int] = {}
        for data in places:
            pool = self.region[data["region"]], self.sku[data["sku"]]
            self.installed[pool] = self.installed.get(pool, 0) + data["gpus"]
        self.rows: dict[type, list[tuple[Row, str]]] = {}  # with the id of the event, where credits rest on it
        self.segments: list[tuple[Row, tuple[EventRef, ...], Allocation]] = []
        self.jobs: dict[str, int] = {}
        self.held_by: dict[tuple[int, ...], list[int]] = {}  # rows of segments by (job, tenant)

    def name_jobs(self, jobs: set[str]) -> None:
        """Give jobs their dense indices."""
        self.jobs = index_of(job_order(jobs))

    def add_allocations(self, allocations: Sequence[Allocation]) -> None:
        """Add segments, starts, evictions and conditions."""
        for each in allocations:
            place = self._place(each.tenant, each.told)
            job, start_s = self.jobs[each.told["job"]], each.start_s - self.epoch_s
            pending_s = min(each.told.get("pending_s", each.start_s) - self.epoch_s, start_s)
            self._add(StartTable, job, place[0], place[1], max(0, pending_s), start_s)
            cause = CAUSES.index(each.cause or _OPEN)
            for gpus, from_s, until_s, events in each.pieces:
                row = (job, *place, gpus, from_s - self.epoch_s, until_s - self.epoch_s, cause)
                self.segments.append((row, events, each))
            self._add_evictions(each, job, place)
        self.segments.sort(key=lambda segment: (segment[0][6], segment[0][7], segment[0], segment[1]))
        for number, (row, _, each) in enumerate(self.segments):
            self.held_by.setdefault(row[:2], []).append(number)
            for event, data in each.history.others:
                if event.type != PREEMPTED:
                    slow = event.type == DEGRADED
                    kind = classes.DEGRADED if slow else classes.STALLED
                    terms = (data["factor_bp"], data["gpus"]) if slow else (0, row[5])
                    span = data["from_s"] - self.epoch_s, data["until_s"] - self.epoch_s
                    self._add(MarkTable, number, kind, *terms, *span)

    def _add_evictions(self, each: Allocation, job: int, place: Row) -> None:
        for event, data in each.history.others:
            if event.type != PREEMPTED:
                if data["until_s"] <= each.start_s or data["from_s"] >= each.end_s:
                    self.set_aside(event, "its interval lies outside its allocation")
                continue
            if not each.start_s <= event.time_s <= each.end_s or data["noticed_s"] > event.time_s:
                self.set_aside(event, "its times lie outside its allocation, or notice was given after the eviction")
                continue
            times = (max(data["noticed_s"], self.epoch_s), event.time_s, data["guaranteed_until_s"])
            gpus = each.gpus_at(event.time_s)
            row = (job, place[0], place[1], gpus, *(at_s - self.epoch_s for at_s in times))
            self._add(EvictionTable, *row, event=event.id)

    def add_evictions(self, told: Sequence[Told]) -> None:
        """Add evictions of allocations that held nothing."""
        for event, data in told:
            who = self.jobs[data["job"]], self.tenant[event.subject], self.product[data["product"]], data["gpus"]
            times = (max(data["noticed_s"], self.epoch_s), event.time_s, data["guaranteed_until_s"])
            self._add(EvictionTable, *who, *(at_s - self.epoch_s for at_s in times), event=event.id)

    def add_outages(self, told: Sequence[Told]) -> None:
        """Add outages, paired; those that have not ended last until the cut."""
        starts: dict[tuple[str, str], Told] = {}
        ends: dict[tuple[str, str], Told] = {}
        for event, data in told:
            known = starts if event.type == OUTAGE_STARTED else ends
            first = known.setdefault((event.subject, data["outage"]), (event, data))
            if first[0] is not event:
                self.set_aside(event, f"outage is told already, by event {first[0].id}")
        for key, (event, _) in ends.items():
            if key not in starts:
                self.set_aside(event, "its outage has not started")
        for key, (event, data) in starts.items():
            end = ends.get(key)
            until_s = end[0].time_s if end else max(self.cut_s, event.time_s)
            if until_s < event.time_s and end:
                for each in (event, end[0]):
                    self.set_aside(each, f"outage of {until_s - event.time_s} s: it must not end before it starts")
                continue
            self._add_outage(event, data, until_s)

    def _add_outage(self, event: Event, data: Mapping[str, Any], until_s: int) -> None:
        tenant, product = self.tenant[event.subject], self.product[data["product"]]
        job, gpus = self.jobs[data["job"]], data["gpus"]
        span = event.time_s - self.epoch_s, until_s - self.epoch_s
        self._add(OutageTable, job, tenant, product, gpus, *span, event=event.id)
        for number in self.held_by.get((job, tenant), ()) if gpus else ():
            self._add(MarkTable, number, classes.DOWN, 0, gpus, *span)

    def add_metered(self, told: Sequence[Told]) -> None:
        """Add quantities by the hour, the earlier told first. An hour of a tenant holds as much as an int64, and its
        month what an invoice can: what goes beyond is set aside, or it would keep all others from being billed."""
        sums, room = dict[Row, int](), Room(self._known)
        for event, data in sorted(told, key=lambda pair: (pair[0].time_s, pair[0].source, pair[0].seq, pair[0].id)):
            rows = self._by_hour(event, data)
            full = any(sums.get(key, 0) + quantity > INT64_MAX for key, quantity in rows)
            if fault := f"with it an hour would hold more than {INT64_MAX}" if full else room.fault(event, data, rows):
                self.set_aside(event, fault)
                continue
            for key, quantity in rows:
                sums[key] = sums.get(key, 0) + quantity
                self._add(MeteredTable, *key, quantity)

    def _by_hour(self, event: Event, data: Mapping[str, Any]) -> list[tuple[Row, int]]:
        """What was used by a second is quantity x seconds // length, so parts add up."""
        from_s, until_s, quantity = data["from_s"] - self.epoch_s, data["until_s"] - self.epoch_s, data["quantity"]
        tenant, product, region, sku = self._place(event.subject, data)
        at_s, used = from_s, 0
        found: list[tuple[Row, int]] = []
        while at_s < until_s:
            hour_s = at_s - at_s % SECONDS_PER_HOUR
            at_s = min(until_s, hour_s + SECONDS_PER_HOUR)
            total = quantity * (at_s - from_s) // (until_s - from_s)
            if total > used:
                found.append(((tenant, hour_s, region, sku, product, METER_CODES.index(data["meter"])), total - used))
            used = total
        return found

    def add_capacity(self, told: Sequence[Told]) -> None:
        """Add what nobody held."""
        for event, data in told:
            hour_s = data["hour_s"] - self.epoch_s
            if hour_s < 0 or hour_s % SECONDS_PER_HOUR:
                self.set_aside(event, "hour_s is no start of an hour of the terms")
                continue
            place = self.region[data["region"]], self.sku[data["sku"]]
            self._add(CapacityTable, hour_s, *place, STATES.index(data["state"]), data["gpu_s"])

    def add_exclusions(self, told: Sequence[Told]) -> None:
        """Add time that no service level counts."""
        for event, data in told:
            whose = self.tenant.get(event.subject, ANY), self.product.get(data["product"], ANY)
            region, sku = data.get("region", EVERYBODY), data.get("sku", EVERYBODY)
            at_region = ANY if region == EVERYBODY else self.region.get(region)
            at_sku = ANY if sku == EVERYBODY else self.sku.get(sku)
            span = data["from_s"] - self.epoch_s, data["until_s"] - self.epoch_s
            # Where nothing is, nothing is excluded.
            if span[1] > 0 and at_region is not None and at_sku is not None:
                cause = EXCLUSION_CAUSES.index(data["cause"])
                self._add(ExclusionTable, *whose, at_region, at_sku, max(0, span[0]), span[1], cause)

    def facts(self, quarantined: tuple[Quarantined, ...]) -> Facts:
        """Return everything that was added."""
        segments = [row for row, _, _ in self.segments]
        ran_s = [each.end_s - each.start_s for _, _, each in self.segments]
        told = {kind: sorted(found) for kind, found in self.rows.items()}
        rows = {kind: [row for row, _ in found] for kind, found in told.items()}
        outages, evictions = (tuple(event for _, event in told.get(kind, [])) for kind in (OutageTable, EvictionTable))
        return Facts(
            names=self.names,
            until_s=self.cut_s - self.epoch_s,
            jobs=tuple(self.jobs),
            told=SlaTold(tuple(self.jobs), outages, evictions),
            segments=table_of(SegmentTable, segments),
            work=table_of(WorkTable, [self._work(row, each) for row, _, each in self.segments]),
            ran_s=np.array(ran_s, dtype=np.int64),
            events=tuple(events for _, events, _ in self.segments),
            starts=table_of(StartTable, rows.get(StartTable, [])),
            evictions=table_of(EvictionTable, rows.get(EvictionTable, [])),
            outages=table_of(OutageTable, rows.get(OutageTable, [])),
            conditions=table_of(MarkTable, rows.get(MarkTable, [])),
            metered=table_of(MeteredTable, rows.get(MeteredTable, [])),
            capacity=table_of(CapacityTable, rows.get(CapacityTable, [])),
            installed=self.installed,
            node_gpus=self.node_gpus,
            exclusions=table_of(ExclusionTable, rows.get(ExclusionTable, [])),
            quarantined=quarantined,
        )

    def _work(self, row: Row, each: Allocation) -> Row:
        """Return what is known of a segment's seconds: start-up is told with its times, or is its allocation's
        beginning; losses are its end."""
        told = each.history.ended[0][1] if each.history.ended else {}
        first = row[6] == each.start_s - self.epoch_s
        stalls = [(data["from_s"], data["until_s"]) for event, data in each.history.others if event.type == STALLED]
        stalled_s = (
            covered_s(stalls, row[6] + self.epoch_s, row[7] + self.epoch_s)
            if stalls
            else told.get("stalled_s", 0) * first
        )
        last = row[7] == each.end_s - self.epoch_s
        return stalled_s, told.get("lost_s", 0) * last, told.get("written_s", 0) * last

    def _place(self, tenant: str, data: Mapping[str, Any]) -> Row:
        place = self.region[data["region"]], self.sku[data["sku"]]
        return (self.tenant[tenant], self.product[data["product"]], *place)

    def _add(self, kind: type, *row: int, event: str = "") -> None:
        self.rows.setdefault(kind, []).append((row, event))
