"""The API as an application: every route, behind one guard, in one envelope.

    create_app(door, secrets, clock, entropy, resolve) -> FastAPI

It starts only if each route has a policy (`policy.require_policies`). Time, chance and names of hosts come from
outside, so that a test drives it on a simulated clock.
"""

from collections.abc import Callable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from billing.api.answers import answering
from billing.api.call import Accepts, House, TermsFit
from billing.api.describing import ABOUT, TITLE, describe
from billing.api.envelope import Envelope
from billing.api.guard import GuardedRoute
from billing.api.idempotency import HEADER
from billing.api.lanes import Lanes
from billing.api.policy import POLICIES, PUBLIC, Policy, Route, Whose, require_policies
from billing.api.ports import NO_DESK, DeskPort, NoRuns, RunsPort
from billing.api.problems import Fault, Problem, answer, described, of_status, response
from billing.api.readiness import Readiness
from billing.api.routes.every import every_route
from billing.errors import BillingError
from billing.store.api_basis import LastBasis
from billing.store.api_terms import PLAIN, TermsSource
from billing.store.door import Door
from billing.webhooks.target import Resolver
from tenants.access.limits import Limiter, Limits
from tenants.access.secrets import Secrets
from tenants.errors import TenantError


def create_app(
    door: Door,
    secrets: Secrets,
    clock: Callable[[], int],
    entropy: Callable[[int], bytes],
    resolve: Resolver = lambda _host: (),
    limits: Limits | None = None,
    accepts: Accepts = lambda _event, _data: True,
    terms_fit: TermsFit = lambda _text: True,
    runs: RunsPort | None = None,
    terms: TermsSource = PLAIN,
    desk: DeskPort = NO_DESK,
) -> FastAPI:
    """Return the API over a store.

    Args:
        clock:   Unix seconds.
        entropy: n to n unguessable bytes.
        resolve: the name of a host to its addresses; by default no name has one, so that no webhook can be set.
        accepts: whether an event that a tenant reports could be billed; one that could not would hold up its month.
        terms_fit: whether a text is terms by which the use of a source can be billed.
        runs:    finished runs that operators look at; None: there are none.
        terms:   how the terms in force are read, and who sends the invoices.
        desk:    what is rented out, and how.
        limits:  how fast a tenant, a key and an address may ask.

    Raises:
        BillingError: a route without a policy, or a policy without a route.
    """
    app = described_app()
    readiness = Readiness(lambda: door.check())
    app.state.house = House(
        door,
        secrets,
        clock,
        entropy,
        resolve,
        Limiter(limits),
        accepts,
        readiness,
        terms_fit,
        runs or NoRuns(),
        terms,
        desk,
        LastBasis(),
        Lanes(),
    )
    for error in (Problem, BillingError, TenantError, RequestValidationError):
        app.add_exception_handler(error, answer)
    app.add_exception_handler(HTTPException, _of_framework)
    app.add_middleware(Envelope, entropy=entropy)
    return app


def described_app() -> FastAPI:
    """Return every route, and their description. It answers nothing before it has a house.

    Raises:
        BillingError: a route without a policy, or a policy without a route.
    """
    none: dict[str, Any] = {"docs_url": None, "redoc_url": None, "openapi_url": None}
    app = FastAPI(title=TITLE, description=ABOUT, version="1", redirect_slashes=False, **none)
    describe(app)
    app.router.route_class = GuardedRoute
    _add_routes(app)
    require_policies(routes_of(app))
    return app


# What the guard may refuse on any route that wants a key, and what more on one that makes a change.
_REFUSALS = (401, 403, 404, 406, 408, 413, 422, 429)
_REFUSED_CHANGES = (409, 412, 415, 428)
# Papers that rest on hours which the worker may not have settled yet.
_SETTLED_FIRST = frozenset(
    ("/v1/exports/focus", "/v1/exports/lines", "/v1/exports/usage", "/v1/invoices/{number}/document")
)


def refusals_of(path: str, policy: Policy) -> tuple[int, ...]:
    """Return the statuses of the problems with which a route may answer, a fault of ours apart."""
    if policy.whose is Whose.NOBODY:
        return {"/readyz": (503,), "/docs": (406,)}.get(path, ())
    return (*_REFUSALS, *(_REFUSED_CHANGES if policy.action else ()), *((503,) if path in _SETTLED_FIRST else ()))


def _add_routes(app: FastAPI) -> None:
    for entry in every_route():
        policy = POLICIES.get((entry.method, entry.path), PUBLIC)
        app.add_api_route(
            entry.path,
            answering(entry),
            methods=[entry.method],
            response_model=entry.answer,
            status_code=entry.status,
            operation_id=entry.endpoint.__name__,
            responses={
                **described(refusals_of(entry.path, policy)),
                **({304: {"description": "What If-None-Match names is still so"}} if entry.method == "GET" else {}),
                entry.status: {"content": {offer: {} for offer in entry.offers}},
            },
            openapi_extra=security_of(policy),
            deprecated=policy.deprecated is not None or None,
        )


def security_of(policy: Policy) -> dict[str, Any]:
    """Return what the description of the API says about who may use a route."""
    if policy.whose is Whose.NOBODY:
        return {"security": []}
    told: dict[str, Any] = {
        "security": [{"key": [policy.scope] if policy.scope else []}],
        "x-roles": [str(role) for role in policy.roles],
    }
    if policy.action:
        about = "The same change asked for twice within a day is made once. Events are so by their ids."
        schema = {"type": "string", "minLength": 1, "maxLength": 255}
        header = {"name": HEADER, "in": "header", "required": False, "description": about, "schema": schema}
        told["parameters"] = [header]
    return told


def routes_of(app: FastAPI) -> Iterator[Route]:
    """Yield (method, path) of each route.

    Raises:
        BillingError: a route that does not stand behind the guard.
    """
    for route in app.routes:
        if not isinstance(route, GuardedRoute):
            path = str(getattr(route, "path", type(route).__name__))
            raise BillingError("route is not guarded", code="no_policy", path=path, allowed="a GuardedRoute")
        for method in sorted(route.methods or ()):
            yield method, route.path_format


_BEGIN = "the API begins at /v1 and is described at /docs; people open /console/"


async def _of_framework(request: Request, error: Exception) -> Response:
    """A path that is nowhere, or a method that is not allowed at it: then the answer says which are."""
    assert isinstance(error, HTTPException)
    if request.url.path == "/" and error.status_code == 404:
        return response(Problem("not_found", [Fault("path", _BEGIN)]))
    if error.status_code != 405:
        return response(of_status(error.status_code))
    allow = {"Allow": ", ".join(allowed_at(request.app, request.url.path))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=allow)
    refused = response(of_status(405))
    refused.headers.update(allow)
    return refused


def allowed_at(app: FastAPI, path: str) -> list[str]:
    """Return the methods that a path takes. A route of that very path outweighs one that would read an id into it."""
    fitting = [route for route in app.routes if isinstance(route, GuardedRoute) and route.path_regex.match(path)]
    literal = [route for route in fitting if route.path == path]
    found = {"OPTIONS"}.union(*(route.methods or set() for route in literal or fitting))
    return sorted(found | ({"HEAD"} if "GET" in found else set()))
