"""Routes about the service itself and about who asks."""

import json
from typing import Any

from pydantic import RootModel
from starlette.requests import Request
from starlette.responses import Response

from billing.api.call import Calling, House
from billing.api.formats import JSON, negotiate
from billing.api.problems import Problem
from billing.api.readiness import RETRY_S
from billing.api.schemas.basic import Closed
from billing.api.table import Routes
from billing.documents.api_page import CSP, api_page

routes = Routes()
HTML = "text/html"


class Health(Closed):
    """That the service is there."""

    status: str


class Me(Closed):
    """Who a key is."""

    account: str
    kind: str
    tenant: str | None
    role: str
    scopes: list[str]
    tools: list[str]
    key: str


class OpenApi(RootModel[dict[str, Any]]):
    """The description of this interface, OpenAPI 3.1."""


@routes.get("/healthz", Health)
def read_health() -> Health:
    """Say that the process answers."""
    return Health(status="ok")


@routes.get("/readyz", Health)
def read_readiness(request: Request) -> Health:
    """Say whether the store answers, its walls standing: as of half a minute ago at most."""
    house: House = request.app.state.house
    if not house.readiness.good(house.clock()):
        raise Problem("unavailable", retry_after_s=RETRY_S)
    return Health(status="ok")


@routes.get("/openapi.json", OpenApi)
def read_openapi(request: Request) -> dict[str, Any]:
    """Describe every route."""
    described: dict[str, Any] = request.app.openapi()
    return described


@routes.get("/docs", OpenApi, offers=(HTML, JSON))
def read_docs(request: Request) -> Response:
    """Describe every route, for people."""
    described = request.app.openapi()
    if negotiate(",".join(request.headers.getlist("accept")), (HTML, JSON)) == JSON:
        return Response(json.dumps(described), media_type=JSON)
    state = request.app.state
    state.page = getattr(state, "page", None) or api_page(described)  # drawn once: anybody may ask for it
    return Response(state.page, media_type=HTML, headers={"Content-Security-Policy": CSP})


@routes.get("/v1/me", Me)
def read_me(call: Calling) -> Me:
    """Say who the key is, and what it may do."""
    who = call.scope.principal
    return Me(
        account=who.id,
        kind=who.kind,
        tenant=who.tenant,
        role=who.role.value,
        scopes=sorted(who.scopes),
        tools=sorted(call.scope.tools),
        key=who.key,
    )
