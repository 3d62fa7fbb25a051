"""Requests and answers of the API, as it describes them.

Written by tests/support/client_source.py; it is long because the API is.
"""

from __future__ import annotations

from typing import Any, Generic, Literal, NotRequired, TypedDict, TypeVar

T = TypeVar("T")


class Page(TypedDict, Generic[T]):
    """Some rows of a list; `next` is the cursor of the page behind it, None on the last one."""

    items: list[T]
    next: str | None


class AccountOut(TypedDict):
    """A person or a service of the tenant."""

    id: str
    kind: str
    name: str
    role: str
    created: str
    disabled: str | None


class AuditRow(TypedDict):
    """An entry of the log. `details` are null once they have been erased."""

    position: int
    time: str
    actor: str
    action: str
    object: str
    reason: str
    details: dict[str, Any] | None


class BucketOut(TypedDict):
    """A bucket [from, until): an hour belongs to the one in which it begins."""

    since: str
    until: str
    closed: bool
    groups: list[GroupOut]


class Consistency(TypedDict):
    """The proof that the log of the second size begins with that of the first (RFC 6962)."""

    first: TreeAt
    second: TreeAt
    path: list[str]


class CreditNoteHead(TypedDict):
    """What was given back of an invoice, and why."""

    number: str
    invoice: str
    cause: str
    reason: str
    issued: str
    net: Money
    tax: Money
    total: Money


class Empty(TypedDict):
    """Nothing more to say."""


class EventBatch(TypedDict):
    """Several at once: each is judged by itself."""

    events: list[EventIn]


class EventIn(TypedDict):
    """Something that was used. Whose it is, the key says."""

    id: str
    type: Literal["usage.metered"]
    time: str
    data: dict[str, Any]


class EventOut(TypedDict):
    """An event of the tenant in the log. Who told it: the tenant itself, or the house, whose sources are its own."""

    source: Literal["tenant", "house"]
    id: str
    type: str
    time: str
    data: dict[str, Any]


class EventResult(TypedDict):
    """What became of one event."""

    id: str
    status: Literal["new", "duplicate", "conflict", "refused"]
    reason: NotRequired[str | None]


class EventResults(TypedDict):
    """What became of each event, in the order in which they came."""

    results: list[EventResult]


class ExactOut(TypedDict):
    """An amount before rounding: numerator / denominator, in millionths of the currency."""

    numerator: str
    denominator: str


class ExcludedOut(TypedDict):
    """Use that was measured and is not charged."""

    reason: str
    quantity: str


class GrantOut(TypedDict):
    """A grant."""

    id: str
    tenant: str
    reason: str
    opened: str
    expires: str
    closed: str | None


class GroupOut(TypedDict):
    """Use under one value of each word of `group_by`; words that were not asked for are null."""

    product: str | None
    region: str | None
    sku: str | None
    meter: str | None
    charge_class: str | None
    meters: list[MeteredOut]
    amount: Money
    exact: ExactOut


class Head(TypedDict):
    """What the log comes to, signed: keep it, and hold the log to it later."""

    time: str
    size: int
    root: str
    signature: str


class Health(TypedDict):
    """That the service is there."""

    status: str


class HourBill(TypedDict):
    """What a tenant used in one hour and what it comes to, before contracts, credits and tax: those go by the
    month."""

    since: str
    until: str
    closed: bool
    total: Money | None
    exact: ExactOut
    lines: list[HourLine]


class HourLine(TypedDict):
    """A row of use as it is rated."""

    product: str
    region: str
    sku: str
    meter: str
    unit: str
    charge_class: str
    factor_percent: str
    quantity: str
    unit_price: str | None
    amount: Money
    exact: ExactOut


class HourRowOut(TypedDict):
    """A row of use with its hour; its amount is rounded by itself."""

    product: str
    region: str
    sku: str
    meter: str
    unit: str
    charge_class: str
    factor_percent: str
    quantity: str
    unit_price: str | None
    amount: Money
    exact: ExactOut
    since: str
    until: str
    closed: bool


