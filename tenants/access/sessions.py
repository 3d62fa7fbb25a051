"""Sign-ins to the console: a cookie that stands for a key for some hours. A session does what its key may do now, and
ends with it.

The cookie is 256 random bits; of it only an HMAC is kept. Nothing is remembered as allowed: each request asks for the
session and for its key, as `authenticate` does.
"""

from typing import NamedTuple

from tenants.access.authenticate import scope_of_key
from tenants.access.errors import Unauthenticated
from tenants.access.keys import Entropy, digest
from tenants.access.ports import HeldKey
from tenants.access.scope import Scope
from tenants.access.secrets import Secrets

IDLE_S, LIFE_S = 1_800, 43_200
_COOKIE_BYTES = 32


class SessionRecord(NamedTuple):
    """What is kept of a sign-in. Unix seconds; `tenant` is "" for the house."""

    tenant: str
    digest: str
    key: str
    account: str
    role: str
    created_s: int
    seen_s: int
    expires_s: int
    ended_s: int | None

    def __repr__(self) -> str:
        return f"SessionRecord(key={self.key!r}, tenant={self.tenant!r})"

    def live(self, now_s: int) -> bool:
        """Whether it holds at an instant: not ended, not too old, and not left alone for too long."""
        return self.ended_s is None and now_s < self.expires_s and now_s - self.seen_s < IDLE_S


def new_session(scope: Scope, secrets: Secrets, entropy: Entropy, now_s: int) -> tuple[str, SessionRecord]:
    """Return the cookie of a new session of whoever has shown a key, and its record.

    Raises:
        Unauthenticated: an agent's token is for calls, not for sitting in front of a console.
    """
    who = scope.principal
    if who.kind in ("agent", "local"):
        raise Unauthenticated
    text = entropy(_COOKIE_BYTES).hex()
    ends_s = now_s + LIFE_S if scope.expires_s is None else min(now_s + LIFE_S, scope.expires_s)
    made = session_digest(text, secrets)
    record = SessionRecord(who.tenant or "", made, who.key, who.id, str(who.role), now_s, now_s, ends_s, None)
    return text, record


def session_digest(text: str, secrets: Secrets) -> str:
    """Return what is kept of a cookie. A new pepper ends all sessions."""
    return digest(f"session {text}", secrets.peppers[secrets.pepper])


def authenticate_session(session: SessionRecord | None, held: HeldKey | None, now_s: int) -> Scope:
    """Return the scope of the key behind a session.

    Args:
        held: the key that the session names; None if there is none.

    Raises:
        Unauthenticated: no such session, or it or its key ended; always with the same words.
        Suspended:       both hold, their tenant is suspended.
    """
    if session is None or held is None or not session.live(now_s) or held.record.tenant != session.tenant:
        raise Unauthenticated
    return scope_of_key(held, now_s)
