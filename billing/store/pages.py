"""A page of a list behind a key of its order: how everything is listed that comes through the door.

No order and no key tells how much there is of others.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, TableClause, select, tuple_

Key = tuple[Any, ...]  # of the last row of the page before, in the order of the list


def page(seen: TableClause, fields: Sequence[str], order: Sequence[str], after: Key | None, limit: int) -> Select[Any]:
    """Return the statement for at most `limit` rows of a view behind a key (None: from the beginning), in an order.

    Whose rows they are is for the caller to add.
    """
    by = [seen.c[name] for name in order]
    wanted = select(*(seen.c[name] for name in fields))
    if after is not None:
        wanted = wanted.where(tuple_(*by) > tuple_(*after))
    return wanted.order_by(*by).limit(limit)