class HouseEvent(TypedDict):
    """An event as its source has numbered and linked it: a CloudEvents object, with `seq` and `prevhash` beside."""

    id: str
    source: str
    type: str
    time: str
    subject: str
    seq: int
    prevhash: NotRequired[str]
    data: dict[str, Any]


class HouseEventResult(TypedDict):
    """What became of one event."""

    id: str
    status: Literal["new", "duplicate", "conflict", "refused"]
    reason: NotRequired[str | None]


class HouseEventResults(TypedDict):
    """What became of each event, in the order in which they came."""

    results: list[HouseEventResult]


class HouseEvents(TypedDict):
    """Several at once: each is judged by itself."""

    events: list[HouseEvent]


class InvoiceFull(TypedDict):
    """An invoice with its lines."""

    number: str
    id: str
    period: str
    status: str
    issued: str
    net: Money
    tax: Money
    total: Money
    lines: list[Line]
    hash: str


class InvoiceHead(TypedDict):
    """An invoice in a list."""

    number: str
    period: str
    status: str
    issued: str
    total: Money


class KeyId(TypedDict):
    """A key, by its id alone."""

    id: str


class KeyIds(TypedDict):
    """Keys by their ids: all of them, or none if one is not the tenant's."""

    ids: list[str]


class KeyOut(TypedDict):
    """A key, without what it opens."""

    id: str
    account: str
    role: str
    scopes: list[str]
    not_before: str
    expires: str | None
    revoked: str | None
    successor: str | None
    last_used: str | None


class LedgerEntry(TypedDict):
    """One side of a movement, debit above 0."""

    time: str
    document: str
    line: int
    account: str
    amount: Money


class Line(TypedDict):
    """One line of an invoice. `quantity` counts `unit`; `unit_price` is null where no single price applied."""

    number: int
    kind: str
    description: str
    product: str
    sku: str
    region: str
    quantity: str
    unit: str
    unit_price: str | None
    net: Money
    tax_percent: str
    tax: Money
    since: str
    until: str


class MadeKey(TypedDict):
    """A new key. `text` is told this once; a repeated request is answered without it."""

    id: str
    account: str
    role: str
    scopes: list[str]
    not_before: str
    expires: str | None
    revoked: str | None
    successor: str | None
    last_used: str | None
    text: str | None


class MadeToken(TypedDict):
    """A new token. `text` is told this once; a repeated request is answered without it."""

    id: str
    account: str
    scopes: list[str]
    tools: list[str]
    issued: str
    expires: str
    revoked: str | None
    text: str | None


class Me(TypedDict):
    """Who a key is."""

    account: str
    kind: str
    tenant: str | None
    role: str
    scopes: list[str]
    tools: list[str]
    key: str


class MeteredOut(TypedDict):
    """Use of one meter. `measured` is `billable` and what is excluded, together."""

    meter: str
    unit: str
    measured: str
    billable: str
    excluded: list[ExcludedOut]


class Money(TypedDict):
    """An amount as decimal text, so that no reader rounds it by accident."""

    currency: str
    amount: str


class NewAccount(TypedDict):
    """A person or a service of the tenant."""

    kind: Literal["person", "service"]
    name: str
    role: Literal["member", "tenant_admin"]


class NewGrant(TypedDict):
    """Leave to read one tenant's data for a while, for a reason that the tenant reads."""

    tenant: str
    reason: str
    lifetime_s: int


class NewKey(TypedDict):
    """A key for an account of the tenant: no more than the key that makes it, and no later."""

    account: str
    scopes: list[str]
    expires: NotRequired[str | None]


class NewQuota(TypedDict):
    """How many of each a tenant may have at a time."""

    tenant: str
    keys_max: int
    webhooks_max: int
    gpus_max: NotRequired[int]


class NewSnapshot(TypedDict):
    """A cluster at one moment."""

    source: str
    time: str
    nodes: list[NodeNow]
    queue: list[WaitingNow]
    queue_count: int
    notices: list[NoticeNow]


