"""One line of the audit log: who did what to what, when and why. And the bytes of it that are hashed.

An entry is a leaf of its tenant's tree; the tenant `""` is the house's own. What may have to be forgotten one day
(names, addresses, amounts) does not stand in the entry but in its details, kept apart:

    details_hash = SHA-256(salt || details)    32 bytes of salt, drawn for this entry alone

Once salt and details are erased, nobody can guess them back from the hash, and every proof over the entry still holds.

No text of an entry holds a character that a terminal or a line-by-line reader would act on: `escaped` writes them out
when the entry is made, so that no reader of the log, whatever he reads it with, can be shown a line that is none.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from json.encoder import encode_basestring_ascii as _quoted
from typing import NamedTuple

from tenants.audit.merkle import Hash, leaf_hash

HOUSE = ""  # the tenant of what concerns no tenant, or all of them
LOCAL = "local"  # the actor who is the person at the machine
SALT_BYTES = 32
_ENCODER = json.JSONEncoder(ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":"))


class AuditEntry(NamedTuple):
    """An entry. `position` counts a tenant's entries from 1, `time_s` is Unix seconds, `details_hash` hex."""

    tenant: str
    position: int
    time_s: int
    actor: str
    action: str
    object: str
    reason: str
    details_hash: str


def entry_of(
    tenant: str, position: int, time_s: int, actor: str, action: str, object_: str, reason: str, details_hash: str
) -> AuditEntry:
    """Return an entry with its texts made harmless; `escaped` says how."""
    texts = (escaped(actor), escaped(action), escaped(object_), escaped(reason))
    return AuditEntry(escaped(tenant), position, time_s, *texts, details_hash)


def leaf_bytes(entry: AuditEntry) -> bytes:
    """Return what is hashed of an entry: its fields as canonical JSON (sorted keys, no spaces, ASCII alone)."""
    tenant, position, time_s, actor, action, object_, reason, details_hash = entry
    # Written out by hand, in the order of the keys: three times as fast as the encoder, and the same bytes.
    return (
        f'{{"action":{_quoted(action)},"actor":{_quoted(actor)},"details_hash":{_quoted(details_hash)},'
        f'"object":{_quoted(object_)},"position":{position},"reason":{_quoted(reason)},"tenant":{_quoted(tenant)},'
        f'"time_s":{time_s}}}'
    ).encode()


def entry_hash(entry: AuditEntry) -> Hash:
    """Return the leaf of an entry in its tenant's tree."""
    return leaf_hash(leaf_bytes(entry))


def details_text(details: Mapping[str, object]) -> str:
    """Return details as canonical JSON. Raises TypeError or ValueError for what JSON cannot hold: our own mistake."""
    return _ENCODER.encode(dict(details))


def commitment(salt: bytes, details: str) -> str:
    """Return the hex hash that binds an entry to its details and, without the salt, says nothing about them."""
    assert len(salt) == SALT_BYTES, "a short salt hides nothing"
    return sha256(salt + details.encode()).hexdigest()


def escaped(text: str) -> str:
    r"""Return `text` with every character that does not print written out, and backslashes doubled so that it is plain
    which is which: a line end becomes `\n`, an escape `\x1b`, a right-to-left override `\u202e`.

    >>> escaped("acme\n2026-01-01 root deleted everything\x1b[2K")
    'acme\\n2026-01-01 root deleted everything\\x1b[2K'
    """
    if text.isprintable() and "\\" not in text:
        return text
    return "".join(_written(character) for character in text)


def shown(text: str) -> str:
    """Return a text of the log as it may be printed, even where somebody has written into the database by hand."""
    return text if text.isprintable() else escaped(text)


def _written(character: str) -> str:
    if character.isprintable() and character != "\\":
        return character
    return character.encode("unicode_escape").decode() if character != "\\" else "\\\\"
