"""What becomes of an answer before it leaves: a table where one was asked for, its tag, and when its route goes."""

import json
from collections.abc import Callable, Coroutine, Mapping
from email.utils import formatdate
from inspect import Parameter, signature
from typing import Any

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from billing.api.conditional import holds, tag_of
from billing.api.formats import JSON, written
from billing.api.policy import Deprecated
from billing.api.table import Entry

CALL = "call"  # what every route calls it


def answering(entry: Entry) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Return a route's function as the framework asks it: let in, run and written as JSON in one go of another thread.

    The framework would go there once more for the writing. An answer that is no model of the route, such as one that
    was kept under an Idempotency-Key, is left to it.
    """
    endpoint = entry.endpoint

    def made(told: Mapping[str, Any]) -> Any:
        visit = told.get(CALL)
        answer = endpoint(**(told if visit is None else {**told, CALL: visit.enter()}))
        if not isinstance(answer, entry.answer):
            return answer
        return Response(answer.model_dump_json().encode(), entry.status, media_type=JSON)

    async def answered(**told: Any) -> Any:
        visit = told.get(CALL)
        return await (run_in_threadpool(made, told) if visit is None else visit.run(made, told))

    answered.__name__, answered.__doc__ = endpoint.__name__, endpoint.__doc__
    answered.__signature__ = signature(endpoint)  # type: ignore[attr-defined]
    return answered


def usual(endpoint: Callable[..., Any]) -> Mapping[str, Any] | None:
    """Return what a route is told by a request that names nothing: its defaults. None where something must be named."""
    wanted = signature(endpoint).parameters.values()
    told = {each.name: each.default for each in wanted if each.name != CALL}
    return None if Parameter.empty in told.values() else told


def deprecation(told: Deprecated) -> dict[str, str]:
    """Return the headers of a route that will go. Source: RFC 9745 (Deprecation), RFC 8594 (Sunset)."""
    return {"Deprecation": f"@{told.since_s}", "Sunset": formatdate(told.gone_s, usegmt=True)}


def as_table(answer: Response, form: str, rows: type[BaseModel]) -> Response:
    """Return a list's answer as a table, unless the route has answered in that form itself."""
    if answer.headers.get("content-type") != JSON:
        return answer
    return Response(written(form, rows, json.loads(bytes(answer.body))["items"]), media_type=form)


def fresh(request: Request, answer: Response) -> Response:
    """Return an answer with its tag, or 304 where the client holds it already."""
    body = getattr(answer, "body", None)  # an answer that streams has none, and no tag
    if answer.status_code != 200 or not isinstance(body, bytes):
        return answer
    tag = answer.headers.setdefault("ETag", tag_of(body))
    if not holds(request.headers.getlist("if-none-match"), tag):
        return answer
    kept = {name: value for name, value in answer.headers.items() if name in ("etag", "link")}
    return Response(status_code=304, headers=kept)
