"""Exports as JSON, for whoever reads neither CSV nor Parquet."""

from pydantic import Field

from billing.api.schemas.basic import Closed


class TableOut(Closed):
    """A table of text: names of the columns, and in each row one cell for each of them."""

    columns: list[str] = Field(description="Names of the columns, in order.", examples=[["invoice", "tenant"]])
    rows: list[list[str | None]] = Field(description="Cells as text, null where there is nothing.")
