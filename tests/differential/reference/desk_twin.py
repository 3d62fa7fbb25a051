"""The desk in the most obvious way: at every moment each rental is looked at anew, and victims are found by trying all
sets. Slow, and shares no line with `billing.rentals`."""

from itertools import combinations
from typing import Any

Row = dict[str, Any]


def moment(rows: list[Row], offers: dict[str, Row], tenants: dict[str, Row], at_s: int) -> None:
    """Bring rows up to one moment. A row: what was asked for, `state`, `start`, `safe`, `evict`, `over`, `why`."""
    for row in rows:
        if row["state"] in ("running", "noticed"):
            ends = [max(row["until"], row["start"] + 1)]
            if row["evict"] is not None:
                ends.append(max(row["evict"], row["start"] + 1))
            if at_s >= min(ends):
                taken = row["evict"] is not None and row["evict"] < row["until"]
                row["state"], row["over"] = "ended", min(ends)
                row["why"] = "evicted" if taken else row["why"] or "finished"
    for row in rows:
        if row["state"] in ("running", "noticed") and not tenants[row["tenant"]]["active"] and not row["why"]:
            row["state"], row["why"] = "noticed", "suspended"
            row["until"] = min(row["until"], at_s + offers[row["place"]]["notice"])
    for place, offer in offers.items():
        here = [row for row in rows if row["place"] == place]
        for row in victims_of(here, on_offer(offer, at_s), offer["notice"], at_s):
            row["state"], row["evict"] = "noticed", at_s + offer["notice"]
    for row in sorted(rows, key=lambda each: (each["asked"], each["tenant"], each["id"])):
        if row["state"] == "requested" and row["asked"] <= at_s:
            answer(row, rows, offers[row["place"]], tenants[row["tenant"]], at_s)


def answer(row: Row, rows: list[Row], offer: Row, tenant: Row, at_s: int) -> None:
    """Grant a request, or say why not."""
    busy = [each for each in rows if each["state"] in ("running", "noticed")]
    here = sum(each["gpus"] for each in busy if each["place"] == row["place"])
    own = sum(each["gpus"] for each in busy if each["tenant"] == row["tenant"])
    why = ""
    if row["until"] <= at_s:
        why = "past"
    elif not tenant["active"]:
        why = "inactive"
    elif on_offer(offer, at_s) == 0:
        why = "not_on_offer"
    elif offer["until"] is not None and row["until"] > offer["until"]:
        why = "too_long"
    elif own + row["gpus"] > tenant["most"]:
        why = "quota"
    elif here + row["gpus"] > on_offer(offer, at_s):
        why = "not_free"
    if why:
        row["state"], row["why"] = "refused", why
    else:
        row["state"], row["start"], row["safe"] = "running", at_s, at_s + offer["guarantee"]


def on_offer(offer: Row, at_s: int) -> int:
    """GPUs on offer in a second."""
    return 0 if offer["until"] is not None and at_s >= offer["until"] else int(offer["gpus"])


def victims_of(rows: list[Row], gpus: int, notice_s: int, at_s: int) -> list[Row]:
    """Who must go: of all sets that free enough, the one whose last member in the order of going comes first, then the
    one before it, and so on; all who may go where nothing is enough."""
    staying = [row for row in rows if row["state"] == "running" and row["until"] > at_s + notice_s]
    excess = sum(row["gpus"] for row in staying) - gpus
    if excess <= 0:
        return []
    may = [row for row in staying if row["safe"] <= at_s + notice_s]
    may.sort(key=lambda row: (row["safe"] > at_s, -row["start"], row["tenant"], row["id"]))
    if sum(row["gpus"] for row in may) < excess:
        return may
    best: list[int] | None = None
    for size in range(1, len(may) + 1):
        for places in combinations(range(len(may)), size):
            if sum(may[each]["gpus"] for each in places) >= excess:
                mark = sorted(places, reverse=True)
                best = mark if best is None or mark < best else best
    return [may[each] for each in best or []]
