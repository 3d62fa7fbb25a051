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


class AlertOut(TypedDict):
    """A part of a sum that a month has reached: of a budget, or of an alert that was agreed with the contract."""

    budget: str
    agreed: bool
    kind: str
    period: str
    threshold_percent: str
    time: str
    amount: Money
    expected: Money | None


class AuditRow(TypedDict):
    """An entry of the log. `details` are null once they have been erased."""

    position: int
    time: str
    actor: str
    action: str
    object: str
    reason: str
    details: dict[str, Any] | None


class AvailabilityOut(TypedDict):
    """GPUs that may be rented now."""

    product: str
    region: str
    sku: str
    free_at_least: int
    guarantee_s: int
    notice_s: int | None
    until: str | None
    currency: str | None
    unit_price: str | None


class BucketCapacity(TypedDict):
    """Who held the cluster in a bucket [since, until). All columns together are what is installed."""

    since: str
    until: str
    installed_gpu_s: int
    critical_gpu_s: int
    internal_gpu_s: int
    reserved_gpu_s: int
    on_demand_gpu_s: int
    spot_gpu_s: int
    down_gpu_s: int
    idle_gpu_s: int
    withheld_gpu_s: int


class BucketOut(TypedDict):
    """A bucket [from, until): an hour belongs to the one in which it begins."""

    since: str
    until: str
    closed: bool
    groups: list[GroupOut]


class BucketRevenue(TypedDict):
    """What a bucket [since, until) brought in. Both sums are rounded by themselves."""

    since: str
    until: str
    rented_gpu_s: int
    rented: Money
    internal: Money


class BudgetOut(TypedDict):
    """A budget: `disabled` is null while it watches."""

    id: str
    name: str
    limit: Money
    thresholds_percent: list[int]
    created: str
    disabled: str | None


class CapacityOut(TypedDict):
    """Who held the cluster over time."""

    run: str | None
    bucket: str
    installed_gpu_s: int
    before: str | None
    after: str | None
    states: list[StateOut]
    items: list[BucketCapacity]


class CauseOut(TypedDict):
    """An event of the tenant's that an allocation of the line comes from."""

    id: str
    type: str
    time: str
    allocation: str


class Consistency(TypedDict):
    """The proof that the log of the second size begins with that of the first (RFC 6962)."""

    first: TreeAt
    second: TreeAt
    path: list[str]


class ContractLineOut(TypedDict):
    """A line of a contract: what it adds to the month's bill, or, at an amount of 0, how much of it was used."""

    kind: str
    product: str
    sku: str
    region: str
    since: str
    until: str
    quantity: int
    amount: Money
    exact: ExactOut
    effective: ExactOut
    note: str


class ContractOut(TypedDict):
    """Where a contract stands in a month. used + unused + lent + undelivered is what was entitled, in GPU-seconds."""

    period: str
    contract: str
    entitled_gpu_s: int
    used_gpu_s: int
    unused_gpu_s: int
    lent_gpu_s: int
    undelivered_gpu_s: int
    counted_in: str
    committed: ExactOut
    drawn: ExactOut
    owed: Money
    owed_exact: ExactOut
    lines: list[ContractLineOut]


class ConvertIn(TypedDict):
    """Units are multiplied or divided, and rounded to whole ones, before they are priced."""

    op: Literal["multiply", "divide"]
    factor: str
    rounding: NotRequired[Literal["none", "ceiling", "floor", "half_up"]]


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


class CreditNoteMade(TypedDict):
    """A credit note that was issued."""

    number: str
    invoice: str
    total: Money
    issued: str


class CreditOut(TypedDict):
    """A credit of the month, and what it rests on."""

    basis: str
    reason: str
    percent: str
    charge: ExactOut
    amount: Money
    exact: ExactOut
    evidence_hash: str
    evidence: list[EvidenceOut]


