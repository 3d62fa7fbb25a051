"""An invoice as the file that it is: the plain data of `billing.documents.invoice_data`, field by field.

Not an answer like the others, but a document: its amounts are decimal text in the currency that it names once.
"""

from pydantic import Field

from billing.api.schemas.basic import Closed


class DocumentPeriod(Closed):
    """The month that an invoice is about, [from, until)."""

    label: str = Field(description="The month, UTC.", examples=["2026-11"])
    from_: str = Field(alias="from", description="RFC 3339 in UTC.", examples=["2026-11-01T00:00:00Z"])
    until: str


class DocumentTax(Closed):
    """Net and tax of a rate."""

    percent: str = Field(description="Rate, %.", examples=["19.00"])
    net: str = Field(description="Decimal text.", examples=["23.60"])
    tax: str = Field(description="Decimal text.", examples=["4.48"])


class DocumentSpan(Closed):
    """Like hours in a row, [from, until)."""

    from_: str = Field(alias="from", description="RFC 3339 in UTC.", examples=["2026-11-01T00:00:00Z"])
    until: str
    hours: int = Field(description="How many.", examples=[4])
    quantity_an_hour: str = Field(description="In the line's `unit`.", examples=["28800"])
    priced_quantity_an_hour: str | None = Field(description="In its `priced_unit`.", examples=["8.0000"])
    unit_price: str | None
    charged_percent: str = Field(description="How much of it is charged, %.", examples=["100.00"])
    exact_micro: str = Field(description="Fraction of millionths, before any rounding.", examples=["23600000/1"])
    amount: str = Field(description="The same to a millionth of the currency.", examples=["23.600000"])


class DocumentLine(Closed):
    """A line, and the hours behind it."""

    number: int = Field(description="Its place, from 1.", examples=[1])
    kind: str = Field(description="What it charges or gives back for.", examples=["usage"])
    description: str
    product: str | None
    sku: str | None
    region: str | None
    meter: str | None = Field(description="What was measured.", examples=["gpu_s"])
    quantity: str | None
    unit: str | None
    priced_quantity: str | None = Field(description="In `priced_unit`, cut to 4 decimals.", examples=["32.0000"])
    priced_unit: str | None = Field(description="What `unit_price` is for.", examples=["GPU-hour"])
    unit_price: str | None
    exact_micro: str = Field(description="Fraction of millionths, before any rounding.", examples=["23600000/1"])
    net: str = Field(description="Decimal text.", examples=["23.60"])
    tax_percent: str
    tax: str = Field(description="Decimal text.", examples=["4.48"])
    from_: str = Field(alias="from", description="RFC 3339 in UTC.", examples=["2026-11-01T00:00:00Z"])
    until: str
    cause: str | None = Field(description="Price row, or what it was given for.", examples=["price[0]"])
    hours: list[DocumentSpan] = Field(description="What it is made of, oldest first.")
    spans_left_out: int = Field(description="How many spans more there are.", examples=[0])


class DocumentLog(Closed):
    """How many of the tenant's events an invoice was made from: told by itself, or by the house."""

    source: str = Field(description="`house`, or the tenant's own.", examples=["house"])
    first: int = Field(description="1.", examples=[1])
    last: int = Field(description="How many.", examples=[24])


class DocumentOut(Closed):
    """An invoice as its file says it, in plain data. HTML, PDF and CSV are the files themselves."""

    kind: str = Field(description="invoice, or show-back.", examples=["invoice"])
    number: str | None
    id: str | None
    status: str
    issued: str | None
    issuer: str = Field(description="Who sends it.", examples=["Spillway"])
    tenant: str
    tenant_name: str = Field(description="What it is called.", examples=["Acme Robotics"])
    period: DocumentPeriod = Field(description="What it is about.")
    currency: str
    net: str = Field(description="Decimal text.", examples=["23.60"])
    tax: str = Field(description="Decimal text.", examples=["4.48"])
    total: str = Field(description="Decimal text, with tax.", examples=["28.08"])
    taxes: list[DocumentTax] = Field(description="Rate by rate.")
    lines: list[DocumentLine]
    rounding: str = Field(description="What becomes of a tie.", examples=["HALF_UP"])
    price_version: str | None = Field(
        description="Names the prices that the tenant may see: equal exactly while they are.",
        examples=["sha256:9f86d081884c"],
    )
    log_range: list[DocumentLog] = Field(description="What it was made from.")
    log_hash: str | None = Field(description="Hex SHA-256 over what those events say.", examples=["9f86d081"])
    hash: str | None
