"""What FOCUS rows must hold, as data: which column may, must or must not be null when, what must agree with what.

The arithmetic is in `billing.documents.focus_sums`; `billing.documents.focus_check` applies both. Sources: the FOCUS
1.2 specification (rules named after its columns), and our promise to carry every integer behind a decimal (`x.` rules).
"""

from collections.abc import Mapping
from typing import NamedTuple

from billing.documents.focus_columns import CHARGE_CATEGORIES, CHARGES, GPU_HOURS, GPU_SECONDS, PRICING_UNITS, STATUSES

ANY = ("*",)  # any value but null
NULL = (None,)
Values = tuple[str | None, ...]


class Must(NamedTuple):
    """Where every column of `when` holds one of its values, each of `columns` must hold one of `be`."""

    rule: str
    when: Mapping[str, Values]
    columns: tuple[str, ...]
    be: Values


_PRICED = ("PricingQuantity", "PricingUnit", "ListUnitPrice", "ContractedUnitPrice", "PricingCategory")
_SKU = ("SkuId", "SkuPriceId")
_CONSUMED = ("ConsumedQuantity", "ConsumedUnit")
_COMMITMENT = (
    *("CommitmentDiscountCategory", "CommitmentDiscountName", "CommitmentDiscountType", "CommitmentDiscountQuantity"),
    "CommitmentDiscountUnit",
)
_SOLD: Values = ("Usage", "Purchase")
_MONEY: Values = tuple(category for category in CHARGE_CATEGORIES if category not in _SOLD)
_METERED: Mapping[str, Values] = {"ChargeCategory": ("Usage",), "x_Quantity": ANY}

