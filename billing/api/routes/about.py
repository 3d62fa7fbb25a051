"""Routes about the service itself and about who asks."""

from typing import Any

from pydantic import RootModel
from starlette.requests import Request

from billing.api.call import Calling, House
from billing.api.problems import Problem
from billing.api.readiness import RETRY_S
from billing.api.schemas.basic import Closed
from billing.api.table import Routes

routes = Routes()


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
