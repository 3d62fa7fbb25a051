"""The basis of invoices, for the API: what the log comes to is a fold of all of it, so it is made once and kept."""

from threading import Lock

from sqlalchemy import Connection

from billing.closing.of_log import LogBasis
from billing.errors import StoreError
from billing.store.log_basis import basis_at
from billing.store.reader import last_position
from billing.terms import Terms


class LastBasis:
    """What the log came to when it was last asked for: whoever issues a month tenant by tenant folds it once, and a
    process folds it for one at a time. Safe to be asked from several threads."""

    def __init__(self) -> None:
        self._folding = Lock()
        self._held: tuple[int, Terms, LogBasis] | None = None

    def now(self, connection: Connection, terms: Terms) -> tuple[LogBasis, int]:
        """As `basis_at` of now. Raises StoreError (code `store_busy`) while it is folded for somebody else.

        Cost: a fold of the log where it or the terms have changed since.
        """
        if not self._folding.acquire(blocking=False):
            raise StoreError("the log is being added up for somebody else", code="store_busy")
        try:
            position = last_position(connection)
            if self._held is None or self._held[:2] != (position, terms):
                self._held = None  # never two in memory
                self._held = position, terms, basis_at(connection, terms, position)[0]
            return self._held[2], position
        finally:
            self._folding.release()
