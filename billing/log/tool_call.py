"""One call of a tool, as use that its tenant is billed for."""

from collections.abc import Mapping
from typing import Any

METER = "tool_calls"
_PLACE = ("product", "sku", "region")


def tool_call(place: Mapping[str, str], at_s: int) -> dict[str, Any]:
    """Return the data of a `usage.metered` event. `place` names product, SKU and region; `at_s` is Unix seconds."""
    return {
        "meter": METER,
        "quantity": 1,
        **{name: place[name] for name in _PLACE},
        "from_s": at_s,
        "until_s": at_s + 1,
    }
