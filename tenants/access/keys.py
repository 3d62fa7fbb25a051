"""API keys: their text, and the record that is kept of them.

    spw_live_3kZ0aQ8xV1bN7cR2_<43 characters of secret><6 of checksum>

The id is no secret and is looked up; the 32-byte secret is not kept: only its HMAC-SHA256 under a pepper that lies
outside the database. The checksum (CRC-32) lets a client or a scanner of leaked secrets tell a typing mistake without
asking. Random keys of 256 bits need no slow hash: argon2 would cost 195 ms a request, against 2.6 us.

Source: ISOLATION.md section 10.
"""

import hmac
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple
from zlib import crc32

from tenants.access.errors import Forbidden, Unauthenticated
from tenants.access.identity import MINTS, ROLE_SCOPES, SCOPES, TENANT_ROLES, Role
from tenants.access.scope import Scope
from tenants.access.secrets import Secrets
from tenants.errors import TenantError, unknown_name

Entropy = Callable[[int], bytes]
ENVIRONMENTS = ("live", "test")
DAY_S = 86_400
LIFETIME_DAYS, LIFETIME_DAYS_MAX = 90, 730
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_BYTES, _ID_CHARS = 12, 17
_SECRET_BYTES, _SECRET_CHARS = 32, 43
_CHECK_CHARS = 6
_TEXT_CHARS_MAX = 100
_TEXT = re.compile(rf"(spw|spt)_({'|'.join(ENVIRONMENTS)})_([0-9A-Za-z]{{{_ID_CHARS}}})_[0-9A-Za-z]{{49}}")


class KeyRecord(NamedTuple):
    """What is kept of a key. Unix seconds; None where nothing is set. Every key has an end.

    Attributes:
        account:      whose it is.
        tenant:       "" for operators and auditors.
        scopes:       as granted; what counts is their intersection with the role's.
        digest:       HMAC-SHA256 of the key's text, in hex.
        pepper:       version of the pepper it was made with.
        successor:    the key that replaces it, or "".
        last_used_s:  written behind, on the first use of a day.
    """

    id: str
    account: str
    tenant: str
    role: Role
    scopes: frozenset[str]
    digest: str
    pepper: int
    not_before_s: int
    expires_s: int
    revoked_s: int | None
    successor: str
    last_used_s: int | None

    def __repr__(self) -> str:
        return f"KeyRecord(id={self.id!r}, tenant={self.tenant!r}, role={str(self.role)!r})"

    def live(self, now_s: int) -> bool:
        """Whether the key holds at an instant: begun, not ended, not revoked."""
        return self.not_before_s <= now_s < self.expires_s and self.revoked_s is None


class KeyText:
    """The text of a key, in parts. Printing it shows the id alone.

    Attributes:
        prefix: "spw" of a key, "spt" of an agent's token.
    """

    __slots__ = ("id", "prefix", "text")

    def __init__(self, prefix: str, id_: str, text: str) -> None:
        self.prefix = prefix
        self.id = id_
        self.text = text

    def __repr__(self) -> str:
        return f"KeyText({self.prefix}, {self.id!r})"


class Minted(NamedTuple):
    """A new key: its text, shown once and never again, and the record that is kept."""

    text: str
    record: KeyRecord

    def __repr__(self) -> str:
        return f"Minted({self.record!r})"


def new_text(prefix: str, environment: str, entropy: Entropy) -> KeyText:
    """Return the text of a new key or token."""
    id_, secret = _base62(entropy(_ID_BYTES), _ID_CHARS), _base62(entropy(_SECRET_BYTES), _SECRET_CHARS)
    body = f"{prefix}_{environment}_{id_}_{secret}"
    return KeyText(prefix, id_, body + _checksum(body))


def parse(text: str) -> KeyText:
    """Take a key's text apart. Raises Unauthenticated for what cannot be a key: shape or checksum is wrong."""
    match = _TEXT.fullmatch(text) if len(text) <= _TEXT_CHARS_MAX else None
    if match is None or _checksum(text[:-_CHECK_CHARS]) != text[-_CHECK_CHARS:]:
        raise Unauthenticated
    return KeyText(match[1], match[3], text)


def digest(text: str, pepper: bytes) -> str:
    """Return the HMAC-SHA256 of a key's whole text in hex: id and environment are bound into it."""
    return hmac.digest(pepper, text.encode(), "sha256").hex()


def matches(kept: str, pepper: int, text: str, secrets: Secrets) -> bool:
    """Whether a text is the one that a digest was made of, in constant time.

    A pepper that is gone makes the key worthless, at the same cost.
    """
    made = digest(text, secrets.peppers.get(pepper, b""))
    return hmac.compare_digest(made, kept) and pepper in secrets.peppers


