"""The guard of every route: who asks, whether they may, how often, and whether the request is well formed.

All of it happens before the route's own code and before a body is parsed, in this order: the key (401), the rate of
its tenant and of itself (429), the policy of the route (403), type, size and shape of the request (415, 413, 422).
Whoever sends a body can hold it back, so the key is asked once more when it is there.
A change that is refused to somebody whom we know leaves a row in the audit log.
"""

from collections.abc import Callable, Coroutine, Iterable, Iterator, MutableMapping, Sequence
from functools import partial
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from billing.api import policy as policies
from billing.api.answers import as_table, deprecation, fresh, usual
from billing.api.call import Call, House, Told, Visit
from billing.api.formats import CSV, JSON, PARQUET, item_model, negotiate
from billing.api.idempotency import HEADER, asked
from billing.api.lanes import Holder
from billing.api.policy import Policy, Whose
from billing.api.problems import Problem, invalid
from billing.api.strict import require_json, require_query, unpacked
from tenants.access.errors import Forbidden, Suspended, TooManyRequests, Unauthenticated
from tenants.access.scope import Scope

SCHEME = "bearer "
SIGNED_IN = "spillway.signed_in"  # of a request that the console makes in this process: the scope of its session
SECOND_US = 1_000_000


class GuardedRoute(APIRoute):
    """A route that is asked through the guard; there is no other kind in the application."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler that FastAPI would, behind the guard."""
        handle = super().get_route_handler()
        known = tuple(query_names(self.dependant))
        path, has_body = self.path_format, self.body_field is not None
        offers = tuple(self.responses.get(self.status_code or 200, {}).get("content", {})) or (JSON,)
        rows = item_model(self.response_model)
        endpoint, plain = self.endpoint, None if "{" in path else usual(self.endpoint)

        async def read(request: Request, visit: Visit) -> Response:
            """Answer a request that is its head: let in and answered in one thread."""
            if plain is not None and not request.scope["query_string"]:
                answer = await endpoint(**plain, call=visit)  # the framework would come to the same, and take longer
                if isinstance(answer, Response):
                    return answer
            try:
                return await handle(request)
            except RequestValidationError:
                await visit.run(visit.enter)  # who may not come is told so, and not what is wrong
                raise

        async def written(request: Request, visit: Visit, policy: Policy) -> Response:
            """Answer a request with a body, or one that makes a change: let in before its body is waited for."""
            call = visit.call = await visit.run(admitted, request, policy)
            try:
                require_policy(policy, call.scope)
                require_query(request.query_params.multi_items(), known)
                require_ids(request.path_params.values())
                body = await request.body()
                body, content = await visit.run(parsed, request, call, body, has_body)
                call.wanted = negotiate(",".join(request.headers.getlist("accept")), offers)
                call.if_match = request.headers.getlist("if-match")
                if policy.action:
                    call.asked = asked(request.headers.getlist(HEADER), request.method, call.path, body)
                return await handle(Parsed(request.scope, body, content))
            except Forbidden:
                await visit.run(note_refusal, call)
                raise

        async def guarded(request: Request) -> Response:
            policy = policies.POLICIES[request.method, path]
            if policy.whose is Whose.NOBODY:
                return await handle(request)
            visit = request.state.visit = await visit_of(request, partial(entered, request, policy, known, offers))
            head_alone = request.method == "GET" and not brings_body(request)
            answer = await (read(request, visit) if head_alone else written(request, visit, policy))
            call = visit.enter()
            if rows is not None and call.wanted in (CSV, PARQUET) and answer.status_code == 200:
                answer = await visit.run(as_table, answer, call.wanted, rows)
            answer.headers.update(call.headers)
            if policy.deprecated is not None:
                answer.headers.update(deprecation(policy.deprecated))
            return fresh(request, answer) if request.method == "GET" else answer

        return guarded


def entered(request: Request, policy: Policy, known: Iterable[str], offers: Sequence[str]) -> Call:
    """Return the call of a request that is its head, found to be well formed. Raises as `admitted`, and Problem."""
    call = admitted(request, policy)
    require_policy(policy, call.scope)
    require_query(request.query_params.multi_items(), known)
    require_ids(request.path_params.values())
    call.wanted = negotiate(",".join(request.headers.getlist("accept")), offers)
    return call


async def visit_of(request: Request, admit: Callable[[], Call]) -> Visit:
    """Return the visit of a request, in its lane. Raises TooManyRequests where its rate is known to be spent."""
    house: House = request.app.state.house
    if SIGNED_IN in request.scope:
        who = scope_in(request).principal
        return Visit(house.lanes, lane_of(who.tenant, who.key), admit)
    found = house.lanes.holder(key_in(request))
    if found is None:
        return Visit(house.lanes, f"address {address_of(request)}", admit)
    lane = lane_of(found.tenant, found.key)
    try:
        house.limiter.require_room(found.tenant, found.key, house.clock() * SECOND_US)
    except TooManyRequests:
        await house.lanes.refuse(lane)
        raise
    return Visit(house.lanes, lane, admit)