class NewToken(TypedDict):
    """A token for an agent: the scopes and tools that a task needs, for as long as it takes."""

    scopes: list[str]
    tools: list[str]
    lifetime_s: int


class NewWebhook(TypedDict):
    """Where to be told, and of what."""

    url: str
    events: list[Literal["invoice.issued", "invoice.paid", "credit_note.issued", "break_glass.opened", "key.revoked"]]


class NodeNow(TypedDict):
    """One node. A node that several share is named once, with the holder of most of it."""

    node: str
    region: str
    sku: str
    state: Literal["free", "held", "notice", "cleaning", "down"]
    holder: NotRequired[str]
    product: NotRequired[str]
    job: NotRequired[str]
    gpus: int
    held_gpus: int


class NoticeNow(TypedDict):
    """A notice that runs: a holder who must leave."""

    job: str
    tenant: str
    product: str
    region: str
    sku: str
    gpus: int
    noticed: str
    leaves: str


class NoticeOut(TypedDict):
    """Something that happened to the tenant."""

    position: int
    type: str
    time: str
    object: str
    body: dict[str, Any]


class Proof(TypedDict):
    """An entry, and the tree of `size` and `root` that it stands in. `checkpoint` is None where no checkpoint has
    seen the entry yet: then the proof holds against this root alone."""

    entry: ProvenEntry
    size: int
    root: str
    path: list[str]
    checkpoint: Witnessed | None


class ProvenEntry(TypedDict):
    """An entry, field by field."""

    tenant: str
    position: int
    time_s: int
    actor: str
    action: str
    object: str
    reason: str
    details_hash: str


class QuotaOut(TypedDict):
    """How many of each a tenant may have at a time."""

    keys_max: int
    webhooks_max: int
    gpus_max: int


class Rotation(TypedDict):
    """How long the old key lives beside the new one."""

    overlap_s: int


class SnapshotKept(TypedDict):
    """That a snapshot was kept, or that a later one of the source was there already."""

    source: str
    time: str


class SourceTerms(TypedDict):
    """By which terms a source is billed. Said before its first event, and the same ever after."""

    source: str
    terms: str
    events: NotRequired[int | None]


class SourceTermsKept(TypedDict):
    """The terms that a source is billed by."""

    source: str
    hash: str


class TenantOut(TypedDict):
    """A tenant, without any data of its own."""

    id: str
    name: str
    status: str
    created: str
    suspended: str | None
    deleted: str | None


class TokenOut(TypedDict):
    """A token, without what it opens."""

    id: str
    account: str
    scopes: list[str]
    tools: list[str]
    issued: str
    expires: str
    revoked: str | None


class ToolAnswer(TypedDict):
    """That the call is allowed, and the event that it is metered by."""

    tool: str
    event: str


class ToolCall(TypedDict):
    """A call of a tool by an agent, and what it is charged as."""

    tool: str
    product: str
    sku: str
    region: str


class TreeAt(TypedDict):
    """A tree at one size."""

    size: int
    root: str


class UsageOut(TypedDict):
    """Use in buckets: a page of them, and the sums over the whole window."""

    bucket: str
    time_zone: str
    group_by: list[str]
    snapped_since: str
    snapped_until: str
    closed_until: str | None
    totals: list[GroupOut]
    items: list[BucketOut]
    next: str | None


class WaitingNow(TypedDict):
    """A job that waits, in the order in which the scheduler looks at them."""

    job: str
    tenant: str
    product: str
    region: str
    sku: str
    gpus: int
    since: str
    reason: str
    why: NotRequired[str]
    expected: NotRequired[str | None]


class WebhookOut(TypedDict):
    """A webhook."""

    id: str
    url: str
    events: list[str]
    created: str
    disabled: str | None


class Why(TypedDict):
    """Why something is done to a tenant, in words that the tenant reads."""

    reason: str


class Witnessed(TypedDict):
    """Where a tree stands in a checkpoint: `index` among `count` heads, and what was signed."""

    time_s: int
    count: int
    root: str
    before: str
    signature: str
    index: int
    path: list[str]