MUSTS = (
    Must("sold.priced", {"ChargeCategory": _SOLD, "ChargeClass": NULL}, (*_PRICED, *_SKU), ANY),
    Must("tax.not_priced", {"ChargeCategory": ("Tax",)}, (*_PRICED, *_SKU, "SkuMeter"), NULL),
    Must("tax.no_quantity", {"ChargeCategory": ("Tax",)}, ("x_Quantity", "x_UnitSize", "x_GpuSeconds"), NULL),
    Must("money.not_metered", {"ChargeCategory": _MONEY}, ("PricingQuantity", "ListUnitPrice", "SkuId"), NULL),
    Must("money.not_metered", {"ChargeCategory": _MONEY}, ("ContractedUnitPrice", "PricingCategory", "SkuMeter"), NULL),
    Must("money.once", {"ChargeCategory": _MONEY}, ("ChargeFrequency",), ("One-Time",)),
    Must("money.in_full", {"ChargeCategory": _MONEY}, ("x_FactorBp",), ("10000",)),
    Must("purchase.frequency", {"ChargeCategory": ("Purchase",)}, ("ChargeFrequency",), ("One-Time", "Recurring")),
    Must("usage.frequency", {"ChargeCategory": ("Usage",)}, ("ChargeFrequency",), ("Usage-Based", "Recurring")),
    Must("correction.usage", {"ChargeClass": ("Correction",)}, ("ChargeCategory",), ("Usage", "Tax")),
    Must("price.together", {"ListUnitPrice": ANY}, ("ContractedUnitPrice", "PricingQuantity", "PricingUnit"), ANY),
    Must("price.together", {"ContractedUnitPrice": ANY}, ("ListUnitPrice",), ANY),
    Must("quantity.unit", {"PricingQuantity": ANY}, ("PricingUnit",), ANY),
    Must("quantity.unit", {"PricingUnit": ANY}, ("PricingQuantity",), ANY),
    Must("consumed.unit", {"ConsumedQuantity": ANY}, ("ConsumedUnit",), ANY),
    Must("consumed.unit", {"ConsumedUnit": ANY}, ("ConsumedQuantity",), ANY),
    Must("consumed.usage", {"ConsumedQuantity": ANY}, ("ChargeCategory",), ("Usage",)),
    Must("consumed.unused", {"CommitmentDiscountStatus": ("Unused",)}, _CONSUMED, NULL),
    Must("consumed.unused", {"CapacityReservationStatus": ("Unused",)}, _CONSUMED, NULL),
    Must("sku.price", {"SkuPriceId": ANY}, ("SkuId",), ANY),
    Must("sku.price", {"SkuId": ANY}, ("SkuPriceId",), ANY),
    Must("sku.meter", {"SkuMeter": ANY}, ("SkuId", "x_Quantity"), ANY),
    Must("sku.meter", _METERED, ("SkuMeter",), ANY),
    Must("region.name", {"RegionId": ANY}, ("RegionName",), ANY),
    Must("region.name", {"RegionName": ANY}, ("RegionId",), ANY),
    Must("commitment.none", {"CommitmentDiscountId": NULL}, (*_COMMITMENT, "CommitmentDiscountStatus"), NULL),
    Must(
        "commitment.told",
        {"CommitmentDiscountId": ANY, "ChargeCategory": _SOLD, "ChargeClass": NULL},
        _COMMITMENT,
        ANY,
    ),
    Must("commitment.named", {"CommitmentDiscountId": ANY}, ("CommitmentDiscountName", "CommitmentDiscountType"), ANY),
    Must("commitment.quantity", {"ChargeCategory": _MONEY}, ("CommitmentDiscountQuantity",), NULL),
    Must(
        "commitment.unit", {"CommitmentDiscountCategory": ("Spend",)}, ("CommitmentDiscountUnit",), ("Currency", None)
    ),
    Must("commitment.unit", {"CommitmentDiscountCategory": ("Usage",)}, ("CommitmentDiscountUnit",), (GPU_HOURS, None)),
    Must(
        "commitment.status",
        {"CommitmentDiscountId": ANY, "ChargeCategory": ("Usage",)},
        ("CommitmentDiscountStatus",),
        STATUSES,
    ),
    Must("commitment.status", {"CommitmentDiscountStatus": ANY}, ("ChargeCategory",), ("Usage",)),
    Must("commitment.category", {"CommitmentDiscountStatus": ANY}, ("PricingCategory",), ("Committed",)),
    Must(
        "reservation.status",
        {"CapacityReservationId": ANY, "ChargeCategory": ("Usage",)},
        ("CapacityReservationStatus",),
        STATUSES,
    ),
    Must("reservation.usage", {"CapacityReservationId": ANY}, ("ChargeCategory",), ("Usage",)),
    Must("reservation.status", {"CapacityReservationStatus": ANY}, ("CapacityReservationId",), ANY),
    Must("reservation.status", {"CapacityReservationStatus": ANY}, ("ChargeCategory",), ("Usage",)),
    Must("x.gpu_hours", {"PricingUnit": (GPU_HOURS,)}, ("x_GpuSeconds", "x_Quantity"), ANY),
    Must("x.gpu_hours", {"PricingUnit": (GPU_HOURS,), "ConsumedUnit": ANY}, ("ConsumedUnit",), (GPU_SECONDS,)),
    Must("x.gpu_seconds", {"SkuMeter": ("gpu_s",)}, ("x_GpuSeconds",), ANY),
    Must("x.gpu_seconds", {"x_GpuSeconds": ANY}, ("SkuMeter",), ("gpu_s",)),
    Must("x.gpu_seconds", {"x_GpuSeconds": ANY}, ("x_Quantity",), ANY),
    Must("x.consumed", {"x_GpuSeconds": ANY, "ConsumedUnit": ANY}, ("ConsumedUnit",), (GPU_SECONDS,)),
    Must("x.charges", {"PricingUnit": (CHARGES,)}, ("x_UnitSize",), NULL),
    Must("x.charges", {"PricingUnit": (CHARGES,)}, ("PricingQuantity",), ("1.000000000000", "-1.000000000000")),
    Must("x.quantity", {"x_Quantity": ANY}, ("ChargeCategory",), ("Usage",)),
    Must("x.quantity", {"x_Quantity": ANY}, ("SkuMeter", "SkuId"), ANY),
    *(
        Must("x.unit_size", {"PricingUnit": (unit,)}, ("x_UnitSize",), (str(size),))
        for unit, size in PRICING_UNITS.items()
    ),
    Must("x.unit_size", {"x_UnitSize": ANY}, ("x_Quantity", "PricingUnit"), ANY),
    Must("band.spot", {"x_Band": ("spot",), "ChargeCategory": _SOLD}, ("PricingCategory",), ("Dynamic", "Committed")),
    Must(
        "band.on_demand",
        {"x_Band": ("on_demand",), "ChargeCategory": _SOLD},
        ("PricingCategory",),
        ("Standard", "Committed"),
    ),
    Must("band.reserved", {"x_Band": ("reserved",), "ChargeCategory": _SOLD}, ("PricingCategory",), ("Committed",)),
    Must(
        "band.internal",
        {"x_Band": ("internal", "internal_critical"), "ChargeCategory": _SOLD},
        ("PricingCategory",),
        ("Other",),
    ),
    Must("band.none", {"x_Band": NULL, "ChargeCategory": ("Purchase",)}, ("PricingCategory",), ("Standard",)),
    Must("service.compute", {"ServiceCategory": ("Compute",)}, ("ServiceSubcategory",), ("Other (Compute)",)),
    Must(
        "service.ai",
        {"ServiceCategory": ("AI and Machine Learning",)},
        ("ServiceSubcategory",),
        ("Generative AI", "Machine Learning"),
    ),
    Must("service.network", {"ServiceCategory": ("Networking",)}, ("ServiceSubcategory",), ("Data Transfer",)),
    Must("service.storage", {"ServiceCategory": ("Storage",)}, ("ServiceSubcategory",), ("Other (Storage)",)),
    Must("service.other", {"ServiceCategory": ("Other",)}, ("ServiceSubcategory",), ("Other (Other)",)),
)

