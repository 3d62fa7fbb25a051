"""What authentication and the life of tenants ask of whoever keeps the rows."""

from typing import NamedTuple, Protocol

from tenants.access.identity import Kind
from tenants.access.keys import KeyRecord
from tenants.access.lifecycle import Status
from tenants.access.tokens import AgentToken


class HeldKey(NamedTuple):
    """A key with what else decides whether it holds: its account's kind and end (Unix seconds), its tenant's status."""

    record: KeyRecord
    kind: Kind
    disabled_s: int | None
    status: Status


class HeldToken(NamedTuple):
    """An agent's token, and the key that it was made with: without that key it is nothing."""

    token: AgentToken
    key: HeldKey


class KeyStore(Protocol):
    """Keys and tokens by id. Each look-up is one statement, whether there is such a row or not."""

    def key(self, id_: str) -> HeldKey | None:
        """Return a key by its id."""
        ...

    def token(self, id_: str) -> HeldToken | None:
        """Return a token by its id."""
        ...

    def used(self, record: KeyRecord, digest: str, pepper: int, now_s: int) -> None:
        """Note that a key was used, and its digest under the pepper of today where that is another one."""
        ...
