"""What must never be in the database: peppers and the keys that sign. Where they are kept is the store's business."""

from collections.abc import Mapping
from typing import NamedTuple


class Secrets(NamedTuple):
    """The secrets of one installation; 32 bytes each. Printing it shows none of them.

    Attributes:
        pepper:       version of the pepper that new digests are made with.
        peppers:      by version; an old one stays until no key is hashed with it any more.
        tenant_token: signs the tenant that a transaction is bound to.
        cursor:       signs page cursors.
        checkpoint:   signs checkpoints of the audit log.
        pseudonym:    makes names of nodes that mean nothing to another tenant.
    """

    pepper: int
    peppers: Mapping[int, bytes]
    tenant_token: bytes
    cursor: bytes
    checkpoint: bytes
    pseudonym: bytes

    def __repr__(self) -> str:
        return f"Secrets(pepper={self.pepper}, ...)"
