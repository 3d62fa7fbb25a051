"""Whether a tenant may have one more of what it makes: asked in the transaction that makes it."""

from billing.api.problems import invalid
from billing.store.door import Bound
from billing.store.tenant_settings import room_of

_WORDS = {"account": "account", "api_key": "key", "agent_token": "token", "webhook": "webhook", "budget": "budget"}


def require_room(bound: Bound, tenant: str, noun: str, now_s: int) -> None:
    """Refuse one more than the quota, of the kinds in `_WORDS`. Raises Problem."""
    used, most = room_of(bound, tenant, noun, now_s)
    if used >= most:
        raise invalid("body", f"is one {_WORDS[noun]} more than the quota, {most}")
