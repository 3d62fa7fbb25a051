"""Routes of what an operator sets for a tenant: quotas."""

from billing.api.call import Calling, Done, Told
from billing.api.schemas.settings import NewQuota, QuotaOut, quota_out
from billing.api.table import Routes
from billing.store import tenant_settings as store
from billing.store.door import Bound

routes = Routes()


@routes.get("/v1/quota", QuotaOut)
def read_quota(call: Calling) -> QuotaOut:
    """Read how many keys and webhooks the tenant may have at a time."""
    with call.reading() as bound:
        return quota_out(store.quota_of(bound, call.tenant))


@routes.put("/v1/quota", QuotaOut)
def set_quota(call: Calling, body: NewQuota) -> QuotaOut:
    """Set a tenant's quota. Operators alone: whom a quota binds does not set it."""

    def work(bound: Bound) -> Done:
        quota = store.Quota(body.keys_max, body.webhooks_max, body.gpus_max)
        store.set_quota(bound, body.tenant, quota)
        return Done(quota_out(quota), Told(body.tenant, quota._asdict(), tenant=body.tenant))

    done: QuotaOut = call.change(work)
    return done