class CreditStepOut(TypedDict):
    """Availability below `below_bp` gives back `credit_bp` of a month's charge."""

    below_bp: int
    credit_bp: int


class DelayOut(TypedDict):
    """By how much rentals delayed internal work: starts beside those of the same world without rentals, in
    seconds."""

    jobs: int
    later: int
    earlier: int
    total_s: int
    p99_s: int | None
    max_s: int


class DeliveryOut(TypedDict):
    """What became of a notice on its way to a webhook."""

    position: int
    type: str
    status: Literal["pending", "delivered", "dead"]
    attempts: int
    next: str | None
    last_code: int | None
    last_error: str
    updated: str


DocumentLine = TypedDict(
    "DocumentLine",
    {
        "number": "int",
        "kind": "str",
        "description": "str",
        "product": "str | None",
        "sku": "str | None",
        "region": "str | None",
        "meter": "str | None",
        "quantity": "str | None",
        "unit": "str | None",
        "priced_quantity": "str | None",
        "priced_unit": "str | None",
        "unit_price": "str | None",
        "exact_micro": "str",
        "net": "str",
        "tax_percent": "str",
        "tax": "str",
        "from": "str",
        "until": "str",
        "cause": "str | None",
        "hours": "list[DocumentSpan]",
        "spans_left_out": "int",
    },
)


class DocumentLog(TypedDict):
    """How many of the tenant's events an invoice was made from: told by itself, or by the house."""

    source: str
    first: int
    last: int


class DocumentOut(TypedDict):
    """An invoice as its file says it, in plain data. HTML, PDF and CSV are the files themselves."""

    kind: str
    number: str | None
    id: str | None
    status: str
    issued: str | None
    issuer: str
    tenant: str
    tenant_name: str
    period: DocumentPeriod
    currency: str
    net: str
    tax: str
    total: str
    taxes: list[DocumentTax]
    lines: list[DocumentLine]
    rounding: str
    price_version: str | None
    log_range: list[DocumentLog]
    log_hash: str | None
    hash: str | None


DocumentPeriod = TypedDict("DocumentPeriod", {"label": "str", "from": "str", "until": "str"})


DocumentSpan = TypedDict(
    "DocumentSpan",
    {
        "from": "str",
        "until": "str",
        "hours": "int",
        "quantity_an_hour": "str",
        "priced_quantity_an_hour": "str | None",
        "unit_price": "str | None",
        "charged_percent": "str",
        "exact_micro": "str",
        "amount": "str",
    },
)


class DocumentTax(TypedDict):
    """Net and tax of a rate."""

    percent: str
    net: str
    tax: str


class DraftLine(TypedDict):
    """A line of a draft: what it would be if the month were over."""

    number: int
    kind: str
    description: str
    product: str | None
    sku: str | None
    region: str | None
    quantity: str | None
    unit: str | None
    unit_price: str | None
    exact: ExactOut
    net: Money
    tax_percent: str
    tax: Money


class DraftOut(TypedDict):
    """The invoice of a month as far as it has come. Nothing of it is issued."""

    period: str
    as_of: str | None
    net: Money
    tax: Money
    total: Money
    lines: list[DraftLine]
    forecast: ForecastOut | None


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


class EvictionOut(TypedDict):
    """A holder who had to leave, and what it cost."""

    job: str
    tenant: str
    product: str | None
    region: str | None
    sku: str | None
    gpus: int | None
    noticed: str
    evicted: str
    notice_s: int
    inside_guarantee: bool
    by_job: str | None
    by_product: str | None
    lost_gpu_s: int | None
    lost: Money | None


class EvidenceOut(TypedDict):
    """An outage or an eviction that a credit was given for."""

    what: str
    job: str
    gpus: int
    since: str
    until: str
    gpu_s: int


class ExactOut(TypedDict):
    """An amount before rounding: numerator / denominator, in millionths of the currency."""

    numerator: str
    denominator: str


