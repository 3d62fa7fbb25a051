"""Where one is signed in, and signing out elsewhere."""

from starlette.concurrency import run_in_threadpool

from billing.console.blocks import Act, Column, Form, Mark, Table, View
from billing.console.policy import SESSIONS
from billing.console.signing import told
from billing.console.visit import Go, Pages, Shown, Visit
from billing.months import utc_text

pages = Pages()
_TAG_CHARS = 12  # of a session's digest, as its name: enough to tell a few apart


@pages.get(SESSIONS)
async def show_sessions(visit: Visit) -> Shown:
    """List the sessions of one's own account."""
    found = await run_in_threadpool(visit.house.door.sessions_of, visit.scope, visit.now_s)
    rows = [
        (
            Mark("this one", "good") if each.digest == visit.digest else each.digest[:_TAG_CHARS],
            utc_text(each.created_s),
            utc_text(each.seen_s),
            utc_text(each.expires_s),
            each.key,
            Act("End", SESSIONS, {"session": each.digest[:_TAG_CHARS]}),
        )
        for each in found
    ]
    columns = [
        Column("Session", "code"),
        Column("Signed in, UTC", "time"),
        Column("Last seen", "time"),
        Column("Ends at the latest", "time"),
        Column("Key", "code"),
        Column("", "act"),
    ]
    table = Table("sessions", "Signed in now", columns, rows, note="A session ends after 30 minutes without a request.")
    everywhere = Form("Sign out everywhere else", SESSIONS, (), "End all other sessions", danger=True)
    lede = "Your own account's sessions. Each ends with the key that it was opened with."
    return View("Sessions", [table, *([everywhere] if len(found) > 1 else [])], lede)


@pages.post(SESSIONS, back=SESSIONS)
async def end_session(visit: Visit) -> Shown:
    """End one session of one's own account, or all others."""
    found = await run_in_threadpool(visit.house.door.sessions_of, visit.scope, visit.now_s)
    named = visit.text("session")
    wanted = [each.digest for each in found if named and each.digest.startswith(named)]
    if not named:
        wanted = [each.digest for each in found if each.digest != visit.digest]
    await run_in_threadpool(visit.house.door.end_sessions, visit.scope, wanted, visit.now_s)
    await run_in_threadpool(told, visit.house, visit.scope, "session.end", visit.now_s)
    return Go(SESSIONS, "session-ended" if named else "sessions-ended")
