"""The desk of a service: by which terms it rents out, and its turns.

It has a thread of its own: a notice that is over does not wait for the log to be settled.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from billing.store.door import Door
    from billing.store.engine import Store
    from billing.terms import Terms

_TERMS_S = 5  # for so long the terms that were read are taken to be the terms


class ServedDesk:
    """`file` names the terms; None: those of the log, looked at again and again."""

    def __init__(self, door: "Door", store: "Store", file: str | None, now_s: Callable[[], int]) -> None:
        self._door, self._store, self._file, self._now_s = door, store, file, now_s
        self._read_s = -_TERMS_S
        self._terms: Terms | None = None

    def terms(self) -> "Terms | None":
        """Return the terms that are good now; None: there are none, or none that can be read."""
        from billing.errors import BillingError
        from sim.cli.store import terms_for
        from sim.errors import SimError
        from tenants.errors import TenantError

        now_s = self._now_s()
        if self._terms is not None and (self._file is not None or 0 <= now_s - self._read_s < _TERMS_S):
            return self._terms
        try:
            self._terms = terms_for(self._store, self._file)
        except (BillingError, SimError, TenantError, ValueError):
            self._terms = None
        self._read_s = now_s
        return self._terms

    def turn(self) -> None:
        """Do what is due at the desk. Raises StoreError."""
        from billing.store.desk import turn
        from tenants.access.scope import local_scope

        turn(self._door, local_scope(), self.terms(), self._now_s())