class ExcludedOut(TypedDict):
    """Use that was measured and is not charged."""

    reason: str
    quantity: str


class ExcludedTimeOut(TypedDict):
    """Time that did not count, such as maintenance that was told ahead."""

    cause: str
    since: str
    until: str
    held_gpu_s: int
    lost_gpu_s: int


class ExplainedOut(TypedDict):
    """Why a line is what it is: the line to its hours, the hours to who held what, that to events."""

    invoice: str | None
    period: str
    line: int
    kind: str
    description: str
    explained: bool
    why_not: str | None
    exact: ExactOut
    net: Money
    tax_percent: str
    tax: Money
    quantity: str | None
    unit: str | None
    steps: list[StepOut]
    rounding: RoundingOut | None
    hours: list[HourOut]
    events: list[CauseOut]
    adds_up: bool
    faults: list[str]


class FigureOut(TypedDict):
    """One headline number."""

    name: str
    value: str | None


class Finalise(TypedDict):
    """A month whose invoices are to be issued."""

    period: str
    tenant: NotRequired[str | None]


class FinalisedAll(TypedDict):
    """What became of a month."""

    period: str
    tenants: list[FinalisedOut]


class FinalisedOut(TypedDict):
    """What became of a tenant's month. What stands already stays as it is."""

    tenant: str
    outcome: Literal["issued", "stood", "refused", "nothing due"]
    number: str | None
    total: Money | None
    reason: str


class FirstKey(TypedDict):
    """A key of a new tenant's admin, for whoever is to hold it: with it they make others, and end this one."""

    id: str
    account: str
    expires: str
    text: str | None


class ForecastOut(TypedDict):
    """What the month comes to if it goes on so: total x hours of the month / hours that are closed, rounded once."""

    hours: int
    closed_hours: int
    total: Money


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


class HoldingOut(TypedDict):
    """Who held GPUs in an hour of a line."""

    allocation: str
    gpus: int
    since: str
    until: str
    quantity: str
    elsewhere: str


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


class HourOut(TypedDict):
    """An hour of a line: quantity x price x part that is charged."""

    since: str
    quantity: str
    unit_price: str | None
    charge_class: str | None
    factor_percent: str
    exact: ExactOut
    holdings: list[HoldingOut]


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


class HouseCredit(TypedDict):
    """What broken promises of a product gave back in a month, to all tenants together."""

    period: str
    product: str
    tenants: int
    broken: int
    credit: Money


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


class IncidentOut(TypedDict):
    """Something that a month's report speaks of: `credited` with money, or `excluded` from what was promised."""

    period: str
    product: str
    kind: str
    what: str
    job: str | None
    gpus: int | None
    since: str
    until: str
    gpu_s: int
    evidence_hash: str | None


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
    document_at: str


class InvoiceHead(TypedDict):
    """An invoice in a list."""

    number: str
    period: str
    status: str
    issued: str
    total: Money
    lines_at: str
    document_at: str


class InvoicePreview(TypedDict):
    """Use of the tenant's own."""

    uses: list[UseIn]


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


class LevelOut(TypedDict):
    """The month of one product. A part that had nothing to measure is null."""

    product: str
    terms: str | None
    target_percent: str | None
    reached_percent: str | None
    met: bool | None
    healthy_gpu_s: int
    entitled_gpu_s: int
    excluded_gpu_s: int
    degraded_gpu_s: int
    amount: Money
    notices: int
    notices_kept: int
    notice_s_min: int | None
    inside_guarantee: int
    starts: int
    wait_s: list[int | None]
    evictions: int
    faults: int
    interruptions_per_1000_gpu_h: str | None
    gpu_h_between_interruptions: str | None
    reserved_gpu_s: int
    delivered_gpu_s: int
    delivered_percent: str | None
    kept_percent: str | None
    credits: list[CreditOut]
    excluded: list[ExcludedTimeOut]


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


