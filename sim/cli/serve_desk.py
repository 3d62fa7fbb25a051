"""The desk of a service: by which terms it rents out, and its turns.

It has a thread of its own: a notice that is over does not wait for the log to be settled.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from billing.store.door import Door
    from billing.terms import Terms


class ServedDesk:
    """`file` names the terms; None: those of the log, looked at again at each turn, since a price that was ended is
    none to rent by a second later. `say` is given a line when there are none, and when there are some again."""

    def __init__(
        self,
        door: "Door",
        file: str | None,
        now_s: Callable[[], int],
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._door, self._file, self._now_s, self._say = door, file, now_s, say
        self._text = ""
        self._terms: Terms | None = None
        self._fault = ""

    def terms(self) -> "Terms | None":
        """Return the terms that are good now; None: there are none, or none that can be read. Raises StoreError where
        the store does not answer."""
        from billing.errors import BillingError, StoreError
        from sim.errors import SimError
        from sim.scenario.any_terms import load_any_terms, parse_any_terms
        from tenants.errors import TenantError

        if self._terms is not None and self._file is not None:
            return self._terms
        fault = ""
        try:
            if self._file is not None:
                self._terms = load_any_terms(self._file)
            elif (text := self._noted()) != self._text or self._terms is None:
                self._terms, self._text = parse_any_terms(text), text
        except (BillingError, SimError, TenantError, ValueError) as error:
            if isinstance(error, StoreError) and error.code != "no_terms":
                raise
            self._terms, fault = None, " ".join(str(error).split())
        if fault != self._fault:
            self._fault = fault
            refused = f"{fault}: use that tenants report is refused until there are terms"
            self._say(refused if fault else "there are terms: use that tenants report is taken")
        return self._terms

    def _noted(self) -> str:
        """By a connection that rests between two looks: the store itself opens one for each."""
        from billing.store.log_basis import noted_terms

        with self._door.looking_up() as connection:
            return noted_terms(connection)

    def turn(self) -> None:
        """Do what is due at the desk. Raises StoreError."""
        from billing.store.desk import turn
        from tenants.access.scope import local_scope

        turn(self._door, local_scope(), self.terms(), self._now_s())
