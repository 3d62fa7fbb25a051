"""From the text of a credential to a Scope. Everything is asked anew at each use: nothing is remembered as allowed.

A text that is no key, an unknown id, a wrong secret, a key that ended: one answer, and the same work.
"""

from typing import Final

from tenants.access.errors import Suspended, Unauthenticated
from tenants.access.identity import Principal, effective_scopes
from tenants.access.keys import KeyText, digest, matches, parse
from tenants.access.lifecycle import Status
from tenants.access.ports import HeldKey, HeldToken, KeyStore
from tenants.access.scope import Scope, make_scope
from tenants.access.secrets import Secrets

_NO_DIGEST: Final = "0" * 64  # what the text of an unknown id is compared with
_DAY_S = 86_400


def authenticate(text: str, keys: KeyStore, secrets: Secrets, now_s: int) -> Scope:
    """Return the scope of a key or an agent's token.

    Args:
        text:  as it was sent.
        now_s: Unix seconds.

    Raises:
        Unauthenticated: for any reason whatever, and always with the same words.
        Suspended:       the credential holds, its tenant is suspended.

    Cost: one look-up and one HMAC, for known and unknown ids alike; now and then one write behind.
    Source: ISOLATION.md section 10, rows K3, K5, C1.
    """
    sent = parse(text)
    if sent.prefix == "spt":
        return _of_token(sent, keys.token(sent.id), secrets, now_s)
    held = keys.key(sent.id)
    known = _matches(sent, held, secrets)
    if held is None or not known:
        raise Unauthenticated
    record = held.record
    _require_standing(held, now_s, record.id)
    stale = record.pepper != secrets.pepper
    if stale or record.last_used_s is None or now_s - record.last_used_s >= _DAY_S:
        made = digest(text, secrets.peppers[secrets.pepper]) if stale else record.digest
        keys.used(record, made, secrets.pepper, now_s)
    return scope_of_key(held, now_s)


def scope_of_key(held: HeldKey, now_s: int) -> Scope:
    """Return the scope of a key whose holder has been recognised. Raises as `authenticate`."""
    record = held.record
    _require_standing(held, now_s, record.id)
    scopes = effective_scopes(record.role, record.scopes)
    who = Principal(record.account, held.kind, record.tenant or None, record.role, scopes, record.id)
    return make_scope(who, expires_s=record.expires_s)


def _of_token(sent: KeyText, held: HeldToken | None, secrets: Secrets, now_s: int) -> Scope:
    known = _matches(sent, held, secrets)
    if held is None or not known or not held.token.live(now_s):
        raise Unauthenticated
    token, key = held.token, held.key.record
    _require_standing(held.key, now_s, token.id)
    # The key may have lost scopes since: what counts is what both hold now.
    scopes = effective_scopes(key.role, token.scopes & key.scopes)
    who = Principal(token.account, "agent", token.tenant, key.role, scopes, token.id)
    return make_scope(who, token.tools, token.expires_s)


def _matches(sent: KeyText, held: HeldKey | HeldToken | None, secrets: Secrets) -> bool:
    """Compare with what is kept, or with a digest that nothing has: an unknown id costs as much as a wrong secret."""
    if held is None:
        return matches(_NO_DIGEST, secrets.pepper, sent.text, secrets)
    record = held.record if isinstance(held, HeldKey) else held.token
    return matches(record.digest, record.pepper, sent.text, secrets)


def _require_standing(held: HeldKey, now_s: int, id_: str) -> None:
    if not held.record.live(now_s) or held.disabled_s is not None or held.status is Status.DELETED:
        raise Unauthenticated
    if held.status is Status.SUSPENDED:
        raise Suspended(held.record.tenant or None, id_)
