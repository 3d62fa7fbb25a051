"""What a browser has sent: the fields of a form, and whether somebody sits before it."""

from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope

from billing.api.formats import JSON, negotiate
from billing.api.problems import Problem

FORM_BYTES_MAX, FIELDS_MAX = 65_536, 300
_FORM_TYPE, _HTML = "application/x-www-form-urlencoded", "text/html"


def at_root_for_eyes(scope: Scope) -> bool:
    """Whether a browser asks for the root of the service: people are led to the console, programs told of the API."""
    if scope["path"] != "/" or scope["method"] not in ("GET", "HEAD"):
        return False
    try:
        return negotiate(Headers(scope=scope).get("accept") or "", (JSON, _HTML)) == _HTML
    except Problem:
        return False


async def read_form(request: Request) -> dict[str, list[str]] | None:
    """Return the fields that were posted; None for what is no form, is too long, or is not UTF-8."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM_TYPE:
        return None
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            return None
    try:
        return parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError:
        return None