def mint(
    minter: Scope,
    account: str,
    tenant: str,
    role: Role,
    scopes: Iterable[str],
    secrets: Secrets,
    entropy: Entropy,
    now_s: int,
    *,
    expires_s: int | None = None,
    environment: str = "live",
) -> Minted:
    """Return a new key for an account, never above its minter: in tenant, role, scopes or end.

    Args:
        tenant:    "" for operators and auditors.
        expires_s: Unix seconds; None = 90 days, or the end of the minter's key where that is sooner.

    Raises:
        Forbidden:   above the minter.
        TenantError: no such scope or environment, a role in the wrong place, an end that is past or too far.

    Source: ISOLATION.md row K4.
    """
    wished = _known_scopes(role, scopes)
    if (role in TENANT_ROLES) != bool(tenant):
        allowed = "member or tenant_admin of a tenant, operator or auditor of none"
        raise TenantError("role does not fit", path="role", found=str(role), allowed=allowed)
    if environment not in ENVIRONMENTS:
        raise unknown_name("environment", environment, ENVIRONMENTS)
    _require_below(minter, tenant, role, wished)
    ends_s = _no_later(minter, expires_s, now_s)
    text = new_text("spw", environment, entropy)
    made = digest(text.text, secrets.peppers[secrets.pepper])
    record = KeyRecord(text.id, account, tenant, role, wished, made, secrets.pepper, now_s, ends_s, None, "", None)
    return Minted(text.text, record)


def _require_below(minter: Scope, tenant: str, role: Role, wished: frozenset[str]) -> None:
    """Refuse a key of another tenant, of a role above its minter's, or with more scopes."""
    minter.require("keys:write")
    who = minter.principal
    if who.kind == "local":
        return
    if tenant != (who.tenant or "") or role not in MINTS[who.role]:
        raise Forbidden("a key for others than one's own tenant and role cannot be minted")
    if not wished <= who.scopes:
        raise Forbidden("a key cannot be given more scopes than its minter has")


def _no_later(minter: Scope, expires_s: int | None, now_s: int) -> int:
    """The end that a new key gets: a key that ends may not leave one behind that goes on."""
    if expires_s is None:
        wished_s = now_s + LIFETIME_DAYS * DAY_S
        return wished_s if minter.expires_s is None else min(wished_s, minter.expires_s)
    if not now_s < expires_s <= now_s + LIFETIME_DAYS_MAX * DAY_S:
        raise TenantError("end is past or too far", path="expires", allowed=f"1 s to {LIFETIME_DAYS_MAX} days from now")
    if minter.expires_s is not None and expires_s > minter.expires_s:
        raise Forbidden("a key cannot be given a later end than its minter's")
    return expires_s


def successor_of(
    old: KeyRecord, secrets: Secrets, entropy: Entropy, now_s: int, overlap_s: int, *, environment: str = "live"
) -> tuple[KeyRecord, Minted]:
    """Return a key as it ends after an overlap, and the one that replaces it: same account, role, scopes and lifetime.

    Two keys live during the overlap and never three: a key that has a successor is not rotated again.

    Raises:
        TenantError: the key holds no longer, or has been rotated.
    """
    if not old.live(now_s) or old.successor:
        raise TenantError("only a live key that has no successor can be rotated", code="not_live", found=old.id)
    ends_s = now_s + min(old.expires_s - old.not_before_s, LIFETIME_DAYS_MAX * DAY_S)
    text = new_text("spw", environment, entropy)
    made = digest(text.text, secrets.peppers[secrets.pepper])
    new = old._replace(
        id=text.id, digest=made, pepper=secrets.pepper, not_before_s=now_s, expires_s=ends_s, last_used_s=None
    )
    return old._replace(expires_s=min(old.expires_s, now_s + overlap_s), successor=text.id), Minted(text.text, new)


def _known_scopes(role: Role, scopes: Iterable[str]) -> frozenset[str]:
    """The scopes asked for. A word that the role can never use is a mistake, and is said at once."""
    wished = frozenset(scopes)
    for word in sorted(wished - ROLE_SCOPES[role]):
        if word not in SCOPES:
            raise unknown_name("scope", word, SCOPES, "scope")
        allowed = sorted(ROLE_SCOPES[role])
        raise TenantError(f"not a scope of the role {role}", path="scope", found=word, allowed=allowed)
    return wished


def _checksum(body: str) -> str:
    return _base62(crc32(body.encode()).to_bytes(4, "big"), _CHECK_CHARS)


def _base62(data: bytes, chars: int) -> str:
    number, found = int.from_bytes(data, "big"), []
    for _ in range(chars):
        number, digit = divmod(number, 62)
        found.append(_DIGITS[digit])
    assert not number
    return "".join(reversed(found))