class LongerRental(TypedDict):
    """How much longer a rental is to last."""

    hours: NotRequired[int | None]
    until: NotRequired[str | None]


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


class MadeTenant(TypedDict):
    """A tenant that was made, and its first key where that was asked for."""

    id: str
    name: str
    status: str
    created: str | None
    suspended: str | None
    deleted: str | None
    key: FirstKey | None


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


class MadeWebhook(TypedDict):
    """A webhook with a new secret, which is told this once; a repeated request is answered without it."""

    id: str
    url: str
    events: list[str]
    created: str
    disabled: str | None
    rotated: str | None
    secret: str | None


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
    """An amount, twice as text, so that no reader rounds it by accident: as a decimal, and as a whole number of the
    currency's smallest coin."""

    currency: str
    amount: str
    minor: str


class MoneyIn(TypedDict):
    """A sum of money, in whole minor units of its currency."""

    currency: str
    amount: str
    minor: NotRequired[str | None]


class NewAccount(TypedDict):
    """A person or a service of the tenant."""

    kind: Literal["person", "service"]
    name: str
    role: Literal["member", "tenant_admin"]


class NewBudget(TypedDict):
    """A sum for each month, and the parts of it to be told at."""

    name: str
    limit: MoneyIn
    thresholds_percent: list[int]


class NewCreditNote(TypedDict):
    """What is given back of an invoice, and why."""

    number: str
    lines: NotRequired[list[ReturnLine]]
    cause: str
    reason: str


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


class NewOffer(TypedDict):
    """What the house offers of a SKU in a region, as a product. Capacity that the desk alone rents out."""

    product: str
    region: str
    sku: str
    gpus: int
    guarantee_s: NotRequired[int | None]
    until: NotRequired[str | None]


class NewPayment(TypedDict):
    """What was paid of an invoice. The same payment again changes nothing."""

    number: str
    amount: MoneyIn
    reference: str
    time: NotRequired[str | None]


class NewQuota(TypedDict):
    """How many of each a tenant may have at a time."""

    tenant: str
    keys_max: int
    webhooks_max: int
    gpus_max: NotRequired[int]


class NewRental(TypedDict):
    """GPUs that a tenant asks for, for some hours from now or until a time."""

    product: str
    region: str
    sku: str
    gpus: int
    hours: NotRequired[int | None]
    until: NotRequired[str | None]


class NewSnapshot(TypedDict):
    """A cluster at one moment."""

    source: str
    time: str
    nodes: list[NodeNow]
    queue: list[WaitingNow]
    queue_count: int
    notices: list[NoticeNow]


class NewTenant(TypedDict):
    """A tenant to be made."""

    name: str
    id: NotRequired[str | None]
    organisation: NotRequired[str | None]
    regions: NotRequired[list[str]]
    first_key: NotRequired[bool]


class NewToken(TypedDict):
    """A token for an agent: the scopes and tools that a task needs, for as long as it takes."""

    scopes: list[str]
    tools: list[str]
    lifetime_s: int


class NewWebhook(TypedDict):
    """Where to be told, and of what."""

    url: str
    events: list[
        Literal[
            "rental.granted",
            "rental.refused",
            "rental.noticed",
            "rental.ended",
            "invoice.issued",
            "invoice.paid",
            "invoice.voided",
            "credit_note.issued",
            "budget.reached",
            "sla.credited",
            "key.revoked",
        ]
    ]


class NodeNow(TypedDict):
    """One node. A node that several share is named once, with the holder of most of it."""

    node: str
    region: str
    sku: str
    state: Literal["free", "held", "notice", "cleaning", "down"]
    holder: NotRequired[str]
    domain: NotRequired[str]
    product: NotRequired[str]
    job: NotRequired[str]
    gpus: int
    held_gpus: int


class NodesOut(TypedDict):
    """Every node at one moment."""

    source: str
    time: str
    pools: list[PoolFree]
    items: list[NodeNow]


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


