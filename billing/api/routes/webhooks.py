"""Routes of webhooks: where a tenant is told of what happens to it, and what became of each delivery."""

from typing import Annotated

from fastapi import Path, Query

from billing.api.call import Call, Calling, Done, Told
from billing.api.ids import IdOfPath, new_id
from billing.api.paging import LIMIT_USUAL, Cursor, Limit
from billing.api.problems import Problem, invalid
from billing.api.room import require_room
from billing.api.schemas.basic import Empty, Page
from billing.api.schemas.webhooks import (
    DeliveryOut,
    MadeWebhook,
    NewWebhook,
    Status,
    WebhookOut,
    delivery_out,
    made_webhook,
    webhook_out,
)
from billing.api.table import Routes
from billing.store import tenant_webhooks as store
from billing.store.door import Bound
from billing.store.notices import notify
from billing.webhooks.signing import secret_of
from billing.webhooks.target import TargetError, require_target

routes = Routes()
Position = Annotated[int, Path(ge=1, le=2**53, description="Position of the notice in the feed.")]
StatusFilter = Annotated[Status | None, Query(description="Only deliveries of this status; dead: the dead letters.")]


@routes.get("/v1/webhooks", Page[WebhookOut])
def list_webhooks(call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None) -> Page[WebhookOut]:
    """List the tenant's webhooks."""
    after = call.after(cursor, str)
    with call.reading() as bound:
        found = store.webhooks_of(bound, call.tenant, after, limit + 1)
    rows, following = call.page(found, limit, lambda row: (row.id,))
    return Page[WebhookOut](items=[webhook_out(row) for row in rows], next=following)


@routes.post("/v1/webhooks", MadeWebhook, status=201)
def create_webhook(call: Calling, body: NewWebhook) -> MadeWebhook:
    """Be told of what happens over https, at an address of the public internet. The secret is told this once."""
    try:
        require_target(body.url, call.house.resolve)
    except TargetError as error:
        raise invalid("body.url", f"{error.message}, allowed {error.allowed}") from None

    def work(bound: Bound) -> Done:
        require_room(bound, call.tenant, "webhook", call.now_s)
        made = store.add_webhook(bound, call.tenant, new_id(call, "whk"), body.url, body.events, call.now_s)
        return Done(made_webhook(made, _secret(call, made)), Told(made.id, {"events": body.events}))

    made: MadeWebhook = call.change(work)
    return made


@routes.post("/v1/webhooks/{id}/rotate-secret", MadeWebhook)
def rotate_webhook_secret(call: Calling, id: IdOfPath) -> MadeWebhook:
    """Give a webhook a new secret. For a day the old one signs too, so that no delivery is lost on the way."""

    def work(bound: Bound) -> Done:
        rotated = store.rotate_secret(bound, call.tenant, id, call.now_s)
        if rotated is None:
            raise Problem("not_found")
        return Done(made_webhook(rotated, _secret(call, rotated)), Told(id, {"generation": rotated.generation}))

    made: MadeWebhook = call.change(work)
    return made


@routes.post("/v1/webhooks/{id}/test", DeliveryOut, status=202)
def test_webhook(call: Calling, id: IdOfPath) -> DeliveryOut:
    """Send a notice that means nothing, behind what waits already. `position` says which delivery to look at."""

    def work(bound: Bound) -> Done:
        found = store.webhook_of(bound, call.tenant, id)
        if found is None or found.disabled_s is not None:
            raise Problem("not_found")
        position = notify(bound, call.tenant, "webhook.test", id, {}, call.now_s)
        store.add_delivery(bound, call.tenant, id, position, call.now_s)
        made = store.delivery_of(bound, call.tenant, id, position)
        assert made is not None, "it was made a moment ago"
        return Done(delivery_out(made), Told(id))

    sent: DeliveryOut = call.change(work)
    return sent


@routes.get("/v1/webhooks/{id}/deliveries", Page[DeliveryOut])
def list_deliveries(
    call: Calling, id: IdOfPath, limit: Limit = LIMIT_USUAL, cursor: Cursor = None, status: StatusFilter = None
) -> Page[DeliveryOut]:
    """List the deliveries to a webhook, oldest first."""
    after = call.after(cursor, int)
    with call.reading() as bound:
        if store.webhook_of(bound, call.tenant, id) is None:
            raise Problem("not_found")
        found = store.deliveries_of(bound, call.tenant, id, status, after, limit + 1)
    rows, following = call.page(found, limit, lambda row: (row.position,))
    return Page[DeliveryOut](items=[delivery_out(row) for row in rows], next=following)


@routes.post("/v1/webhooks/{id}/deliveries/{position}/redeliver", DeliveryOut, status=202)
def redeliver(call: Calling, id: IdOfPath, position: Position) -> DeliveryOut:
    """Deliver a notice once more, dead or delivered, as often as one that is new."""

    def work(bound: Bound) -> Done:
        again = store.redeliver(bound, call.tenant, id, position, call.now_s)
        if again is None:
            raise Problem("not_found")
        return Done(delivery_out(again), Told(id, {"position": position}))

    sent: DeliveryOut = call.change(work)
    return sent


@routes.delete("/v1/webhooks/{id}", Empty)
def disable_webhook(call: Calling, id: IdOfPath) -> Empty:
    """Stop telling."""

    def work(bound: Bound) -> Done:
        if not store.disable_webhook(bound, call.tenant, id, call.now_s):
            raise Problem("not_found")
        return Done(Empty(), Told(id))

    done: Empty = call.change(work)
    return done


def _secret(call: Call, webhook: store.Webhook) -> str:
    return secret_of(call.house.secrets.cursor, call.tenant, webhook.id, webhook.generation)
