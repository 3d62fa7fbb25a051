"""The console beside the API: pages for people, behind a session, in front of the same application.

    with_console(create_app(...)) -> an ASGI application that serves both

A request for a page passes, in this order: the session of its cookie (else: to the sign-in), the rate of its key (429),
the row of the page in `policy.PAGES` (404), and of a form that it was posted from here and drawn for this session.
A key in a header opens no page, and a cookie opens nothing of the API: each looks for its own alone.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from billing.api.call import House
from billing.api.policy import require_policies
from billing.console import signing
from billing.console.answers import dressed, error_page, file_answer, static_answer, view_answer
from billing.console.asking import Answer, Ask, File, Refused
from billing.console.blocks import View
from billing.console.drawing import draw
from billing.console.heard import at_root_for_eyes, read_form
from billing.console.pages.every import every_page
from billing.console.policy import HOME, LOGIN, LOGOUT, PAGES, ROOT, may_open
from billing.console.visit import Absent, Go, PageEntry, Visit
from billing.errors import StoreError
from tenants.access.errors import AccessError, Suspended, TooManyRequests, Unauthenticated
from tenants.access.scope import Scope as Signed
from tenants.access.sessions import session_digest

FORM_WAIT_S = 20  # how long a form may take to come; who is slower is not waited for
FRAGMENT = "x-spillway-fragment"  # the script asks for a page anew: nobody is sitting there for it
Fields = Mapping[str, Sequence[str]]
log = logging.getLogger("spillway.console")


def with_console(api: Starlette, *, behind_tls: bool = False) -> ASGIApp:
    """Return the API with the console beside it.

    Args:
        behind_tls: browsers reach it over https, through a proxy: cookies go over nothing else.

    Raises:
        BillingError: a page without a row in the table of who may, or a row without a page.
    """
    console = Console(api, behind_tls)

    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and (
            scope["path"] == ROOT or scope["path"].startswith(f"{ROOT}/") or at_root_for_eyes(scope)
        )
        await (console if ours else api)(scope, receive, send)

    return both


class Console:
    """See the module."""

    def __init__(self, api: Starlette, behind_tls: bool) -> None:
        self.api = api
        self.house: House = api.state.house
        self.scheme = "https" if behind_tls else ""
        self.cookies = signing.Cookies(behind_tls)
        self.pages = every_page()
        require_policies(((page.method, page.path) for page in self.pages), PAGES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            response = await self._answered(request)
        except TooManyRequests as error:
            response = error_page(429, f"Too many requests. Try again in {error.retry_after_s} s.")
        except StoreError as error:
            response = error_page(503 if error.code == "store_busy" else 500)
        except Exception as error:
            # The type alone: a message may quote what was posted, and that may be a key.
            log.error("%s while drawing a page", type(error).__name__)
            response = error_page(500)
        dressed(response)
        await response(scope, receive, send)

    async def _answered(self, request: Request) -> Response:
        path, method = request.scope["path"], "GET" if request.method == "HEAD" else request.method
        if path.startswith(f"{ROOT}/static/") and method == "GET":
            return static_answer(path.removeprefix(f"{ROOT}/static/"), request.headers.get("if-none-match"))
        if path in (ROOT, "/"):
            return RedirectResponse(HOME, 303)
        if method not in ("GET", "POST"):
            return error_page(405)
        try:
            async with asyncio.timeout(FORM_WAIT_S):
                form = await read_form(request) if method == "POST" else {}
        except TimeoutError:
            return error_page(408)
        if form is None or (form and not signing.from_here(request.headers, self.scheme or request.url.scheme)):
            return error_page(403 if form else 413)
        if path == LOGIN:
            return await (self._show_login(request) if method == "GET" else self._sign_in(request, form))
        cookie = self.cookies.read(request, self.cookies.session)
        if path == LOGOUT and method == "POST":
            return await self._sign_out(cookie, form)
        try:
            scope = await run_in_threadpool(self._admitted, request, cookie)
        except Unauthenticated:
            return self._to_login(request)
        except Suspended as found:
            now_us = self.house.clock() * signing.SECOND_US
            await run_in_threadpool(self.house.limiter.require, found.tenant, found.key, now_us)
            return error_page(403, "This tenant is suspended: keys and sessions do nothing until it is resumed.")
        return await self._page(request, cookie, scope, form)

    def _admitted(self, request: Request, cookie: str) -> Signed:
        """The scope of a session that holds, counted against its key's rate."""
        now_s = self.house.clock()
        scope = self.house.door.sign_in_session(cookie, now_s, touch=FRAGMENT not in request.headers)
        self.house.limiter.require(scope.principal.tenant, scope.principal.key, now_s * signing.SECOND_US)
        return scope

    async def _page(self, request: Request, cookie: str, scope: Signed, form: Fields) -> Response:
        method = "POST" if request.method == "POST" else "GET"
        found = find(self.pages, method, request.scope["path"])
        who = scope.principal
        if found is None or who.role not in PAGES[found[0].method, found[0].path].roles:
            return error_page(404)
        page, ids = found
        if not may_open(PAGES[page.method, page.path], who.role, who.scopes):
            return error_page(403, f"The key that you signed in with lacks the scope {PAGES[method, page.path].scope}.")
        if method == "POST" and not signing.is_ours(self.house, cookie, next(iter(form.get("csrf", ())), "")):
            return error_page(403, "This form was drawn for another session. Open the page anew and try again.")
        client = (request.client.host, request.client.port) if request.client else None
        visit = Visit(
            self.house,
            Ask(self.api, scope, client),
            scope,
            ids,
            dict(request.query_params),
            form,
            digest=session_digest(cookie, self.house.secrets),
            now_s=self.house.clock(),
        )
        token = signing.form_token(self.house, cookie)
        try:
            shown = await page.opens(visit)
        except Absent:
            return error_page(404)
        except Refused as refused:
            return await self._refused(request, page, visit, token, refused.answer)
        if isinstance(shown, Go):
            query = f"?done={shown.done}" if shown.done else ""
            return RedirectResponse(f"{shown.path}{query}", 303)
        if isinstance(shown, File):
            return file_answer(shown)
        return view_answer(request, visit, shown, token)

    async def _refused(self, request: Request, page: PageEntry, visit: Visit, token: str, answer: Answer) -> Response:
        """The page that a change was made from, with why it was refused; or the refusal alone."""
        back = next(each for each in self.pages if (each.method, each.path) == ("GET", page.back))
        if page.method == "GET" or answer.status in (404, 429) or answer.status >= 500:
            return error_page(answer.status)
        visit.problem = answer
        try:
            shown = await back.opens(visit)
        except Refused as refused:
            return error_page(refused.answer.status)
        assert isinstance(shown, View)
        return view_answer(request, visit, shown, token, answer.status)

    async def _show_login(self, request: Request, wrong: str = "", status: int = 200) -> Response:
        cookie = self.cookies.read(request, self.cookies.form) or signing.new_cookie(self.house)
        onwards = signing.inside(request.query_params.get("next", ""))
        token = signing.form_token(self.house, cookie)
        response = Response(
            draw("login.html.j2", csrf=token, onwards=onwards, wrong=wrong), status, media_type="text/html"
        )
        signing.put_form_cookie(self.cookies, response, cookie)
        return response

    async def _sign_in(self, request: Request, form: Fields) -> Response:
        bound = self.cookies.read(request, self.cookies.form)
        if not signing.is_ours(self.house, bound, next(iter(form.get("csrf", ())), "")):
            return await self._show_login(request, "The page was open for too long. Please try again.", 403)
        address = request.client.host if request.client else ""
        before = self.cookies.read(request, self.cookies.session)
        key = next(iter(form.get("key", ())), "")
        try:
            text = await run_in_threadpool(signing.signed_in, self.house, key, address, before)
        except TooManyRequests as error:
            return await self._show_login(request, f"Too many tries. Again in {error.retry_after_s} s.", 429)
        except Suspended:
            return await self._show_login(request, "This tenant is suspended.", 403)
        except AccessError:
            return await self._show_login(request, "This key does not open anything.", 401)
        response = RedirectResponse(signing.inside(next(iter(form.get("next", ())), "")), 303)
        signing.put_session_cookie(self.cookies, response, text)
        return response

    async def _sign_out(self, cookie: str, form: Fields) -> Response:
        if not signing.is_ours(self.house, cookie, next(iter(form.get("csrf", ())), "")):
            return error_page(403)
        await run_in_threadpool(signing.signed_out, self.house, cookie)
        response = RedirectResponse(LOGIN, 303)
        self.cookies.drop(response, self.cookies.session)
        return response

    def _to_login(self, request: Request) -> Response:
        if FRAGMENT in request.headers:
            return error_page(401)
        here = request.scope["path"] + (f"?{request.url.query}" if request.url.query else "")
        response = RedirectResponse(f"{LOGIN}?next={quote(here)}" if request.method == "GET" else LOGIN, 303)
        if self.cookies.session in request.cookies:
            self.cookies.drop(response, self.cookies.session)
        return response


def find(pages: list[PageEntry], method: str, path: str) -> tuple[PageEntry, dict[str, str]] | None:
    """Return the page of a path with the ids in it; None where there is none. An id holds no control character."""
    parts = path.split("/")
    for page in pages:
        wanted = page.path.split("/")
        if page.method != method or len(wanted) != len(parts):
            continue
        pairs = list(zip(wanted, parts, strict=True))
        ids = {name[1:-1]: part for name, part in pairs if name.startswith("{")}
        if all(name == part for name, part in pairs if not name.startswith("{")) and all(
            part and part.isprintable() for part in ids.values()
        ):
            return page, ids
    return None
