"""The first key of a tenant that an operator has just made, so that nobody needs the machine for it."""

from billing.store.api_changes import note
from billing.store.door import Bound
from billing.store.tenant_admin import tenant_of
from billing.store.tenant_keys import Account, add_account, add_key, keys_of
from tenants.access.first_key import mint_first
from tenants.access.identity import Role
from tenants.access.keys import Entropy, KeyRecord
from tenants.access.lifecycle import Status
from tenants.access.secrets import Secrets
from tenants.errors import TenantError

_NAME = "first admin"
_ID_BYTES = 10


def first_key_of(
    bound: Bound, tenant: str, secrets: Secrets, entropy: Entropy, now_s: int
) -> tuple[KeyRecord, str | None]:
    """Return the first key of a new tenant and its text, None for one that was made before: it was shown then.

    The tenant reads of it in its own log.

    Raises:
        TenantError: it was deleted meanwhile: its keys may be gone, as if there never had been one.
        Forbidden:   as `mint_first`.
    """
    found = tenant_of(bound, tenant)
    if found is None or found.status is Status.DELETED:
        raise TenantError(f"tenant {tenant} is deleted", code="wrong_status", found="first_key")
    if there := keys_of(bound, tenant, None, 1):
        return there[0], None
    role = Role.TENANT_ADMIN
    who = Account(f"a-{entropy(_ID_BYTES).hex()}", "service", _NAME, role, now_s, None)
    add_account(bound, tenant, who)
    note(bound, tenant, "account.create", who.id, "", {"kind": who.kind, "name": who.name, "role": str(role)}, now_s)
    made = mint_first(bound.scope, who.id, tenant, secrets, entropy, now_s)
    add_key(bound, made.record, now_s)
    details = {
        "account": who.id,
        "role": str(role),
        "scopes": sorted(made.record.scopes),
        "expires_s": made.record.expires_s,
    }
    note(bound, tenant, "key.create", made.record.id, "", details, now_s)
    return made.record, made.text
