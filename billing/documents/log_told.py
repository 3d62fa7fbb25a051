"""How a document says which events it was made from: how many its tenant told, and how many the house."""

from typing import Any

from billing.invoices.invoice import LogRange
from billing.log.authority import tenant_of

HOUSE = "house"


def log_told(log_range: LogRange) -> list[dict[str, Any]]:
    """Return a log range as plain data. The house's sources are one: what it calls them is its own, as in the events
    that the tenant reads."""
    count: dict[str, int] = {}
    for source, first, last in log_range:
        word = source if tenant_of(source) else HOUSE
        count[word] = count.get(word, 0) + last - first + 1
    return [{"source": source, "first": 1, "last": number} for source, number in sorted(count.items())]
