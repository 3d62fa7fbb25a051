"""The route of notices: what happened to a tenant, for whoever would rather ask than be called."""

from typing import Annotated

from fastapi import Query

from billing.api.call import Calling
from billing.api.notice_types import types_for
from billing.api.paging import LIMIT_USUAL, Cursor, Limit
from billing.api.schemas.basic import Page
from billing.api.schemas.notices import NoticeOut, notice_out
from billing.api.table import Routes
from billing.store.notices import notices_of

routes = Routes()
After = Annotated[int, Query(ge=0, lt=1 << 63, description="Position of the last notice that was seen; 0: none was.")]


@routes.get("/v1/notices", Page[NoticeOut])
def list_notices(call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None, after: After = 0) -> Page[NoticeOut]:
    """List what happened to the tenant, oldest first, as far as the key may read of it. Ask again with `after`."""
    key = call.after(cursor, int)
    behind = after if key is None else max(after, int(key[0]))
    with call.reading() as bound:
        found = notices_of(bound, call.tenant, types_for(call.scope.principal.scopes), behind, limit + 1)
    rows, following = call.page(found, limit, lambda row: (row.position,))
    return Page[NoticeOut](items=[notice_out(row) for row in rows], next=following)
