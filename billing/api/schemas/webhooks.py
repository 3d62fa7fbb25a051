"""Webhooks, their secrets, and what became of each delivery."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from billing.api.notice_types import NOTICE_TYPES
from billing.api.schemas.basic import Closed, maybe_moment, moment
from billing.store.tenant_webhooks import Delivery, Webhook
from billing.webhooks.target import URL_CHARS_MAX

WANTED = [name for name in NOTICE_TYPES if name != "webhook.test"]


def _known(name: str) -> str:
    if name not in WANTED:
        raise ValueError("is not a type of notice")
    return name


Wanted = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": WANTED})]
Status = Literal["pending", "delivered", "dead"]


class NewWebhook(Closed):
    """Where to be told, and of what."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=URL_CHARS_MAX)] = Field(
        description="https, on port 443 or 8443, at addresses of the public internet.",
        examples=["https://hooks.example.com/spillway"],
    )
    events: Annotated[list[Wanted], Field(min_length=1, max_length=20)] = Field(
        description="Types of notices to be told of.", examples=[["invoice.issued", "rental.noticed"]]
    )


class WebhookOut(Closed):
    """A webhook."""

    id: str = Field(description="Id of the webhook.", examples=["whk_5f0c4d0e9a3b4c1f8d7e6a5b4c3d2e1f"])
    url: str = Field(description="Where deliveries go.", examples=["https://hooks.example.com/spillway"])
    events: list[str] = Field(description="Types of notices that it is told of.", examples=[["invoice.issued"]])
    created: str = Field(description="When it was made, RFC 3339 in UTC.", examples=["2026-11-02T09:30:00Z"])
    disabled: str | None = Field(description="When it was disabled, RFC 3339 in UTC.", examples=[None])
    rotated: str | None = Field(description="When it last got a new secret, RFC 3339 in UTC.", examples=[None])


class MadeWebhook(WebhookOut):
    """A webhook with a new secret, which is told this once; a repeated request is answered without it."""

    secret: str | None = Field(
        description="Signs deliveries (HMAC-SHA256, Standard Webhooks).",
        examples=["whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="],
    )


class DeliveryOut(Closed):
    """What became of a notice on its way to a webhook."""

    position: int = Field(description="Position of the notice in the feed, from 1.", examples=[7])
    type: str = Field(description="Type of the notice.", examples=["invoice.issued"])
    status: Status = Field(description="A dead one is tried no more, unless it is asked for.", examples=["delivered"])
    attempts: int = Field(description="How often it was tried.", examples=[1])
    next: str | None = Field(description="When it is tried next, RFC 3339 in UTC.", examples=[None])
    last_code: int | None = Field(description="HTTP status of the last answer.", examples=[204])
    last_error: str = Field(description="What failed last, in words.", examples=[""])
    updated: str = Field(description="When this was noted, RFC 3339 in UTC.", examples=["2026-11-02T09:30:01Z"])


def webhook_out(webhook: Webhook) -> WebhookOut:
    """Return a webhook."""
    return WebhookOut(**_webhook(webhook))


def made_webhook(webhook: Webhook, secret: str) -> MadeWebhook:
    """Return a webhook with its new secret."""
    return MadeWebhook(**_webhook(webhook), secret=secret)


def delivery_out(delivery: Delivery) -> DeliveryOut:
    """Return a delivery."""
    status: Status = "pending" if delivery.status == "pending" else "dead" if delivery.status == "dead" else "delivered"
    return DeliveryOut(
        position=delivery.position,
        type=delivery.type,
        status=status,
        attempts=delivery.attempts,
        next=moment(delivery.next_s) if status == "pending" else None,
        last_code=delivery.last_code,
        last_error=delivery.last_error,
        updated=moment(delivery.updated_s),
    )


def _webhook(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": list(webhook.events),
        "created": moment(webhook.created_s),
        "disabled": maybe_moment(webhook.disabled_s),
        "rotated": maybe_moment(webhook.rotated_s),
    }
