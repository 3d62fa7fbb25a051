"""The worker that delivers: every round it looks what is due and hands it to threads, and waits for none of them.

A delivery is noted after it was made, so that a service which dies in between makes it again: receivers see each
message at least once, under the same id. Of a webhook one message is under way at a time, of a tenant a few, so that a
receiver that is slow holds up its own messages and nobody else's.
"""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Final

from billing.months import utc_text
from billing.store.delivering import Due, due_in, fan_out, is_behind, note_outcome
from billing.store.door import Door
from billing.webhooks.schedule import DELIVERED, after
from billing.webhooks.sending import Way, send
from billing.webhooks.signing import secrets_at, signed
from tenants.access.scope import Scope

THREADS: Final = 16
PER_TENANT: Final = 2
_RUN_MAX = 100  # messages that one thread delivers to one webhook before others have their turn


class Dispatcher:
    """Delivers what is due; see the module.

    Args:
        scope:  in whose name: the machine's.
        master: what the secrets of webhooks are made from.
        now_s:  Unix seconds.
    """

    def __init__(self, door: Door, scope: Scope, master: bytes, way: Way, now_s: Callable[[], int]) -> None:
        self._door, self._scope, self._master, self._way, self._now_s = door, scope, master, way, now_s
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="deliver")
        self._under_way: set[tuple[str, str]] = set()
        self._lock = Lock()

    def round(self) -> int:
        """Begin what is due and not under way, and return how many webhooks that is. Raises StoreError."""
        now_s = self._now_s()
        with self._door.working(self._scope, write=False) as bound:
            behind = is_behind(bound.connection)
        if behind:
            with self._door.working(self._scope) as bound:
                fan_out(bound.connection, now_s)
        with self._door.working(self._scope, write=False) as bound:
            due = due_in(bound.connection, now_s)
        return sum(self._begin(each) for each in due)

    def close(self) -> None:
        """Begin nothing more. What is under way ends within its time, and is made again if it is not noted."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, due: Due) -> bool:
        hook = (due.tenant, due.webhook)
        with self._lock:
            busy = Counter(tenant for tenant, _ in self._under_way)
            if hook in self._under_way or busy[due.tenant] >= PER_TENANT:
                return False
            self._under_way.add(hook)
        self._pool.submit(self._deliver_all, due)
        return True

    def _deliver_all(self, due: Due) -> None:
        """Deliver what is due to one webhook, until one fails."""
        hook = (due.tenant, due.webhook)
        try:
            for _ in range(_RUN_MAX):
                if not self._deliver(due):
                    return
                with self._door.working(self._scope, write=False) as bound:
                    following = due_in(bound.connection, self._now_s(), hook)
                if not following:
                    return
                due = following[0]
        finally:
            with self._lock:
                self._under_way.discard(hook)

    def _deliver(self, due: Due) -> bool:
        sent_s = self._now_s()
        secrets = secrets_at(self._master, due.tenant, due.webhook, due.generation, due.rotated_s, sent_s)
        body = message_of(due)
        headers = signed(secrets, message_id(due.webhook, due.position), sent_s, body)
        sent = send(due.url, {**headers, "Content-Type": "application/json", "User-Agent": "Spillway"}, body, self._way)
        now_s = self._now_s()
        outcome = after(due.attempts, sent, now_s)
        with self._door.working(self._scope) as bound:
            note_outcome(bound.connection, due, outcome.status, outcome.next_s, sent.code, sent.error, now_s)
        return outcome.status == DELIVERED


def message_id(webhook: str, position: int) -> str:
    """Return the id of a message: the same whenever it is sent, so that a receiver knows it again."""
    return f"msg_{webhook}_{position}"


def message_of(due: Due) -> bytes:
    """Return the body of a message: what the feed of notices says of it."""
    told = {"type": due.type, "timestamp": utc_text(due.time_s), "position": due.position, "object": due.object}
    return json.dumps({**told, "data": json.loads(due.body)}, separators=(",", ":")).encode()
