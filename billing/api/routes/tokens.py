"""Routes of agents: tokens that live for an hour at most, and the calls of tools that they are for."""

from typing import Any

from billing.api.call import Calling, Done, Told
from billing.api.ids import IdOfPath, new_id
from billing.api.paging import LIMIT_USUAL, Cursor, Limit
from billing.api.problems import Problem, invalid
from billing.api.room import require_room
from billing.api.schemas.basic import Empty, Page
from billing.api.schemas.keys import MadeToken, NewToken, TokenOut, ToolAnswer, ToolCall, made_token, token_out
from billing.api.table import Routes
from billing.log.event import Event, canonical
from billing.log.shapes import METERED
from billing.log.tool_call import tool_call
from billing.store import tenant_keys as store
from billing.store.api_events import Reported, report, source_of
from billing.store.door import Bound
from tenants.access.tokens import issue_token

routes = Routes()


@routes.get("/v1/tokens", Page[TokenOut])
def list_tokens(call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None) -> Page[TokenOut]:
    """List the tokens of the tenant's agents, without what they open."""
    after = call.after(cursor, str)
    with call.reading() as bound:
        found = store.tokens_of(bound, call.tenant, after, limit + 1)
    rows, following = call.page(found, limit, lambda row: (row.id,))
    return Page[TokenOut](items=[token_out(row) for row in rows], next=following)


@routes.post("/v1/tokens", MadeToken, status=201)
def issue(call: Calling, body: NewToken) -> MadeToken:
    """Issue a token for an agent: no more than one's own key may do, for an hour at most. Shown this once."""

    def work(bound: Bound) -> Done:
        require_room(bound, call.tenant, "agent_token", call.now_s)
        house = call.house
        made = issue_token(
            call.scope, body.scopes, body.tools, body.lifetime_s, house.secrets, house.entropy, call.now_s
        )
        store.add_token(bound, made.record)
        details = {
            "scopes": sorted(made.record.scopes),
            "tools": sorted(made.record.tools),
            "expires_s": made.record.expires_s,
        }
        return Done(made_token(made.record, made.text), Told(made.record.id, details))

    made: MadeToken = call.change(work)
    return made


@routes.delete("/v1/tokens/{id}", Empty)
def revoke_token(call: Calling, id: IdOfPath) -> Empty:
    """End a token at once."""

    def work(bound: Bound) -> Done:
        if store.token_of(bound, call.tenant, id) is None:
            raise Problem("not_found")
        store.revoke_token(bound, call.tenant, id, call.now_s)
        return Done(Empty(), Told(id))

    done: Empty = call.change(work)
    return done


@routes.post("/v1/tool-calls", ToolAnswer)
def call_tool(call: Calling, body: ToolCall) -> Any:
    """Ask whether an agent may call a tool: refused or allowed, written down either way, and metered if allowed."""
    call.about = body.tool
    call.scope.require_tool(body.tool)
    place = {"product": body.product, "sku": body.sku, "region": body.region}
    event_id = new_id(call, "tool")
    data = tool_call(place, call.now_s)
    event = Reported(event_id, METERED, call.now_s, canonical(data))
    seen = Event(event_id, source_of(call.tenant), event.type, call.now_s, call.tenant, 1, "", event.data)
    if not call.house.accepts(seen, data):
        raise invalid("body", "has no price")

    def work(_bound: Bound) -> Done:
        return Done(ToolAnswer(tool=body.tool, event=event_id), Told(body.tool, {"event": event_id, **place}))

    answer = call.change(work)
    # Noted first, metered second, by roles that may do no more than that. After a kill between the two the worker
    # meters what the log shows (LostCalls), or whoever asks again under the Idempotency-Key. The id makes sure of once.
    if call.replayed:
        event = event._replace(id=answer["event"])
    with call.ingesting() as bound:
        report(bound, call.tenant, [event])
    return answer
