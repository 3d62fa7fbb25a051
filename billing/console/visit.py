"""One request of somebody who is signed in, as a page sees it, and the table of pages."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from billing.api.call import House
from billing.console.asking import Answer, Ask, File, Refused
from billing.console.blocks import View
from tenants.access.scope import Scope


class Go(NamedTuple):
    """Changed: see it there. `done` is a word of `DONE`."""

    path: str
    done: str = ""


class Absent(Exception):
    """What a page is about is not there."""


# What is said after a change, by the word in the address: nothing that somebody else could put there.
DONE: Mapping[str, str] = {
    "account-created": "The account was added.",
    "account-disabled": "The account was disabled; its keys have ended.",
    "budget-created": "The budget was added.",
    "budget-removed": "The budget watches no longer.",
    "glass-broken": "The grant is open. What you read under it stands in the tenant's log.",
    "glass-closed": "The grant is closed.",
    "delivery-asked": "It was put in line. The list below says what becomes of it.",
    "key-revoked": "The key was revoked. It ended at once.",
    "rental-asked": "The desk was asked. What it said stands below.",
    "rental-extended": "The rental ends later now.",
    "rental-released": "The GPUs were given back.",
    "offer-set": "The offer was set.",
    "session-ended": "The session was ended.",
    "sessions-ended": "All your other sessions were ended.",
    "tenant-resumed": "The tenant was resumed.",
    "tenant-suspended": "The tenant was suspended: its keys do nothing.",
    "webhook-disabled": "The webhook was disabled.",
}


@dataclass(slots=True)
class Visit:
    """What a page is asked with. `form` holds what was posted, `query` what stands in the address, `problem` why a
    change that was posted was refused, `digest` names the session."""

    house: House
    ask: Ask
    scope: Scope
    ids: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, Sequence[str]] = field(default_factory=dict)
    problem: Answer | None = None
    digest: str = ""
    now_s: int = 0

    def text(self, name: str) -> str:
        """Return a field that was posted, "" if it was not."""
        return next(iter(self.form.get(name, ())), "").strip()

    async def change(self, method: str, path: str, body: Any = None, match: str = "") -> Answer:
        """Ask the API for a change, once for each form that was drawn. Raises Refused."""
        answer = await self.ask.send(method, path, body, self.text("once"), match)
        if not answer.ok:
            raise Refused(answer)
        return answer

    def may(self, word: str) -> bool:
        """Whether the key behind the session holds a scope word."""
        return word in self.scope.principal.scopes


Shown: TypeAlias = View | Go | File
Opens: TypeAlias = Callable[[Visit], Awaitable[Shown]]


class PageEntry(NamedTuple):
    """A page. `back` is the page that is shown again, with the reason, where a change was refused."""

    method: str
    path: str
    opens: Opens
    back: str


class Pages(list[PageEntry]):
    """Pages in the order in which they are tried."""

    def get(self, path: str) -> Callable[[Opens], Opens]:
        """Add the decorated function as a page."""
        return self._add("GET", path, path)

    def post(self, path: str, back: str) -> Callable[[Opens], Opens]:
        """Add the decorated function as a change that is made from the page `back`."""
        return self._add("POST", path, back)

    def _add(self, method: str, path: str, back: str) -> Callable[[Opens], Opens]:
        def added(opens: Opens) -> Opens:
            self.append(PageEntry(method, path, opens, back))
            return opens

        return added
