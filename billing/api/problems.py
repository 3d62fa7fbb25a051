"""What goes wrong, as RFC 9457 problem documents: the one place in which errors meet HTTP statuses.

A problem says what is wrong and never repeats what was sent: a value at fault may be a key. It holds nothing that
differs from one request to the next (the request's id stands in a header), so that two refusals for the same cause are
the same bytes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.requests import Request

from billing.errors import StoreError
from tenants.access.errors import Forbidden, Suspended, TooManyRequests, Unauthenticated
from tenants.errors import TenantError

URN = "urn:spillway:problem:"
# slug: (status, title). The slug is stable; scripts look at it.
KINDS: Mapping[str, tuple[int, str]] = {
    "unauthenticated": (401, "The key is missing or not valid"),
    "forbidden": (403, "The key may not do this"),
    "suspended": (403, "The tenant is suspended"),
    "not_found": (404, "There is nothing here"),
    "method_not_allowed": (405, "The method is not allowed here"),
    "not_acceptable": (406, "There is no answer of the kind that is accepted"),
    "request_timeout": (408, "The request took too long to come"),
    "conflict": (409, "It stands in conflict with what is there"),
    "month_open": (409, "The month cannot be closed yet"),
    "precondition_failed": (412, "It has changed since"),
    "body_too_large": (413, "The body is too large"),
    "unsupported_media_type": (415, "The body must be application/json in UTF-8"),
    "invalid_request": (422, "The request is not valid"),
    "idempotency_mismatch": (422, "The Idempotency-Key was used for another request"),
    "precondition_required": (428, "If-Match must say what was seen"),
    "too_many_requests": (429, "Too many requests"),
    "internal": (500, "A fault of ours"),
    "unavailable": (503, "Not ready"),
}
_BY_STATUS = {400: "invalid_request", 404: "not_found", 405: "method_not_allowed"}
_ABSENT = ("unknown_entry", "unknown_grant", "unknown_key_id", "unknown_tenant", "unknown_account", "unknown_token")
_CONFLICTS = ("conflict", "duplicate", "not_live", "wrong_status")
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,31}")  # what may be named of a request: words like our own, never a value
_ERRORS_MAX = 10
MONTH_PATTERN = r"^[0-9]{4}-(0[1-9]|1[0-2])$"
# Words of pydantic that say what is allowed and never what was found.
_REASONS = {
    "missing": "is missing",
    "extra_forbidden": "is not known",
    "string_type": "must be text",
    "int_type": "must be an integer",
    "int_parsing": "must be an integer",
    "int_from_float": "must be an integer",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_attributes_type": "must be an object",
    "too_short": "has too few entries",
    "string_too_short": "is too short",
    "string_pattern_mismatch": "is malformed",
}
_LIMITED = {
    "greater_than_equal": ("must be at least", "ge"),
    "greater_than": ("must be above", "gt"),
    "less_than_equal": ("must be at most", "le"),
    "less_than": ("must be below", "lt"),
    "string_too_long": ("is too long, characters at most", "max_length"),
    "too_long": ("has too many entries, at most", "max_length"),
    "literal_error": ("must be", "expected"),
    "enum": ("must be", "expected"),
}


# What the description of the API says of every refusal.
_FAULT = {"type": "object", "additionalProperties": False, "required": ["at", "reason"]}
_TEXT = {"type": "string"}
_PROBLEM = {
    "type": "object",
    "additionalProperties": False,
    "required": ["type", "title", "status"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "errors": {"type": "array", "items": {**_FAULT, "properties": {"at": _TEXT, "reason": _TEXT}}},
    },
}


def described(statuses: Iterable[int]) -> dict[int | str, dict[str, Any]]:
    """Return what the description of a route says of its refusals: each status, and which problems have it."""
    found: dict[int | str, dict[str, Any]] = {}
    for status in sorted(statuses):
        kinds = [f"{URN}{slug}: {title}" for slug, (of_kind, title) in KINDS.items() if of_kind == status]
        content = {"application/problem+json": {"schema": _PROBLEM}}
        found[status] = {"description": "; ".join(kinds), "content": content}
    return found


class Fault(NamedTuple):
    """One thing that is wrong with a request: where, in words like `body.name`, and what is allowed there."""

    at: str
    reason: str


class Problem(Exception):
    """A refusal of the API.

    Attributes:
        slug:          one of `KINDS`.
        faults:        what is wrong with the request, if that is why.
        retry_after_s: when asking again makes sense; 0: no word of it.
    """

    def __init__(self, slug: str, faults: Sequence[Fault] = (), retry_after_s: int = 0) -> None:
        super().__init__(slug)
        self.slug = slug
        self.faults = tuple(faults)
        self.retry_after_s = retry_after_s


def invalid(at: str, reason: str) -> Problem:
    """Return the problem of one field."""
    return Problem("invalid_request", [Fault(at, reason)])


def document(problem: Problem) -> dict[str, Any]:
    """Return a problem as its document."""
    status, title = KINDS[problem.slug]
    told: dict[str, Any] = {"type": URN + problem.slug, "title": title, "status": status}
    if problem.faults:
        told["errors"] = [fault._asdict() for fault in problem.faults[:_ERRORS_MAX]]
    return told


def response(problem: Problem) -> JSONResponse:
    """Return a problem as a response."""
    headers = {}
    if problem.slug == "unauthenticated":
        headers["WWW-Authenticate"] = "Bearer"
    if problem.retry_after_s:
        headers["Retry-After"] = str(problem.retry_after_s)
    status = KINDS[problem.slug][0]
    return JSONResponse(document(problem), status, headers, media_type="application/problem+json")


def problem_of(error: Exception) -> Problem:
    """Return the problem for an error. Whatever is not listed is a fault of ours, and says no more than that."""
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return Problem("invalid_request", faults_of(error.errors()))
        case Unauthenticated():
            return Problem("unauthenticated")
        case Suspended():
            return Problem("suspended")
        case Forbidden():
            return Problem("forbidden")
        case TooManyRequests():
            return Problem("too_many_requests", retry_after_s=error.retry_after_s)
        case StoreError():
            return Problem("unavailable", retry_after_s=1) if error.code == "store_busy" else Problem("internal")
        case TenantError():
            return _of_tenants(error)
        case _:
            return Problem("internal")


def _of_tenants(error: TenantError) -> Problem:
    """The problem for what `tenants` refuses. Its message is said without the value that was found."""
    if error.code in _ABSENT:
        return Problem("not_found")
    if error.code in _CONFLICTS:
        return Problem("conflict")
    return Problem("invalid_request", [Fault(place_of(("body", *(error.path or "").split("."))), error.message)])


def of_status(status: int) -> Problem:
    """Return the problem for a status that the framework has chosen."""
    return Problem(_BY_STATUS.get(status, "internal" if status >= 500 else "invalid_request"))


def faults_of(reports: Sequence[Any]) -> list[Fault]:
    """Return what pydantic found, in words of ours: places and what is allowed, never a value."""
    return [Fault(place_of(report["loc"]), _reason(report)) for report in reports]


def place_of(steps: Sequence[int | str]) -> str:
    """Return a place as `body.items[3].name`; a name that does not look like one of ours is `?`."""
    place = ""
    for step in steps:
        if isinstance(step, int):
            place += f"[{step}]"
        else:
            word = step if _FIELD.fullmatch(step.lower().replace("-", "_")) and "spw_" not in step.lower() else "?"
            place += f".{word}" if place else word
    return place


def _reason(report: Mapping[str, Any]) -> str:
    kind = report["type"]
    if kind in _LIMITED:
        words, key = _LIMITED[kind]
        return f"{words} {report.get('ctx', {}).get(key)}"
    if kind == "value_error":  # of our own validators, whose words never repeat the value
        return str(report.get("ctx", {}).get("error", "is not valid"))
    if kind == "string_pattern_mismatch" and report.get("ctx", {}).get("pattern") == MONTH_PATTERN:
        return "must be a month as 2026-11"
    return _REASONS.get(kind, "is not valid")


async def answer(_request: Request, error: Exception) -> JSONResponse:
    """Answer an error with its problem: the handler of every exception that a route may raise."""
    return response(problem_of(error))