class OfferOut(TypedDict):
    """An offer."""

    product: str
    region: str
    sku: str
    gpus: int
    guarantee_s: int
    until: str | None
    free_at_least: int
    version: int
    updated: str


class PaymentNoted(TypedDict):
    """An invoice after a payment."""

    number: str
    status: str
    open: Money
    new: bool


class PoolFree(TypedDict):
    """What is free in one pool, and in how many pieces."""

    region: str
    sku: str
    nodes: int
    free_nodes: int
    free_gpus: int
    stranded_gpus: int
    longest_run_nodes: int
    domains: int
    most_in_domain: int
    down_nodes: int


class PreviewOut(TypedDict):
    """What use would be invoiced as, month by month, with the tenant's contracts. Nothing is kept."""

    drafts: list[DraftOut]
    rejected: list[RejectedUse]


class PriceBookHead(TypedDict):
    """A version of the price book."""

    version: int
    created: str | None
    current: bool


class PriceBookOut(TypedDict):
    """The prices of a version that the tenant may see: those of everybody, and those of its own contracts."""

    version: int
    currency: str
    rounding: str
    prices: list[billing__api__schemas__price_books__PriceOut]


class PriceIn(TypedDict):
    """A price model: `model` says which of the other fields it needs."""

    model: NotRequired[
        Literal[
            "standard",
            "graduated",
            "volume",
            "package",
            "percentage",
            "graduated_percentage",
            "block_all_tiers",
            "block_top_tier",
            "dynamic",
        ]
    ]
    unit_price: NotRequired[str | None]
    tiers: NotRequired[list[TierIn]]
    series: NotRequired[list[SeriesIn]]
    package_size: NotRequired[str | None]
    package_price: NotRequired[str | None]
    rate_percent: NotRequired[str | None]
    fixed_per_event: NotRequired[str | None]
    free_events: NotRequired[int | None]
    min_per_event: NotRequired[str | None]
    max_per_event: NotRequired[str | None]
    convert: NotRequired[ConvertIn | None]
    free_units: NotRequired[str | None]
    discount_bp: NotRequired[int | None]
    minimum: NotRequired[str | None]
    maximum: NotRequired[str | None]


class ProductOut(TypedDict):
    """A product: what is promised with it, and what it costs."""

    code: str
    band: str
    guarantee_s: int
    rolling: bool
    notice_s: int
    refund_s: int
    sla_target_bp: int | None
    sla_steps: list[CreditStepOut]
    about: str
    currency: str
    prices: list[billing__api__schemas__rentals__PriceOut]


class ProductRevenue(TypedDict):
    """What a product brought in over the whole window."""

    product: str
    holder: str
    rented: bool
    gpu_s: int
    amount: Money
    exact: ExactOut


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


class QuantityIn(TypedDict):
    """What was used, in priced units: GPU-hours, millions of tokens, calls."""

    units: NotRequired[str | None]
    events: NotRequired[int | None]
    values: NotRequired[list[str]]
    tier_units: NotRequired[str | None]
    at: NotRequired[str | None]


class QueueOut(TypedDict):
    """Who waits at one moment, and whose notice runs."""

    source: str
    time: str
    count: int
    notices: list[NoticeNow]
    items: list[WaitingNow]


class QuotaOut(TypedDict):
    """How many of each a tenant may have at a time."""

    keys_max: int
    webhooks_max: int
    gpus_max: int


class QuoteLine(TypedDict):
    """A meter of the quote, step by step."""

    meter: str
    price_unit: str
    model: str
    steps: list[StepOut]
    exact: ExactOut
    net: Money
    tax_percent: str
    tax: Money