def lane_of(tenant: str | None, key: str) -> str:
    """Return where a tenant waits; who has none waits by key."""
    return f"key {key}" if tenant is None else f"tenant {tenant}"


def address_of(request: Request) -> str:
    """Return where a request comes from; "" where nobody says."""
    return request.client.host if request.client else ""


class Parsed(Request):
    """A request whose body has come, and has been read: the framework need not do it again."""

    def __init__(self, scope: MutableMapping[str, Any], body: bytes, content: Any) -> None:
        super().__init__(scope)
        self._body, self._content = body, content

    async def json(self) -> Any:
        """Return what the body holds."""
        return self._content


def parsed(request: Request, call: Call, body: bytes, wanted: bool) -> tuple[bytes, Any]:
    """Return a body that has come, as it was before it was packed, and what it holds; None where none is `wanted`.

    Raises:
        Problem: it is no plain JSON, or is not wanted.
        Forbidden, and what `admitted` raises: the key has ended, or lost its scopes.
    """
    if brings_body(request):
        admit_again(request, call)
        require_policy(call.policy, call.scope)
    if wanted:
        body = unpacked(request.headers.getlist("content-encoding"), body)
        return body, require_json(request.headers.get("content-type", ""), body)
    if body:
        raise invalid("body", "must be empty")
    return body, None


def query_names(dependant: Dependant) -> Iterator[str]:
    """Yield the names of the query's parameters that a route knows."""
    yield from (each.alias for each in dependant.query_params)
    for inner in dependant.dependencies:
        yield from query_names(inner)


def admitted(request: Request, policy: Policy) -> Call:
    """Return the call of a request whose key is good.

    Raises:
        Unauthenticated, Suspended, TooManyRequests: as their names say.
    """
    house: House = request.app.state.house
    now_s = house.clock()
    if SIGNED_IN in request.scope:
        return Call(house, scope_in(request), policy, request.scope["path"], request.query_params, now_s)
    address, text = address_of(request), key_in(request)
    try:
        scope = house.door.sign_in(text, now_s)
    except Unauthenticated:
        # Asked only now: who tries keys must not close the door on others behind the same address.
        house.limiter.require_address(address, now_s * SECOND_US)
        house.limiter.failed(address, now_s * SECOND_US)
        raise
    except Suspended as found:
        house.limiter.require(found.tenant, found.key, now_s * SECOND_US)
        raise
    house.lanes.note(text, Holder(scope.principal.tenant, scope.principal.key))
    house.limiter.require(scope.principal.tenant, scope.principal.key, now_s * SECOND_US)
    return Call(house, scope, policy, request.scope["path"], request.query_params, now_s)


def scope_in(request: Request) -> Scope:
    """Return the scope that the console has put beside a request. It counted the page, and asked for the session."""
    scope = request.scope[SIGNED_IN]
    assert isinstance(scope, Scope)
    return scope


def brings_body(request: Request) -> bool:
    """Whether a body is announced, which may be long in coming."""
    return "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"


def admit_again(request: Request, call: Call) -> None:
    """Let a call go on as what its key is now: it may have ended while the body was held back. Raises as `admitted`."""
    call.now_s = call.house.clock()
    if SIGNED_IN in request.scope:
        return
    call.scope = call.house.door.sign_in(key_in(request), call.now_s)


def key_in(request: Request) -> str:
    """Return the text of the key in the one header that may hold one; "" if there is none, or more than one."""
    values = request.headers.getlist("authorization")
    if len(values) != 1 or not values[0].lower().startswith(SCHEME):
        return ""
    return values[0][len(SCHEME) :]


def require_policy(policy: Policy, scope: Scope) -> None:
    """Refuse who may not use a route. Raises Forbidden."""
    if scope.principal.role not in policy.roles:
        raise Forbidden("role may not use this route")
    if policy.whose is Whose.OWN and policy.scope and scope.tenant is None:
        raise Forbidden("belongs to no tenant")
    if policy.scope:
        scope.require(policy.scope)


def require_ids(values: Iterable[object]) -> None:
    """Refuse an id with a control character as one that nobody has: no database is asked for it. Raises Problem."""
    if not all(str(value).isprintable() for value in values):
        raise Problem("not_found")


def note_refusal(call: Call) -> None:
    """Write a change that was refused into the audit log of whoever asked for it."""
    if call.policy.action:
        with call.house.door.writing(call.scope) as bound:
            call.note(bound, f"{call.policy.action}.refused", Told(call.about or call.path))
