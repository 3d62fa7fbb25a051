"""The first key of a new tenant: the one key that is minted for others than one's own."""

from tenants.access.errors import Forbidden
from tenants.access.identity import ROLE_SCOPES, Role
from tenants.access.keys import DAY_S, Entropy, KeyRecord, Minted, digest, new_text
from tenants.access.scope import Scope
from tenants.access.secrets import Secrets

LIFETIME_DAYS = 7  # to be handed over, and replaced by its holder


def mint_first(minter: Scope, account: str, tenant: str, secrets: Secrets, entropy: Entropy, now_s: int) -> Minted:
    """Return a key of a tenant's admin, for a week, minted by an operator who may make tenants and end keys.

    The caller sees to it that the tenant was made just now, has no other key, and has no data yet.

    Raises:
        Forbidden: no operator, or without `tenants:write` or `keys:write`.
    """
    for word in ("tenants:write", "keys:write"):
        minter.require(word)
    role = Role.TENANT_ADMIN
    if minter.principal.role is not Role.OPERATOR:
        raise Forbidden("only operators give a tenant its first key")
    text = new_text("spw", "live", entropy)
    made, ends_s = digest(text.text, secrets.peppers[secrets.pepper]), now_s + LIFETIME_DAYS * DAY_S
    scopes, pepper = ROLE_SCOPES[role], secrets.pepper
    return Minted(
        text.text, KeyRecord(text.id, account, tenant, role, scopes, made, pepper, now_s, ends_s, None, "", None)
    )
