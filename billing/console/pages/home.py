"""The first page of a tenant: what the month comes to so far, where service levels stand, what lately happened."""

from typing import Any

from billing.api.moments import DAY_S
from billing.console.asking import Answer
from billing.console.blocks import Block, Card, Cards, Facts, Tone, View
from billing.console.pages.draft import draft_cards, issued_as
from billing.console.pages.notices import LIVE_S, notices_table
from billing.console.pages.parts import priced
from billing.console.pages.usage import cost_chart, currencies, recent_use
from billing.console.policy import AUDITOR, CLUSTER, HOME
from billing.console.visit import Go, Pages, Shown, Visit
from billing.months import parse_utc, utc_text
from tenants.access.identity import Role

pages = Pages()
_LAST, _DAYS, _BUDGETS = 5, 31, 2


@pages.get(HOME)
async def show_home(visit: Visit) -> Shown:
    """Show where a tenant stands."""
    role = visit.scope.principal.role
    if role is Role.OPERATOR:
        return Go(CLUSTER)
    if role is Role.AUDITOR:
        return Go(AUDITOR)
    me = await visit.ask.need("/v1/me")
    who = Facts(
        "Signed in",
        [
            ("Account", me.data["account"]),
            ("Role", me.data["role"].replace("_", " ")),
            ("Key", me.data["key"]),
            ("May", ", ".join(me.data["scopes"])),
        ],
        me.link,
    )
    whole = await recent_use(visit)
    used = await _days(visit, whole)
    notices = await visit.ask.get("/v1/notices", limit=200)
    cards = [
        *await _month(visit, whole),
        *await _levels(visit),
        *await _last_invoice(visit),
    ]
    blocks: list[Block] = [Cards(cards)] if cards else []
    if used.ok and used.data["totals"]:
        blocks += [cost_chart(used, ["product"], code) for code in currencies(used)]
    latest = notices_table(notices)
    blocks += [latest._replace(caption="Last notices", rows=latest.rows[-_LAST:][::-1], more=""), who]
    return View("Overview", blocks, live_s=LIVE_S)


async def _days(visit: Visit, whole: Answer) -> Answer:
    """The use of the last days of a month, and of those before it."""
    if not whole.ok:
        return whole
    end_s, closed = parse_utc(whole.data["snapped_until"]), whole.data["closed_until"]
    if closed is not None and whole.data["snapped_since"] < closed and end_s <= visit.now_s:
        end_s = min(end_s, parse_utc(closed))  # a month of the past in which the log ends
    until_s = min(end_s, visit.now_s)
    since, until = utc_text(until_s - _DAYS * DAY_S), utc_text(until_s)
    return await visit.ask.get("/v1/usage", from_=since, until=until, bucket="day", group_by="product", limit=200)


async def _month(visit: Visit, whole: Answer) -> list[Card]:
    """What the month comes to: its draft with the forecast and the budgets for it, or else its use alone."""
    draft = await visit.ask.get("/v1/invoices/draft")
    if not draft.ok:
        return _use(whole)
    number = await issued_as(visit, draft.data["period"])
    budgets = await visit.ask.get("/v1/budgets", limit=200)
    watching = [each for each in budgets.items if not each["disabled"]]
    used = (_budget(each, draft.data["total"], budgets.link) for each in watching[:_BUDGETS])
    return [*draft_cards(draft, number), *used]


def _budget(budget: dict[str, Any], total: dict[str, str], link: str) -> Card:
    """How much of a budget the month has used, in whole percent, cut."""
    what = f"Budget {budget['name']}"
    if total["currency"] != budget["limit"]["currency"]:
        return Card(what, priced(budget["limit"]), "is in another currency than the bills", link, "/console/budgets")
    used = max(0, int(total["minor"]) * 100 // int(budget["limit"]["minor"]))
    words = f"of {priced(budget['limit'])} a month, told at {', '.join(map(str, budget['thresholds_percent']))} %"
    return Card(what, f"{used} %", words, link, "/console/budgets", "bad" if used >= 100 else "")


def _use(whole: Answer) -> list[Card]:
    """What all use of the month comes to."""
    if not whole.ok:
        return []
    words = f"{whole.data['snapped_since'][:7]} so far, before contracts, credits and tax"
    return [Card("Use", priced(each["amount"]), words, whole.link, "/console/usage") for each in whole.data["totals"]]


async def _levels(visit: Visit) -> list[Card]:
    found = await visit.ask.get("/v1/sla", limit=200)
    reports = [each for each in found.items if any(level["met"] is not None for level in each["levels"])]
    if not reports:
        return []
    last = reports[-1]
    promised = [level for level in last["levels"] if level["met"] is not None]
    kept = sum(level["met"] for level in promised)
    tone: Tone = "" if not promised else "good" if kept == len(promised) else "bad"
    words = f"{last['period']}, given back {priced(last['total'])}"
    return [Card("Service levels kept", f"{kept} of {len(promised)}", words, found.link, "/console/sla", tone)]


async def _last_invoice(visit: Visit) -> list[Card]:
    found = await visit.ask.get("/v1/invoices", limit=200)
    if not found.items:
        return []
    last = found.items[-1]
    return [
        Card("Last invoice", priced(last["total"]), f"{last['period']}, {last['status']}", found.link, "/console/bills")
    ]
