"""Signing in with a key, the cookie that stands for it from then on, and the tokens of forms.

The key is asked of the door as the API does, with the limits of failed sign-ins, and is neither kept nor said again.
The cookie is new at each sign-in, whatever came before, so that nobody can be given one beforehand.
"""

import hmac
from collections.abc import Mapping
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from billing.api.call import House
from billing.console.policy import HOME, ROOT
from billing.store.api_changes import note
from tenants.access.errors import AccessError, Unauthenticated
from tenants.access.identity import Role
from tenants.access.scope import Scope
from tenants.access.sessions import LIFE_S, session_digest

SECOND_US = 1_000_000
_COOKIE_CHARS = 64
_FORM_S = 3_600  # how long a page for signing in may stand open
_NEXT_CHARS_MAX = 500


class Cookies(NamedTuple):
    """Names and attributes of the cookies. `secure`: they go over TLS alone, and their names say so."""

    secure: bool

    @property
    def session(self) -> str:
        """Name of the cookie of a session."""
        return "__Secure-spillway" if self.secure else "spillway"

    @property
    def form(self) -> str:
        """Name of the cookie that the form for signing in is bound to."""
        return f"{self.session}-form"

    def read(self, request: Request, name: str) -> str:
        """Return a cookie's text; "" for what cannot be one of ours."""
        text = request.cookies.get(name, "")
        return text if len(text) == _COOKIE_CHARS and text.isalnum() and text.isascii() else ""

    def put(self, response: Response, name: str, text: str, life_s: int) -> None:
        """Set a cookie that no script reads, no other site sends and no other part of this one is sent."""
        response.set_cookie(name, text, max_age=life_s, path=ROOT, secure=self.secure, httponly=True, samesite="strict")

    def drop(self, response: Response, name: str) -> None:
        """Take a cookie back."""
        response.delete_cookie(name, path=ROOT, secure=self.secure, httponly=True, samesite="strict")


def form_token(house: House, cookie: str) -> str:
    """Return what a form must carry to be believed: it proves that whoever drew it knew the cookie."""
    return hmac.digest(house.secrets.cursor, f"form {cookie}".encode(), "sha256").hex()


def is_ours(house: House, cookie: str, token: str) -> bool:
    """Whether a form was drawn for this cookie, in constant time."""
    return bool(cookie) and hmac.compare_digest(form_token(house, cookie).encode(), token.encode())


def from_here(headers: Mapping[str, str], scheme: str) -> bool:
    """Whether a form was posted from a page of this very origin, as far as the browser says."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or origin == f"{scheme}://{headers.get('host', '')}"


def new_cookie(house: House) -> str:
    """Return the text of a cookie for the form of signing in."""
    return house.entropy(_COOKIE_CHARS // 2).hex()


def put_session_cookie(cookies: Cookies, response: Response, text: str) -> None:
    """Hand out the cookie of a session; a browser keeps it no longer than it can hold."""
    cookies.put(response, cookies.session, text, LIFE_S)


def put_form_cookie(cookies: Cookies, response: Response, text: str) -> None:
    """Bind the form for signing in to this browser."""
    cookies.put(response, cookies.form, text, _FORM_S)


def signed_in(house: House, key: str, address: str, before: str) -> str:
    """Return the cookie of a new session for a key; a session that this browser had is ended.

    Raises:
        AccessError: as the API answers that key, and an agent's token as no key at all.
    """
    now_s = house.clock()
    house.limiter.require_address(address, now_s * SECOND_US)
    try:
        scope = house.door.sign_in(key.strip(), now_s)
        text = house.door.open_session(scope, now_s)
    except Unauthenticated:
        house.limiter.failed(address, now_s * SECOND_US)
        raise
    told(house, scope, "session.open", now_s)
    if before:
        signed_out(house, before)
    return text


def signed_out(house: House, cookie: str) -> None:
    """End the session of a cookie; nothing happens where there is none."""
    now_s = house.clock()
    try:
        scope = house.door.sign_in_session(cookie, now_s)
    except AccessError:
        return
    house.door.end_sessions(scope, [session_digest(cookie, house.secrets)], now_s)
    told(house, scope, "session.end", now_s)


def told(house: House, scope: Scope, action: str, now_s: int) -> None:
    """Write into the audit log that somebody signed in or out. An auditor writes nothing, not even that."""
    who = scope.principal
    if who.role is not Role.AUDITOR:
        with house.door.writing(scope) as bound:
            note(bound, who.tenant or "", action, who.id, "", {"key": who.key}, now_s)


def inside(path: str) -> str:
    """Return where to go after signing in: a page of the console, or its first one."""
    fits = path.startswith(f"{ROOT}/") and path.isascii() and path.isprintable() and len(path) <= _NEXT_CHARS_MAX
    return path if fits and "//" not in path and "\\" not in path else HOME
