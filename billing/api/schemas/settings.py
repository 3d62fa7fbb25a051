"""Webhooks and quotas."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from billing.api.schemas.basic import Closed, Id, maybe_moment, moment
from billing.api.webhook_target import URL_CHARS_MAX
from billing.store.tenant_settings import Quota, Webhook

Told = Literal["invoice.issued", "invoice.paid", "credit_note.issued", "break_glass.opened", "key.revoked"]
Count = Annotated[int, Field(ge=0, le=10_000)]


class NewWebhook(Closed):
    """Where to be told, and of what."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=URL_CHARS_MAX)]
    events: Annotated[list[Told], Field(min_length=1, max_length=20)]


class WebhookOut(Closed):
    """A webhook."""

    id: str
    url: str
    events: list[str]
    created: str
    disabled: str | None


class NewQuota(Closed):
    """How many of each a tenant may have at a time."""

    tenant: Id
    keys_max: Count
    webhooks_max: Count
    gpus_max: Annotated[int, Field(ge=0, le=10_000_000)] = Field(default=Quota().gpus_max, description="GPUs rented.")


class QuotaOut(Closed):
    """How many of each a tenant may have at a time."""

    keys_max: int
    webhooks_max: int
    gpus_max: int = Field(description="GPUs rented at a time.", examples=[1_024])


def webhook_out(webhook: Webhook) -> WebhookOut:
    """Return a webhook."""
    return WebhookOut(
        id=webhook.id,
        url=webhook.url,
        events=list(webhook.events),
        created=moment(webhook.created_s),
        disabled=maybe_moment(webhook.disabled_s),
    )


def quota_out(quota: Quota) -> QuotaOut:
    """Return a quota."""
    return QuotaOut(**quota._asdict())
