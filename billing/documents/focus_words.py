"""Our words in those of FOCUS: kinds of invoice lines, meters, bands."""

from typing import NamedTuple

from billing.documents.focus_columns import GPU_HOURS, GPU_SECONDS
from billing.invoices.invoice import InvoiceLine
from tenants.band import Band


class Service(NamedTuple):
    """What a meter measures, in FOCUS words."""

    category: str
    subcategory: str
    name: str


class Unit(NamedTuple):
    """How a meter is priced and consumed, in FOCUS words; how many of the one make the other stands in `METERS`."""

    pricing: str
    consumed: str
    service: Service


class Kind(NamedTuple):
    category: str
    frequency: str


# Kinds of invoice lines. What is neither metered nor bought is money: a credit, or an adjustment by hand.
KINDS = {
    "usage": Kind("Usage", "Usage-Based"),
    "correction": Kind("Usage", "Usage-Based"),
    "prepayment": Kind("Purchase", "One-Time"),
    "reservation": Kind("Usage", "Recurring"),
    "commitment": Kind("Usage", "Recurring"),
    "true_up": Kind("Usage", "Recurring"),
    "minimum": Kind("Purchase", "Recurring"),
    "fee": Kind("Purchase", "One-Time"),
    "discount": Kind("Credit", "One-Time"),
    "service_credit": Kind("Credit", "One-Time"),
    "wallet": Kind("Purchase", "One-Time"),
    "adjustment": Kind("Adjustment", "One-Time"),
}
# What is bought now and counted when it is used; drawn down it is a credit.
PREPAID = ("wallet", "prepayment")
PRICING_OF_BAND = {Band.SPOT: "Dynamic", Band.ON_DEMAND: "Standard", Band.RESERVED: "Committed"}
CORRECTION = "correction"
GPU = Service("Compute", "Other (Compute)", "GPU rental")
_MODELS = Service("AI and Machine Learning", "Generative AI", "Model serving")
_TRAINING = Service("AI and Machine Learning", "Machine Learning", "Model training")
UNITS = {
    "gpu_s": Unit(GPU_HOURS, GPU_SECONDS, GPU),
    "tokens_in": Unit("1000000 Tokens", "Tokens", _MODELS),
    "tokens_out": Unit("1000000 Tokens", "Tokens", _MODELS),
    "tokens_cached": Unit("1000000 Tokens", "Tokens", _MODELS),
    "tokens_trained": Unit("1000000 Tokens", "Tokens", _TRAINING),
    "tool_calls": Unit("Calls", "Calls", _MODELS),
    "egress_bytes": Unit("GB", "Bytes", Service("Networking", "Data Transfer", "Egress")),
    "stored_mib_s": Unit("GiB-Months", "MiB-Seconds", Service("Storage", "Other (Storage)", "Storage")),
}


def kind_of(line: InvoiceLine) -> Kind:
    """Return what a line is to FOCUS; money that was paid ahead comes back as a credit."""
    drawn = line.kind in PREPAID and line.net_micro < 0
    return Kind("Credit", "One-Time") if drawn else KINDS[line.kind]
