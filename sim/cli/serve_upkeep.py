"""What a service keeps in order by itself: who was deleted stays deleted, what the audit logs hold is witnessed, calls
that were noted are metered, and budgets that were reached are told.

All of it is done as the worker, through the door: the process needs no owner's rights for it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from billing.store.door import Door
    from billing.store.engine import Store


class Files(NamedTuple):
    """What lies outside the database: the tombstones of who was deleted, and the checkpoints of the logs."""

    tombstones: str | None
    witness: str | None


class Upkeep:
    """See the module. `db` is the store's place as it was named, `key` is what checkpoints are signed with."""

    def __init__(
        self, door: "Door", store: "Store", db: str, files: Files, key: bytes, now_s: Callable[[], int]
    ) -> None:
        from billing.store.budget_check import BudgetCheck
        from billing.store.engine import place_of
        from billing.store.tombstones_file import tombstones_path
        from billing.store.tool_calls import LostCalls
        from billing.store.witness import witness_file
        from tenants.access.scope import local_scope

        self._door, self._store, self._key, self._now_s = door, store, key, now_s
        self._tombstones = tombstones_path(db, files.tombstones)
        self._witness = files.witness or witness_file(place_of(store))
        self._bytes_left = False
        self._calls = LostCalls(door, local_scope())
        self._budgets = BudgetCheck(door, local_scope(), now_s)

    def calls(self) -> int:
        """Meter calls of tools that were noted before a process died, and return how many. Raises StoreError."""
        return self._calls.meter()

    def budgets(self) -> None:
        """Tell tenants what of their budgets has been reached since. Raises StoreError."""
        self._budgets.check()

    def bury(self) -> list[str]:
        """Delete again whom a restored backup brought back, and return who that was. Raises StoreError."""
        from billing.store.purge import reapply, tombstones_in
        from billing.store.tombstones_file import add_tombstones, read_tombstones

        known = read_tombstones(self._tombstones)
        with self._working(write=False) as connection:
            buried = tombstones_in(connection)
        if {each.tenant for each in known} - {each.tenant for each in buried}:
            with self._working() as connection:
                again = reapply(connection, known, self._now_s())
            self._bytes_left = True
            return [each.tenant for each in again]
        add_tombstones(self._tombstones, buried)
        return []

    def purge(self) -> None:
        """Take away what is due of deleted tenants, and note outside the database who they are. Raises StoreError.

        The bytes of a SQLite file follow as soon as no reader stands in the way; PostgreSQL frees them by itself.
        """
        from billing.store.purge import purge, scrub

        self.bury()
        with self._working() as connection:
            self._bytes_left |= bool(purge(connection, self._now_s()))
        if self._bytes_left and self._store.dialect.name == "sqlite":
            scrub(self._store)
        self._bytes_left = False

    def checkpoint(self) -> None:
        """Sign what the audit logs hold into the witness file, if anything is new. Raises AuditError, StoreError."""
        from billing.store.engine import place_of
        from billing.store.witness import add_checkpoint_of

        add_checkpoint_of(
            lambda: self._working(write=False), place_of(self._store), self._witness, self._key, self._now_s()
        )

    @contextmanager
    def _working(self, *, write: bool = True) -> Iterator[Any]:
        """A connection of the worker, to be handed on: SQL is spoken in billing.store alone."""
        from tenants.access.scope import local_scope

        with self._door.working(local_scope(), write=write) as bound:
            yield bound.connection
