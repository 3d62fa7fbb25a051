"""The columns of our FOCUS rows, and what each may hold: read by the writer, by the checker and by the documentation.

Source: the FOCUS 1.2 specification, columns as in the design's section 4.2. Columns named `x_...` are ours: they carry
the integers that the decimals were made of, so that a reader can do every sum again without trusting us.
"""

from typing import NamedTuple

FOCUS_VERSION = "1.2"
# No validator was found for 1.4, so files with its names say that nobody has checked them.
VERSION_WORDS = {FOCUS_VERSION: FOCUS_VERSION, "1.4": "1.4 (unverified)"}
# 1.3 and later name the provider by its roles; who issues the invoice stays.
NAMES_1_4 = {"ProviderName": "ServiceProviderName", "PublisherName": "HostProviderName"}

COST_DECIMALS = 12  # of quantities in priced units and of costs before rounding
BILLED_DECIMALS = 6  # micro-units

CHARGE_CATEGORIES = ("Usage", "Purchase", "Tax", "Credit", "Adjustment")
STATUSES = ("Used", "Unused")
GPU_HOURS, GPU_SECONDS = "GPU-Hours", "GPU-Seconds"
CHARGES = "Charges"  # pricing unit of what has no unit price: a package, a tier, a fee
PRICING_UNITS = {GPU_HOURS: 3600, "1000000 Tokens": 10**6, "Calls": 1, "GB": 10**9, "GiB-Months": 30 * 86_400 * 1024}
CONSUMED_UNITS = (GPU_SECONDS, "Tokens", "Calls", "Bytes", "MiB-Seconds")
BANDS = ("internal_critical", "reserved", "internal", "on_demand", "spot")


class FocusColumn(NamedTuple):
    """A column: `kind` is text, decimal, integer, time or currency; `allowed` lists its values where they are few."""

    name: str
    kind: str = "text"
    nullable: bool = True
    allowed: tuple[str, ...] = ()
    decimals: int = 0


def _set(name: str, kind: str = "text", allowed: tuple[str, ...] = (), decimals: int = 0) -> FocusColumn:
    return FocusColumn(name, kind, False, allowed, decimals)


COLUMNS = (
    _set("BilledCost", "decimal", decimals=BILLED_DECIMALS),
    _set("EffectiveCost", "decimal", decimals=COST_DECIMALS),
    _set("ListCost", "decimal", decimals=COST_DECIMALS),
    _set("ContractedCost", "decimal", decimals=COST_DECIMALS),
    _set("BillingAccountId"),
    _set("BillingAccountName"),
    _set("BillingCurrency", "currency"),
    _set("BillingPeriodStart", "time"),
    _set("BillingPeriodEnd", "time"),
    _set("ChargePeriodStart", "time"),
    _set("ChargePeriodEnd", "time"),
    _set("ChargeCategory", allowed=CHARGE_CATEGORIES),
    FocusColumn("ChargeClass", allowed=("Correction",)),
    _set("ChargeDescription"),
    _set("ChargeFrequency", allowed=("One-Time", "Recurring", "Usage-Based")),
    _set("InvoiceIssuerName"),
    _set("ProviderName"),
    _set("PublisherName"),
    _set("InvoiceId"),
    FocusColumn("PricingCategory", allowed=("Standard", "Dynamic", "Committed", "Other")),
    FocusColumn("PricingQuantity", "decimal", decimals=COST_DECIMALS),
    FocusColumn("PricingUnit", allowed=(*PRICING_UNITS, CHARGES)),
    FocusColumn("ListUnitPrice", "decimal", decimals=COST_DECIMALS),
    FocusColumn("ContractedUnitPrice", "decimal", decimals=COST_DECIMALS),
    FocusColumn("ConsumedQuantity", "decimal", decimals=1),  # "28800.0": validators take whole numbers for integers
    FocusColumn("ConsumedUnit", allowed=CONSUMED_UNITS),
    _set("ServiceCategory", allowed=("Compute", "AI and Machine Learning", "Networking", "Storage", "Other")),
    _set("ServiceName"),
    _set(
        "ServiceSubcategory",
        allowed=(
            *("Other (Compute)", "Generative AI", "Machine Learning", "Data Transfer", "Other (Storage)"),
            "Other (Other)",
        ),
    ),
    FocusColumn("SkuId"),
    FocusColumn("SkuMeter"),
    FocusColumn("SkuPriceId"),
    FocusColumn("RegionId"),
    FocusColumn("RegionName"),
    _set("SubAccountId"),
    _set("SubAccountName"),
    FocusColumn("CapacityReservationId"),
    FocusColumn("CapacityReservationStatus", allowed=STATUSES),
    FocusColumn("CommitmentDiscountCategory", allowed=("Spend", "Usage")),
    FocusColumn("CommitmentDiscountId"),
    FocusColumn("CommitmentDiscountName"),
    FocusColumn("CommitmentDiscountQuantity", "decimal", decimals=COST_DECIMALS),
    FocusColumn("CommitmentDiscountStatus", allowed=STATUSES),
    FocusColumn("CommitmentDiscountType", allowed=("Take-or-pay",)),
    FocusColumn("CommitmentDiscountUnit"),
    _set("x_FocusVersion", allowed=tuple(VERSION_WORDS.values())),
    _set("x_InvoiceTotal", "decimal", decimals=BILLED_DECIMALS),
    _set("x_InvoiceRow", "integer"),  # 1 to x_InvoiceRows: a row that was lost or doubled shows
    _set("x_InvoiceRows", "integer"),
    _set("x_InvoiceLine", "integer"),
    _set("x_LineAmount", "decimal", decimals=BILLED_DECIMALS),  # net of the line, or its tax in a Tax row
    _set("x_MinorUnitMicro", "integer"),  # micro-units in the smallest amount that can be paid: 10,000 for USD
    _set("x_CostNumerator", "integer"),  # exact micro-units before any rounding
    _set("x_CostDenominator", "integer"),
    FocusColumn("x_Quantity", "integer"),  # in the meter's own unit: GPU-seconds, tokens, bytes
    FocusColumn("x_UnitSize", "integer"),  # of those, so many are one PricingUnit
    FocusColumn("x_GpuSeconds", "integer"),
    _set("x_FactorBp", "integer"),  # 10,000 billed in full, 6,000 degraded, 0 free of charge
    FocusColumn("x_Band", allowed=BANDS),
    _set("x_TaxBp", "integer"),
    _set("x_Cause"),
    _set("x_PriceVersion"),
    _set("x_LogHash"),
)
BY_NAME = {column.name: column for column in COLUMNS}


def header(version: str) -> list[str]:
    """Return the column names of a FOCUS version, in the order in which they are written."""
    renamed = NAMES_1_4 if version != FOCUS_VERSION else {}
    return [renamed.get(column.name, column.name) for column in COLUMNS]
