"""Levels, such as what is stored, as quantities: a level counts once for each of its seconds."""

from billing.log.allocations import Told
from billing.metering.level import stretches

Resource = tuple[str, str, str, str, str, str]  # tenant, product, region, SKU, meter, resource


def levels_used(told: list[Told], cut_s: int) -> list[Told]:
    """Return what `level.changed` events come to, in the form of `usage.metered`: one quantity for each stretch of a
    level. A level holds until the next one of its resource, the last one until `cut_s` (Unix seconds).

    Args:
        told: in the order of (time, source, seq); of several levels in one second, the last holds.
    """
    by_resource: dict[Resource, list[Told]] = {}
    for event, data in told:
        place = data["product"], data["region"], data["sku"], data["meter"]
        by_resource.setdefault((event.subject, *place, data["resource"]), []).append((event, data))
    found: list[Told] = []
    for mine in by_resource.values():
        level, changes = 0, []
        for event, data in mine:
            changes.append((event.time_s, data["level"] - level))
            level = data["level"]
        from_s, until_s = mine[0][0].time_s, max(cut_s, mine[-1][0].time_s)
        for level, since_s, to_s in stretches(0, changes, from_s, until_s):
            used = {"quantity": level * (to_s - since_s), "from_s": since_s, "until_s": to_s}
            found.append((mine[0][0], {**mine[0][1], **used}))
    return found