class QuoteMeter(TypedDict):
    """Use of a meter beside GPU time."""

    meter: Literal[
        "gpu_s",
        "tokens_in",
        "tokens_out",
        "tokens_cached",
        "tokens_trained",
        "tool_calls",
        "egress_bytes",
        "stored_mib_s",
    ]
    units: str
    events: NotRequired[int | None]


class QuoteOut(TypedDict):
    """What a month with this use and no other would cost. Nothing is kept and nothing reserved; contracts, credits
    and wallets are not in it."""

    at: str
    valid_until: str | None
    lines: list[QuoteLine]
    net: Money
    tax: Money
    total: Money


class RatePreview(TypedDict):
    """A price model and quantities. Each quantity is a line, rated by itself; lines are rounded together."""

    price: PriceIn
    quantities: list[QuantityIn]
    currency: NotRequired[str]
    rounding: NotRequired[Literal["HALF_UP", "HALF_EVEN"] | None]
    month_share: NotRequired[str]


class Rated(TypedDict):
    """What quantities come to under a price."""

    lines: list[RatedLine]
    exact: ExactOut
    total: Money


class RatedLine(TypedDict):
    """What a quantity comes to."""

    steps: list[StepOut]
    exact: ExactOut
    amount: Money


class RejectedUse(TypedDict):
    """Use that could not be billed."""

    id: str
    reason: str


class RentalOut(TypedDict):
    """A rental. Times are RFC 3339 in UTC; null: not yet, or never."""

    id: str
    product: str
    region: str
    sku: str
    gpus: int
    state: Literal["requested", "running", "noticed", "ended", "refused"]
    cause: str | None
    reason: str | None
    requested: str
    starts: str | None
    until: str
    guaranteed_until: str | None
    noticed: str | None
    evict: str | None
    ended: str | None
    version: int


class ReturnLine(TypedDict):
    """A line of an invoice of which something is given back."""

    line: int
    part: NotRequired[str]


class RevenueOut(TypedDict):
    """What the cluster brought in over time, against what that cost internal work."""

    run: str | None
    bucket: str
    before: str | None
    after: str | None
    currency: str
    currencies: list[str]
    rented: Money
    rented_gpu_s: int
    internal: Money
    total: Money
    delay: DelayOut | None
    products: list[ProductRevenue]
    items: list[BucketRevenue]


class Rotation(TypedDict):
    """How long the old key lives beside the new one."""

    overlap_s: int


class RoundingOut(TypedDict):
    """How the net amount came about, in minor units: the floor, and one more for the largest remainders."""

    floor: str
    remainder: ExactOut
    extra: bool
    rank: int
    missing: int
    lines: int


class RunOut(TypedDict):
    """A finished run of a simulation."""

    id: str
    scenario: str
    policy: str
    lend: str
    seed: int
    since: str
    until: str
    installed_gpus: int


class RunResultOut(TypedDict):
    """A run and its headline numbers."""

    id: str
    scenario: str
    policy: str
    lend: str
    seed: int
    since: str
    until: str
    installed_gpus: int
    figures: list[FigureOut]


class SeriesIn(TypedDict):
    """A step of a series of prices."""

    since: str
    unit_price: str


class SlaReportOut(TypedDict):
    """A tenant's month: every product that it used. `hash` is that of the whole report, as on its page and its
    PDF."""

    period: str
    total: Money
    levels: list[LevelOut]
    hash: str


class SnapshotKept(TypedDict):
    """That a snapshot was kept, or that a later one of the source was there already."""

    source: str
    time: str


class SourceOut(TypedDict):
    """A live cluster that is told of."""

    source: str
    time: str
    received: str


class SourceTerms(TypedDict):
    """By which terms a source is billed. Said before its first event, and the same ever after."""

    source: str
    terms: str
    events: NotRequired[int | None]


class SourceTermsKept(TypedDict):
    """The terms that a source is billed by."""

    source: str
    hash: str


class SourcesOut(TypedDict):
    """Live clusters, and how far their logs are settled."""

    settled_events: int | None
    settled_at: str | None
    settling_fault: str
    items: list[SourceOut]


