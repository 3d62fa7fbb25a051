"""How a store fares, in sums over all tenants: for whoever watches the service."""

from sqlalchemy import Connection, func, select

from billing.store.delivering import counts
from billing.store.reader import last_position
from billing.store.tables_log import quarantine
from billing.store.tables_rentals import rental
from billing.store.tables_settled import settled, settling


def health_in(connection: Connection, now_s: int) -> dict[str, int]:
    """Return each number under the name of its metric. `now_s`: Unix seconds.

    Cost: a few statements over indexes, and one over the rentals.
    """
    position = last_position(connection)
    told = connection.execute(select(settling.c.position, settling.c.error)).one_or_none()
    until_s = connection.execute(select(settled.c.until_s)).scalar_one_or_none()
    found = {
        "spillway_events": position,
        "spillway_events_set_aside": int(connection.execute(select(func.count()).select_from(quarantine)).scalar_one()),
        "spillway_settled_position": 0 if told is None else told.position,
        "spillway_settling_lag_events": position - (0 if told is None else told.position),
        "spillway_settling_failed": int(told is not None and told.error is not None),
    }
    if until_s is not None:
        found["spillway_hours_closed_age_s"] = now_s - until_s
    deliveries = {"pending": 0, "delivered": 0, "dead": 0} | counts(connection)
    found |= {f'spillway_deliveries{{status="{status}"}}': count for status, count in deliveries.items()}
    states = connection.execute(select(rental.c.state, func.count()).group_by(rental.c.state))
    return found | {f'spillway_rentals{{state="{state}"}}': count for state, count in states}