# Rows that agree in the first column agree in all the others, null included.
ONE_PER: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("x_FocusVersion", ("InvoiceIssuerName", "ProviderName", "PublisherName")),
    ("BillingCurrency", ("x_MinorUnitMicro",)),
    ("BillingAccountId", ("BillingAccountName",)),
    ("SubAccountId", ("SubAccountName",)),
    ("RegionId", ("RegionName",)),
    ("SkuId", ("SkuMeter", "RegionId", "x_Band", "ServiceName", "ServiceCategory")),
    ("SkuMeter", ("ServiceName", "ServiceCategory", "ServiceSubcategory", "ConsumedUnit")),
    ("CapacityReservationId", ("SubAccountId",)),
    (
        "CommitmentDiscountId",
        ("CommitmentDiscountName", "CommitmentDiscountType"),
    ),
    (
        "InvoiceId",
        (
            *("BillingAccountId", "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd", "x_InvoiceTotal"),
            *("x_InvoiceRows", "x_PriceVersion", "x_LogHash", "InvoiceIssuerName", "ProviderName", "PublisherName"),
        ),
    ),
)
# Inside one invoice the rows of a line that are no tax agree in all of these.
ONE_PER_LINE = (
    *("ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "SkuId", "RegionId"),
    *("SubAccountId", "x_LineAmount", "x_TaxBp", "x_Cause", "x_Band", "PricingCategory", "CapacityReservationId"),
    *("CommitmentDiscountId", "ServiceName", "ServiceCategory", "ServiceSubcategory"),
)

# Its tax agrees with it in these.
SAME_IN_TAX = ("SubAccountId", "RegionId", "ChargeClass", "x_TaxBp", "x_Cause", "x_Band", "ServiceName")

# ISO 4217, codes of currencies in use.
_CODES = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY "
    "COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR "
    "ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK "
    "MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF "
    "SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU "
    "UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG"
)
CURRENCIES = frozenset(_CODES.split())