class StateOut(TypedDict):
    """What was in one state over the whole window."""

    state: str
    holder: str
    gpu_s: int


class StepOut(TypedDict):
    """A step of a calculation: the exact amounts of all steps add up to the line's."""

    what: str
    units: str
    price: str | None
    exact: ExactOut


class TableOut(TypedDict):
    """A table of text: names of the columns, and in each row one cell for each of them."""

    columns: list[str]
    rows: list[list[str | None]]


class TenantOut(TypedDict):
    """A tenant, without any data of its own."""

    id: str
    name: str
    status: str
    created: str | None
    suspended: str | None
    deleted: str | None


class TermsKept(TypedDict):
    """The terms in force, or those that were kept just now. The `ETag` is for `If-Match`."""

    version: int
    hash: str
    created: str | None
    terms: str


class TermsText(TypedDict):
    """The terms of the house: prices, taxes, products, tenants and what was agreed with them."""

    terms: str


class TierIn(TypedDict):
    """One tier of a price; its bound belongs to it. The last one has none."""

    up_to: NotRequired[str | None]
    unit_price: NotRequired[str | None]
    rate_percent: NotRequired[str | None]
    flat: NotRequired[str | None]
    block_size: NotRequired[str | None]
    max_blocks: NotRequired[int | None]
    price: NotRequired[str | None]


class TierOut(TypedDict):
    """A tier of a price."""

    up_to: str | None
    unit_price: str | None
    rate_percent: str | None
    flat: str | None
    block_size: str | None
    max_blocks: int | None
    price: str | None


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
    before: str | None
    after: str | None
    totals: list[GroupOut]
    items: list[BucketOut]
    next: str | None


class UseIn(TypedDict):
    """GPUs that would be held from a time to another."""

    id: str
    product: str
    region: str
    sku: str
    gpus: int
    since: str
    until: str


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


class WalletBalance(TypedDict):
    """What a wallet holds after all of its movements so far."""

    wallet: str
    balance: Money


class WalletMovement(TypedDict):
    """A movement of a wallet: above 0 when it was filled, below when a bill drew from it or it expired."""

    period: str
    wallet: str
    kind: str
    time: str
    amount: Money
    balance: Money


class WalletPage(TypedDict):
    """Movements of wallets, and on each page what all wallets hold now."""

    items: list[WalletMovement]
    next: NotRequired[str | None]
    balances: list[WalletBalance]


class WantedQuote(TypedDict):
    """What would be used in a month. `gpus` times `hours` are the GPU-hours."""

    product: str
    region: NotRequired[str]
    sku: str
    gpus: NotRequired[int]
    hours: NotRequired[int]
    meters: NotRequired[list[QuoteMeter]]
    at: NotRequired[str | None]


class WebhookOut(TypedDict):
    """A webhook."""

    id: str
    url: str
    events: list[str]
    created: str
    disabled: str | None
    rotated: str | None


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


class billing__api__schemas__price_books__PriceOut(TypedDict):
    """A dated price: what is left out has its usual value."""

    plan: str
    products: list[str]
    sku: str
    region: str
    meter: str
    price_unit: str
    since: str
    until: str | None
    model: str
    unit_price: str | None
    tiers: list[TierOut]
    series: list[SeriesIn]
    package_size: str | None
    package_price: str | None
    rate_percent: str | None
    fixed_per_event: str | None
    free_events: int
    min_per_event: str | None
    max_per_event: str | None
    free_units: str
    convert: ConvertIn | None
    discount_bp: int
    minimum: str | None
    maximum: str | None
    proration: str


class billing__api__schemas__rentals__PriceOut(TypedDict):
    """What a GPU-hour of a product costs now, for the SKUs and regions that the row names; * stands for all."""

    sku: str
    region: str
    model: str
    unit_price: str
    until: str | None
