"""Routes of what a tenant has set: webhooks; and of what an operator sets for it: quotas."""

from billing.api.call import Calling, Done, Told
from billing.api.ids import IdOfPath, new_id
from billing.api.paging import LIMIT_USUAL, Cursor, Limit
from billing.api.problems import Problem, invalid
from billing.api.room import require_room
from billing.api.schemas.basic import Empty, Page
from billing.api.schemas.settings import NewQuota, NewWebhook, QuotaOut, WebhookOut, quota_out, webhook_out
from billing.api.table import Routes
from billing.api.webhook_target import TargetError, require_target
from billing.store import tenant_settings as store
from billing.store.door import Bound

routes = Routes()


@routes.get("/v1/webhooks", Page[WebhookOut])
def list_webhooks(call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None) -> Page[WebhookOut]:
    """List the tenant's webhooks."""
    after = call.after(cursor, str)
    with call.reading() as bound:
        found = store.webhooks_of(bound, call.tenant, after, limit + 1)
    rows, following = call.page(found, limit, lambda row: (row.id,))
    return Page[WebhookOut](items=[webhook_out(row) for row in rows], next=following)


@routes.post("/v1/webhooks", WebhookOut, status=201)
def create_webhook(call: Calling, body: NewWebhook) -> WebhookOut:
    """Be told of events over https, at an address of the public internet."""
    try:
        require_target(body.url, call.house.resolve)
    except TargetError as error:
        raise invalid("body.url", f"{error.message}, allowed {error.allowed}") from None

    def work(bound: Bound) -> Done:
        require_room(bound, call.tenant, "webhook", call.now_s)
        made = store.add_webhook(bound, call.tenant, new_id(call, "whk"), body.url, body.events, call.now_s)
        return Done(webhook_out(made), Told(made.id, {"events": body.events}))

    made: WebhookOut = call.change(work)
    return made


@routes.delete("/v1/webhooks/{id}", Empty)
def disable_webhook(call: Calling, id: IdOfPath) -> Empty:
    """Stop telling."""

    def work(bound: Bound) -> Done:
        if not store.disable_webhook(bound, call.tenant, id, call.now_s):
            raise Problem("not_found")
        return Done(Empty(), Told(id))

    done: Empty = call.change(work)
    return done


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
